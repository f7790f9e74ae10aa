// Does a table start with a line of names?
//   1. A text over a column of numbers is a name.
//   2. Else a first line with a number in it is data: columns are rarely called 3.5.
//   3. Else all columns hold text: the line is names if none of its texts comes again below.
using Dl.Data.Formats;

namespace Dl.Data.Tables;

/// <summary>
/// The names of a table's columns, and the mapping of one table's columns to another's.
/// </summary>
internal static class HeaderLine
{
    /// <summary>Rows looked at, the first included.</summary>
    public const int SampleRows = 200;

    public static bool IsHeader(List<string[]> rows)
    {
        string[] first = rows[0];
        bool hasNumber = false;
        bool repeats = false;
        for (int column = 0; column < first.Length; column++)
        {
            if (Cell.IsMissing(first[column]))
            {
                continue;
            }
            if (Cell.TryNumber(first[column], out _))
            {
                hasNumber = true;
                continue;
            }
            if (IsNumeric(rows, column))
            {
                return true;
            }
            repeats |= Repeats(rows, column);
        }
        return !hasNumber && !repeats;
    }

    /// <summary>Names of the header; an empty one becomes its position (`c3`).</summary>
    /// <exception cref="DataException">Two columns have the same name, or one is no text.
    /// </exception>
    public static string[] Names(string[] fields, string where)
    {
        var names = new string[fields.Length];
        var position = new Dictionary<string, int>(StringComparer.Ordinal);
        for (int i = 0; i < fields.Length; i++)
        {
            names[i] = fields[i].Length == 0 ? Positional(i) : fields[i];
            if (names[i].Contains('\uFFFD'))
            {
                throw new DataException(
                    $"{where}: column '{names[i]}' is not UTF-8, expected a name; convert the "
                    + "file, for example with iconv -f WINDOWS-1252 -t UTF-8");
            }
            if (position.TryGetValue(names[i], out int earlier))
            {
                throw new DataException(
                    $"{where}: column '{names[i]}' is there twice (columns {earlier + 1} and "
                    + $"{i + 1}), expected distinct names; rename or remove one");
            }
            position.Add(names[i], i);
        }
        return names;
    }

    public static string[] Positional(string[] fields)
    {
        var names = new string[fields.Length];
        for (int i = 0; i < names.Length; i++)
        {
            names[i] = Positional(i);
        }
        return names;
    }

    public static string Positional(int column) => $"c{column + 1}";

    /// <summary>The error for a row whose fields do not match the columns.</summary>
    public static DataException Ragged(IRowReader reader, int line, int given, int expected) => new(
        $"{reader.Name}:{line}: the row has {given} fields, expected {expected} as in the first "
        + $"line{reader.Cut}; mend the row, or leave bad rows out with --on-bad-data skip");

    public static DataException Infinite(string file, int line, string column) => new(
        $"{file}:{line}: column '{column}' is infinite, expected a finite number; leave the cell "
        + "empty for a missing value, or leave bad rows out with --on-bad-data skip");

    private static bool IsNumeric(List<string[]> rows, int column)
    {
        bool any = false;
        for (int row = 1; row < rows.Count; row++)
        {
            if (column >= rows[row].Length || Cell.IsMissing(rows[row][column]))
            {
                continue;
            }
            if (!Cell.TryNumber(rows[row][column], out _))
            {
                return false;
            }
            any = true;
        }
        return any;
    }

    private static bool Repeats(List<string[]> rows, int column)
    {
        for (int row = 1; row < rows.Count; row++)
        {
            if (column < rows[row].Length && rows[row][column] == rows[0][column])
            {
                return true;
            }
        }
        return false;
    }
}
