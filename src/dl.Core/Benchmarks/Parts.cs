// The parts that training is made of, timed one by one: products, convolutions, elementwise work,
// and the peaks of the device that they are compared with.
using Dl.Ops;
using Dl.Tensors;

namespace Dl.Benchmarks;

/// <summary>What one call of a primitive took.</summary>
/// <param name="Part">`matmul`, `conv`, ...</param>
/// <param name="Name">What distinguishes the call.</param>
/// <param name="Flops">Additions and multiplications; 0: memory is the limit.</param>
/// <param name="Bytes">Read and written; 0: arithmetic is the limit.</param>
public sealed record PartResult(
    string Part, string Name, string Device, double Seconds, double Flops, double Bytes)
{
    public double Gflops => Flops / Seconds / 1e9;

    public double GigabytesPerSecond => Bytes / Seconds / 1e9;
}

/// <summary>A group of timings that can be asked for by name.</summary>
/// <param name="Run">On a device, at the sizes that the user named (or none), to a report.</param>
public sealed record Part(
    string Name, string Description, Action<PartTimer, IReadOnlyList<int>> Run)
{
    /// <summary>Takes sizes.</summary>
    public bool TakesSizes { get; init; }
}

public static class Parts
{
    private const int Many = 1 << 24, Batch32 = 32, Batch64 = 64;

    /// <summary>Extent, channels, filters, kernel, stride.</summary>
    private static readonly (int Extent, int Channels, int Filters, int Kernel, int Stride)[]
        Cifar =
        [
            (32, 3, 64, 3, 1), (32, 64, 64, 3, 1), (32, 64, 128, 3, 2), (32, 64, 128, 1, 2),
            (16, 128, 128, 3, 1), (16, 128, 256, 3, 2), (8, 256, 256, 3, 1), (8, 256, 512, 3, 2),
            (4, 512, 512, 3, 1),
        ],
        ImageNet =
        [
            (224, 3, 64, 7, 2), (56, 64, 64, 1, 1), (56, 64, 64, 3, 1), (56, 64, 256, 1, 1),
            (56, 256, 128, 1, 1), (56, 128, 128, 3, 2), (28, 128, 512, 1, 1), (28, 128, 128, 3, 1),
            (28, 256, 256, 3, 2), (14, 256, 256, 3, 1), (14, 256, 1024, 1, 1),
            (14, 512, 512, 3, 2), (7, 512, 512, 3, 1), (7, 512, 2048, 1, 1),
        ];

    /// <summary>Every part, in the order in which they are listed to people.</summary>
    public static IReadOnlyList<Part> All { get; } =
    [
        new("peak", "multiply-adds in registers and a copy: what the device can reach", Peak),
        new("matmul", "square matrix products", MatMul) { TakesSizes = true },
        new("conv", "convolutions of resnet18 on 32x32, forward and both gradients",
            (timer, _) => Convolutions(timer, "conv", Batch32, Cifar)),
        new("conv50", "convolutions of resnet50 on 224x224 (for GPUs)",
            (timer, _) => Convolutions(timer, "conv50", Batch64, ImageNet)),
        new("elementwise", "activations, norms, softmax, updates, on 16 million numbers",
            Elementwise),
    ];

    /// <summary>Null: no part has this name.</summary>
    public static Part? Find(string name) => All.FirstOrDefault(p => p.Name == name);

    private static void Peak(PartTimer timer, IReadOnlyList<int> sizes)
    {
        const int Blocks = 4096;
        const int Rounds = 2048;
        int count = Blocks * Device.ChainBlock;
        using (var x = timer.Rent(count))
        {
            timer.Time("peak", "multiply-adds", 2.0 * count * Rounds, 0,
                d => d.MultiplyAddChain(x.Storage, count, Rounds, 0.5f, 0.25f));
        }
        using var from = timer.Rent(Many);
        using var to = timer.Rent(Many);
        timer.Time("peak", "copy", 0, 2.0 * sizeof(float) * Many,
            d => d.Unary(UnaryOps.Linear, from.Storage, to.Storage, Many, 0));
    }

    private static void MatMul(PartTimer timer, IReadOnlyList<int> sizes)
    {
        foreach (int n in sizes.Count > 0 ? sizes : [256, 512, 1024, 2048])
        {
            long count = (long)n * n;
            using var a = timer.Rent(count);
            using var b = timer.Rent(count);
            using var c = timer.Rent(count);
            timer.Time("matmul", $"{n}", 2.0 * n * count, 0,
                d => d.MatMul(a.Storage, b.Storage, null, c.Storage, 1, n, n, n, false, false, 0));
        }
    }

    private static void Convolutions(
        PartTimer timer, string part, int batch,
        (int Extent, int Channels, int Filters, int Kernel, int Stride)[] shapes)
    {
        foreach (var (extent, channels, filters, kernel, stride) in shapes)
        {
            var shape = new ConvShape(
                batch, extent, extent, channels, filters, new Size2(kernel, kernel),
                new Size2(stride, stride), Padding.Even(kernel / 2, kernel / 2), new Size2(1, 1),
                1);
            double flops = 2.0 * shape.Patches * shape.PatchSize * filters;
            string name = $"{kernel}x{kernel} {channels}-{filters} on {extent}x{extent}"
                + (stride > 1 ? $" step {stride}" : "");
            using var x = timer.Rent((long)batch * extent * extent * channels);
            using var w = timer.Rent((long)shape.PatchSize * filters);
            using var y = timer.Rent((long)shape.Patches * filters);
            timer.Time(part, $"{name} forward", flops, 0,
                d => d.Convolution(x.Storage, w.Storage, null, y.Storage, shape));
            timer.Time(part, $"{name} input gradient", flops, 0,
                d => d.ConvolutionInputGradient(y.Storage, w.Storage, x.Storage, shape, 0));
            timer.Time(part, $"{name} weight gradient", flops, 0,
                d => d.ConvolutionWeightGradient(x.Storage, y.Storage, w.Storage, shape, 0));
        }
    }

    private static void Elementwise(PartTimer timer, IReadOnlyList<int> sizes)
    {
        const int N = Many, Columns = 1024, Rows = N / Columns;
        const double Floats = sizeof(float) * (double)N;
        using var a = timer.Rent(N);
        using var b = timer.Rent(N);
        using var c = timer.Rent(N);
        using var e = timer.Rent(N);
        using var scale = timer.Rent(Columns);
        using var mean = timer.Rent(Rows);
        using var variance = timer.Rent(Rows);
        (string Name, double Passes, Action<Device> Run)[] calls =
        [
            ("relu", 2, d => d.Unary(UnaryOps.Relu, a.Storage, b.Storage, N, 0)),
            ("relu gradient", 3, d => d.UnaryGradient(
                UnaryOps.Relu, a.Storage, b.Storage, c.Storage, e.Storage, N, 0, 0)),
            ("gelu", 2, d => d.Unary(UnaryOps.Gelu, a.Storage, b.Storage, N, 0)),
            ("add", 3, d => d.Binary(
                BinaryOps.Add, a.Storage, b.Storage, c.Storage, 1, N, 1, 0)),
            ("sum of columns", 1, d => d.ReduceSum(
                a.Storage, scale.Storage, 1, Rows, Columns, 1, 0)),
            ("softmax", 2, d => d.Softmax(a.Storage, b.Storage, Rows, Columns)),
            ("layer norm", 2, d => d.Norm(
                a.Storage, scale.Storage, scale.Storage, mean.Storage, variance.Storage, b.Storage,
                new NormShape(Rows, 1, Columns, 1), 1e-5f)),
            ("adam", 7, d => d.Update(
                UpdateRules.Adam, a.Storage, b.Storage, [c.Storage, e.Storage], N,
                new UpdateNumbers())),
        ];
        foreach (var (name, passes, run) in calls)
        {
            timer.Time("elementwise", name, 0, passes * Floats, run);
        }
    }
}

/// <summary>Memory for the time of a measurement.</summary>
public readonly record struct Lent(Device Device, Storage Storage) : IDisposable
{
    public void Dispose() => Device.Return(Storage);
}

/// <summary>Times calls on a device and reports each.</summary>
public sealed class PartTimer(
    Device device, double seconds, Action<PartResult> report, CancellationToken cancel)
{
    private const double ShortestSample = 0.005;

    /// <summary>Memory full of small numbers.</summary>
    public Lent Rent(long count)
    {
        var storage = device.Rent(DType.F32, count);
        device.Fill(storage, checked((int)count), 0.01f);
        return new Lent(device, storage);
    }

    /// <summary>The median of samples that fill the time that each measurement has.</summary>
    public void Time(string part, string name, double flops, double bytes, Action<Device> call)
    {
        cancel.ThrowIfCancellationRequested();
        double time = DeviceTimer.Median(
            device, call, Math.Max(seconds / DeviceTimer.Samples, ShortestSample), cancel);
        report(new PartResult(part, name, device.Name, time, flops, bytes));
    }
}
