// Every step of writing a model fails once, and is once the last before a power cut: the old model
// or the new one is there afterwards, whole.
using Dl.Cpu;
using Dl.Files;

namespace Dl.Tests.Files;

public sealed class AtomicFaultTests : IDisposable
{
    /// <summary>What surrounds the writes: create, flush, close, rename, flush folder.</summary>
    private const int Around = 5;

    private static readonly byte[] Old = TinyModel.Bytes();
    private static readonly byte[] New =
        TinyModel.Bytes(TinyModel.Document() with { Seed = 8, Epochs = 3 });

    private readonly TemporaryFolder _folder = new();
    private readonly string _path;

    public AtomicFaultTests() => _path = _folder.File("m.dlm");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void StepsComeInTheOrderThatIsSafe()
    {
        var steps = CountSteps();
        int writes = steps.Count(step => step == "write");
        // The header's length, the header, and the four weights of two dense layers.
        Assert.Equal(6, writes);
        Assert.Equal(
            ["create", .. Enumerable.Repeat("write", writes), "flush", "close", "rename",
                "flush folder"],
            steps);
        Assert.Equal(writes + Around, steps.Count);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void AStepThatFailsLeavesNoHalfModelAndNoOtherFile(bool replaces)
    {
        int points = CountSteps().Count;
        for (int point = 1; point <= points; point++)
        {
            if (replaces)
            {
                File.WriteAllBytes(_path, Old);
            }
            var disk = new FaultyDisk(DiskOperations.Instance, point);
            var error = Assert.Throws<DlException>(() => Save(disk));
            Assert.Equal($"{_path}: cannot be written: the disk is full", error.Message);
            // Only the last step comes after the new model has got its name.
            byte[]? expected = point == points ? New : replaces ? Old : null;
            Assert.Equal(expected, File.Exists(_path) ? File.ReadAllBytes(_path) : null);
            Assert.Equal(
                expected is null ? [] : [_path], Directory.GetFileSystemEntries(_folder.Path));
            File.Delete(_path);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void APowerCutAtAnyStepLeavesAWholeModel(bool replaces)
    {
        int points = CountSteps().Count, states = 0;
        for (int point = 1; point <= points; point++)
        {
            var disk = new MemoryDisk();
            if (replaces)
            {
                disk.Put(_path, Old);
            }
            Assert.Throws<PowerCut>(() => Save(new FaultyDisk(disk, point, powerCut: true)));
            foreach (var later in disk.AfterPowerCut())
            {
                byte[]? found = later.Read(_path);
                Assert.True(
                    Same(found, New) || Same(found, replaces ? Old : null),
                    $"neither the old nor the new model after a power cut at step {point}");
                Save(later);
                Assert.Equal(New, later.Read(_path));
                Assert.Equal([_path], later.Names);
                states++;
            }
        }
        Assert.Equal(6 * points, states);
    }

    [Fact]
    public void WhatWasWrittenOutlastsAPowerCut()
    {
        var disk = new MemoryDisk();
        disk.Put(_path, Old);
        Save(disk);
        Assert.All(disk.AfterPowerCut(), later => Assert.Equal(New, later.Read(_path)));
    }

    /// <summary>The disk in memory tells a writer that flushes too late from a safe one.</summary>
    [Fact]
    public void TheDiskInMemoryFindsARenameBeforeItsFlush()
    {
        var disk = new MemoryDisk();
        disk.Put(_path, Old);
        using (var stream = disk.Create("t", _path))
        {
            stream.Write(New);
            disk.Rename("t", _path);
        }
        Assert.Contains(disk.AfterPowerCut(), later => later.Read(_path) is []);
        Assert.Contains(disk.AfterPowerCut(), later => Same(later.Read(_path), Old));
    }

    private List<string> CountSteps()
    {
        var disk = new FaultyDisk(new MemoryDisk());
        Save(disk);
        return disk.Steps;
    }

    private void Save(IFileOperations disk)
    {
        var document = TinyModel.Document() with { Seed = 8, Epochs = 3 };
        using var device = new CpuDevice(1);
        using var model = TinyModel.Create(document, device);
        DiskOperations.Current = disk;
        try
        {
            ModelFile.Save(_path, document, model);
        }
        finally
        {
            DiskOperations.Current = DiskOperations.Instance;
        }
    }

    private static bool Same(byte[]? a, byte[]? b) =>
        a is null ? b is null : b is not null && a.AsSpan().SequenceEqual(b);
}
