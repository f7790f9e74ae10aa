// IDX, the format of MNIST: two zero bytes, the type (8 = unsigned byte), the number of dimensions,
// each extent as a big-endian 32-bit number, then the values.
using System.Buffers.Binary;

namespace Dl.Data.Formats;

/// <summary>An array of bytes with its extents.</summary>
internal sealed record IdxFile(string Path, int[] Extents, byte[] Data)
{
    /// <summary>Most bytes that gzip makes of one.</summary>
    private const long GzipLimit = 1040;

    public static bool Detect(ReadOnlySpan<byte> head) =>
        head.Length >= 8 && head[0] == 0 && head[1] == 0
        && head[2] is 0x08 or 0x09 or (>= 0x0B and <= 0x0E) && head[3] is >= 1 and <= 4;

    /// <exception cref="DataException">Not an array of bytes, or cut off.</exception>
    public static IdxFile Read(string path)
    {
        using Stream stream = InputFile.Open(path);
        Span<byte> word = stackalloc byte[4];
        try
        {
            stream.ReadExactly(word);
            if (word[0] != 0 || word[1] != 0 || word[2] != 0x08 || word[3] is 0 or > 4)
            {
                throw new DataException(
                    $"{path}: header {Convert.ToHexString(word)}, expected an IDX array of "
                    + "unsigned bytes (000008 and 1 to 4 dimensions)");
            }
            var extents = new int[word[3]];
            long count = 1;
            for (int i = 0; i < extents.Length; i++)
            {
                stream.ReadExactly(word);
                extents[i] = BinaryPrimitives.ReadInt32BigEndian(word);
                long limit = new FileInfo(path).Length * GzipLimit;
                if (extents[i] < 0 || (count *= extents[i]) > Math.Min(limit, int.MaxValue))
                {
                    throw new DataException(
                        $"{path}: extent {i} is {(uint)extents[i]}, which the file cannot hold; "
                        + "it is damaged");
                }
            }
            var data = new byte[count];
            stream.ReadExactly(data);
            return new IdxFile(path, extents, data);
        }
        catch (Exception error) when (error is EndOfStreamException or InvalidDataException)
        {
            throw new DataException($"{path}: ends before its last value; it is cut off", error);
        }
    }

    /// <summary>The file of labels beside a file of images: `images` and `idx3` replaced.</summary>
    public static string? LabelsBeside(string imagesPath)
    {
        string folder = System.IO.Path.GetDirectoryName(imagesPath) ?? "";
        string name = System.IO.Path.GetFileName(imagesPath);
        string labels = name
            .Replace("images", "labels", StringComparison.Ordinal)
            .Replace("idx3", "idx1", StringComparison.Ordinal)
            .Replace("idx4", "idx1", StringComparison.Ordinal);
        if (labels == name)
        {
            return null;
        }
        string plain = labels.EndsWith(".gz", StringComparison.Ordinal) ? labels[..^3] : labels;
        foreach (string candidate in new[] { plain, plain + ".gz" })
        {
            string path = System.IO.Path.Combine(folder, candidate);
            if (File.Exists(path))
            {
                return path;
            }
        }
        return null;
    }

    /// <summary>
    /// Whether a file name is that of IDX images, e.g. `t10k-images-idx3-ubyte.gz`.
    /// </summary>
    public static bool IsImagesName(string path)
    {
        string name = InputFile.PlainName(path);
        return name.Contains("images", StringComparison.Ordinal)
            && (name.Contains("idx3", StringComparison.Ordinal)
                || name.Contains("idx4", StringComparison.Ordinal));
    }
}
