// One sample on its way into a model. Rows of tables come by the million, so a source fills one
// record again and again; whoever wants to keep it copies it.
using System.Globalization;
using System.Text;

namespace Dl.Data;

/// <summary>One sample, prepared as the model wants it.</summary>
/// <param name="features">FeatureShape.Count floats, filled by the source.</param>
public sealed class InputRecord(float[] features)
{
    private byte[] _id = [];
    private int _idLength;
    private long _number;
    private string _file = "";
    private int _line;

    /// <summary>
    /// The id column, the relative path, or the number (rows from 1, IDX from 0).
    /// </summary>
    public string Id => Numbered
        ? _number.ToString(CultureInfo.InvariantCulture)
        : Encoding.UTF8.GetString(_id.AsSpan(0, _idLength));

    /// <summary>FeatureShape.Count floats.</summary>
    public float[] Features { get; } = features;

    /// <summary>
    /// As in training (class index, 0/1 vector, standardised); null: no label here, or none was
    /// asked for.
    /// </summary>
    public float[]? Target { get; set; }

    /// <summary>For messages: `rows.csv:17`.</summary>
    public string Where => _line == 0 ? _file : $"{_file}:{_line}";

    /// <summary>The id is the number of a row.</summary>
    internal bool Numbered => _idLength < 0;

    internal long Number => _number;

    /// <summary>The id in UTF-8, where it is no number.</summary>
    internal ReadOnlySpan<byte> IdText => _id.AsSpan(0, Math.Max(0, _idLength));

    /// <summary>As <see cref="Where"/>, in its parts; line 0: there is none.</summary>
    internal (string File, int Line) Place => (_file, _line);

    internal void SetId(long number) => (_number, _idLength) = (number, -1);

    internal void SetId(ReadOnlySpan<char> text)
    {
        _id = new byte[Encoding.UTF8.GetByteCount(text)];
        _idLength = Encoding.UTF8.GetBytes(text, _id);
    }

    /// <param name="utf8">A text.</param>
    internal void SetId(ReadOnlySpan<byte> utf8)
    {
        if (_id.Length < utf8.Length)
        {
            _id = new byte[utf8.Length];
        }
        utf8.CopyTo(_id);
        _idLength = utf8.Length;
    }

    internal void SetPlace(string file, int line) => (_file, _line) = (file, line);

    internal InputRecord Copy() => new([.. Features])
    {
        _id = [.. _id], _idLength = _idLength, _number = _number, _file = _file, _line = _line,
        Target = Target is null ? null : [.. Target],
    };
}
