// A device with buffers that lie between guard zones, for tests of primitives: what a primitive
// writes beyond its output is seen, and an output that it must not read is NaN.
using Dl.Cpu;
using Dl.Tensors;

namespace Dl.Core.Tests.Cpu;

internal sealed class Guarded(int threads) : IDisposable
{
    private const int Zone = Dl.Tensors.Device.SliceAlignment;

    private readonly List<(Storage Arena, int Length)> _arenas = [];

    public CpuDevice Device { get; } = new(threads);

    public static float[] Numbers(int count, int seed = 1)
    {
        var random = new Random(seed);
        var values = new float[count];
        for (int i = 0; i < count; i++)
        {
            values[i] = (float)((random.NextDouble() * 2) - 1);
        }
        return values;
    }

    /// <summary>What an output holds before: NaN where it must not be read.</summary>
    public static float[] Before(int count, float beta) =>
        beta == 0 ? Enumerable.Repeat(float.NaN, count).ToArray() : Numbers(count, 77);

    public Storage Of(float[] values)
    {
        int length = values.Length;
        var arena = Device.Rent(DType.F32, (2 * Zone) + ((length + Zone - 1) / Zone * Zone));
        var all = new float[arena.Length];
        Array.Fill(all, 12345.5f);
        values.CopyTo(all, Zone);
        Device.Write(arena, all);
        _arenas.Add((arena, length));
        return Device.Slice(arena, Zone, length);
    }

    public Storage Of(int[] values)
    {
        var storage = Device.Rent(DType.I32, values.Length);
        Device.Write(storage, values);
        return storage;
    }

    /// <summary>The values of a buffer, after looking at every guard zone.</summary>
    public float[] Read(Storage storage)
    {
        foreach (var (arena, length) in _arenas)
        {
            var all = new float[arena.Length];
            Device.Read(arena, all);
            Assert.DoesNotContain(all[..Zone], v => v != 12345.5f);
            Assert.DoesNotContain(all[(Zone + length)..], v => v != 12345.5f);
        }
        var values = new float[storage.Length];
        Device.Read(storage, values);
        return values;
    }

    public void Dispose() => Device.Dispose();

    /// <summary>Every element within tolerance * scale of what a double computes.</summary>
    public static void Near(double[] expected, float[] actual, double tolerance)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
        {
            double limit = tolerance * (1 + Math.Abs(expected[i]));
            Assert.True(Math.Abs(expected[i] - actual[i]) <= limit,
                $"element {i}: expected {expected[i]}, got {actual[i]}");
        }
    }
}
