// What is kept of a picture once it has been decoded: about 400 bytes, so that 100,000 pictures
// take 40 MB.
//   dHash: the signs of the differences of neighbours in a 9 x 8 grey thumbnail (64 bits)
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Dl.Data.Formats;
using Dl.Data.Images;

namespace Dl.Data.Checks;

/// <summary>One picture, decoded and forgotten.</summary>
internal sealed record PictureFact
{
    /// <summary>Decoders that can are asked for no more than this.</summary>
    private const int DecodedSize = 64;
    public const int ThumbSize = 16;

    /// <summary>A difference of grey levels that compression makes of one colour.</summary>
    private const int BlankRange = 2;

    public required ImageItem Item { get; init; }

    /// <summary>Its class; null: none.</summary>
    public string? Class { get; init; }

    /// <summary>False: training passes over it for its name.</summary>
    public bool Seen { get; init; } = true;

    /// <summary>Why it cannot be used; null: it can.</summary>
    public (CheckKind Kind, string Message)? Problem { get; init; }

    public ImageInfo? Info { get; init; }

    /// <summary>1 grey, 2 grey with alpha, 3 colour, 4 colour with alpha.</summary>
    public int Channels { get; init; }

    /// <summary>Bits a sample.</summary>
    public int Depth { get; init; } = 8;

    public string? Warning { get; init; }

    /// <summary>Hash of the file's bytes; 0 where the picture is part of a larger file.</summary>
    public UInt128 Bytes { get; init; }

    /// <summary>Hash of extents and pixels as decoded.</summary>
    public UInt128 Pixels { get; init; }

    public ulong DHash { get; init; }

    /// <summary>16 x 16 grey levels.</summary>
    public byte[] Thumb { get; init; } = [];

    public bool Blank { get; init; }

    public string Place => Item.Where;

    /// <summary>Reads and decodes; never throws for what is wrong with the file.</summary>
    public static PictureFact Of(ImageItem item, string? label)
    {
        var fact = new PictureFact { Item = item, Class = label };
        try
        {
            if (item.Bad is DataException bad)
            {
                return fact with { Problem = (ReadingKinds.BadRow, bad.Message) };
            }
            return item.Block is IdxFile block ? OfPixels(fact, item, block) : OfFile(fact, item);
        }
        catch (DataException error)
        {
            return fact with { Problem = (PictureKinds.Damaged, error.Message) };
        }
    }

    private static PictureFact OfFile(PictureFact fact, ImageItem item)
    {
        if (!File.Exists(item.File))
        {
            return fact with
            {
                Problem = (PictureKinds.Missing, "no such file; correct the path"),
            };
        }
        byte[] bytes = InputFile.ReadAll(item.File);
        if (bytes.Length == 0)
        {
            return fact with { Problem = (PictureKinds.Empty, "the file is empty; remove it") };
        }
        ImageInfo info;
        try
        {
            info = ImageCodec.Identify(bytes, item.Where);
        }
        catch (DataException error) when (!ImageCodec.IsImage(bytes))
        {
            return fact with { Problem = (PictureKinds.NoPicture, error.Message) };
        }
        Image image = ImageCodec.Decode(bytes, item.Where, DecodedSize, DecodedSize);
        return Described(fact, image) with
        {
            Info = info,
            Depth = info.Format == "png" && bytes.Length > 24 ? Math.Max((byte)8, bytes[24]) : 8,
            Bytes = Hash(bytes),
        };
    }

    private static PictureFact OfPixels(PictureFact fact, ImageItem item, IdxFile block) =>
        Described(fact, item.OfBlock(block)) with { Info = item.Identify() };

    private static PictureFact Described(PictureFact fact, Image image)
    {
        Image grey = Resize.ToChannels(image, 1);
        Span<byte> small = stackalloc byte[9 * 8];
        Resize.To(grey, 9, 8, small);
        ulong hash = 0;
        for (int y = 0; y < 8; y++)
        {
            for (int x = 0; x < 8; x++)
            {
                hash = (hash << 1) | (small[(y * 9) + x] < small[(y * 9) + x + 1] ? 1u : 0);
            }
        }
        var thumb = new byte[ThumbSize * ThumbSize];
        Resize.To(grey, ThumbSize, ThumbSize, thumb);
        return fact with
        {
            Channels = image.Channels,
            Warning = image.Warning,
            Pixels = Hash(image),
            DHash = hash,
            Thumb = thumb,
            Blank = IsBlank(image),
        };
    }

    /// <summary>Hardly any difference between any two pixels in any channel.</summary>
    private static bool IsBlank(Image image)
    {
        ReadOnlySpan<byte> pixels = image.Pixels;
        int channels = image.Channels;
        Span<byte> low = stackalloc byte[4], high = stackalloc byte[4];
        pixels[..channels].CopyTo(low);
        pixels[..channels].CopyTo(high);
        for (int i = 0; i < pixels.Length; i += channels)
        {
            for (int c = 0; c < channels; c++)
            {
                byte value = pixels[i + c];
                low[c] = Math.Min(low[c], value);
                high[c] = Math.Max(high[c], value);
                if (high[c] - low[c] > BlankRange)
                {
                    return false;
                }
            }
        }
        return true;
    }

    private static UInt128 Hash(Image image)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        ReadOnlySpan<int> extents = [image.Width, image.Height, image.Channels];
        hash.AppendData(MemoryMarshal.AsBytes(extents));
        hash.AppendData(image.Pixels);
        return BinaryPrimitives.ReadUInt128LittleEndian(hash.GetHashAndReset());
    }

    private static UInt128 Hash(byte[] bytes) =>
        BinaryPrimitives.ReadUInt128LittleEndian(SHA256.HashData(bytes));
}
