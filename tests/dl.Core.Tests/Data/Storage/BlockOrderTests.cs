// A shuffled epoch of a table on disk: all samples, the same again, and few blocks at a time.
using Dl.Data.Tables;
using Dl.Data.Tables.Storage;

namespace Dl.Data.Tests.Storage;

public class BlockOrderTests
{
    private const int Rows = 5000, BlockRows = 50;

    private static BlockStore Store(TemporaryFolder folder)
    {
        var store = new BlockStore(new TableStorage { Folder = folder.Root });
        var cells = new double[BlockRows];
        for (int row = 0; row < Rows; row += BlockRows)
        {
            store.Append(BlockRows, 1, _ => cells, null);
        }
        return store;
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(16)]
    [InlineData(1000)]
    public void AnOrderIsAPermutationThatSeedAndEpochDecide(int window)
    {
        using var folder = new TemporaryFolder();
        using BlockStore store = Store(folder);
        // Every third row is in another part, and some blocks have no row at all.
        int[] rows = [.. Enumerable.Range(0, Rows).Where(r => r % 3 != 0 && r / 200 != 7)];
        int[] Make(ulong seed, int epoch) => new BlockOrder(store, rows, window).Make(seed, epoch);
        int[] order = Make(1, 0);
        Assert.Equal(Enumerable.Range(0, rows.Length), order.Order());
        Assert.Equal(order, Make(1, 0));
        Assert.NotEqual(order, Make(1, 1));
        Assert.NotEqual(order, Make(2, 0));
        // A dataset that has made other orders makes the same one.
        var used = new BlockOrder(store, rows, window);
        used.Make(3, 3);
        Assert.Equal(order, used.Make(1, 0));
    }

    /// <summary>
    /// Read one by one, each block is needed in one stretch, and no more than the window (or, at
    /// either end, what is mixed as one) are needed at a time.
    /// </summary>
    [Theory]
    [InlineData(4)]
    [InlineData(16)]
    public void FewBlocksAreNeededAtATime(int window)
    {
        using var folder = new TemporaryFolder();
        using BlockStore store = Store(folder);
        int[] rows = [.. Enumerable.Range(0, Rows)];
        int[] order = new BlockOrder(store, rows, window).Make(1, 0);
        int blocks = Rows / BlockRows;
        var first = Enumerable.Repeat(int.MaxValue, blocks).ToArray();
        var last = new int[blocks];
        for (int i = 0; i < order.Length; i++)
        {
            int block = order[i] / BlockRows;
            first[block] = Math.Min(first[block], i);
            last[block] = i;
        }
        for (int i = 0; i < order.Length; i++)
        {
            int needed = Enumerable.Range(0, blocks).Count(b => first[b] <= i && i <= last[b]);
            Assert.InRange(needed, 1, window);
        }
    }

    [Fact]
    public void NeighboursAreNotNeighboursAnyMore()
    {
        using var folder = new TemporaryFolder();
        using BlockStore store = Store(folder);
        int[] order = new BlockOrder(store, [.. Enumerable.Range(0, Rows)], 16).Make(1, 0);
        int together = 0;
        for (int i = 1; i < order.Length; i++)
        {
            together += order[i] / BlockRows == order[i - 1] / BlockRows ? 1 : 0;
        }
        // By chance one in sixteen.
        Assert.InRange(together / (double)order.Length, 0.03, 0.10);
    }
}
