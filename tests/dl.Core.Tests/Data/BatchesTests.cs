using Dl.Tensors;

namespace Dl.Data.Tests;

public class BatchesTests
{
    /// <summary>
    /// Sample i has features (i, i + 0.5) and target -i; sample `bad` cannot be read.
    /// </summary>
    private sealed class Numbers(int count, int bad = -1, int delay = 0) : IDataset
    {
        public int Reads;

        public Action<int>? Reading { get; init; }

        public int Count => count;

        public Shape FeatureShape { get; } = new(2);

        public int TargetWidth => 1;

        public string Locate(int index) => $"sample {index}";

        public void Read(int index, Span<float> features, Span<float> target)
        {
            Interlocked.Increment(ref Reads);
            Reading?.Invoke(index);
            if (delay > 0)
            {
                Thread.Sleep(delay);
            }
            if (index == bad)
            {
                throw new DataException($"sample {index} is bad");
            }
            (features[0], features[1], target[0]) = (index, index + 0.5f, -index);
        }
    }

    [Theory]
    [InlineData(10, 3, 1, 2)]
    [InlineData(10, 3, 4, 3)]
    [InlineData(12, 4, 3, 4)]
    [InlineData(1, 8, 2, 2)]
    [InlineData(1000, 7, 4, 2)]
    public void AllSamplesComeInOrderForAnyThreads(int count, int size, int threads, int depth)
    {
        using var batches = new Batches(new Numbers(count), size, null, threads, depth);
        int next = 0;
        foreach (Batch batch in batches)
        {
            Assert.Equal(next, batch.First);
            for (int i = 0; i < batch.Count; i++, next++)
            {
                Assert.Equal(next, batch.Features[2 * i]);
                Assert.Equal(next + 0.5f, batch.Features[(2 * i) + 1]);
                Assert.Equal(-next, batch.Targets[i]);
            }
        }
        Assert.Equal(count, next);
        Assert.Equal((count + size - 1) / size, batches.Count);
    }

    [Fact]
    public void AnOrderIsFollowedAndBatchesCanBeSkipped()
    {
        int[] order = Batches.Order(20, seed: 3, epoch: 2);
        using var batches = new Batches(new Numbers(20), 6, order, threads: 3, depth: 3, skip: 2);
        var seen = new List<int>();
        foreach (Batch batch in batches)
        {
            for (int i = 0; i < batch.Count; i++)
            {
                seen.Add((int)batch.Features[2 * i]);
            }
        }
        Assert.Equal(order[12..], seen);
    }

    [Fact]
    public void TheOrderDependsOnSeedAndEpochAlone()
    {
        int[] order = Batches.Order(100, 1, 5);
        Assert.Equal(order, Batches.Order(100, 1, 5));
        Assert.NotEqual(order, Batches.Order(100, 1, 6));
        Assert.NotEqual(order, Batches.Order(100, 2, 5));
        Assert.Equal(Enumerable.Range(0, 100), order.Order());
    }

    [Fact]
    public void ABadSampleIsMetWhenItsBatchIsTaken()
    {
        using var batches = new Batches(new Numbers(20, bad: 13), 5, null, threads: 4, depth: 4);
        var seen = new List<int>();
        var error = Assert.Throws<DataException>(() =>
        {
            foreach (Batch batch in batches)
            {
                seen.Add(batch.First);
            }
        });
        Assert.Equal("sample 13 is bad", error.Message);
        Assert.Equal([0, 5], seen);
    }

    [Fact]
    public void LeavingEarlyStopsTheThreads()
    {
        var data = new Numbers(100_000, delay: 1);
        var clock = System.Diagnostics.Stopwatch.StartNew();
        foreach (Batch _ in new Batches(data, 20, null, threads: 2, depth: 3))
        {
            break;
        }
        int reads = data.Reads;
        Assert.True(clock.ElapsedMilliseconds < 5000, $"{clock.ElapsedMilliseconds} ms");
        Thread.Sleep(50);
        Assert.Equal(reads, data.Reads);
    }

    /// <summary>Reading may turn slow in the middle: then threads take over, in order.</summary>
    [Fact]
    public void ThreadsTakeOverWhereReadingIsSlow()
    {
        var readers = new HashSet<int>();
        var data = new Numbers(400)
        {
            Reading = index =>
        {
            lock (readers)
            {
                readers.Add(Environment.CurrentManagedThreadId);
            }
            if (index >= 100)
            {
                Thread.Sleep(1);
            }
        }
        };
        int next = 0;
        foreach (Batch batch in new Batches(data, 10, null, threads: 2, depth: 3))
        {
            for (int i = 0; i < batch.Count; i++, next++)
            {
                Assert.Equal(next, batch.Features[2 * i]);
            }
        }
        Assert.Equal(400, next);
        Assert.Equal(3, readers.Count);
    }

    [Fact]
    public void ReadingAheadIsBounded()
    {
        var data = new Numbers(1000);
        using IEnumerator<Batch> batches = new Batches(data, 10, null, threads: 2, depth: 3)
            .GetEnumerator();
        Assert.True(batches.MoveNext());
        Thread.Sleep(100);
        Assert.True(data.Reads <= 30, $"{data.Reads} samples were read for one batch");
    }

    /// <summary>All threads work on the batch that is needed next.</summary>
    [Fact]
    public void ThreadsShareABatch()
    {
        var readers = new Dictionary<int, HashSet<int>>();
        var data = new Numbers(90, delay: 2)
        {
            Reading = index =>
            {
                lock (readers)
                {
                    HashSet<int> batch = readers.TryGetValue(index / 30, out var known)
                        ? known : readers[index / 30] = [];
                    batch.Add(Environment.CurrentManagedThreadId);
                }
            },
        };
        using var batches = new Batches(data, 30, null, threads: 3, depth: 2);
        Assert.Equal(3, batches.Count());
        Assert.True(batches.Waited > TimeSpan.FromMilliseconds(60), $"{batches.Waited}");
        Assert.Equal(3, readers[1].Count);
        Assert.Equal(3, readers[2].Count);
    }

    /// <summary>Of two bad samples of a batch the first one is told of.</summary>
    [Fact]
    public void TheFirstBadShareCounts()
    {
        var data = new Numbers(80)
        {
            Reading = index =>
            {
                Thread.Sleep(index == 45 ? 100 : 2);
                if (index is 45 or 55)
                {
                    throw new DataException($"{index}");
                }
            },
        };
        using var batches = new Batches(data, 20, null, threads: 2, depth: 3);
        Assert.Equal("45", Assert.Throws<DataException>(() => batches.Count()).Message);
    }
}
