// Decoded and resized pictures in memory, in blocks, so that a set may be larger than an array.
namespace Dl.Data.Images;

/// <summary>Pictures of one size. Different ones may be written at the same time.</summary>
internal sealed class PictureCache
{
    private const int BlockBytes = 1 << 26;

    private readonly int _size;
    private readonly int _inBlock;
    private readonly byte[][] _blocks;

    /// <param name="count">Pictures.</param>
    /// <param name="size">Bytes of each.</param>
    public PictureCache(int count, int size)
    {
        _size = size;
        _inBlock = Math.Max(1, BlockBytes / size);
        _blocks = new byte[(count + _inBlock - 1) / _inBlock][];
        for (int i = 0; i < _blocks.Length; i++)
        {
            int pictures = Math.Min(_inBlock, count - (i * _inBlock));
            _blocks[i] = GC.AllocateUninitializedArray<byte>(checked(pictures * size));
        }
    }

    /// <summary>
    /// Bytes that pictures may take: a quarter of what the process may use, which leaves room for
    /// the model, its steps and the batches that are read ahead.
    /// </summary>
    public static long Limit => GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 4;

    public Span<byte> this[int picture] =>
        _blocks[picture / _inBlock].AsSpan(picture % _inBlock * _size, _size);
}
