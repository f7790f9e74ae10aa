// One picture of a data set: a file, or one of the pictures of an IDX file.
using Dl.Data.Formats;
using Microsoft.Win32.SafeHandles;

namespace Dl.Data.Images;

/// <summary>Where a picture lies and which class it has.</summary>
internal sealed record ImageItem
{
    public const int NoLabel = -1;

    private static readonly int[] HeadSizes = [1 << 12, 1 << 16];

    /// <summary>Relative path, or index in the IDX file: what identifies it for the user.</summary>
    public required string Id { get; init; }

    /// <summary>File name for messages.</summary>
    public required string Where { get; init; }

    public string? File { get; init; }

    public IdxFile? Block { get; init; }

    public int Index { get; init; }

    /// <summary>Index of the class or <see cref="NoLabel"/>.</summary>
    public int Label { get; init; } = NoLabel;

    /// <summary>The class as written, when it is not among the known ones.</summary>
    public string? UnknownLabel { get; init; }

    public Part Part { get; init; }

    /// <summary>What is wrong with the row that names it; thrown instead of reading.</summary>
    public DataException? Bad { get; init; }

    /// <summary>Bytes of the file, once it has been identified; -1 before.</summary>
    public long Length { get; private set; } = -1;

    /// <summary>Reads the header.</summary>
    /// <exception cref="DataException">It cannot be understood, or not be read.</exception>
    public ImageInfo Identify()
    {
        ThrowIfBad();
        if (Block is not null)
        {
            (int height, int width, int channels) = BlockShape(Block);
            return new ImageInfo("idx", width, height, channels);
        }
        try
        {
            using SafeFileHandle handle = System.IO.File.OpenHandle(
                File!, share: FileShare.ReadWrite | FileShare.Delete);
            Length = RandomAccess.GetLength(handle);
            return Identify(handle);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw InputFile.Unreadable(File!, error);
        }
    }

    /// <summary>
    /// The header is nearly always in the first block; a thumbnail or a colour profile may push it
    /// out, and some formats tell of turning at their end.
    /// </summary>
    private ImageInfo Identify(SafeFileHandle handle)
    {
        foreach (int size in HeadSizes)
        {
            byte[] head = new byte[(int)Math.Min(Length, size)];
            int read = 0, got;
            do
            {
                got = RandomAccess.Read(handle, head.AsSpan(read), read);
                read += got;
            }
            while (got > 0 && read < head.Length);
            try
            {
                return ImageCodec.Identify(read == head.Length ? head : head[..read], Where);
            }
            catch (DataException) when (read == size)
            {
                // More of the file may help.
            }
        }
        return ImageCodec.Identify(InputFile.ReadAll(File!), Where);
    }

    /// <summary>Decodes to a size and a number of channels.</summary>
    /// <param name="output">height x width x channels bytes.</param>
    /// <returns>What the decoder found odd, with the name of the file; or null.</returns>
    /// <exception cref="DataException">The file cannot be read or is damaged.</exception>
    public string? Load(int height, int width, int channels, Span<byte> output)
    {
        ThrowIfBad();
        if (Block is null)
        {
            return ImageCodec.Load(
                InputFile.ReadAll(File!), Where, width, height, channels, output)
                is string warning ? $"{Where}: {warning}" : null;
        }
        Resize.To(Resize.ToChannels(OfBlock(Block), channels), width, height, output);
        return null;
    }

    /// <summary>The picture as it is stored in an IDX file.</summary>
    public Image OfBlock(IdxFile block)
    {
        (int height, int width, int channels) = BlockShape(block);
        int size = height * width * channels;
        return new Image(width, height, channels, block.Data.AsSpan(Index * size, size).ToArray());
    }

    public static (int Height, int Width, int Channels) BlockShape(IdxFile block)
    {
        int[] extents = block.Extents;
        if (extents.Length < 3 || extents[1] == 0 || extents[2] == 0
            || (extents.Length == 4 && extents[3] is not (1 or 3)))
        {
            throw new DataException(
                $"{block.Path}: extents {string.Join('x', extents)}, expected pictures x height x "
                + "width, or with 1 or 3 channels last");
        }
        return (extents[1], extents[2], extents.Length == 4 ? extents[3] : 1);
    }

    private void ThrowIfBad()
    {
        if (Bad is not null)
        {
            throw Bad;
        }
    }
}
