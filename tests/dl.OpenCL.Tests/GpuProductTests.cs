// Products in the GPU form: every kind of tile, the cut of the depth, strides in phases, and the
// matrix units' kernels with their instructions emulated. References are sums of the managed device
// over factors rounded as the units round them.
using Dl.Cpu;
using Dl.Ops;
using Dl.Tensors;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dl.OpenCl.Tests;

[Collection(DeviceCollection.Name)]
public class GpuProductTests(Devices devices)
{
    private const double Bound = 5e-6;

    private static readonly Size2 One = new(1, 1);

    [SkippableTheory]
    [InlineData(128, 128, 16, 8, 8)]
    [InlineData(64, 128, 16, 8, 8)]
    [InlineData(96, 32, 12, 4, 8)]
    public void Every_tile_multiplies(int m, int n, int k, int itemM, int itemN)
    {
        var tile = new GpuTile(m, n, k, itemM, itemN, 1);
        Assert.Null(tile.Fault(MatrixUnits.None, 256, 48 << 10));
        using var device = Open(Precision.F32, tile);
        Product(device, 1, 132, 164, 72, false, false);
        Product(device, 1, 131, 45, 77, true, true);
    }

    [SkippableTheory]
    [InlineData(Precision.Tf32, "Mma")]
    [InlineData(Precision.Bf16, "Mma")]
    [InlineData(Precision.Tf32, "Wgmma")]
    [InlineData(Precision.Bf16, "Wgmma")]
    public void Matrix_units_pass_their_proof_when_emulated(Precision precision, string units)
    {
        var device = devices.Get(KernelForm.Gpu);
        Assert.Null(MatrixProbe.Try(
            "opencl:0", device.Properties, ProgramCache.DefaultFolder(), precision,
            Enum.Parse<MatrixUnits>(units), true, NullLogger.Instance));
    }

    [SkippableTheory]
    [InlineData(Precision.Tf32, "Mma", 32, 32)]
    [InlineData(Precision.Bf16, "Mma", 32, 32)]
    [InlineData(Precision.Tf32, "Wgmma", 16, 64)]
    [InlineData(Precision.Bf16, "Wgmma", 16, 64)]
    public void Matrix_units_multiply_and_convolve_when_emulated(
        Precision precision, string units, int itemM, int itemN)
    {
        using var device = Open(
            precision, new GpuTile(64, 64, 0, itemM, itemN, 1), Enum.Parse<MatrixUnits>(units));
        Product(device, 3, 68, 36, 52, true, false);
        Product(device, 1, 33, 70, 300, false, true);
        Convolutions(device, new ConvShape(
            2, 7, 6, 12, 20, new Size2(3, 3), new Size2(2, 2), Padding.Even(1, 1), One, 1));
    }

    [Fact]
    public void Marked_instructions_are_lifted_for_sm_90_alone()
    {
        const string Ptx = ".version 8.4\n.target sm_90, debug\n\t//@ wait;\n// kept\n";
        Assert.Equal(
            ".version 8.4\n.target sm_90a, debug\n\twait;\n// kept\n", ClProgram.Lift(Ptx));
        Assert.Null(ClProgram.Lift(Ptx.Replace("sm_90", "sm_80", StringComparison.Ordinal)));
        Assert.Null(ClProgram.Lift(Ptx.Replace("sm_90", "sm_90a", StringComparison.Ordinal)));
        Assert.Null(ClProgram.Lift("\u007fELF"));
    }

    [SkippableFact]
    public void Gradients_of_inputs_go_by_phases()
    {
        using var device = Open(Precision.F32, new GpuTile(32, 32, 16, 4, 4, 1));
        // Strides that share a factor with the dilation, larger than the kernel, and uneven images.
        Convolutions(device, new ConvShape(
            2, 11, 13, 5, 7, new Size2(3, 4), new Size2(4, 2), new Padding(2, 1, 0, 3),
            new Size2(2, 3), 1));
        Convolutions(device, new ConvShape(
            1, 9, 8, 8, 4, new Size2(2, 1), new Size2(3, 2), default, One, 1));
    }

    [Fact]
    public void Small_products_are_cut_along_their_depth_and_large_ones_are_not()
    {
        const int Units = 132;
        GpuTile[] tiles = [new(128, 128, 16, 8, 8, 1), new(32, 32, 16, 4, 4, 0.35)];
        Assert.Equal((0, 1), Choose(8192, 8192, 8192));
        Assert.True(Choose(64, 64, 1 << 18).Slices > 16);
        Assert.True(Choose(64, 64, 1 << 18).Slices <= 64);
        Assert.Equal((1, 1), Choose(256, 512, 64));
        var cut = GpuCut.Choose(tiles, Units, 1, 64, 64, 0);
        Assert.Equal(1, cut.Slices);

        (int Tile, int Slices) Choose(int m, int n, int k)
        {
            var cut = GpuCut.Choose(tiles, Units, 1, m, n, k);
            Assert.True((long)cut.Slices * cut.SliceDepth >= k);
            Assert.True((long)(cut.Slices - 1) * cut.SliceDepth < k);
            return (cut.Tile, cut.Slices);
        }
    }

    [SkippableFact]
    public void What_a_device_cannot_compute_is_refused()
    {
        devices.Get(KernelForm.Gpu);
        var options = new DeviceOptions(null, Precision.Bf16);
        var error = Assert.Throws<DeviceException>(() => devices.Provider.Open(0, options));
        Assert.StartsWith("opencl:0: precision bf16 was asked for", error.Message);
        error = Assert.Throws<DeviceException>(() => new CpuProvider().Open(0, options));
        Assert.StartsWith("cpu: precision bf16 was asked for", error.Message);
    }

    private OpenClDevice Open(
        Precision precision, GpuTile tile, MatrixUnits units = MatrixUnits.None)
    {
        var device = devices.Get(KernelForm.Gpu);
        return new OpenClDevice(
            device.Name, device.Description, device.Properties, KernelForm.Gpu,
            ProgramCache.DefaultFolder(), null, precision, units, emulated: true,
            Tuning.For(KernelForm.Gpu).With(precision, units, [tile]));
    }

    private static void Product(
        OpenClDevice device, int batch, int m, int n, int k, bool turnA, bool turnB)
    {
        Compare(device, [batch * m * k, batch * k * n], n, batch * m * n, 1, (d, s) => d.MatMul(
            s[0], s[1], s[2], s[3], batch, m, n, k, turnA, turnB, 1));
    }

    private static void Convolutions(OpenClDevice device, ConvShape s)
    {
        int x = s.Batch * s.Height * s.Width * s.Channels, y = s.Patches * s.Filters;
        int w = s.PatchSize * s.Filters;
        Compare(device, [x, w], s.Filters, y, 0, (d, t) => d.Convolution(
            t[0], t[1], t[2], t[3], s));
        Compare(device, [y, w], 1, x, 1, (d, t) => d.ConvolutionInputGradient(
            t[0], t[1], t[3], s, 1));
        Compare(device, [x, y], 1, w, 0, (d, t) => d.ConvolutionWeightGradient(
            t[0], t[1], t[3], s, 0));
    }

    /// <summary>Two factors, a bias and a result, on both devices.</summary>
    private static void Compare(
        OpenClDevice device, int[] factors, int bias, int result, float beta,
        Action<Device, Storage[]> run)
    {
        using var managed = new CpuDevice(null);
        var values = new float[4][];
        int[] lengths = [factors[0], factors[1], bias, result];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = new float[lengths[i]];
            var random = managed.Rent(DType.F32, lengths[i]);
            managed.FillUniform(random, lengths[i], -1, 1, new RngSpan(7, (ulong)i, 0));
            managed.Read(random, values[i]);
            managed.Return(random);
        }
        if (beta == 0)
        {
            values[3].AsSpan().Fill(float.NaN);
        }
        float[] actual = Run(device, values, run);
        Assert.Equal(0, device.LiveBuffers);
        MatrixProbe.Round(values[0], device.Precision);
        MatrixProbe.Round(values[1], device.Precision);
        float[] expected = Run(managed, values, run);
        double difference = 0, norm = 0;
        for (int i = 0; i < result; i++)
        {
            difference += Math.Pow(actual[i] - (double)expected[i], 2);
            norm += expected[i] * (double)expected[i];
        }
        Assert.InRange(Math.Sqrt(difference / norm), 0, Bound);
    }

    private static float[] Run(Device device, float[][] values, Action<Device, Storage[]> run)
    {
        Storage[] stored = Array.ConvertAll(values, v => device.Rent(DType.F32, v.Length));
        for (int i = 0; i < stored.Length; i++)
        {
            device.Write(stored[i], values[i]);
        }
        run(device, stored);
        var result = new float[values[3].Length];
        device.Read(stored[3], result);
        Array.ForEach(stored, device.Return);
        return result;
    }
}
