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
