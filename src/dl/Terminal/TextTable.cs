// Columns of text, as wide as their widest cell; each set to its left or right.
using System.Text;

namespace Dl.Cli.Terminal;

/// <param name="right">For each column: true sets it to the right.</param>
internal sealed class TextTable(params bool[] right)
{
    private readonly List<string[]> _rows = [];

    public void Add(params string[] cells) => _rows.Add(cells);

    public override string ToString()
    {
        int[] widths = new int[right.Length];
        foreach (string[] row in _rows)
        {
            for (int i = 0; i < row.Length; i++)
            {
                widths[i] = Math.Max(widths[i], row[i].Length);
            }
        }
        var text = new StringBuilder();
        foreach (string[] row in _rows)
        {
            var line = new StringBuilder();
            for (int i = 0; i < row.Length; i++)
            {
                line.Append(i > 0 ? "  " : "");
                line.Append(right[i] ? row[i].PadLeft(widths[i]) : row[i].PadRight(widths[i]));
            }
            text.Append(line.ToString().TrimEnd()).Append('\n');
        }
        return text.ToString();
    }
}
