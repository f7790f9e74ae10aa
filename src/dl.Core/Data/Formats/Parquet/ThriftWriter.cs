// Thrift's compact protocol, written: the counterpart of ThriftReader. A field's head holds its
// distance from the field before it, so fields of a struct are written by rising number.
using System.Text;

namespace Dl.Data.Formats.Parquet;

/// <summary>Builds one message in memory; footers and heads of pages are small.</summary>
internal sealed class ThriftWriter
{
    private readonly Stack<int> _outer = new();
    private byte[] _bytes = new byte[256];
    private int _length;
    private int _last;

    public ReadOnlySpan<byte> Bytes => _bytes.AsSpan(0, _length);

    public void Clear() => (_length, _last) = (0, 0);

    public void Int16(int id, short value) => Number(id, ThriftType.Int16, value);

    public void Int32(int id, int value) => Number(id, ThriftType.Int32, value);

    public void Int64(int id, long value) => Number(id, ThriftType.Int64, value);

    /// <summary>A boolean field is its own value.</summary>
    public void Boolean(int id, bool value) =>
        Head(id, value ? ThriftType.True : ThriftType.False);

    public void Text(int id, string value) => Binary(id, Encoding.UTF8.GetBytes(value));

    public void Binary(int id, ReadOnlySpan<byte> value)
    {
        Head(id, ThriftType.Binary);
        Raw(value);
    }

    /// <summary>The fields up to <see cref="End"/> are those of the struct.</summary>
    public void Begin(int id)
    {
        Head(id, ThriftType.Struct);
        Begin();
    }

    /// <summary>A struct as element of a list: it has no head of its own.</summary>
    public void Begin()
    {
        _outer.Push(_last);
        _last = 0;
    }

    public void End()
    {
        Byte(0);
        _last = _outer.Count > 0 ? _outer.Pop() : 0;
    }

    /// <summary>A struct without fields: it says something by being there.</summary>
    public void Empty(int id)
    {
        Begin(id);
        End();
    }

    /// <summary>The head of a list; its elements follow.</summary>
    public void List(int id, ThriftType element, int count)
    {
        Head(id, ThriftType.List);
        if (count < 15)
        {
            Byte((byte)((count << 4) | (int)element));
            return;
        }
        Byte((byte)(0xF0 | (int)element));
        Varint((uint)count);
    }

    /// <summary>A number as element of a list.</summary>
    public void Element(int value) => ZigZag(value);

    /// <summary>A text as element of a list.</summary>
    public void Element(string value) => Raw(Encoding.UTF8.GetBytes(value));

    private void Number(int id, ThriftType type, long value)
    {
        Head(id, type);
        ZigZag(value);
    }

    private void Head(int id, ThriftType type)
    {
        int step = id - _last;
        if (step is > 0 and < 16)
        {
            Byte((byte)((step << 4) | (int)type));
        }
        else
        {
            Byte((byte)type);
            ZigZag(id);
        }
        _last = id;
    }

    private void Raw(ReadOnlySpan<byte> value)
    {
        Varint((uint)value.Length);
        Room(value.Length);
        value.CopyTo(_bytes.AsSpan(_length));
        _length += value.Length;
    }

    private void ZigZag(long value) => Varint((ulong)((value << 1) ^ (value >> 63)));

    private void Varint(ulong value)
    {
        Room(Parquet.Varint.MaxBytes);
        _length += Parquet.Varint.Write(value, _bytes.AsSpan(_length));
    }

    private void Byte(byte value)
    {
        Room(1);
        _bytes[_length++] = value;
    }

    private void Room(int count)
    {
        if (count > _bytes.Length - _length)
        {
            Array.Resize(ref _bytes, Math.Max(checked(_length + count), 2 * _bytes.Length));
        }
    }
}
