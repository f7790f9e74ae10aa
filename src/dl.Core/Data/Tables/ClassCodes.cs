// Classes of rows in as few bytes as the number of classes asks for.
namespace Dl.Data.Tables;

/// <summary>A class index a row; -1 where there is none, at first everywhere.</summary>
internal sealed class ClassCodes
{
    private readonly byte[]? _bytes;
    private readonly ushort[]? _shorts;
    private readonly int[]? _ints;

    public ClassCodes(int rows, int classes)
    {
        // The largest value of each type stands for no class.
        if (classes <= byte.MaxValue)
        {
            Array.Fill(_bytes = new byte[rows], byte.MaxValue);
        }
        else if (classes <= ushort.MaxValue)
        {
            Array.Fill(_shorts = new ushort[rows], ushort.MaxValue);
        }
        else
        {
            Array.Fill(_ints = new int[rows], -1);
        }
    }

    public int this[int row]
    {
        get
        {
            if (_bytes is not null)
            {
                return _bytes[row] == byte.MaxValue ? -1 : _bytes[row];
            }
            return _shorts is null ? _ints![row]
                : _shorts[row] == ushort.MaxValue ? -1
                : _shorts[row];
        }
        set
        {
            if (_bytes is not null)
            {
                _bytes[row] = (byte)value;
            }
            else if (_shorts is not null)
            {
                _shorts[row] = (ushort)value;
            }
            else
            {
                _ints![row] = value;
            }
        }
    }
}
