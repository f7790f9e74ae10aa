// What bench ingest reports of a file: its own rows, columns and bytes.
using Dl.Benchmarks;
using Dl.Data.Tests;

namespace Dl.Tests.Benchmarks;

public class IngestBenchTests
{
    [Fact]
    public void AFileIsReadAndNamed()
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("t.csv", "a,b,c\n1,x,\"2,5\"\n3,y,4\n");
        var results = new List<IngestResult>();
        IngestBench.Run([path], 0, decimalComma: false, results.Add, default);
        IngestResult result = Assert.Single(results);
        Assert.Equal((path, 22L, 2, 3), (result.Name, result.Bytes, result.Rows, result.Columns));
        Assert.True(result.Passes >= 3 && result.Seconds > 0);
        Assert.Throws<Dl.DataException>(
            () => IngestBench.Run([path + "x"], 0, false, results.Add, default));
    }
}
