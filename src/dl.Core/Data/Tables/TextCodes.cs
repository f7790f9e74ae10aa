// Distinct texts of a column, numbered in the order in which they come. A text that is known costs
// one look into a table, and no string.
using System.Text;

namespace Dl.Data.Tables;

/// <summary>Texts by code, and codes by text.</summary>
internal sealed class TextCodes
{
    private readonly Dictionary<string, int> _codeOf = new(Utf8Comparer.Instance);
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<byte>> _codeOfUtf8;

    /// <summary>The code of `true` and of `false` in whatever case; -1: not there yet.</summary>
    private int _true = -1, _false = -1;

    public TextCodes() => _codeOfUtf8 = _codeOf.GetAlternateLookup<ReadOnlySpan<byte>>();

    /// <summary>Distinct texts by code.</summary>
    public List<string> Texts { get; } = [];

    /// <summary>Whether the text is known as it is written.</summary>
    public bool TryFind(ReadOnlySpan<byte> text, out int code) =>
        _codeOfUtf8.TryGetValue(text, out code);

    /// <summary>
    /// The code of a text, new or known. `True` and `true` have one code, and the spelling that
    /// came first: what JSON and Parquet write in small letters many programs write otherwise.
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
        code = Texts.Count;
        string made = Encoding.UTF8.GetString(text);
        _codeOf.Add(made, code);
        Texts.Add(made);
        if (isTruth)
        {
            truth = code;
        }
        return code;
    }

    public void Clear()
    {
        _codeOf.Clear();
        Texts.Clear();
        (_true, _false) = (-1, -1);
    }
}
