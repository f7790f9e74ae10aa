// The tuner proves, times and keeps tiles; what it writes is read back, and what is damaged is not.
using System.Globalization;
using Dl.Tensors;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dl.OpenCl.Tests;

[Collection(DeviceCollection.Name)]
public sealed class TunerTests(Devices devices) : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("dl-tuner-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [SkippableFact]
    public void Tiles_are_proven_and_timed_and_kept()
    {
        var device = devices.Get(KernelForm.Gpu);
        var rows = new StringWriter(CultureInfo.InvariantCulture);
        var tuner = new Tuner(device, rows, NullLogger.Instance);
        GpuTile good = new(32, 32, 16, 4, 4, 1), odd = new(48, 32, 16, 4, 5, 1);
        var tuning = tuner.Tune(
            Tuning.For(KernelForm.Gpu), Precision.F32, MatrixUnits.None, [odd, good], [96],
            default);
        Assert.Equal([good], tuning.Tiles(Precision.F32, MatrixUnits.None));
        string[] lines = rows.ToString().Split('\n');
        Assert.Contains("passed over: items do not divide", lines[0]);
        Assert.Contains("GFLOP/s", lines[1]);
    }

    [Fact]
    public void The_fastest_is_kept_with_smaller_ones()
    {
        GpuTile large = new(128, 128, 16, 8, 8, 1), other = large with { K = 8 };
        GpuTile medium = new(64, 64, 16, 4, 4, 1), small = new(32, 32, 16, 4, 4, 1);
        var best = Tuner.Best([(large, 40), (small, 10), (other, 30), (medium, 20)]);
        Assert.Equal(
            [large, medium with { Rate = 0.5 }, small with { Rate = 0.25 }], best);
        Assert.Empty(Tuner.Best([]));
    }

    [Fact]
    public void Some_tiles_of_the_space_fit_every_precision()
    {
        const int Items = 1024;
        const long LocalBytes = 48 << 10;
        foreach (var (precision, units) in ((Precision, MatrixUnits)[])
        [
            (Precision.F32, MatrixUnits.None), (Precision.Tf32, MatrixUnits.Mma),
            (Precision.Bf16, MatrixUnits.Mma), (Precision.Tf32, MatrixUnits.Wgmma),
            (Precision.Bf16, MatrixUnits.Wgmma),
        ])
        {
            var fits = Tuner.Space(units)
                .Where(tile => tile.Fault(units, Items, LocalBytes) is null).ToList();
            Assert.InRange(fits.Count, 3, 100);
            Assert.All(
                Tuning.For(KernelForm.Gpu).Tiles(precision, units),
                tile => Assert.Null(tile.Fault(units, 256, LocalBytes)));
        }
    }

    [SkippableFact]
    public void A_tuned_file_is_followed_and_a_damaged_one_passed_over()
    {
        var properties = devices.Get(KernelForm.Gpu).Properties;
        GpuTile[] tiles = [new(64, 32, 8, 4, 4, 1), new(32, 32, 8, 4, 4, 0.125)];
        var tuned = Tuning.For(KernelForm.Gpu).With(Precision.F32, MatrixUnits.None, tiles);
        string file = Tuning.FileOf(properties, _folder);
        File.WriteAllText(file, tuned.ToJson());
        var read = Tuning.For(KernelForm.Gpu, properties, _folder, NullLogger.Instance);
        Assert.Equal(tiles, read.Tiles(Precision.F32, MatrixUnits.None));
        Assert.Equal(tuned.Tiles(Precision.Bf16, MatrixUnits.Wgmma),
            read.Tiles(Precision.Bf16, MatrixUnits.Wgmma));
        Assert.Equal(tuned.GroupsPerUnit, read.GroupsPerUnit);
        File.WriteAllText(file, tuned.ToJson()[..100]);
        read = Tuning.For(KernelForm.Gpu, properties, _folder, NullLogger.Instance);
        Assert.Equal(3, read.Tiles(Precision.F32, MatrixUnits.None).Count);
    }
}
