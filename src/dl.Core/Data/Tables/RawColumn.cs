// One column as read: numbers as long as every cell is one, from the first other text on codes of
// distinct texts. Nothing is thrown away by the change but the way a number was written.
using Dl.Data.Formats;

namespace Dl.Data.Tables;

/// <summary>Cells of one column, growing by rows.</summary>
internal sealed class RawColumn(string name)
{
    public const int MissingCode = -1;

    private readonly List<double> _numbers = [];
    private readonly List<int> _codes = [];
    private readonly TextCodes _texts = new();

    public string Name { get; } = name;

    public bool IsText { get; private set; }

    /// <summary>Its numbers were dates: days since 1970.</summary>
    public bool IsDate { get; private set; }

    public int Count => IsText ? _codes.Count : _numbers.Count;

    /// <summary>Distinct texts by code; empty for numbers.</summary>
    public List<string> Texts => _texts.Texts;

    /// <summary>NaN where missing. Only for numbers.</summary>
    public double Number(int row) => _numbers[row];

    /// <summary>Index into Texts or <see cref="MissingCode"/>. Only for text.</summary>
    public int Code(int row) => _codes[row];

    public bool IsMissing(int row) =>
        IsText ? _codes[row] == MissingCode : double.IsNaN(_numbers[row]);

    /// <summary>The cell's canonical text; null where missing.</summary>
    public string? Text(int row)
    {
        if (IsMissing(row))
        {
            return null;
        }
        return IsText ? Texts[_codes[row]] : Cell.Format(_numbers[row]);
    }

    /// <summary>Appends a cell; false (and nothing appended) for an infinite number.</summary>
    public bool Append(IRow row, int field)
    {
        if (TryFind(row, field, out int code))
        {
            AppendCode(code);
            return true;
        }
        switch (row.Kind(field, out double number))
        {
            case CellKind.Missing:
                AppendMissing();
                return true;
            case CellKind.Number:
                Append(number);
                return true;
            case CellKind.Text:
                Append(row.Utf8(field));
                return true;
            default:
                return false;
        }
    }

    /// <summary>
    /// Whether a cell is a text that the column has. Texts are kept in the form in which they are
    /// compared, so one that is found needs no look at what else it might be.
    /// </summary>
    public bool TryFind(IRow row, int field, out int code)
    {
        code = MissingCode;
        return IsText && _texts.TryFind(row.Utf8(field), out code);
    }

    /// <param name="number">Finite, or NaN where it is missing.</param>
    public void Append(double number)
    {
        if (IsText)
        {
            _codes.Add(double.IsNaN(number) ? MissingCode : CodeFor(number));
        }
        else
        {
            _numbers.Add(number);
        }
    }

    /// <summary>Appends cells, each as one number does.</summary>
    public void Append(ReadOnlySpan<double> numbers)
    {
        if (!IsText)
        {
            _numbers.AddRange(numbers);
            return;
        }
        foreach (double number in numbers)
        {
            Append(number);
        }
    }

    /// <summary>Appends a text that is neither missing nor a number.</summary>
    public void Append(ReadOnlySpan<byte> text)
    {
        BecomeText();
        _codes.Add(_texts.Of(text));
    }

    /// <param name="code">What <see cref="TryFind"/> gave.</param>
    public void AppendCode(int code) => _codes.Add(code);

    public void AppendMissing()
    {
        if (IsText)
        {
            _codes.Add(MissingCode);
        }
        else
        {
            _numbers.Add(double.NaN);
        }
    }

    /// <summary>Makes a text column one of numbers; cells that are none become missing.</summary>
    public void BecomeNumbers()
    {
        var values = new double[Texts.Count];
        for (int code = 0; code < values.Length; code++)
        {
            values[code] = Cell.TryNumber(Texts[code], out double value) ? value : double.NaN;
        }
        TakeNumbers(values);
    }

    /// <summary>Makes a column all of whose texts are dates one of numbers.</summary>
    public void BecomeDates()
    {
        if (!IsText || Texts.Count == 0)
        {
            return;
        }
        var values = new double[Texts.Count];
        for (int code = 0; code < values.Length; code++)
        {
            if (!Cell.TryDate(Texts[code], out values[code]))
            {
                return;
            }
        }
        TakeNumbers(values);
        IsDate = true;
    }

    /// <param name="values">By code.</param>
    private void TakeNumbers(double[] values)
    {
        foreach (int code in _codes)
        {
            _numbers.Add(code == MissingCode ? double.NaN : values[code]);
        }
        IsText = false;
        _codes.Clear();
        _texts.Clear();
    }

    /// <param name="count">Cells to take back.</param>
    public void RemoveLast(int count = 1)
    {
        if (IsText)
        {
            _codes.RemoveRange(_codes.Count - count, count);
        }
        else
        {
            _numbers.RemoveRange(_numbers.Count - count, count);
        }
    }

    private int CodeFor(double number)
    {
        Span<byte> text = stackalloc byte[Cell.NumberLength];
        return _texts.Of(text[..Cell.Format(number, text)]);
    }

    private void BecomeText()
    {
        if (IsText)
        {
            return;
        }
        IsText = true;
        foreach (double number in _numbers)
        {
            _codes.Add(double.IsNaN(number) ? MissingCode : CodeFor(number));
        }
        _numbers.Clear();
        _numbers.TrimExcess();
    }
}
