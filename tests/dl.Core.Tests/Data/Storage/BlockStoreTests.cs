// Blocks in a scratch file that nobody else sees, and the cache through which they are read.
using Dl.Data.Tables;
using Dl.Data.Tables.Storage;

namespace Dl.Data.Tests.Storage;

public class BlockStoreTests
{
    /// <summary>A spilled table of numbers: cell (r, c) is r + c / 8.</summary>
    private static RawTable Numbers(TemporaryFolder folder, int rows, int columns, int blockRows)
    {
        var table = new RawTable(storage: new TableStorage
        {
            Memory = 0, Folder = folder.Root, BlockBytes = blockRows * columns * sizeof(double),
            CachedBlocks = 6,
        });
        string text = string.Join(',', Enumerable.Range(0, columns).Select(c => $"c{c}")) + "\n"
            + string.Concat(Enumerable.Range(0, rows).Select(r => string.Join(
                ',', Enumerable.Range(0, columns).Select(c => Invariant(Cell(r, c)))) + "\n"));
        table.Append(
            new MemoryStream(System.Text.Encoding.UTF8.GetBytes(text)), "t.csv", Part.Train,
            new BadData(false, new ListLogger()), CancellationToken.None);
        table.Complete();
        return table;
    }

    private static string Invariant(double value) =>
        value.ToString(System.Globalization.CultureInfo.InvariantCulture);

    private static double Cell(int row, int column) => row + (column / 8.0);

    [Fact]
    public void CellsAreReadByRowAndByBlock()
    {
        using var folder = new TemporaryFolder();
        using RawTable table = Numbers(folder, 1000, 3, 100);
        BlockStore store = Assert.IsType<BlockStore>(table.Store);
        Assert.Equal(1000, store.Rows);
        Assert.True(store.Blocks >= 8, $"{store.Blocks} blocks");
        foreach (int row in new[] { 0, 999, 255, 256, 257, 500, 0 })
        {
            int block = store.BlockOf(row);
            Assert.InRange(row - store.FirstRow(block), 0, store.RowsOf(block) - 1);
            for (int c = 0; c < 3; c++)
            {
                Assert.Equal(Cell(row, c), table.Columns[c].Number(row));
            }
        }
        Assert.Equal("t.csv:502", table.Locate(500));
    }

    [Fact]
    public void TheScratchFileHasNoNameWhileItIsOpenAndIsGoneAfterwards()
    {
        using var folder = new TemporaryFolder();
        RawTable table = Numbers(folder, 1000, 3, 100);
        // Windows keeps the name until the file is closed.
        if (!OperatingSystem.IsWindows())
        {
            Assert.Empty(Directory.GetFileSystemEntries(folder.Root));
        }
        Assert.Equal(Cell(998, 1), table.Columns[1].Number(998));
        table.Dispose();
        Assert.Empty(Directory.GetFileSystemEntries(folder.Root));
    }

    [Fact]
    public void NothingIsLeftWhenReadingEndsInAnError()
    {
        using var folder = new TemporaryFolder();
        using var data = new TemporaryFolder();
        string path = data.Write("t.csv", "a,b\n" + string.Concat(
            Enumerable.Repeat("1,2\n", 2000)) + "1,2,3\n");
        Assert.Throws<DataException>(() => TrainingData.Open(
            new DataOptions
            {
                Inputs = [path],
                Storage = new TableStorage { Memory = 0, Folder = folder.Root, BlockBytes = 1024 },
            },
            new ListLogger()));
        if (!OperatingSystem.IsWindows())
        {
            Assert.Empty(Directory.GetFileSystemEntries(folder.Root));
        }
    }

    [Fact]
    public void AFolderThatIsNotThereIsNamed()
    {
        using var folder = new TemporaryFolder();
        string missing = folder["no/such"];
        var error = Assert.Throws<DlException>(
            () => new ScratchFile(missing));
        Assert.Contains(missing, error.Message);
        Assert.Contains("--scratch", error.Message);
    }

    [SkippableFact]
    public void AFullDiskIsNamedWithTheBytesThatAreNeeded()
    {
        using var disk = SmallDisk.Mount(1 << 20);
        using var file = new ScratchFile(disk.Root);
        var bytes = new byte[1 << 18];
        var error = Assert.Throws<DlException>(() =>
        {
            for (int i = 0; i < 8; i++)
            {
                file.Append(bytes, 5_000_000_000);
            }
        });
        Assert.Contains(disk.Root, error.Message);
        Assert.Contains("5.0 GB", error.Message);
    }

    [Fact]
    public void ManyThreadsReadThroughASmallCache()
    {
        using var folder = new TemporaryFolder();
        using RawTable table = Numbers(folder, 4000, 2, 64);
        var cache = new BlockCache(table.Store!, table.Columns);
        int wrong = 0;
        Parallel.For(0, 8, thread =>
        {
            var rng = new Dl.Tensors.Rng(1, (ulong)thread);
            for (int i = 0; i < 5000; i++)
            {
                int row = i % 3 == 0 ? rng.NextInt(4000) : i * 4000 / 5000;
                int block = table.Store!.BlockOf(row);
                using BlockCache.Lease lease = cache.Read(block, null);
                ReadOnlySpan<double> cells = lease.Row(row - table.Store.FirstRow(block));
                bool right = cells.Length == 2 && cells[0] == Cell(row, 0)
                    && cells[1] == Cell(row, 1);
                Interlocked.Add(ref wrong, right ? 0 : 1);
            }
        });
        Assert.Equal(0, wrong);
    }

    [Fact]
    public void RowsKnowTheirFileLineAndPart()
    {
        var places = new RowPlaces();
        places.BeginFile("a.csv", Part.Train);
        foreach (int line in new[] { 2, 3, 4, 9, 10 })
        {
            places.Add(line);
        }
        places.BeginFile("b.csv", Part.Test);
        places.Add(11);
        places.Add(12);
        Assert.Equal(7, places.Count);
        Assert.Equal(
            ["a.csv:2", "a.csv:3", "a.csv:4", "a.csv:9", "a.csv:10", "b.csv:11", "b.csv:12"],
            Enumerable.Range(0, 7).Select(places.Locate));
        Assert.Equal([Part.Train, Part.Test, Part.Test],
            new[] { 4, 5, 6 }.Select(places.PartOf));
    }
}
