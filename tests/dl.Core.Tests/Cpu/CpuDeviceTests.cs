// The pool of threads, sums of many numbers, and random numbers bit for bit.
using Dl.Cpu;
using Dl.Ops;
using Dl.Tensors;

namespace Dl.Core.Tests.Cpu;

public class CpuDeviceTests
{
    private sealed class Counts(int pieces)
    {
        public readonly int[] Runs = new int[pieces];
    }

    private readonly struct CountWork(Counts counts) : IWork
    {
        public void Run(int piece, int worker) => Interlocked.Increment(ref counts.Runs[piece]);
    }

    private readonly struct ThrowWork : IWork
    {
        public void Run(int piece, int worker)
        {
            if (piece == 3)
            {
                throw new DataException("piece 3");
            }
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    public void Every_piece_runs_once(int threads)
    {
        using var pool = new WorkerPool(threads);
        for (int round = 0; round < 20000; round++)
        {
            var counts = new Counts((round * 7 % 13) + 1);
            pool.Run(counts.Runs.Length, new CountWork(counts));
            Assert.All(counts.Runs, runs => Assert.Equal(1, runs));
        }
    }

    [Fact]
    public void An_exception_reaches_the_caller_and_the_pool_goes_on()
    {
        using var pool = new WorkerPool(3);
        Assert.Throws<DataException>(() => pool.Run(8, default(ThrowWork)));
        var counts = new Counts(8);
        pool.Run(8, new CountWork(counts));
        Assert.All(counts.Runs, runs => Assert.Equal(1, runs));
    }

    [Theory]
    [InlineData(1, 10_000_000, 1)]
    [InlineData(1, 50_001, 33)]
    [InlineData(3, 7, 5)]
    [InlineData(5, 1, 9)]
    [InlineData(4, 33_000, 1)]
    public void Sums_are_exact_and_the_same_on_any_threads(int outer, int n, int inner)
    {
        var x = Guarded.Numbers(outer * n * inner);
        var expected = new double[outer * inner];
        for (int i = 0; i < x.Length; i++)
        {
            x[i] = Math.Abs(x[i]);
            expected[(i / (n * inner) * inner) + (i % inner)] += x[i];
        }
        float[]? first = null;
        foreach (int threads in new[] { 1, 2, 3 })
        {
            using var device = new Guarded(threads);
            var y = device.Of(Guarded.Before(expected.Length, 0));
            device.Device.ReduceSum(device.Of(x), y, outer, n, inner, 1, 0);
            var values = device.Read(y);
            Guarded.Near(expected, values, 5e-7);
            first ??= values;
            Assert.Equal(first, values);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(31)]
    [InlineData(33)]
    [InlineData(100_003)]
    public void Random_numbers_are_the_generator_s_bit_for_bit(int n)
    {
        var span = new RngSpan(0x123456789ABCDEF0, 0xFEDCBA9876543210, 0xFFFFFFFE);
        using var device = new Guarded(2);
        var y = device.Of(Guarded.Before(n, 0));
        device.Device.FillUniform(y, n, 0, 1, span);
        var uniform = device.Read(y);
        var x = Guarded.Numbers(n);
        device.Device.Dropout(device.Of(x), y, n, 0.25f, span, 0);
        var dropped = device.Read(y);
        for (int i = 0; i < n; i++)
        {
            var (a, b, c, d) = Rng.Block(span.Seed, span.Stream, span.FirstBlock + (ulong)(i / 4));
            float u = Rng.ToUniform((i % 4) switch { 0 => a, 1 => b, 2 => c, _ => d });
            Assert.Equal(u, uniform[i]);
            Assert.Equal(u >= 0.25f ? x[i] / 0.75f : 0, dropped[i]);
        }
    }

    [Fact]
    public void A_read_that_does_not_wait_gives_what_was_there_when_it_began()
    {
        using var device = new CpuDevice(2);
        var storage = device.Rent(DType.F32, 1000);
        device.Fill(storage, 1000, 1);
        using var read = device.CreateReadback(2000);
        for (int round = 1; round <= 3; round++)
        {
            device.BeginRead(storage, read);
            device.Unary(UnaryOps.Scale, storage, storage, 1000, 2);
            Assert.Equal(1000, read.Wait().Length);
            Assert.Equal(1 << (round - 1), read.Wait()[999]);
        }
        using var small = device.CreateReadback(999);
        var error = Assert.Throws<DeviceException>(() => device.BeginRead(storage, small));
        Assert.Contains("1000 numbers into memory for 999", error.Message);
        device.Return(storage);
    }
}
