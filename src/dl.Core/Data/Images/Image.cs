// Pictures between file and tensor: as decoded, as their header announces them, as they were asked
// for.
using System.Buffers;

namespace Dl.Data.Images;

/// <summary>A decoded picture: 8 bits a sample, channels last, rows from the top.</summary>
/// <param name="Channels">1 grey, 2 grey + alpha, 3 RGB, 4 RGB + alpha.</param>
/// <param name="Pixels">Height x Width x Channels bytes.</param>
public sealed record Image(int Width, int Height, int Channels, byte[] Pixels)
{
    /// <summary>What the decoder found odd in a file that can still be used; or null.</summary>
    public string? Warning { get; init; }
}

/// <summary>What a picture's header says. Extents are as stored, before EXIF rotation.</summary>
/// <param name="Orientation">EXIF orientation 1..8; 5 to 8 swap width and height.</param>
/// <param name="Bits">Bits a sample as stored; of more than 8 the upper 8 are kept.</param>
public sealed record ImageInfo(
    string Format, int Width, int Height, int Channels, int Orientation = 1, int Bits = 8)
{
    /// <summary>Width and height as the picture is meant to be seen.</summary>
    public (int Width, int Height) Upright =>
        Orientation >= 5 ? (Height, Width) : (Width, Height);
}

/// <summary>What a decoder is asked for.</summary>
/// <param name="Width">
/// Upright, or 0: the picture may come smaller than stored, but no smaller than this.
/// </param>
internal readonly record struct Wanted(int Width, int Height)
{
    /// <summary>
    /// 1: colour is not needed, and may be left out where that is quick; 0: as stored.
    /// </summary>
    public int Channels { get; init; }

    /// <summary>The pixels may lie in a longer array, which is given back by and by.</summary>
    public bool Rented { get; init; }
}

/// <summary>A picture as it lies in its file.</summary>
/// <param name="Orientation">EXIF orientation 1..8 that is yet to be undone.</param>
internal sealed record Stored(Image Image, int Orientation = 1)
{
    /// <summary>An array of the shared pool, or null.</summary>
    public byte[]? Rented { get; init; }

    /// <summary>Gives the pixels back; the picture is not to be used any more.</summary>
    public void Return()
    {
        if (Rented is not null)
        {
            ArrayPool<byte>.Shared.Return(Rented);
        }
    }
}
