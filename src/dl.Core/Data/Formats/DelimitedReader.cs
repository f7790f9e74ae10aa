// Delimited text (CSV, TSV, and relatives): finds the delimiter, then CsvHelper's parser cuts rows.
// Quoted fields may hold delimiters, newlines and doubled quotes (RFC 4180).
using System.Globalization;
using System.Text;
using CsvHelper;
using CsvHelper.Configuration;

namespace Dl.Data.Formats;

/// <summary>Rows of strings with the line each of them starts on.</summary>
internal sealed class DelimitedReader : IRowReader
{
    private const int MaxFieldLength = 1 << 24;

    private static readonly char[] Candidates = [',', '\t', ';', '|'];

    private readonly BlockReader _reader;
    private readonly CsvParser _parser;
    private readonly bool _decimalComma;

    /// <param name="stream">Bytes, decompressed; disposed with the reader.</param>
    /// <param name="name">File name for messages.</param>
    /// <param name="streaming">A pipe: look no further ahead than the first line.</param>
    /// <param name="decimalComma">Numbers are written `1,5`.</param>
    public DelimitedReader(
        Stream stream, string name, bool streaming, bool decimalComma = false)
    {
        (Name, _decimalComma) = (name, decimalComma);
        _reader = new BlockReader(stream);
        string head = LookAhead(streaming);
        if (head.Contains('\0'))
        {
            throw new DataException(
                $"{name}: binary data, expected text in rows and columns (CSV or TSV); is it "
                + "UTF-16 without a byte order mark? Convert it with iconv");
        }
        Delimiter = Sniff(head, decimalComma);
        var configuration = new CsvConfiguration(CultureInfo.InvariantCulture)
        {
            Delimiter = Delimiter.ToString(),
            BadDataFound = null,
            TrimOptions = TrimOptions.Trim,
            BufferSize = 1 << 16,
            MaxFieldSize = MaxFieldLength,
            CountBytes = false,
            DetectColumnCountChanges = false,
            HasHeaderRecord = false,
        };
        _parser = new CsvParser(_reader, configuration);
    }

    public string Name { get; }

    public char Delimiter { get; }

    public IReadOnlyList<string>? Names => null;

    public bool Sparse => false;

    public DataException? Problem => _decimalComma ? FindPoint() : null;

    public string Cut => Delimiter == '\t' ? " (delimiter tab)" : $" (delimiter '{Delimiter}')";

    /// <summary>Fields of the current row.</summary>
    public int Count => _parser.Count;

    /// <summary>1-based line on which the current row starts.</summary>
    public int Line { get; private set; }

    public ReadOnlySpan<byte> Utf8(int field) => Encoding.UTF8.GetBytes(this[field]);

    public string this[int field]
    {
        get
        {
            string cell = _parser[field];
            if (_decimalComma)
            {
                DecimalComma.Read(cell, out cell);
            }
            return cell;
        }
    }

    /// <summary>Goes to the next row; false at the end. Empty lines are passed over.</summary>
    /// <exception cref="DataException">A field is absurdly long: a quote is not closed.</exception>
    public bool Read()
    {
        try
        {
            if (!_parser.Read())
            {
                return false;
            }
        }
        catch (CsvHelperException error)
        {
            throw new DataException(
                $"{Name}:{Line + 1}: a field is longer than {MaxFieldLength} characters; "
                + "is a quote not closed?", error);
        }
        catch (Exception error) when (InputFile.IsDamage(error))
        {
            throw InputFile.Damaged(Name, Line, error);
        }
        int last = _parser.RawRow;
        Line = last == Line + 1 ? last : last - LineBreaksInside();
        return true;
    }

    public void Dispose()
    {
        _parser.Dispose();
        _reader.Dispose();
    }

    /// <summary>`1.5` among decimal commas: 1.5, or 15 badly grouped? Nobody can tell.</summary>
    private DataException? FindPoint()
    {
        for (int i = 0; i < Count; i++)
        {
            if (DecimalComma.Read(_parser[i], out string cell) == CommaCell.Point)
            {
                return new DataException(
                    $"{Name}:{Line}: field {i + 1} is {cell}, a number with a decimal point, "
                    + "expected decimal commas (--decimal comma); write all numbers in one way");
            }
        }
        return null;
    }

    private string LookAhead(bool streaming)
    {
        try
        {
            return _reader.LookAhead(greedy: !streaming);
        }
        catch (Exception error) when (InputFile.IsDamage(error))
        {
            _reader.Dispose();
            throw InputFile.Damaged(Name, 0, error);
        }
    }

    private int LineBreaksInside()
    {
        int breaks = 0;
        for (int i = 0; i < Count; i++)
        {
            breaks += this[i].AsSpan().Count('\n');
        }
        return breaks;
    }

    /// <summary>
    /// The candidate that cuts the most first lines into equally many fields; among those the one
    /// that makes the most fields. One column has no delimiter, and a comma will do. A comma that
    /// is in numbers divides fields only where those numbers are in quotes.
    /// </summary>
    private static char Sniff(string head, bool decimalComma)
    {
        bool commas = !decimalComma || head.Contains('"');
        char best = commas ? ',' : ';';
        (int Agreeing, int Fields) bestScore = (0, 1);
        foreach (char candidate in Candidates)
        {
            if (candidate == ',' && !commas)
            {
                continue;
            }
            (int Agreeing, int Fields) score = Score(head, candidate);
            if (score.Fields > 1 && score.CompareTo(bestScore) > 0)
            {
                (best, bestScore) = (candidate, score);
            }
        }
        return best;
    }

    private static (int Agreeing, int Fields) Score(string head, char delimiter)
    {
        int lines = 0, agreeing = 0, first = 0, fields = 1;
        bool quoted = false;
        for (int i = 0; i < head.Length && lines < 30; i++)
        {
            char c = head[i];
            if (c == '"')
            {
                quoted = !quoted;
            }
            else if (c == delimiter && !quoted)
            {
                fields++;
            }
            else if (c == '\n' && !quoted)
            {
                first = lines == 0 ? fields : first;
                agreeing += fields == first ? 1 : 0;
                lines++;
                fields = 1;
            }
        }
        // A file of one line without a newline at its end.
        return lines == 0 ? (1, fields) : (agreeing, first);
    }
}
