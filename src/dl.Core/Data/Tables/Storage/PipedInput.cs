// A table that comes on a pipe, of any length. What fits into memory is taken whole, as the
// fingerprint of data and a Parquet file need it; of more, the start is kept, the rest is passed on
// as it comes, and a Parquet file goes through a scratch file.
using System.Buffers.Binary;
using System.IO.Compression;
using Dl.Data.Formats;
using Dl.Data.Formats.Parquet;

namespace Dl.Data.Tables.Storage;

/// <summary>One pipe, to be read once.</summary>
internal sealed class PipedInput : IDisposable
{
    /// <summary>Bytes that are kept whole at most, and at least where tables get less.</summary>
    private const int MostKept = 64 << 20, LeastKept = 1 << 20;

    private readonly Stream _pipe;
    private readonly byte[]? _whole;
    private readonly HashingStream? _hashing;

    /// <exception cref="DataException">What is packed is damaged.</exception>
    public PipedInput(string path, TableStorage storage, CancellationToken cancel)
    {
        string name = InputFile.Display(path);
        int kept = (int)Math.Clamp(storage.Memory, LeastKept, MostKept);
        _pipe = InputFile.Open(path);
        try
        {
            byte[] head = Take(_pipe, kept);
            Stream all = new ChainedStream(head, head.Length < kept ? Stream.Null : _pipe);
            if (head is [0x1F, 0x8B, ..])
            {
                _pipe = new GZipStream(all, CompressionMode.Decompress);
                head = Take(_pipe, kept);
                all = new ChainedStream(head, _pipe);
            }
            if (head.Length < kept)
            {
                _whole = head;
                Content = new MemoryStream(head);
                return;
            }
            _hashing = new HashingStream(all);
            Content = ParquetFile.Detect(head) ? Spill(_hashing, storage, cancel) : _hashing;
        }
        catch (Exception error) when (InputFile.IsDamage(error))
        {
            throw InputFile.Damaged(name, 0, error);
        }
    }

    /// <summary>What came, unpacked.</summary>
    public Stream Content { get; }

    /// <summary>Adds what was read; call it when all of it was.</summary>
    public void Finish(Fingerprint fingerprint)
    {
        if (_whole is not null)
        {
            fingerprint.Add("stdin", _whole);
            return;
        }
        Span<byte> length = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(length, _hashing!.Length);
        fingerprint.Add("stdin", [.. _hashing.Digest(), .. length]);
    }

    public void Dispose()
    {
        Content?.Dispose();
        _hashing?.Dispose();
        _pipe.Dispose();
    }

    private static byte[] Take(Stream stream, int count)
    {
        var taken = new MemoryStream();
        var buffer = new byte[1 << 16];
        while (taken.Length < count)
        {
            int read = stream.Read(
                buffer, 0, (int)Math.Min(buffer.Length, count - taken.Length));
            if (read == 0)
            {
                break;
            }
            taken.Write(buffer, 0, read);
        }
        return taken.ToArray();
    }

    private static ScratchStream Spill(
        Stream stream, TableStorage storage, CancellationToken cancel)
    {
        var file = new ScratchFile(storage.ScratchFolder);
        var buffer = new byte[1 << 20];
        int read;
        while ((read = stream.Read(buffer)) > 0)
        {
            cancel.ThrowIfCancellationRequested();
            file.Append(buffer.AsSpan(0, read), null);
        }
        return new ScratchStream(file);
    }
}
