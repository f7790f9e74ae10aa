// A short name for data: SHA-256 over names, lengths and samples of the content, cut to 128 bits.
// No absolute path and no time goes in, so a copy of the data has the same fingerprint.
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Dl.Data.Formats;

namespace Dl.Data;

/// <summary>Collects files in order; the order is part of the result.</summary>
internal sealed class Fingerprint : IDisposable
{
    private const int SampleBytes = 1 << 16;
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    public void Add(string name, ReadOnlySpan<byte> content)
    {
        AddHeader(name, content.Length);
        _hash.AppendData(content);
    }

    /// <summary>Name and length; the content only where <paramref name="sampled"/>.</summary>
    /// <param name="name">Without the part of the path that may change.</param>
    /// <param name="path">Where it lies.</param>
    /// <param name="sampled">Start, middle and end of the content belong to it.</param>
    /// <param name="known">The file's length where it is known; else -1.</param>
    /// <exception cref="DataException">The file is not there or may not be read.</exception>
    public void AddFile(string name, string path, bool sampled, long known = -1)
    {
        try
        {
            AddReadable(name, path, sampled, known);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw InputFile.Unreadable(path, error);
        }
    }

    private void AddReadable(string name, string path, bool sampled, long known)
    {
        long length = known >= 0 ? known : new FileInfo(path).Length;
        AddHeader(name, length);
        if (!sampled)
        {
            return;
        }
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1);
        // Start, middle and end: a change of a long file is found without reading all of it.
        var buffer = new byte[SampleBytes];
        foreach (long at in new[] { 0, (length - SampleBytes) / 2, length - SampleBytes })
        {
            file.Position = Math.Max(0, at);
            int read = file.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
            _hash.AppendData(buffer.AsSpan(0, read));
        }
    }

    /// <summary>32 hexadecimal digits.</summary>
    public string Finish() =>
        Convert.ToHexStringLower(_hash.GetHashAndReset().AsSpan(0, 16));

    public void Dispose() => _hash.Dispose();

    private void AddHeader(string name, long length)
    {
        _hash.AppendData(Encoding.UTF8.GetBytes(name));
        Span<byte> size = stackalloc byte[9];
        BinaryPrimitives.WriteInt64LittleEndian(size[1..], length);
        _hash.AppendData(size);
    }
}
