// One column as read: numbers as long as every cell is one, from the first other text on codes of
// distinct texts. Nothing is thrown away by the change but the way a number was written. The cells
// of a large table lie in a scratch file (Storage/SpilledColumn.cs); here are then those of the
// block that is being filled.
using System.Runtime.InteropServices;
using System.Text;
using Dl.Data.Formats;
using Dl.Data.Tables.Storage;

namespace Dl.Data.Tables;

/// <summary>Cells of one column, growing by rows.</summary>
internal sealed class RawColumn(string name)
{
    public const int MissingCode = -1;

    /// <summary>A text of a large table that was one too many to be kept.</summary>
    public const int OtherCode = -2;

    private readonly List<double> _numbers = [];
    private readonly List<int> _codes = [];
    private readonly TextCodes _texts = new();
    private SpilledColumn? _spilled;

    public string Name { get; } = name;

    public bool IsText { get; private set; }

    /// <summary>Its numbers were dates: days since 1970.</summary>
    public bool IsDate { get; private set; }

    public int Count => _spilled is not null ? _spilled.Store.Rows + _numbers.Count
        : IsText ? _codes.Count
        : _numbers.Count;

    /// <summary>Distinct texts by code; empty for numbers.</summary>
    public List<string> Texts => _spilled is null ? _texts.Texts
        : IsText ? _spilled.Texts.Texts
        : [];

    /// <summary>Distinct texts, those that are not kept included (about).</summary>
    public long DistinctTexts => (_spilled?.Texts ?? _texts).Distinct;

    /// <summary>Different numbers of a large table, dates of before among them (about).</summary>
    public long DistinctNumbers => _spilled is null ? 0
        : _spilled.DistinctNumbers + (IsDate ? _spilled.Texts.Texts.Count : 0);

    /// <summary>There are texts with the code <see cref="OtherCode"/>.</summary>
    public bool LacksTexts => _spilled is { Texts.Overflowed: true } && IsText;

    /// <summary>What is known of a large table's column; null: the cells are in memory.</summary>
    public SpilledColumn? Spilled => _spilled;

    /// <summary>Memory that its texts take, about.</summary>
    public long TextBytes => (_spilled?.Texts ?? _texts).Bytes;

    /// <summary>NaN where missing. Only for numbers.</summary>
    public double Number(int row) =>
        _spilled is null ? _numbers[row] : _spilled.Number(_spilled[row]);

    /// <summary>
    /// Index into Texts, <see cref="MissingCode"/> or <see cref="OtherCode"/>. Only for text.
    /// </summary>
    public int Code(int row)
    {
        if (_spilled is null)
        {
            return _codes[row];
        }
        _spilled.NumbersBecomeTexts();
        return _spilled.Code(_spilled[row]);
    }

    public bool IsMissing(int row) =>
        IsText ? Code(row) == MissingCode : double.IsNaN(Number(row));

    /// <summary>The cell's canonical text; null where missing or not kept.</summary>
    public string? Text(int row)
    {
        if (!IsText)
        {
            double value = Number(row);
            return double.IsNaN(value) ? null : Cell.Format(value);
        }
        int code = Code(row);
        return code < 0 ? null : Texts[code];
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
        return IsText && (_spilled?.Texts ?? _texts).TryFind(row.Utf8(field), out code);
    }

    /// <param name="number">Finite, or NaN where it is missing.</param>
    public void Append(double number)
    {
        if (_spilled is not null)
        {
            _numbers.Add(double.IsNaN(number) ? double.NaN : _spilled.OfNumber(number));
        }
        else if (IsText)
        {
            _codes.Add(double.IsNaN(number) ? MissingCode : _texts.Of(number));
        }
        else
        {
            _numbers.Add(number);
        }
    }

    /// <summary>Appends cells, each as one number does.</summary>
    public void Append(ReadOnlySpan<double> numbers)
    {
        if (_spilled is null ? !IsText : _spilled.TakesNumbers())
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
        if (_spilled is not null)
        {
            IsText = true;
            _numbers.Add(_spilled.OfText(text));
            return;
        }
        BecomeText();
        _codes.Add(_texts.Of(text));
    }

    public void AppendMissing()
    {
        if (IsText && _spilled is null)
        {
            _codes.Add(MissingCode);
        }
        else
        {
            _numbers.Add(double.NaN);
        }
    }

    /// <param name="code">What <see cref="TryFind"/> gave.</param>
    public void AppendCode(int code)
    {
        if (_spilled is not null)
        {
            _numbers.Add(CellValue.OfText(code));
        }
        else
        {
            _codes.Add(code);
        }
    }

    /// <param name="count">Cells to take back.</param>
    public void RemoveLast(int count = 1)
    {
        if (IsText && _spilled is null)
        {
            _codes.RemoveRange(_codes.Count - count, count);
        }
        else
        {
            _numbers.RemoveRange(_numbers.Count - count, count);
        }
    }

    /// <summary>Makes a text column one of numbers; cells that are none become missing.</summary>
    public void BecomeNumbers()
    {
        if (_spilled is not null)
        {
            IsText = false;
            return;
        }
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
        if (_spilled is not null)
        {
            IsDate = _spilled.BecomesDates();
            IsText = !IsDate;
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

    /// <summary>It stays what it is: among texts, numbers become such too.</summary>
    public void Settle()
    {
        if (IsText)
        {
            _spilled?.NumbersBecomeTexts();
        }
    }

    /// <summary>From now on cells only wait here to be written to a block.</summary>
    /// <param name="index">Of the column in the store.</param>
    /// <param name="columns">Columns of the table, about.</param>
    public void Spill(BlockStore store, int index, int columns)
    {
        var spilled = new SpilledColumn(store, index, columns);
        foreach (double number in _numbers)
        {
            _ = double.IsNaN(number) ? number : spilled.OfNumber(number);
        }
        if (IsText)
        {
            IsText = false;
            double[] cells = Spill(spilled);
            _numbers.Capacity = _codes.Count;
            foreach (int code in _codes)
            {
                _numbers.Add(code == MissingCode ? double.NaN : cells[code]);
            }
            _codes.Clear();
            _codes.TrimExcess();
            _texts.Clear();
        }
        _spilled = spilled;
    }

    /// <summary>Cells that wait to be written.</summary>
    public ReadOnlySpan<double> Waiting(int from, int count) =>
        CollectionsMarshal.AsSpan(_numbers).Slice(from, count);

    /// <summary>The first cells that waited are written.</summary>
    public void Written(int count, int capacity)
    {
        _numbers.RemoveRange(0, count);
        // What was held before the first block may be hundreds of times as much.
        int most = Math.Max(2 * capacity, _numbers.Count);
        if (_numbers.Capacity > most)
        {
            _numbers.Capacity = most;
        }
    }

    /// <summary>The stored form of each text by its code; the most frequent are kept.</summary>
    private double[] Spill(SpilledColumn spilled)
    {
        var counts = new int[Texts.Count];
        foreach (int code in _codes)
        {
            if (code != MissingCode)
            {
                counts[code]++;
            }
        }
        int[] order = [.. Enumerable.Range(0, counts.Length)];
        // Ties by code, so that the order is one.
        Array.Sort(order, (a, b) =>
            counts[a] != counts[b] ? counts[b].CompareTo(counts[a]) : a.CompareTo(b));
        var cells = new double[counts.Length];
        foreach (int code in order)
        {
            if (Cell.TryNumber(Texts[code], out double value))
            {
                cells[code] = spilled.OfNumber(value);
                continue;
            }
            cells[code] = spilled.OfText(Encoding.UTF8.GetBytes(Texts[code]));
            IsText = true;
        }
        return cells;
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

    private void BecomeText()
    {
        if (IsText)
        {
            return;
        }
        IsText = true;
        foreach (double number in _numbers)
        {
            _codes.Add(double.IsNaN(number) ? MissingCode : _texts.Of(number));
        }
        _numbers.Clear();
        _numbers.TrimExcess();
    }
}
