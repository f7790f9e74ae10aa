// One column as read: numbers as long as every cell is one, from the first other text on codes of
// distinct texts. Nothing is thrown away by the change but the way a number was written.
namespace Dl.Data.Tables;

/// <summary>Cells of one column, growing by rows.</summary>
internal sealed class RawColumn(string name)
{
    public const int MissingCode = -1;

    private readonly List<double> _numbers = [];
    private readonly List<int> _codes = [];
    private readonly Dictionary<string, int> _codeOf = new(StringComparer.Ordinal);

    public string Name { get; } = name;

    public bool IsText { get; private set; }

    /// <summary>Its numbers were dates: days since 1970.</summary>
    public bool IsDate { get; private set; }

    public int Count => IsText ? _codes.Count : _numbers.Count;

    /// <summary>Distinct texts by code; empty for numbers.</summary>
    public List<string> Texts { get; } = [];

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
    public bool Append(string cell)
    {
        if (Cell.IsMissing(cell))
        {
            AppendMissing();
            return true;
        }
        if (!Cell.TryNumber(cell, out double value))
        {
            BecomeText();
            _codes.Add(CodeFor(cell));
            return true;
        }
        if (!double.IsFinite(value))
        {
            return false;
        }
        if (IsText)
        {
            _codes.Add(CodeFor(Cell.Format(value)));
        }
        else
        {
            _numbers.Add(value);
        }
        return true;
    }

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
        _codeOf.Clear();
        Texts.Clear();
    }

    public void RemoveLast()
    {
        if (IsText)
        {
            _codes.RemoveAt(_codes.Count - 1);
        }
        else
        {
            _numbers.RemoveAt(_numbers.Count - 1);
        }
    }

    private int CodeFor(string text)
    {
        if (!_codeOf.TryGetValue(text, out int code))
        {
            code = Texts.Count;
            _codeOf.Add(text, code);
            Texts.Add(text);
        }
        return code;
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
            _codes.Add(double.IsNaN(number) ? MissingCode : CodeFor(Cell.Format(number)));
        }
        _numbers.Clear();
        _numbers.TrimExcess();
    }
}
