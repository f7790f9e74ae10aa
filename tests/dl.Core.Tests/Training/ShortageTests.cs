// Memory that is short from the start, down to what is not enough for anything, and memory that
// becomes short in the middle of an update.
using Dl.Cpu;
using Dl.Tensors;
using Dl.Tests.Files;
using Dl.Training;

namespace Dl.Tests.Training;

public sealed class ShortageTests : IDisposable
{
    private readonly CpuDevice _device = new(2);

    public void Dispose()
    {
        Assert.Equal(0, _device.LiveBuffers);
        _device.Dispose();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void BatchesAreCutDownToASample(int accumulate) =>
        Shortage.CutsBatches(_device, accumulate);

    /// <summary>By the device or by the runtime; in the first, second or third batch of an update,
    /// whose gradients are then lost and computed anew.</summary>
    [Theory]
    [InlineData(5, true)]
    [InlineData(6, false)]
    [InlineData(7, true)]
    public void AnUpdateBeginsAgainWhereMemoryRanOut(int step, bool managed)
    {
        var whole = Shortage.Train(_device, null, accumulate: 3);
        var failing = new Failing(step, managed);
        var again = Shortage.Train(_device, null, accumulate: 3, failing);
        Assert.True(failing.Failed);
        Assert.Equal(2, again.Parts);
        Shortage.AssertSame(whole, again);
    }

    [Fact]
    public void MemoryOfTheSystemIsKnown() =>
        Assert.InRange(HostMemory.Available(), 1 << 20, 1L << 50);

    /// <summary>The narrowest of the groups around the process counts, without its caches.
    /// </summary>
    [Fact]
    public void LimitsOfControlGroupsCount()
    {
        using var folder = new TemporaryFolder();
        void Put(string path, string text)
        {
            string file = folder.File(path);
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.WriteAllText(file, text);
        }
        Put("proc/meminfo", "MemTotal:  9000 kB\nMemAvailable:   8000 kB\n");
        Assert.Equal(8000 * 1024, HostMemory.Available(folder.Path));
        Put("proc/self/cgroup", "0::/jobs/one\n");
        Put("sys/fs/cgroup/jobs/one/memory.max", "max\n");
        Put("sys/fs/cgroup/jobs/one/memory.current", "4096\n");
        Assert.Equal(8000 * 1024, HostMemory.Available(folder.Path));
        Put("sys/fs/cgroup/jobs/memory.max", "1000000\n");
        Put("sys/fs/cgroup/jobs/memory.current", "700000\n");
        Put("sys/fs/cgroup/jobs/memory.stat", "anon 400000\nfile 300000\n");
        Assert.Equal(600_000, HostMemory.Available(folder.Path));
        Put("sys/fs/cgroup/memory/memory.limit_in_bytes", "500000\n");
        Put("sys/fs/cgroup/memory/memory.usage_in_bytes", "600000\n");
        Assert.Equal(0, HostMemory.Available(folder.Path));
    }

    [Theory]
    [InlineData(64, 4, 0, 0, 16)]
    [InlineData(10, 4, 3, 7, 3)]
    [InlineData(5, 5, 4, 4, 1)]
    public void PartsCoverABatch(int samples, int parts, int index, int from, int count)
    {
        Assert.Equal((from, count), BatchParts.Range(samples, parts, index));
        int end = 0;
        for (int i = 0; i < parts; i++)
        {
            var range = BatchParts.Range(samples, parts, i);
            Assert.Equal(end, range.From);
            end += range.Count;
        }
        Assert.Equal(samples, end);
    }

    /// <summary>Says once that memory is short.</summary>
    private sealed class Failing(int step, bool managed) : ITrainingObserver
    {
        private int _seen;

        public bool Failed { get; private set; }

        public void LossKnown(in TrainingMoment moment, Tensor output, float loss)
        {
            if (++_seen == step)
            {
                Failed = true;
                throw managed ? new OutOfMemoryException() : new DeviceMemoryException("short");
            }
        }
    }
}
