// The little of protocol buffers that event files need: a field is its number and wire type as a
// varint, then a varint (0), 8 bytes (1), a length and bytes (2), or 4 bytes (5).
using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Dl.Training.Watching;

/// <summary>Writes the fields of one message.</summary>
internal sealed class ProtoWriter
{
    private readonly ArrayBufferWriter<byte> _buffer = new();

    public ReadOnlySpan<byte> Written => _buffer.WrittenSpan;

    public void Number(int field, ulong value)
    {
        Key(field, 0);
        Varint(value);
    }

    public void Single(int field, float value)
    {
        Key(field, 5);
        BinaryPrimitives.WriteSingleLittleEndian(_buffer.GetSpan(sizeof(float)), value);
        _buffer.Advance(sizeof(float));
    }

    public void Double(int field, double value)
    {
        Key(field, 1);
        Append(value);
    }

    /// <summary>A packed repeated field.</summary>
    public void Doubles(int field, ReadOnlySpan<double> values)
    {
        Key(field, 2);
        Varint((ulong)values.Length * sizeof(double));
        foreach (double value in values)
        {
            Append(value);
        }
    }

    public void Text(int field, string value) => Bytes(field, Encoding.UTF8.GetBytes(value));

    public void Message(int field, ProtoWriter message) => Bytes(field, message.Written);

    /// <summary>Fields that another writer has made.</summary>
    public void Raw(ReadOnlySpan<byte> fields) => _buffer.Write(fields);

    private void Bytes(int field, ReadOnlySpan<byte> value)
    {
        Key(field, 2);
        Varint((ulong)value.Length);
        _buffer.Write(value);
    }

    private void Key(int field, int wireType) => Varint(((ulong)field << 3) | (uint)wireType);

    private void Append(double value)
    {
        BinaryPrimitives.WriteDoubleLittleEndian(_buffer.GetSpan(sizeof(double)), value);
        _buffer.Advance(sizeof(double));
    }

    private void Varint(ulong value)
    {
        Span<byte> span = _buffer.GetSpan(10);
        int count = 0;
        while (value >= 0x80)
        {
            span[count++] = (byte)(value | 0x80);
            value >>= 7;
        }
        span[count++] = (byte)value;
        _buffer.Advance(count);
    }
}
