// What is learnt in one pass against what two passes, a sort and a set say.
using Dl.Data.Tables;
using Dl.Data.Tables.Storage;
using Dl.Tensors;

namespace Dl.Data.Tests.Storage;

public class StatisticsTests
{
    [Theory]
    [InlineData(0, 1)]
    [InlineData(1e9, 1)]
    [InlineData(-3, 1e-6)]
    public void MomentsAreThoseOfTwoPasses(double shift, double scale)
    {
        var rng = new Rng(4, 4);
        var values = new double[20_000];
        for (int i = 0; i < values.Length; i++)
        {
            double x = rng.NextNormal();
            values[i] = shift + (scale * x * x);
        }
        var moments = new RunningMoments();
        for (int at = 0; at < values.Length;)
        {
            int count = Math.Min(values.Length - at, rng.NextInt(700));
            moments.Add(values.AsSpan(at, count));
            at += count;
        }
        double mean = values.Average();
        double squares = values.Sum(v => (v - mean) * (v - mean));
        double cubes = values.Sum(v => Math.Pow(v - mean, 3));
        Assert.Equal(values.Length, moments.Count);
        Assert.Equal(1, moments.Mean / mean, 1e-13);
        Assert.Equal(1, moments.Squares / squares, 1e-8);
        Assert.Equal(1, moments.Cubes / cubes, 1e-4);
        (double filled, double std) = moments.With(5000, shift);
        (double expected, double deviation) = TableFit.Moments(values, 5000, shift, false);
        Assert.Equal(1, filled / expected, 1e-13);
        Assert.Equal(1, std / deviation, 1e-8);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4095)]
    [InlineData(4096)]
    public void TheMedianOfAFewIsExact(int count)
    {
        var rng = new Rng(5, (ulong)count);
        double[] values = [.. Enumerable.Range(0, count).Select(_ => (double)rng.NextFloat())];
        var sample = new ThinnedSample(4096);
        foreach (double value in values)
        {
            sample.Add([value]);
        }
        double median = sample.Median();
        Array.Sort(values);
        Assert.Equal((values[(count - 1) / 2] + values[count / 2]) / 2, median);
    }

    /// <summary>The bound that ThinnedSample states, in any order of the numbers.</summary>
    [Theory]
    [InlineData("rising")]
    [InlineData("falling")]
    [InlineData("shuffled")]
    [InlineData("periodic")]
    public void TheMedianOfManyIsWithinItsBound(string order)
    {
        const int count = 1_000_003, room = 4096;
        var ranks = new double[count];
        for (int i = 0; i < count; i++)
        {
            ranks[i] = order switch
            {
                "falling" => count - 1 - i,
                // Steps that powers of two divide would fool a sample without chance.
                "periodic" => (i % 1024 * 977) + (i / 1024),
                _ => i,
            };
        }
        if (order == "shuffled")
        {
            new Rng(6, 6).Shuffle(ranks.AsSpan());
        }
        var sample = new ThinnedSample(room);
        for (int at = 0; at < count; at += 1000)
        {
            sample.Add(ranks.AsSpan(at, Math.Min(1000, count - at)));
        }
        double median = sample.Median();
        double below = ranks.Count(r => r < median) / (double)count;
        Assert.InRange(below, 0.5 - (2 / Math.Sqrt(room)), 0.5 + (2 / Math.Sqrt(room)));
    }

    [Theory]
    [InlineData(100, 1000)]
    [InlineData(1023, 3000)]
    [InlineData(50_000, 100_000)]
    [InlineData(1_000_000, 1_000_000)]
    public void DistinctNumbersAreCountedExactlyOrNearly(int distinct, int all)
    {
        var counter = new DistinctCounter(1024);
        for (int i = 0; i < all; i++)
        {
            counter.Add((double)(i % distinct) / 7);
        }
        Assert.Equal(distinct < 1024, counter.Exact);
        if (counter.Exact)
        {
            Assert.Equal(distinct, counter.Count);
        }
        // Five deviations of 1 / sqrt(1022).
        Assert.InRange(counter.Count / (double)distinct, 0.84, 1.16);
    }

    [Fact]
    public void ZeroOfEitherSignIsOneNumber()
    {
        var counter = new DistinctCounter(16);
        counter.Add(0.0);
        counter.Add(-0.0);
        Assert.Equal(1, counter.Count);
    }

    /// <summary>The definition: samples sorted by place, ties as they were shuffled.</summary>
    [Theory]
    [InlineData(1, 1)]
    [InlineData(10, 2)]
    [InlineData(999, 3)]
    [InlineData(1000, 4)]
    [InlineData(1000, 1)]
    public void ACutIsARunOfTheStratifiedOrder(int count, int classes)
    {
        int[] samples = [.. Enumerable.Range(0, count).Select(i => (3 * i) + 1)];
        int Stratum(int sample) => sample * sample % 11 % classes;
        int[] shuffled = (int[])samples.Clone();
        new Rng(9, 0x53_504C_4954).Fork(2).Shuffle(shuffled.AsSpan());
        var totals = samples.GroupBy(Stratum).ToDictionary(g => g.Key, g => g.Count());
        var seen = new Dictionary<int, int>();
        int[] order = [.. shuffled
            .Select((sample, position) =>
            {
                int rank = seen.GetValueOrDefault(Stratum(sample));
                seen[Stratum(sample)] = rank + 1;
                return (Place: (rank + 0.5) / totals[Stratum(sample)], position, sample);
            })
            .OrderBy(s => (s.Place, s.position))
            .Select(s => s.sample)];
        var cut = new Cut(samples, Stratum, 9, 2);
        foreach ((int from, int to) in new[]
            {
                (0, count), (0, count / 10), (count / 10, count / 3), (count / 2, count),
                (count / 2, count / 2), (count - 1, count),
            })
        {
            Assert.Equal(order[from..to].Order(), cut.Run(from, to));
            Assert.Equal(order[..from].Concat(order[to..]).Order(), cut.Without(from, to));
        }
    }
}
