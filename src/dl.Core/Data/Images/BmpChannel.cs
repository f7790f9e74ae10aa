// Where a colour lies in a BMP pixel of 16 or 32 bits: the bits of a mask, scaled to 0..255.
using System.Buffers.Binary;
using System.Numerics;

namespace Dl.Data.Images;

/// <summary>One colour's bits of a pixel.</summary>
internal readonly record struct BmpChannel
{
    /// <summary>Masks follow the first 40 bytes of the header, or are its next part.</summary>
    private const int MasksAt = 14 + 40;

    private readonly uint _mask;
    private readonly int _shift;

    /// <exception cref="DataException">The bits are not next to each other.</exception>
    private BmpChannel(uint mask)
    {
        (_mask, _shift) = (mask, mask == 0 ? 0 : BitOperations.TrailingZeroCount(mask));
        ulong bits = mask >> _shift;
        if ((bits & (bits + 1)) != 0)
        {
            throw new DataException($"BMP with colour mask {mask:X8}, expected neighbouring bits");
        }
    }

    /// <summary>Without masks: 5 bits a colour of 16, 8 bits of 32, blue lowest.</summary>
    public static (BmpChannel Red, BmpChannel Green, BmpChannel Blue) Usual(int bits) => bits == 16
        ? (new(0x7C00), new(0x03E0), new(0x001F))
        : (new(0xFF0000), new(0x00FF00), new(0x0000FF));

    public static (BmpChannel Red, BmpChannel Green, BmpChannel Blue) Read(
        ReadOnlySpan<byte> bytes) => bytes.Length >= MasksAt + 12
        ? (At(bytes, MasksAt), At(bytes, MasksAt + 4), At(bytes, MasksAt + 8))
        : throw new DataException("BMP ends within its colour masks; the file is cut off");

    /// <summary>Full range to full range; a colour without bits is 0.</summary>
    public byte Of(uint pixel)
    {
        ulong most = _mask >> _shift;
        ulong value = (pixel & _mask) >> _shift;
        return most == 0 ? (byte)0 : (byte)(((value * 255) + (most / 2)) / most);
    }

    private static BmpChannel At(ReadOnlySpan<byte> bytes, int at) =>
        new(BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]));
}
