// Takes a case through a device. Every buffer lies in the middle of a larger one whose guard zones
// hold a NaN pattern: writing outside is seen in the guards, reading outside in the result. Outputs
// start as NaN. A second run must give the same bits: reductions have a fixed order.
// The error is norm(device - reference) / norm(reference), the largest of the outputs.
using System.Runtime.InteropServices;
using Dl.Tensors;

namespace Dl.Verification;

/// <param name="Error">Relative error; infinite where NaN came out of finite data.</param>
/// <param name="Fault">What else went wrong (guards, inputs, leaks), or null.</param>
internal readonly record struct CaseOutcome(double Error, string? Fault);

internal static class CaseRunner
{
    private const int Guard = Device.SliceAlignment;

    /// <summary>Bits of the guard zones: a quiet NaN that no computation produces.</summary>
    private const int GuardBits = 0x7FC5A5A5;

    // Another NaN: as an index it is far out of range, so a stale one cannot pass either.
    private const int PoisonBits = 0x7FC0DEAD;

    /// <summary>Runs a case twice, for the same bits, and compares.</summary>
    public static CaseOutcome Check(Device device, Case test)
    {
        int live = device.LiveBuffers;
        int[][] before = Draw(test);
        int[][] after = RunOnce(device, test, before);
        string? fault = FindFault(test, before, after);
        if (device.LiveBuffers != live)
        {
            fault ??= $"kept {device.LiveBuffers - live} buffer(s)";
        }
        int[][] again = RunOnce(device, test, before);
        for (int i = 0; i < after.Length; i++)
        {
            if (!after[i].AsSpan().SequenceEqual(again[i]))
            {
                fault ??= $"two runs gave different bits in buffer {i}";
            }
        }
        double[][] expected = Values(test, before);
        ClearOutputs(test, expected);
        test.Reference(expected);
        double[][] actual = Values(test, after);
        double error = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            if (test.Operands[i].Role != Role.Input)
            {
                error = Math.Max(error, RelativeError(actual[i], expected[i]));
            }
        }
        return new CaseOutcome(error, fault);
    }

    /// <summary>Median seconds of one run, after one to warm up.</summary>
    public static double Time(Device device, Case test)
    {
        const double SampleSeconds = 0.01;
        int[][] before = Draw(test);
        var arenas = new Storage[before.Length];
        var storages = Upload(device, test, before, arenas);
        // Repeated in-place updates may overflow; the time does not depend on the values.
        double seconds = DeviceTimer.Median(
            device, d => test.Run(d, storages), SampleSeconds);
        foreach (var arena in arenas)
        {
            device.Return(arena);
        }
        return seconds;
    }

    /// <summary>
    /// norm(actual - expected) / norm(expected). Equal NaNs and infinities agree; others are an
    /// infinite error.
    /// </summary>
    public static double RelativeError(ReadOnlySpan<double> actual, ReadOnlySpan<double> expected)
    {
        double difference = 0, norm = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            if (actual[i].Equals(expected[i]))
            {
                norm += double.IsFinite(expected[i]) ? expected[i] * expected[i] : 0;
                continue;
            }
            double e = actual[i] - expected[i];
            difference += e * e;
            norm += expected[i] * expected[i];
        }
        double error = difference == 0 ? 0
            : Math.Sqrt(difference) / (norm == 0 ? 1 : Math.Sqrt(norm));
        return double.IsFinite(error) ? error : double.PositiveInfinity;
    }

    /// <summary>Everything in the arenas after a run.</summary>
    private static int[][] RunOnce(Device device, Case test, int[][] before)
    {
        var arenas = new Storage[before.Length];
        var storages = Upload(device, test, before, arenas);
        test.Run(device, storages);
        var after = new int[before.Length][];
        for (int i = 0; i < before.Length; i++)
        {
            after[i] = new int[before[i].Length];
            device.Read(arenas[i], after[i]);
            device.Return(arenas[i]);
        }
        return after;
    }

    /// <summary>The bits of each arena: guard, data or poison, guard.</summary>
    private static int[][] Draw(Case test)
    {
        var arenas = new int[test.Operands.Length][];
        for (int i = 0; i < arenas.Length; i++)
        {
            var operand = test.Operands[i];
            int end = (operand.Length + Guard - 1) / Guard * Guard;
            // The hind guard starts at the first element that does not belong to the data.
            arenas[i] = new int[Guard + end + Guard];
            Array.Fill(arenas[i], GuardBits);
            var data = arenas[i].AsSpan(Guard, operand.Length);
            if (operand.Role == Role.Output)
            {
                data.Fill(PoisonBits);
                continue;
            }
            // A stream for each operand: the same numbers on every device and in every run.
            var rng = new Rng(seed: 20_261_121, stream: (ulong)i);
            foreach (ref int bits in data)
            {
                double value = operand.Draw(rng);
                bits = operand.Type == DType.I32
                    ? (int)value : BitConverter.SingleToInt32Bits((float)value);
            }
        }
        return arenas;
    }

    private static Storage[] Upload(Device device, Case test, int[][] bits, Storage[] arenas)
    {
        var storages = new Storage[bits.Length];
        for (int i = 0; i < bits.Length; i++)
        {
            arenas[i] = device.Rent(test.Operands[i].Type, bits[i].Length);
            device.Write(arenas[i], bits[i]);
            storages[i] = device.Slice(arenas[i], Guard, test.Operands[i].Length);
        }
        return storages;
    }

    private static string? FindFault(Case test, int[][] before, int[][] after)
    {
        for (int i = 0; i < before.Length; i++)
        {
            int length = test.Operands[i].Length;
            if (!after[i].AsSpan(0, Guard).SequenceEqual(before[i].AsSpan(0, Guard)))
            {
                return $"wrote before the start of buffer {i}";
            }
            if (!after[i].AsSpan(Guard + length).SequenceEqual(before[i].AsSpan(Guard + length)))
            {
                return $"wrote behind the end of buffer {i}";
            }
            if (test.Operands[i].Role == Role.Input
                && !after[i].AsSpan().SequenceEqual(before[i]))
            {
                return $"changed its input {i}";
            }
        }
        return null;
    }

    /// <summary>The reference adds to outputs, so poison becomes 0.</summary>
    private static void ClearOutputs(Case test, double[][] values)
    {
        for (int i = 0; i < values.Length; i++)
        {
            if (test.Operands[i].Role == Role.Output)
            {
                Array.Clear(values[i]);
            }
        }
    }

    /// <summary>The data between the guards as numbers.</summary>
    private static double[][] Values(Case test, int[][] arenas)
    {
        var values = new double[arenas.Length][];
        for (int i = 0; i < arenas.Length; i++)
        {
            var bits = arenas[i].AsSpan(Guard, test.Operands[i].Length);
            var floats = MemoryMarshal.Cast<int, float>(bits);
            values[i] = new double[bits.Length];
            for (int j = 0; j < bits.Length; j++)
            {
                values[i][j] = test.Operands[i].Type == DType.I32 ? bits[j] : floats[j];
            }
        }
        return values;
    }
}
