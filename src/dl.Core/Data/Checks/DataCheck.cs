// `dl check DATA`: one pass over the data feeds all checks; where they found no error, training is
// rehearsed up to its first step, so that data without errors are data that `dl fit` takes.
using Dl.Data.Formats;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dl.Data.Checks;

/// <summary>Finds what is wrong with data of any kind.</summary>
public static class DataCheck
{
    /// <param name="options">As for training; SkipBad is not looked at.</param>
    /// <param name="findings">Gets all that is found.</param>
    /// <param name="cancel">Ends the pass.</param>
    /// <exception cref="UsageException">An option names what is not there.</exception>
    public static void Run(DataOptions options, Findings findings, CancellationToken cancel) =>
        Run(options, findings, null, cancel);

    /// <summary>Checks, and prepares to write what can be mended.</summary>
    /// <param name="options">As for training.</param>
    /// <param name="findings">Gets all that is found.</param>
    /// <param name="output">Where mended data will go.</param>
    /// <param name="cancel">Ends the pass.</param>
    /// <exception cref="UsageException">The output would do harm.</exception>
    /// <returns>Null: nothing could be read.</returns>
    public static DataFix? RunToFix(
        DataOptions options, Findings findings, string output, CancellationToken cancel)
    {
        DataFix.CheckOutput(options, output);
        return Run(options, findings, output, cancel);
    }

    private static DataFix? Run(
        DataOptions options, Findings findings, string? output, CancellationToken cancel)
    {
        List<Place> places;
        try
        {
            places = Layout.Find(options);
        }
        catch (DataException error)
        {
            findings.Add(ReadingKinds.Unreadable, error, options.Inputs[0]);
            return null;
        }
        bool tables = places[0].Kind == PlaceKind.Table;
        TableProfile? table = null;
        PictureFact[]? facts = null;
        if (tables)
        {
            table = CheckTables(options, places, findings, cancel);
        }
        else
        {
            facts = PicturePass.Run(options, places, findings, output is not null, cancel);
        }
        bool streams = places.Exists(p => InputFile.IsStream(p.Path));
        if (findings.Errors == 0 && !streams)
        {
            Rehearse(options, places, findings, cancel);
        }
        return output is null || (table is null && facts is null)
            ? null
            : new DataFix(places, table, facts, output);
    }

    private static TableProfile? CheckTables(
        DataOptions options, List<Place> places, Findings findings, CancellationToken cancel)
    {
        TableProfile? table = new TablePass(options, findings, cancel).Read(places);
        if (table is null || table.Names.Count == 0)
        {
            return null;
        }
        TargetChoice.Settle(table);
        foreach (ITableCheck check in CheckList.Tables)
        {
            cancel.ThrowIfCancellationRequested();
            check.Look(table, findings);
        }
        return table;
    }

    private static void Rehearse(
        DataOptions options, List<Place> places, Findings findings, CancellationToken cancel)
    {
        try
        {
            var data = TrainingData.Open(
                options with { SkipBad = false }, NullLogger.Instance, cancel);
            if (places[0].Kind == PlaceKind.Table)
            {
                // Of pictures, cutting would decode all of them a second time.
                data.Split();
            }
        }
        catch (DlException error) when (error is DataException or UsageException)
        {
            findings.Add(CheckList.Refused, error, options.Inputs[0]);
        }
    }
}
