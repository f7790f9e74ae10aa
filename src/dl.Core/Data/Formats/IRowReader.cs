// What the readers of table formats have in common: rows of cells, one after the other. A cell is
// looked at where it lies, as UTF-8 or as a number; a string is made of it only where one is asked
// for.
using System.Collections.ObjectModel;
using System.Text;
using Dl.Data.Tables;

namespace Dl.Data.Formats;

/// <summary>
/// One row. A field is the text that CSV would hold: numbers in the invariant culture, and nothing
/// at all for what is missing.
/// </summary>
internal interface IRow
{
    /// <summary>Fields of the row.</summary>
    int Count { get; }

    /// <summary>1-based line or row of the file, for messages.</summary>
    int Line { get; }

    /// <summary>
    /// Why the row cannot be used; null: it can. The rows behind it may be good.
    /// </summary>
    DataException? Problem { get; }

    /// <summary>
    /// The text in UTF-8, without blanks around it; empty where the value is missing. Good until
    /// another field is asked for.
    /// </summary>
    ReadOnlySpan<byte> Utf8(int field);

    /// <summary>What the cell says, by the rules of <see cref="Cell"/>.</summary>
    /// <param name="number">Finite where the kind is a number; else of no meaning.</param>
    CellKind Kind(int field, out double number) => Cell.Read(Utf8(field), out number);

    /// <summary>Empty where the value is missing.</summary>
    string this[int field] => Encoding.UTF8.GetString(Utf8(field));
}

/// <summary>
/// Rows that lie in memory together, so that a column of them can be taken at once; the members of
/// a row are those of the one at the cursor.
/// </summary>
internal interface IRowBlock : IRow
{
    int RowCount { get; }

    /// <summary>The cursor: index of a row.</summary>
    int Row { get; set; }

    /// <summary>No row has a problem of its own.</summary>
    bool IsSound { get; }

    /// <summary>Whether all rows have so many fields.</summary>
    bool HasWidth(int width);

    /// <summary>The fields that are going to be appended, in their order.</summary>
    void Expect(int[] fields)
    {
    }

    /// <summary>
    /// Appends a field of all rows to a column; false, and nothing appended, where one is infinite.
    /// </summary>
    bool AppendTo(RawColumn column, int field);
}

/// <summary>
/// Rows of one file or pipe, read forwards; the members of a row are the current one's.
/// </summary>
internal interface IRowReader : IRow, IDisposable
{
    /// <summary>File name for messages.</summary>
    string Name { get; }

    /// <summary>
    /// Names of the fields where the format knows them, after the first <see cref="Read"/> at the
    /// latest; null: the first row may hold names, or not.
    /// </summary>
    IReadOnlyList<string>? Names { get; }

    /// <summary>
    /// Columns that cannot be taken into a table, by name, and why; they are not to be asked for.
    /// May grow while rows are read.
    /// </summary>
    IReadOnlyDictionary<string, string> Refused => ReadOnlyDictionary<string, string>.Empty;

    /// <summary>
    /// A row may lack fields, and <see cref="Names"/> may grow at its end while rows are read. A
    /// row then has as many fields as there are names by now. False: all rows have all names.
    /// </summary>
    bool Sparse { get; }

    /// <summary>The current row, for messages: `rows.csv:17`.</summary>
    string Where => $"{Name}:{Line}";

    /// <summary>Goes to the next row; false at the end.</summary>
    /// <exception cref="DataException">The rest of the file cannot be read.</exception>
    bool Read();

    /// <summary>
    /// The next rows at once; good until the next call. Null: the reader has none together here, or
    /// none at all, and <see cref="Read"/> tells.
    /// </summary>
    /// <exception cref="DataException">The rest of the file cannot be read.</exception>
    IRowBlock? NextBlock() => null;

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
