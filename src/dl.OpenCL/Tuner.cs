// `dl bench --tune`: tries the tiles of GPU products on the device at hand and keeps the fastest
// of each size. A tile is proven before it is timed, on products of odd sizes in every direction
// and on sampled elements of what was timed; one that does not build, fails or computes something
// else is passed over. Each trial has a device of its own, so that a fault ends with it.
using System.Globalization;
using System.Text;
using Dl.Ops;
using Dl.Tensors;
using Microsoft.Extensions.Logging;

namespace Dl.OpenCl;

/// <summary>Searches the tunables of one device.</summary>
/// <param name="device">Where; must not be used meanwhile.</param>
/// <param name="output">A row for each trial.</param>
public sealed class Tuner(OpenClDevice device, TextWriter output, ILogger log)
{
    private const int MinItems = 64, MaxItems = 512, Checked = 64;
    private const double SampleSeconds = 0.02, SlowSeconds = 0.5, Bound = 1e-5;

    /// <summary>Extents of the timed product; smaller ones where a device is slow.</summary>
    private static readonly int[] Extents = [4096, 1024, 256];

    /// <summary>The tiles that are tried.</summary>
    internal static List<GpuTile> Space(MatrixUnits units)
    {
        var tiles = new List<GpuTile>();
        foreach (int m in (ReadOnlySpan<int>)[256, 128, 64, 32])
        {
            foreach (int n in (ReadOnlySpan<int>)[256, 128, 64, 32])
            {
                foreach (int depth in units == MatrixUnits.None
                    ? (ReadOnlySpan<int>)[8, 16, 32] : [0])
                {
                    foreach (var (itemM, itemN) in units switch
                    {
                        MatrixUnits.None => (ReadOnlySpan<(int, int)>)
                            [(8, 8), (8, 4), (4, 8), (4, 4), (16, 8)],
                        MatrixUnits.Mma => [(64, 64), (64, 32), (32, 64), (32, 32)],
                        _ => [(16, n)],
                    })
                    {
                        var tile = new GpuTile(m, n, depth, itemM, itemN, 1);
                        bool fits = m % itemM == 0 && n % itemN == 0
                            && tile.Items(units) is >= MinItems and <= MaxItems;
                        if (fits)
                        {
                            tiles.Add(tile);
                        }
                    }
                }
            }
        }
        return tiles;
    }

    /// <summary>Tunes every precision that the device has and writes its file.</summary>
    /// <returns>The file.</returns>
    /// <exception cref="UsageException">The device runs the processors' form.</exception>
    public string Run(CancellationToken cancel)
    {
        if (device.Form == KernelForm.Cpu)
        {
            throw new UsageException(
                $"bench --tune: {device.Name} is a processor, whose sizes follow its caches; "
                + "expected a GPU, see dl info --devices");
        }
        var tuning = device.Tuning;
        foreach (var (precision, units) in (ReadOnlySpan<(Precision, MatrixUnits)>)
        [
            (Precision.F32, MatrixUnits.None), (Precision.Tf32, MatrixUnits.Mma),
            (Precision.Tf32, MatrixUnits.Wgmma), (Precision.Bf16, MatrixUnits.Mma),
            (Precision.Bf16, MatrixUnits.Wgmma),
        ])
        {
            string? fault = units == MatrixUnits.None ? null : MatrixProbe.Try(
                device.Name, device.Properties, device.CacheFolder, precision, units, false, log);
            if (fault is not null)
            {
                output.Write($"{Title(precision, units)}not tuned: {fault}\n");
                continue;
            }
            tuning = Tune(tuning, precision, units, Space(units), Extents, cancel);
        }
        string file = Tuning.FileOf(device.Properties, device.CacheFolder);
        SharedFile.Write(file, Encoding.UTF8.GetBytes(tuning.ToJson()));
        return file;
    }

    /// <summary>The tuning with the best tiles of a list.</summary>
    internal Tuning Tune(
        Tuning tuning, Precision precision, MatrixUnits units, List<GpuTile> space, int[] extents,
        CancellationToken cancel)
    {
        var proven = new List<(GpuTile Tile, double Speed)>();
        int extent = 0;
        foreach (var tile in space)
        {
            cancel.ThrowIfCancellationRequested();
            string? fault = tile.Fault(
                units, device.Properties.MaxGroup, device.Properties.LocalBytes);
            double product = 0, convolution = 0;
            if (fault is null)
            {
                var only = tuning.With(precision, units, [tile]);
                (fault, product, convolution) =
                    Try(only, precision, units, tile, extents, ref extent);
            }
            if (fault is null)
            {
                proven.Add((tile, Math.Sqrt(product * convolution)));
            }
            output.Write(string.Create(
                CultureInfo.InvariantCulture,
                $"{Title(precision, units)}{tile.ToString(),-24} ")
                + (fault is null
                    ? string.Create(
                        CultureInfo.InvariantCulture,
                        $"matmul {product,10:F1}  conv {convolution,10:F1} GFLOP/s\n")
                    : $"passed over: {fault}\n"));
            output.Flush();
        }
        return proven.Count == 0 ? tuning : tuning.With(precision, units, Best(proven));
    }

    private static string Title(Precision precision, MatrixUnits units)
    {
        string instructions = units switch
        {
            MatrixUnits.Mma => "mma",
            MatrixUnits.Wgmma => "wgmma",
            _ => "",
        };
        return $"{precision.Name(),-4} {instructions,-5} ";
    }

    /// <summary>The fastest, and the fastest of at most a quarter, a sixteenth ... of its
    /// area, for products that would leave units idle.</summary>
    internal static List<GpuTile> Best(List<(GpuTile Tile, double Speed)> proven)
    {
        const int Kept = 3, Smaller = 4;
        var best = new List<GpuTile>();
        double fastest = 0;
        long most = long.MaxValue;
        while (best.Count < Kept)
        {
            (GpuTile? tile, double speed) = (null, 0);
            foreach (var (candidate, reached) in proven)
            {
                if ((long)candidate.M * candidate.N <= most && reached > speed)
                {
                    (tile, speed) = (candidate, reached);
                }
            }
            if (tile is null)
            {
                break;
            }
            fastest = Math.Max(fastest, speed);
            best.Add(tile with { Rate = speed / fastest });
            most = (long)tile.M * tile.N / Smaller;
        }
        return best;
    }

    /// <param name="extent">Of the timed product; 0 until the first trial has chosen it.</param>
    private (string? Fault, double Product, double Convolution) Try(
        Tuning tuning, Precision precision, MatrixUnits units, GpuTile tile, int[] extents,
        ref int extent)
    {
        try
        {
            using var trial = new OpenClDevice(
                device.Name, device.Description, device.Properties, KernelForm.Gpu,
                device.CacheFolder, log, precision, units, false, tuning);
            string? fault = null;
            for (int turn = 0; turn < 4 && fault is null; turn++)
            {
                bool turnA = turn % 2 == 1, turnB = turn >= 2;
                fault = MatrixProbe.Try(trial, tile.M + 12, tile.N + 20, 76, turnA, turnB)
                    ?? MatrixProbe.Try(trial, tile.M - 3, tile.N + 5, 49, turnA, turnB);
            }
            if (fault is not null)
            {
                return (fault, 0, 0);
            }
            if (extent == 0)
            {
                extent = FirstQuick(trial, extents);
            }
            (fault, double product) = TimeProduct(trial, extent);
            return fault is null
                ? (null, product, TimeConvolution(trial, extent)) : (fault, 0, 0);
        }
        catch (DeviceException error)
        {
            return (error.Message.ReplaceLineEndings("; "), 0, 0);
        }
    }

    /// <summary>The largest extent whose product does not take long.</summary>
    private static int FirstQuick(OpenClDevice trial, int[] extents)
    {
        for (int i = 0; i < extents.Length - 1; i++)
        {
            // A product a sixty-fourth as large foretells this one's time.
            int n = extents[i] / 4;
            var (a, b, c) = Rent(trial, n * n, n * n, n * n);
            // The first call builds the kernel.
            Multiply(trial, a, b, c, n);
            double seconds = DeviceTimer.Measure(trial, d => Multiply(d, a, b, c, n), 1);
            Return(trial, a, b, c);
            if (seconds * 64 < SlowSeconds)
            {
                return extents[i];
            }
        }
        return extents[^1];
    }

    private static (string? Fault, double Gflops) TimeProduct(OpenClDevice trial, int n)
    {
        float[] left = MatrixProbe.Numbers(n * n, 3), right = MatrixProbe.Numbers(n * n, 4);
        var (a, b, c) = Rent(trial, n * n, n * n, n * n);
        trial.Write(a, left);
        trial.Write(b, right);
        double seconds = DeviceTimer.Median(
            trial, d => Multiply(d, a, b, c, n), SampleSeconds);
        var result = new float[n * n];
        trial.Read(c, result);
        Return(trial, a, b, c);
        MatrixProbe.Round(left, trial.Precision);
        MatrixProbe.Round(right, trial.Precision);
        double wrong = 0, all = 0;
        for (int s = 0; s < Checked; s++)
        {
            // A stride without a factor in common with n visits rows and columns alike.
            int at = (int)((long)s * 2654435761 % (n * (long)n)), i = at / n, j = at % n;
            double sum = 0;
            for (int p = 0; p < n; p++)
            {
                sum += (double)left[(i * n) + p] * right[(p * n) + j];
            }
            wrong += Math.Pow(result[at] - sum, 2);
            all += sum * sum;
        }
        double error = Math.Sqrt(wrong / all);
        return error <= Bound ? (null, 2e-9 * n * n * n / seconds)
            : (string.Create(
                CultureInfo.InvariantCulture, $"the timed product is off by {error:0.0e+00}"), 0);
    }

    /// <summary>Forward and both gradients of a 3x3 convolution with as much work.</summary>
    private static double TimeConvolution(OpenClDevice trial, int n)
    {
        const int Kernel = 3, Channels = 64;
        int edge = n >= 4096 ? 56 : n >= 1024 ? 28 : 7;
        int batch = n >= 4096 ? 64 : n >= 1024 ? 16 : 2;
        var shape = new ConvShape(
            batch, edge, edge, Channels, Channels, new Size2(Kernel, Kernel), new Size2(1, 1),
            Padding.Even(1, 1), new Size2(1, 1), 1);
        int image = batch * edge * edge * Channels;
        var (x, w, y) = Rent(trial, image, shape.PatchSize * Channels, image);
        trial.Fill(x, image, 0.01f);
        trial.Fill(w, shape.PatchSize * Channels, 0.01f);
        double seconds = DeviceTimer.Median(trial, d =>
        {
            d.Convolution(x, w, null, y, shape);
            d.ConvolutionInputGradient(y, w, x, shape, 0);
            d.ConvolutionWeightGradient(x, y, w, shape, 0);
        }, SampleSeconds);
        Return(trial, x, w, y);
        return 3 * 2e-9 * shape.Patches * shape.PatchSize * Channels / seconds;
    }

    private static void Multiply(Device d, Storage a, Storage b, Storage c, int n) =>
        d.MatMul(a, b, null, c, 1, n, n, n, false, false, 0);

    private static (Storage, Storage, Storage) Rent(Device d, int a, int b, int c) =>
        (d.Rent(DType.F32, a), d.Rent(DType.F32, b), d.Rent(DType.F32, c));

    private static void Return(Device d, Storage a, Storage b, Storage c)
    {
        d.Return(a);
        d.Return(b);
        d.Return(c);
    }
}
