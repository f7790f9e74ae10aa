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

    /// <summary>A process that is gone, on this machine and on another.</summary>
    [Fact]
    public void SweepsUpAfterKilledProcesses()
    {
        string path = _folder.File("a.bin");
        string own = Path.GetFileName(TemporaryNames.Of(path));
        string machine = own.Split('.')[^2].Split('-')[0];
        string Left(string name, double days)
        {
            string left = _folder.File(name);
            File.WriteAllText(left, "left behind");
            File.SetLastWriteTimeUtc(left, DateTime.UtcNow.AddDays(-days));
            return left;
        }
        string[] gone =
        [
            Left($".a.bin.{machine}-999999999-00c0ffee.tmp", 0),
            Left(".a.bin.00000000-1-00c0ffee.tmp", 2),
        ];
        string[] kept =
        [
            Left($".a.bin.{machine}-{Environment.ProcessId}-00c0ffee.tmp", 9),
            Left(".a.bin.00000000-1-00c0ffed.tmp", 0.5),
            Left($".b.bin.{machine}-999999999-00c0ffee.tmp", 9),
            Left(".a.bin.other.tmp", 9),
        ];
        string open = Left($".a.bin.{machine}-999999998-00c0ffee.tmp", 9);
        using (new FileStream(open, FileMode.Open, FileAccess.Write, FileShare.Read))
        {
            AtomicFile.Write(path, s => s.Write("new"u8));
            Assert.All(kept.Append(open), left => Assert.True(File.Exists(left), left));
        }
        Assert.All(gone, left => Assert.False(File.Exists(left), left));
        AtomicFile.Delete(path);
        Assert.Equal(kept.Order(), Directory.GetFiles(_folder.Path).Order());
    }

    [Fact]
    public void AWriteProtectedFileIsRefusedBeforehand()
    {
        string path = _folder.File("a.bin");
        File.WriteAllText(path, "dear");
        File.SetAttributes(path, FileAttributes.ReadOnly);
        var error = Assert.Throws<DlException>(() => AtomicFile.CheckWritable(path));
        File.SetAttributes(path, FileAttributes.Normal);
        Assert.StartsWith($"{path}: is write-protected", error.Message);
    }

    [Fact]
    public void AFolderAppearsWholeOrNotAtAll()
    {
        string path = _folder.File("set");
        Assert.Throws<InvalidOperationException>(() => AtomicFile.WriteFolder(path, folder =>
        {
            AtomicFile.WritePart(Path.Combine(folder, "a"), "1"u8);
            throw new InvalidOperationException();
        }));
        Assert.Empty(Directory.GetFileSystemEntries(_folder.Path));
        AtomicFile.WriteFolder(path, folder =>
        {
            AtomicFile.WritePart(Path.Combine(folder, "a"), "1"u8);
            Assert.False(Directory.Exists(path));
        });
        Assert.Equal("1", File.ReadAllText(Path.Combine(path, "a")));
        Assert.Throws<UsageException>(() => AtomicFile.WriteFolder(path, _ => { }));
        Assert.Equal([path], Directory.GetFileSystemEntries(_folder.Path));
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
