// Distinct texts of a column, numbered in the order in which they come. A text that is known costs
// one look into a table, and no string.
//
// A column of free text or ids would fill any memory, so where the cells lie in a scratch file,
// texts have an end too: past 65,536 of them, or past the column's share of 64 MiB (at least 16
// KiB), new ones are counted (DistinctCounter) but not kept, and all have the code OtherCode. That
// costs nothing that TableFit would use: it keeps the 50 most frequent texts of a column, and
// leaves a column out where half of its rows differ.
using System.Text;
using Dl.Data.Tables.Storage;

namespace Dl.Data.Tables;

/// <summary>Texts by code, and codes by text.</summary>
internal sealed class TextCodes
{
    private const int MaxTexts = 1 << 16;
    private const long SharedBytes = 64 << 20;
    private const long LeastBytes = 16 << 10;

    /// <summary>An entry of the dictionary, one of the list, and the head of a string.</summary>
    private const int BytesAText = 60;

    private readonly Dictionary<string, int> _codeOf = new(Utf8Comparer.Instance);
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<byte>> _codeOfUtf8;

    /// <summary>The code of `true` and of `false` in whatever case; -1: not there yet.</summary>
    private int _true = -1, _false = -1;

    private DistinctCounter? _others;
    private long _maxBytes = long.MaxValue;
    private int _maxTexts = int.MaxValue;

    public TextCodes() => _codeOfUtf8 = _codeOf.GetAlternateLookup<ReadOnlySpan<byte>>();

    /// <summary>Distinct texts by code.</summary>
    public List<string> Texts { get; } = [];

    /// <summary>Memory that the texts take, about.</summary>
    public long Bytes { get; private set; }

    /// <summary>There were texts that are not kept.</summary>
    public bool Overflowed => _others is not null;

    /// <summary>Distinct texts, those that are not kept included (about).</summary>
    public long Distinct => Texts.Count + (_others?.Count ?? 0);

    /// <summary>From now on texts have an end.</summary>
    /// <param name="columns">Columns that share the memory.</param>
    public void Limit(int columns)
    {
        _maxTexts = MaxTexts;
        _maxBytes = Math.Max(LeastBytes, SharedBytes / columns);
    }

    /// <summary>Whether the text is known as it is written.</summary>
    public bool TryFind(ReadOnlySpan<byte> text, out int code) =>
        _codeOfUtf8.TryGetValue(text, out code);

    /// <summary>
    /// The code of a text, new or known; <see cref="RawColumn.OtherCode"/> where it is not kept.
    /// `True` and `true` have one code, and the spelling that came first: what JSON and Parquet
    /// write in small letters many programs write otherwise.
    /// </summary>
    public int Of(ReadOnlySpan<byte> text)
    {
        if (_codeOfUtf8.TryGetValue(text, out int code))
        {
            return code;
        }
        bool isTrue = Ascii.EqualsIgnoreCase(text, "true"u8);
        ref int truth = ref isTrue ? ref _true : ref _false;
        bool isTruth = isTrue || Ascii.EqualsIgnoreCase(text, "false"u8);
        if (isTruth && truth >= 0)
        {
            return truth;
        }
        if (Overflowed || Texts.Count >= _maxTexts || Bytes >= _maxBytes)
        {
            _others ??= new DistinctCounter(1024);
            _others.Add(text);
            return RawColumn.OtherCode;
        }
        code = Texts.Count;
        string made = Encoding.UTF8.GetString(text);
        _codeOf.Add(made, code);
        Texts.Add(made);
        Bytes += BytesAText + (2L * made.Length);
        if (isTruth)
        {
            truth = code;
        }
        return code;
    }

    /// <summary>The code of a number's shortest text.</summary>
    public int Of(double number)
    {
        Span<byte> text = stackalloc byte[Cell.NumberLength];
        return Of(text[..Cell.Format(number, text)]);
    }

    public void Clear()
    {
        _codeOf.Clear();
        _codeOf.TrimExcess();
        Texts.Clear();
        Texts.TrimExcess();
        (_true, _false, Bytes) = (-1, -1, 0);
    }
}
