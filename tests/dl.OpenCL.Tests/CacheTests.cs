// Program binaries on disk: found again, rebuilt when damaged, and never in the way.
using Dl.Tensors;

namespace Dl.OpenCl.Tests;

[Collection(DeviceCollection.Name)]
public sealed class CacheTests(Devices devices) : IDisposable
{
    private readonly string _folder =
        Path.Combine(Path.GetTempPath(), $"dl-cache-{Guid.NewGuid():N}");

    public void Dispose()
    {
        if (Directory.Exists(_folder))
        {
            Directory.Delete(_folder, true);
        }
    }

    [SkippableFact]
    public void A_second_process_loads_what_the_first_built()
    {
        Assert.Equal((1, 0), FillOnce(_folder));
        string entry = Assert.Single(Directory.GetFiles(_folder));
        var written = File.GetLastWriteTimeUtc(entry);
        Assert.Equal((0, 1), FillOnce(_folder));
        // Nothing new was launched, so nothing was written.
        Assert.Equal(written, File.GetLastWriteTimeUtc(entry));
    }

    [SkippableTheory]
    [InlineData(0)]
    [InlineData(10)]
    [InlineData(1000)]
    public void A_damaged_entry_is_rebuilt(int keep)
    {
        FillOnce(_folder);
        string entry = Assert.Single(Directory.GetFiles(_folder));
        byte[] bytes = File.ReadAllBytes(entry);
        File.WriteAllBytes(entry, bytes[..keep]);
        Assert.Equal((1, 0), FillOnce(_folder));
        Assert.Equal((0, 1), FillOnce(_folder));

        bytes = File.ReadAllBytes(entry);
        bytes[^100] ^= 1;
        File.WriteAllBytes(entry, bytes);
        Assert.Equal((1, 0), FillOnce(_folder));
    }

    [SkippableFact]
    public void A_folder_that_cannot_be_written_does_not_matter()
    {
        string file = Path.Combine(Path.GetTempPath(), $"dl-cache-{Guid.NewGuid():N}");
        File.WriteAllText(file, "in the way");
        try
        {
            Assert.Equal((1, 0), FillOnce(Path.Combine(file, "dl")));
        }
        finally
        {
            File.Delete(file);
        }
    }

    [SkippableFact]
    public void A_failed_build_names_file_defines_device_and_log()
    {
        devices.Get(KernelForm.Cpu);
        using var device = devices.Provider.Open(0, default, KernelForm.Cpu, _folder);
        var error = Assert.Throws<DeviceException>(
            () => device.Programs.Get("copy", "-D FAT=1 -D real=nonsense"));
        Assert.StartsWith("kernels/copy.cl: does not build with -D FAT=1", error.Message);
        Assert.Contains("opencl:0", error.Message);
        Assert.Contains("error", error.Message);
    }

    private (int Built, int Loaded) FillOnce(string folder)
    {
        devices.Get(KernelForm.Cpu);
        using var device = devices.Provider.Open(0, default, KernelForm.Cpu, folder);
        var storage = device.Rent(DType.F32, 10);
        device.Fill(storage, 10, 7);
        Assert.Equal(7, device.ReadScalar(storage));
        device.Return(storage);
        return (device.Programs.Built, device.Programs.Loaded);
    }
}
