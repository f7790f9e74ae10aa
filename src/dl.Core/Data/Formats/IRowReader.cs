// What the readers of table formats have in common: rows of texts, one after the other.
namespace Dl.Data.Formats;

/// <summary>
/// Rows of one file or pipe, read forwards. A field is the text that CSV would hold: numbers in the
/// invariant culture, and nothing at all for what is missing.
/// </summary>
internal interface IRowReader : IDisposable
{
    /// <summary>File name for messages.</summary>
    string Name { get; }

    /// <summary>
    /// Names of the fields where the format knows them, after the first <see cref="Read"/> at the
    /// latest; null: the first row may hold names, or not.
    /// </summary>
    IReadOnlyList<string>? Names { get; }

    /// <summary>
    /// A row may lack fields, and <see cref="Names"/> may grow at its end while rows are read. A
    /// row then has as many fields as there are names by now. False: all rows have all names.
    /// </summary>
    bool Sparse { get; }

    /// <summary>Fields of the current row.</summary>
    int Count { get; }

    /// <summary>1-based line or row of the file, for messages.</summary>
    int Line { get; }

    /// <summary>The current row, for messages: `rows.csv:17`.</summary>
    string Where => $"{Name}:{Line}";

    /// <summary>
    /// Why the current row cannot be used; null: it can. The rows behind it may be good.
    /// </summary>
    DataException? Problem { get; }

    /// <summary>Empty where the value is missing.</summary>
    string this[int field] { get; }

    /// <summary>Goes to the next row; false at the end.</summary>
    /// <exception cref="DataException">The rest of the file cannot be read.</exception>
    bool Read();

    /// <summary>A copy of the current row.</summary>
    string[] Row()
    {
        var row = new string[Count];
        for (int i = 0; i < row.Length; i++)
        {
            row[i] = this[i];
        }
        return row;
    }

    /// <summary>How the rows are cut into fields, for the message about a ragged one.</summary>
    string Cut => "";
}
