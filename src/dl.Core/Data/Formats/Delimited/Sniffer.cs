// Which character divides the fields: each candidate cuts the first rows, and the one on whose
// count of fields most rows agree has it.
namespace Dl.Data.Formats.Delimited;

/// <summary>Finds the delimiter of a text.</summary>
internal static class Sniffer
{
    private const int RowsLookedAt = 100;

    private static ReadOnlySpan<byte> Candidates => ",\t;|"u8;

    /// <param name="head">The beginning of the text; is cut again by whoever uses it.</param>
    /// <param name="decimalComma">
    /// A comma that is in numbers divides fields only where those numbers are in quotes.
    /// </param>
    /// <param name="isSaid">The first line says it: `sep=;`, which Excel writes and reads.</param>
    public static byte Find(DelimitedBlock head, bool decimalComma, out bool isSaid)
    {
        ReadOnlySpan<byte> text = head.Bytes.AsSpan(0, head.Length);
        isSaid = text.StartsWith("sep="u8) && text[4..] is [var said, (byte)'\r' or (byte)'\n', ..]
            && said is > 0x20 or (byte)'\t';
        if (isSaid)
        {
            return text[4];
        }
        bool commas = !decimalComma || text.Contains((byte)'"');
        byte best = commas ? (byte)',' : (byte)';';
        var most = new Score(0, 1, false);
        foreach (byte candidate in Candidates)
        {
            if (candidate == ',' && !commas)
            {
                continue;
            }
            Score score = Rate(head, candidate);
            if (score.Fields > 1 && score.IsOver(most, best == ','))
            {
                (best, most) = (candidate, score);
            }
        }
        return best;
    }

    private static Score Rate(DelimitedBlock head, byte delimiter)
    {
        head.Start();
        RowCutter.Cut(head, new Dialect(delimiter, DecimalComma: false));
        if (head.RowCount == 0)
        {
            return default;
        }
        int fields = head.CountOf(0), agreeing = 0;
        bool inNumbers = delimiter != ',';
        for (int row = 0; row < Math.Min(head.RowCount, RowsLookedAt); row++)
        {
            int count = head.CountOf(row);
            agreeing += count == fields ? 1 : 0;
            for (int field = 0; field < count && inNumbers; field++)
            {
                ReadOnlySpan<byte> cell = head.Utf8Of(row, field);
                inNumbers = !cell.Contains((byte)',') || DecimalComma.IsNumber(cell);
            }
        }
        return new Score(agreeing, fields, inNumbers);
    }

    /// <param name="Agreeing">Rows that have as many fields as the first.</param>
    /// <param name="Fields">Fields of the first row.</param>
    /// <param name="HasCommaNumbers">Every comma is in a number such as `1,5`.</param>
    private readonly record struct Score(int Agreeing, int Fields, bool HasCommaNumbers)
    {
        /// <summary>
        /// More rows agree; or as many, and there are more fields, or commas that make those of the
        /// other one are in numbers.
        /// </summary>
        public bool IsOver(Score other, bool otherIsComma) =>
            Agreeing != other.Agreeing
                ? Agreeing > other.Agreeing
                : Fields > other.Fields || (otherIsComma && HasCommaNumbers);
    }
}
