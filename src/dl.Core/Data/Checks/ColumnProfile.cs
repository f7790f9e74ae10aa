// What one pass learns about a column of one part, in memory that does not grow with the rows:
// counts, moments (Welford), a random sample for quantiles (reservoir, Vitter's algorithm R), the
// outermost values with their places, and the distinct texts as long as there are not too many.
using System.Text;
using Dl.Data.Formats;
using Dl.Data.Tables;

namespace Dl.Data.Checks;

/// <summary>A row: the file by its index, the line counted from 1.</summary>
internal readonly record struct Spot(int File, int Line);

/// <summary>A cell as the checks of rows and pairs see it.</summary>
internal readonly record struct CellFact(CellKind Kind, ulong Hash, double Number);

/// <summary>A distinct text or number with how often and where first it came.</summary>
internal sealed class CellValue(string text, CellFact fact, Spot first)
{
    public string Text => text;

    public CellFact Fact => fact;

    public Spot First => first;

    public long Count { get; set; } = 1;
}

/// <param name="name">The column's.</param>
/// <param name="limit">Distinct numbers, and distinct texts, that are kept with counts.</param>
internal sealed class ColumnProfile(string name, int limit)
{
    private const int SampleSize = 4096;

    private readonly Dictionary<ulong, CellValue> _values = [];
    private readonly DistinctCount _distinct = new(4096);
    private readonly List<double> _sample = [];
    private int _heldNumbers;
    private int _heldTexts;
    private double _squares;
    private double _last;

    public string Name => name;

    /// <summary>Cells that hold something.</summary>
    public long Present => Numbers + Texts + Infinite;

    public long Numbers { get; private set; }

    public long Texts { get; private set; }

    public long Infinite { get; private set; }

    public double Mean { get; private set; }

    public double Deviation => Numbers > 0 ? Math.Sqrt(_squares / Numbers) : 0;

    public Extremes Low { get; } = new(ascending: true);

    public Extremes High { get; } = new(ascending: false);

    /// <summary>More numbers than are kept came by: those among the values are gone.</summary>
    public bool ManyNumbers { get; private set; }

    /// <summary>More texts than are kept came by: later ones are not among the values.</summary>
    public bool ManyTexts { get; private set; }

    /// <summary>Whole numbers only, each larger than the one before it: it counts.</summary>
    public bool Counts { get; private set; } = true;

    /// <summary>Distinct cells; an estimate where there are many.</summary>
    public long Distinct => !ManyNumbers && !ManyTexts ? _values.Count : _distinct.Count;

    public IEnumerable<CellValue> Values => _values.Values;

    public IEnumerable<CellValue> TextValues =>
        _values.Values.Where(v => v.Fact.Kind == CellKind.Text);

    /// <summary>Numbers drawn from the whole column, sorted by <see cref="Finish"/>.</summary>
    public List<double> Sample => _sample;

    public CellFact Add(IRow row, int field, Spot spot)
    {
        CellKind kind = row.Kind(field, out double number);
        CellFact fact = kind switch
        {
            CellKind.Missing => default,
            CellKind.Number => new CellFact(kind, CellHash.Of(number), number),
            _ => new CellFact(kind, CellHash.Of(row.Utf8(field)), double.NaN),
        };
        if (kind == CellKind.Missing)
        {
            return fact;
        }
        // Of many different numbers none is kept, and none is looked for.
        bool kept = kind != CellKind.Number || !ManyNumbers;
        if (kept && _values.TryGetValue(fact.Hash, out CellValue? known))
        {
            known.Count++;
        }
        else
        {
            _distinct.Add(fact.Hash);
            if (kept)
            {
                Keep(row, field, fact, spot);
            }
        }
        Count(fact, spot);
        return fact;
    }

    /// <summary>How often; 0 where it did not come or is not kept.</summary>
    public long CountOf(ulong hash) => _values.TryGetValue(hash, out CellValue? v) ? v.Count : 0;

    /// <summary>Sorts the sample; to be called once behind the last cell.</summary>
    public void Finish() => _sample.Sort();

    /// <summary>The value below which a share of the numbers lies; only after Finish.</summary>
    public double Quantile(double share) =>
        _sample.Count == 0 ? double.NaN : _sample[(int)(share * (_sample.Count - 1))];

    /// <summary>The column over all parts, for what does not depend on the part.</summary>
    public static ColumnProfile Union(string name, IEnumerable<ColumnProfile> parts)
    {
        var union = new ColumnProfile(name, int.MaxValue);
        foreach (ColumnProfile part in parts)
        {
            union.Absorb(part);
        }
        union.Finish();
        return union;
    }

    private void Keep(IRow row, int field, CellFact fact, Spot spot)
    {
        bool number = fact.Kind == CellKind.Number;
        if (!number && ManyTexts)
        {
            return;
        }
        string text = Encoding.UTF8.GetString(row.Utf8(field));
        _values.Add(fact.Hash, new CellValue(text, fact, spot));
        if (number && ++_heldNumbers > limit)
        {
            ManyNumbers = true;
            foreach (ulong held in _values.Where(v => v.Value.Fact.Kind == CellKind.Number)
                .Select(v => v.Key).ToArray())
            {
                _values.Remove(held);
            }
        }
        else if (!number && ++_heldTexts >= limit)
        {
            ManyTexts = true;
        }
    }

    private void Count(CellFact fact, Spot spot)
    {
        switch (fact.Kind)
        {
            case CellKind.Text:
                Texts++;
                Counts = false;
                break;
            case CellKind.Infinite:
                Infinite++;
                Counts = false;
                break;
            default:
                Counts &= fact.Number == Math.Floor(fact.Number)
                    && (Numbers == 0 || fact.Number > _last);
                _last = fact.Number;
                AddNumber(fact.Number, spot);
                break;
        }
    }

    private void AddNumber(double number, Spot spot)
    {
        Numbers++;
        double away = number - Mean;
        Mean += away / Numbers;
        _squares += away * (number - Mean);
        Low.Add(number, spot);
        High.Add(number, spot);
        if (_sample.Count < SampleSize)
        {
            _sample.Add(number);
            return;
        }
        // Random enough, the same in every run, and cheaper than a generator.
        ulong place = CellHash.Mix((ulong)Numbers) % (ulong)Numbers;
        if (place < SampleSize)
        {
            _sample[(int)place] = number;
        }
    }

    private void Absorb(ColumnProfile part)
    {
        foreach ((ulong key, CellValue value) in part._values)
        {
            if (_values.TryGetValue(key, out CellValue? known))
            {
                known.Count += value.Count;
                continue;
            }
            _values.Add(key, new CellValue(value.Text, value.Fact, value.First)
            {
                Count = value.Count,
            });
        }
        long numbers = Numbers + part.Numbers;
        if (part.Numbers > 0)
        {
            double away = part.Mean - Mean;
            _squares += part._squares + (away * away * Numbers * part.Numbers / numbers);
            Mean += away * part.Numbers / numbers;
        }
        Numbers = numbers;
        Texts += part.Texts;
        Infinite += part.Infinite;
        ManyNumbers |= part.ManyNumbers;
        ManyTexts |= part.ManyTexts;
        Counts &= part.Counts;
        _distinct.Add(part._distinct);
        _sample.AddRange(part._sample);
        Low.Add(part.Low);
        High.Add(part.High);
    }
}
