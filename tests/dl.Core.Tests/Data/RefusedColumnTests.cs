// Columns that a table cannot take: left out with a warning, unless they are asked for.
using System.Text;
using Dl.Data.Formats;
using Dl.Data.Formats.Parquet;
using Dl.Data.Tables;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dl.Data.Tests;

public class RefusedColumnTests
{
    private const string Lines =
        """
        {"size": 1, "tags": ["a", "b"], "in": {"x": 1.5, "many": [1]}, "label": "yes"}
        {"size": 2, "tags": null, "in": {"x": 2.5, "many": []}, "label": "no"}
        {"size": 3, "tags": "c", "in": {"x": 3.5}, "label": "yes"}
        {"size": 4, "in": {"x": 4.5, "many": [[2], {}]}, "label": "no"}
        """;

    [Fact]
    public void ArraysOfJsonAreLeftOutWithAWarning()
    {
        using var folder = new TemporaryFolder();
        var options = new DataOptions { Inputs = [folder.Write("t.jsonl", Lines)] };
        var log = new Warnings();
        var learnt = (TablePreprocessing)TrainingData.Open(options, log).Split().Preprocessing;
        Assert.Equal(["size", "in.x", "label"], learnt.Source);
        Assert.Equal(2, log.Texts.Count);
        Assert.Contains("column 'in.many' is left out: it holds arrays", log.Texts[0]);
        Assert.Contains("column 'tags' is left out", log.Texts[1]);

        var spared = new Warnings();
        TrainingData.Open(options with { Ignore = ["tags", "in.many"] }, spared);
        Assert.Empty(spared.Texts);
        var error = Assert.Throws<UsageException>(
            () => TrainingData.Open(options with { Target = ["tags"] }, log));
        Assert.Contains("'tags' cannot be the target: it holds arrays", error.Message);
    }

    [Fact]
    public void AnArrayWhereThereWasAValueIsABadRow()
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("t.jsonl", "{\"a\": 1, \"b\": 2}\n{\"a\": [1], \"b\": 2}\n");
        var error = Assert.Throws<DataException>(() => TrainingData.Open(
            new DataOptions { Inputs = [path] }, NullLogger.Instance));
        Assert.Contains("t.jsonl:2: key 'a' holds an array", error.Message);
    }

    [SkippableFact]
    public void ListsOfParquetAreLeftOut()
    {
        string path = Shared.Data("parquet-testing", "data", "nested_lists.snappy.parquet");
        var table = new RawTable();
        table.Append(
            File.OpenRead(path), path, Part.Train, new BadData(false, NullLogger.Instance),
            default);
        Assert.Equal(["b"], table.Names());
        Assert.Contains("lists and maps", table.Refused.ReasonFor("a"));
        Assert.Null(table.Refused.ReasonFor("b"));
        Assert.Null(table.Refused.ReasonFor(""));
    }

    private sealed class Warnings : ILogger
    {
        public List<string> Texts { get; } = [];

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception,
            Func<TState, Exception?, string> formatter)
        {
            if (logLevel == LogLevel.Warning)
            {
                Texts.Add(formatter(state, exception));
            }
        }
    }
}
