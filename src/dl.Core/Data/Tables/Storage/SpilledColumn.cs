// One column of a table whose cells lie in a scratch file. What a cell is, number or text, is
// written with it (CellValue), and what the column is, is known when all of it has been read: so
// nothing that lies on disk is ever written again.
//
// Cells are read by row as from an array, fast in ascending order: the last chunk is kept. That is
// for one thread; training reads through BlockCache.
using System.Text;

namespace Dl.Data.Tables.Storage;

/// <summary>Cells of a column on disk, and what is known of them all.</summary>
internal sealed class SpilledColumn(BlockStore store, int index, int columns)
{
    /// <summary>Hashes of all columns together that count distinct numbers.</summary>
    private const int SharedHashes = 1 << 20;

    private readonly DistinctCounter _numbers = new(
        Math.Clamp(SharedHashes / columns, 128, 4096));

    private readonly TextCodes _texts = Limited(columns);
    private Dictionary<double, int>? _codeOfNumber;

    /// <summary>Numbers by code, for a column of numbers or dates; null: texts are gaps.</summary>
    private double[]? _values;

    /// <summary>Texts stopped being kept, and all were dates: others are stored as days.</summary>
    private bool _dates;

    private bool _mixedDates;
    private bool _sawNumber;
    private double[] _chunk = [];
    private int _chunkFirst;
    private int _chunkRows;

    public int Index => index;

    public BlockStore Store => store;

    public TextCodes Texts => _texts;

    /// <summary>Cells that are numbers, and those that are texts.</summary>
    public long NumberCells { get; private set; }

    public long TextCells { get; private set; }

    /// <summary>Its numbers are dates, in days.</summary>
    public bool HoldsDates => _dates;

    /// <summary>Are all numbers whole?</summary>
    public bool Whole { get; private set; } = true;

    /// <summary>Different numbers; exact for some hundreds, then about.</summary>
    public long DistinctNumbers => _numbers.Count;

    public bool DistinctIsExact => _numbers.Exact;

    /// <summary>The stored form of a text.</summary>
    public double OfText(ReadOnlySpan<byte> text)
    {
        if (!_texts.Overflowed)
        {
            int code = _texts.Of(text);
            if (code != RawColumn.OtherCode)
            {
                return CellValue.OfText(code);
            }
            // This is the first one beyond the end.
            _dates = !_sawNumber && _texts.Texts.TrueForAll(t => Cell.TryDate(t, out _));
        }
        if (_dates && Cell.TryDate(Encoding.UTF8.GetString(text), out double days))
        {
            return days;
        }
        _mixedDates = _dates;
        return CellValue.OfText(_texts.Of(text));
    }

    /// <summary>Numbers, and what is missing, are stored as they are.</summary>
    public bool TakesNumbers()
    {
        _sawNumber |= !_dates;
        return !_dates;
    }

    /// <summary>The stored form of a number.</summary>
    public double OfNumber(double value)
    {
        if (!_dates)
        {
            _sawNumber = true;
            return value;
        }
        _mixedDates = true;
        return CellValue.OfText(_texts.Of(value));
    }

    /// <summary>Takes note of cells that are about to be written.</summary>
    public void Book(ReadOnlySpan<double> cells)
    {
        double last = double.NaN;
        foreach (double cell in cells)
        {
            if (double.IsNaN(cell))
            {
                TextCells += CellValue.IsText(cell) ? 1 : 0;
                continue;
            }
            NumberCells++;
            if (cell != last)
            {
                last = cell;
                Whole &= cell == Math.Floor(cell);
                _numbers.Add(cell);
            }
        }
    }

    /// <summary>A cell as it is stored.</summary>
    public double this[int row]
    {
        get
        {
            if ((uint)(row - _chunkFirst) >= (uint)_chunkRows)
            {
                Load(row);
            }
            return _chunk[row - _chunkFirst];
        }
    }

    /// <summary>The number of a cell in a column of numbers; NaN where missing.</summary>
    public double Number(double cell) => !CellValue.IsText(cell) ? cell
        : _values is { } values && CellValue.Code(cell) >= 0 ? values[CellValue.Code(cell)]
        : double.NaN;

    /// <summary>The code of a cell in a column of texts.</summary>
    public int Code(double cell)
    {
        if (double.IsNaN(cell))
        {
            return CellValue.IsText(cell) ? CellValue.Code(cell) : RawColumn.MissingCode;
        }
        return _dates || _codeOfNumber is null ? RawColumn.OtherCode
            : _codeOfNumber.GetValueOrDefault(cell, RawColumn.OtherCode);
    }

    /// <summary>
    /// Cells as a model's columns read them: numbers, NaN where missing; or codes, negative where
    /// there is none.
    /// </summary>
    public void Resolve(Span<double> cells, bool asText)
    {
        if (!asText && TextCells == 0)
        {
            return;
        }
        for (int i = 0; i < cells.Length; i++)
        {
            cells[i] = asText ? Code(cells[i]) : Number(cells[i]);
        }
    }

    /// <summary>
    /// It is a column of texts, so its numbers become texts too, as their shortest form.
    /// </summary>
    public void NumbersBecomeTexts()
    {
        if (_codeOfNumber is not null || _dates)
        {
            return;
        }
        _codeOfNumber = [];
        for (int row = 0; row < store.Rows && NumberCells > 0; row++)
        {
            double cell = this[row];
            if (double.IsNaN(cell) || _codeOfNumber.ContainsKey(cell))
            {
                continue;
            }
            int code = _texts.Of(cell);
            if (code != RawColumn.OtherCode)
            {
                _codeOfNumber.Add(cell, code);
            }
        }
    }

    /// <summary>Are all texts dates, and nothing else is there?</summary>
    public bool BecomesDates()
    {
        if (_dates ? _mixedDates : NumberCells > 0 || _texts.Overflowed)
        {
            return false;
        }
        var values = new double[_texts.Texts.Count];
        for (int code = 0; code < values.Length; code++)
        {
            if (!Cell.TryDate(_texts.Texts[code], out values[code]))
            {
                return false;
            }
        }
        _values = values;
        return true;
    }

    private void Load(int row)
    {
        int block = store.BlockOf(row);
        (_chunkFirst, _chunkRows) = (store.FirstRow(block), store.RowsOf(block));
        if (_chunk.Length < _chunkRows)
        {
            _chunk = new double[_chunkRows];
        }
        store.ReadColumn(block, index, _chunk.AsSpan(0, _chunkRows));
    }

    private static TextCodes Limited(int columns)
    {
        var texts = new TextCodes();
        texts.Limit(columns);
        return texts;
    }
}
