// What is left on disk after writing, after failing to, and before it is tried.
using Dl.Files;

namespace Dl.Tests.Files;

public sealed class AtomicFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void ReplacesContentsAndLeavesNothingElse()
    {
        string path = _folder.File("a.bin");
        File.WriteAllText(path, "old and longer than the new");
        AtomicFile.Write(path, s => s.Write("new"u8));
        Assert.Equal("new", File.ReadAllText(path));
        Assert.Equal([path], Directory.GetFileSystemEntries(_folder.Path));
    }

    [Fact]
    public void AFailureKeepsTheOldFileAndRemovesTheTemporaryOne()
    {
        string path = _folder.File("a.bin");
        File.WriteAllText(path, "old");
        Assert.Throws<InvalidOperationException>(() => AtomicFile.Write(path, s =>
        {
            s.Write("half of it"u8);
            s.Flush();
            throw new InvalidOperationException();
        }));
        Assert.Equal("old", File.ReadAllText(path));
        Assert.Equal([path], Directory.GetFileSystemEntries(_folder.Path));
    }

    [Fact]
    public void KeepsTheModeOfTheFileItReplaces()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }
        string path = _folder.File("a.bin");
        File.WriteAllText(path, "old");
        const UnixFileMode Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        File.SetUnixFileMode(path, Mode);
        AtomicFile.Write(path, s => s.Write("new"u8));
        Assert.Equal(Mode, File.GetUnixFileMode(path));
    }

    [Fact]
    public void SweepsUpAfterKilledProcesses()
    {
        string path = _folder.File("a.bin"), fresh = _folder.File(".a.bin.999999998.tmp");
        string old = _folder.File(".a.bin.999999999.tmp");
        string ours = _folder.File($".a.bin.{Environment.ProcessId}.tmp");
        string other = _folder.File(".b.bin.999999999.tmp");
        foreach (string left in new[] { old, fresh, other })
        {
            File.WriteAllText(left, "left behind");
        }
        File.SetLastWriteTimeUtc(old, DateTime.UtcNow.AddMinutes(-2));
        File.SetLastWriteTimeUtc(other, DateTime.UtcNow.AddMinutes(-2));
        AtomicFile.Write(path, s => s.Write("new"u8));
        Assert.False(File.Exists(old));
        Assert.False(File.Exists(ours));
        Assert.True(File.Exists(fresh) && File.Exists(other));
    }

    [Fact]
    public void WritesBehindALink()
    {
        string path = _folder.File("real.bin"), link = _folder.File("link.bin");
        File.WriteAllText(path, "old");
        File.CreateSymbolicLink(link, path);
        AtomicFile.Write(link, s => s.Write("new"u8));
        Assert.Equal("new", File.ReadAllText(path));
        Assert.NotNull(new FileInfo(link).LinkTarget);
    }

    [Fact]
    public void DevicesAreWrittenNotReplaced()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }
        AtomicFile.CheckWritable("/dev/null");
        AtomicFile.Write("/dev/null", s => s.Write("new"u8));
        Assert.Empty(File.ReadAllBytes("/dev/null"));
    }

    [Theory]
    [InlineData("missing/a.bin", "no folder")]
    [InlineData("", "is a folder")]
    [InlineData("file.txt/a.bin", "no folder")]
    public void RefusesBeforehandWhatCannotBeWritten(string name, string cause)
    {
        File.WriteAllText(_folder.File("file.txt"), "");
        string path = _folder.File(name);
        var early = Assert.Throws<DlException>(() => AtomicFile.CheckWritable(path));
        var late = Assert.Throws<DlException>(() => AtomicFile.Write(path, _ => { }));
        Assert.StartsWith(path, early.Message);
        Assert.Contains(cause, early.Message);
        Assert.Equal(early.Message, late.Message);
    }

    [Fact]
    public void CheckingLeavesNoTrace()
    {
        string path = _folder.File("a.bin");
        AtomicFile.CheckWritable(path);
        Assert.Empty(Directory.GetFileSystemEntries(_folder.Path));
    }

    [SkippableFact]
    public void SaysThatTheDiskIsFull()
    {
        Skip.IfNot(File.Exists("/dev/full"), "no /dev/full on this system");
        var error = Assert.Throws<DlException>(
            () => AtomicFile.Write("/dev/full", s => s.Write(new byte[1 << 20])));
        Assert.Equal("/dev/full: cannot be written: the disk is full", error.Message);
    }

    [SkippableFact]
    public void SaysThatPermissionIsMissing()
    {
        Skip.If(Environment.UserName == "root", "root may write everywhere");
        if (OperatingSystem.IsWindows())
        {
            return;
        }
        string folder = _folder.File("locked");
        Directory.CreateDirectory(folder);
        File.SetUnixFileMode(folder, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        var error = Assert.Throws<DlException>(
            () => AtomicFile.CheckWritable(Path.Combine(folder, "a.bin")));
        Assert.Contains("no permission", error.Message);
    }
}
