// From a PNG row as stored (1 to 16 bits a sample, or palette indices) to bytes, one a channel.
using System.Buffers.Binary;

namespace Dl.Data.Images;

/// <summary>Expands the rows of one picture.</summary>
internal sealed class PngExpander(
    int depth, int color, byte[]? palette, byte[]? transparency, int channels)
{
    private readonly int _samples = color switch { 2 => 3, 4 => 2, 6 => 4, _ => 1 };

    /// <param name="row">Stored samples, packed from the high bits.</param>
    /// <param name="pixels">Where the row's first pixel goes.</param>
    /// <param name="width">Pixels in the row.</param>
    /// <param name="step">Bytes from one pixel to the next.</param>
    public void Expand(ReadOnlySpan<byte> row, Span<byte> pixels, int width, int step)
    {
        if (depth == 8 && color != 3 && transparency is null && step == channels)
        {
            row[..(width * channels)].CopyTo(pixels);
            return;
        }
        Span<int> sample = stackalloc int[4];
        for (int x = 0, at = 0; x < width; x++, at += step)
        {
            for (int s = 0; s < _samples; s++)
            {
                sample[s] = Sample(row, (x * _samples) + s);
            }
            Span<byte> pixel = pixels.Slice(at, channels);
            if (color == 3)
            {
                FromPalette(sample[0], pixel);
                continue;
            }
            for (int s = 0; s < _samples; s++)
            {
                pixel[s] = ToByte(sample[s]);
            }
            if (transparency is not null)
            {
                pixel[channels - 1] = IsTransparent(sample) ? (byte)0 : (byte)255;
            }
        }
    }

    private int Sample(ReadOnlySpan<byte> row, int index)
    {
        switch (depth)
        {
            case 8:
                return row[index];
            case 16:
                return BinaryPrimitives.ReadUInt16BigEndian(row[(index * 2)..]);
            default:
                int bit = index * depth;
                return (row[bit >> 3] >> (8 - depth - (bit & 7))) & ((1 << depth) - 1);
        }
    }

    /// <summary>
    /// Full range to full range: 1 bit becomes 0 or 255, 16 bits keep the high byte.
    /// </summary>
    private byte ToByte(int sample) => depth switch
    {
        8 => (byte)sample,
        16 => (byte)(sample >> 8),
        _ => (byte)(sample * 255 / ((1 << depth) - 1)),
    };

    private void FromPalette(int index, Span<byte> pixel)
    {
        if ((index * 3) + 3 > palette!.Length)
        {
            throw new DataException(
                $"PNG pixel with palette colour {index}, the palette has {palette.Length / 3}");
        }
        palette.AsSpan(index * 3, 3).CopyTo(pixel);
        if (transparency is not null)
        {
            pixel[3] = index < transparency.Length ? transparency[index] : (byte)255;
        }
    }

    /// <summary>Grey or RGB: exactly one colour, given in stored depth, is transparent.</summary>
    private bool IsTransparent(ReadOnlySpan<int> sample)
    {
        for (int s = 0; s < _samples; s++)
        {
            if (sample[s] != BinaryPrimitives.ReadUInt16BigEndian(transparency.AsSpan(s * 2)))
            {
                return false;
            }
        }
        return true;
    }
}
