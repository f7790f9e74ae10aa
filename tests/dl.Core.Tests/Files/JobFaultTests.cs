// Whole jobs on a disk that refuses its Nth step, once and from then on, for every N: a training
// with every file that it can write, and made-up data. What was there before stays whole or becomes
// the new file; the message names a file; nothing else is left.
using System.Text;
using Dl.Cpu;
using Dl.Data;
using Dl.Files;
using Dl.Generation;
using Dl.Training;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit.Abstractions;

namespace Dl.Tests.Files;

public sealed class JobFaultTests(ITestOutputHelper output) : IDisposable
{
    private static readonly string[] Beside = ["c.png", "b.png", "r.html"];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void ATrainingSurvivesEveryStep(bool staysFull)
    {
        File.WriteAllText(_folder.File("t.csv"), Table());
        Fit("old.dlm", epochs: 1);
        byte[] old = File.ReadAllBytes(_folder.File("old.dlm"));
        var counted = new FaultyDisk(DiskOperations.Instance);
        Assert.Null(Run(counted, () => Fit("m.dlm")));
        byte[] expected = File.ReadAllBytes(_folder.File("m.dlm"));
        Assert.Superset(
            new HashSet<string>([.. Beside, "m.dlm", "m.dlm.checkpoint", "l.csv", "events"]),
            counted.Names.Select(name => name.Contains("tfevents") ? "events" : name)
                .ToHashSet());
        int points = counted.Steps.Count, refused = 0;
        for (int point = 1; point <= points; point++)
        {
            foreach (string path in Directory.GetFiles(_folder.Path, "*.*"))
            {
                if (Path.GetFileName(path) != "t.csv")
                {
                    Remove(path);
                }
            }
            File.WriteAllBytes(_folder.File("m.dlm"), old);
            foreach (string name in Beside)
            {
                File.WriteAllText(_folder.File(name), "old");
            }
            var disk = new FaultyDisk(DiskOperations.Instance, point, staysFull: staysFull);
            var error = Run(disk, () => Fit("m.dlm"));
            refused += error is null ? 0 : 1;
            Assert.True(error is null or DlException, $"step {point}: {error}");
            Assert.True(error?.Message.StartsWith(_folder.Path) ?? true, error?.Message);
            Assert.True(error is null || error.Message.Contains("the disk is full"),
                error?.Message);
            byte[] found = File.ReadAllBytes(_folder.File("m.dlm"));
            Assert.True(
                found.AsSpan().SequenceEqual(expected)
                || (error is not null && found.AsSpan().SequenceEqual(old)),
                $"step {point}: the model is neither the old nor the new one");
            Assert.All(Beside, name => Assert.True(IsOldOrWhole(name), $"step {point}: {name}"));
            if (disk.Steps[point - 1] != "delete")
            {
                Assert.Empty(Directory.GetFiles(_folder.Path, ".*", new EnumerationOptions
                {
                    AttributesToSkip = 0, RecurseSubdirectories = true,
                }));
            }
        }
        output.WriteLine($"{points} steps of a training, {refused} of them ended it");
        // A checkpoint may fail, and does not end it.
        Assert.InRange(refused, 1, points - 1);
    }

    [Theory]
    [InlineData("moons", "d.csv")]
    [InlineData("boxes", "d")]
    [InlineData("masks", "d")]
    [InlineData("digits", "d")]
    [InlineData("shapes", "d")]
    public void MadeUpDataAppearWholeOrNotAtAll(string toy, string name)
    {
        string path = _folder.File(name);
        var counted = new FaultyDisk(DiskOperations.Instance);
        Assert.Null(Run(counted, () => Toys.Write(toy, 6, path, 1)));
        int points = counted.Steps.Count, whole = Entries();
        for (int point = 1; point <= points; point++)
        {
            Remove(path);
            var error = Run(
                new FaultyDisk(DiskOperations.Instance, point), () => Toys.Write(toy, 6, path, 1));
            Assert.IsType<DlException>(error);
            Assert.Equal($"{path}: cannot be written: the disk is full", error.Message);
            // Only the last step comes after it has got its name.
            Assert.Equal(point == points ? whole : 0, Entries());
        }
        output.WriteLine($"{points} steps of {toy}");
    }

    private int Entries() => Directory.GetFileSystemEntries(
        _folder.Path, "*", SearchOption.AllDirectories).Length;

    private static void Remove(string path)
    {
        if (Directory.Exists(path))
        {
            Directory.Delete(path, recursive: true);
        }
        File.Delete(path);
    }

    private bool IsOldOrWhole(string name)
    {
        byte[] bytes = File.ReadAllBytes(_folder.File(name));
        return bytes.AsSpan().SequenceEqual("old"u8)
            || bytes.AsSpan().EndsWith((byte[])[0x49, 0x45, 0x4E, 0x44, 0xAE, 0x42, 0x60, 0x82])
            || bytes.AsSpan().EndsWith("</html>\n"u8);
    }

    private static Exception? Run(FaultyDisk disk, Action job)
    {
        DiskOperations.Current = disk;
        try
        {
            job();
            return null;
        }
        catch (Exception error)
        {
            return error;
        }
        finally
        {
            DiskOperations.Current = DiskOperations.Instance;
        }
    }

    private void Fit(string output, int epochs = 2) => FitJob.Run(
        new FitOptions
        {
            Model = "linear",
            Data = new DataOptions { Inputs = [_folder.File("t.csv")], Target = ["k"] },
            Output = _folder.File(output),
            Epochs = epochs,
            CheckpointEvery = 1,
            LogFile = _folder.File("l.csv"),
            CurvesFile = _folder.File("c.png"),
            BoundaryFile = _folder.File("b.png"),
            ReportFile = _folder.File("r.html"),
            TensorBoardFolder = _folder.File("events"),
            Threads = 1,
        },
        new DeviceChooser([new CpuProvider()]),
        new FitEvents(_ => { }, (_, _) => { }, default), NullLogger.Instance);

    private static string Table()
    {
        var text = new StringBuilder("x,y,k\n");
        for (int i = 0; i < 60; i++)
        {
            text.Append($"{i % 7}.5,{i % 5}.25,{(i % 2 == 0 ? "a" : "b")}\n");
        }
        return text.ToString();
    }
}
