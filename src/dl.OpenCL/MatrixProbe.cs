// Whether a device's matrix units compute what they should. Nothing that a driver says is trusted:
// products of odd sizes are computed and compared with sums of rounded factors in doubles. The
// trial has a context of its own, because a fault would take everything else in its context along.
using Dl.OpenCl.Native;
using Dl.Tensors;
using Microsoft.Extensions.Logging;

namespace Dl.OpenCl;

/// <summary>Proves tf32 and bf16 products of a device.</summary>
internal static class MatrixProbe
{
    // Sums in f32 of some hundred products: far from the 5e-4 of a factor that is not rounded.
    private const double Bound = 1e-5;

    /// <returns>The fastest units that computed right.</returns>
    /// <exception cref="DeviceException">The device does not compute in this precision.</exception>
    public static MatrixUnits Demand(
        string name, ClDevice device, KernelForm form, string cacheFolder, Precision precision,
        ILogger log)
    {
        string? fault = form == KernelForm.Cpu
            ? "it is a processor"
            : Try(name, device, cacheFolder, precision, MatrixUnits.Mma, false, log);
        if (fault is not null)
        {
            log.LogDebug("{Device}: no {Precision}: {Why}", name, precision.Name(), fault);
            throw new DeviceException(
                $"{name}: precision {precision.Name()} was asked for, {device.Name} does not "
                + $"compute in it ({fault}); leave --precision out for f32");
        }
        fault = Try(name, device, cacheFolder, precision, MatrixUnits.Wgmma, false, log);
        if (fault is null)
        {
            return MatrixUnits.Wgmma;
        }
        log.LogDebug("{Device}: no wgmma, mma.sync instead: {Why}", name, fault);
        return MatrixUnits.Mma;
    }

    /// <summary>Null where all products are right, else what was wrong.</summary>
    public static string? Try(
        string name, ClDevice device, string cacheFolder, Precision precision, MatrixUnits units,
        bool emulated, ILogger log)
    {
        try
        {
            using var trial = new OpenClDevice(
                name, device.Name, device, KernelForm.Gpu, cacheFolder, log, precision, units,
                emulated);
            return Try(trial, 160, 136, 104, false, false) ?? Try(trial, 75, 131, 49, true, true);
        }
        catch (DeviceException error)
        {
            log.LogDebug("{Device}: {Precision}: {Why}", name, precision.Name(), error.Message);
            return "its driver does not build or run the kernels, -v says why";
        }
    }

    /// <summary>Null where a product of the device is right, else how wrong.</summary>
    internal static string? Try(
        OpenClDevice device, int m, int n, int k, bool transposeA, bool transposeB)
    {
        var (a, b, c) = (Numbers(m * k, 1), Numbers(k * n, 2), new float[m * n]);
        var storedA = device.Rent(DType.F32, a.Length);
        var storedB = device.Rent(DType.F32, b.Length);
        var storedC = device.Rent(DType.F32, c.Length);
        device.Write(storedA, a);
        device.Write(storedB, b);
        device.MatMul(storedA, storedB, null, storedC, 1, m, n, k, transposeA, transposeB, 0);
        device.Read(storedC, c);
        device.Return(storedC);
        device.Return(storedB);
        device.Return(storedA);
        Round(a, device.Precision);
        Round(b, device.Precision);
        double wrong = 0, right = 0;
        for (int i = 0; i < m; i++)
        {
            for (int j = 0; j < n; j++)
            {
                double sum = 0;
                for (int p = 0; p < k; p++)
                {
                    sum += (double)a[transposeA ? (p * m) + i : (i * k) + p]
                        * b[transposeB ? (j * k) + p : (p * n) + j];
                }
                double difference = c[(i * n) + j] - sum;
                wrong += difference * difference;
                right += sum * sum;
            }
        }
        double error = Math.Sqrt(wrong / right);
        return error <= Bound ? null
            : $"a product of {m}x{k} and {k}x{n} is off by {error:0.0e+00}, bound {Bound:0e+00}";
    }

    /// <summary>Numbers in (-1, 1) that no factor's precision holds exactly.</summary>
    internal static float[] Numbers(int count, uint seed)
    {
        var values = new float[count];
        uint state = seed * 2654435769u;
        for (int i = 0; i < count; i++)
        {
            state = (state * 1664525) + 1013904223;
            values[i] = ((state >> 8) / (float)(1 << 23)) - 1;
        }
        return values;
    }

    /// <summary>What the device is to read: nearest, ties away from zero in tf32, to even in
    /// bf16.</summary>
    internal static void Round(Span<float> values, Precision precision)
    {
        foreach (ref float value in values)
        {
            uint bits = BitConverter.SingleToUInt32Bits(value);
            bits = precision switch
            {
                Precision.Tf32 => (bits + 0x1000) & 0xffffe000,
                Precision.Bf16 => (bits + 0x7fff + ((bits >> 16) & 1)) & 0xffff0000,
                _ => bits,
            };
            value = BitConverter.UInt32BitsToSingle(bits);
        }
    }
}
