// A disk that refuses its Nth step, or loses its power there, and a disk in memory that knows what
// has reached the medium. Together they go through every way in which a write can end.
using Dl.Files;

namespace Dl.Tests.Files;

/// <summary>The process has ended: nothing that it would still do is done.</summary>
internal sealed class PowerCut : Exception;

/// <summary>Counts steps and has one of them fail; half of a failing write is written.</summary>
/// <param name="failAt">The step that fails, from 1; 0: none.</param>
/// <param name="powerCut">It is the last one; else the steps behind it work again.</param>
/// <param name="staysFull">As those that write fail behind it, too.</param>
internal sealed class FaultyDisk(
    IFileOperations disk, int failAt = 0, bool powerCut = false, bool staysFull = false)
    : IFileOperations
{
    private const int NoSpace = 28;

    /// <summary>What was asked for, in order: `write`, `rename`.</summary>
    public List<string> Steps { get; } = [];

    /// <summary>The files and folders that it was asked of, by their last names.</summary>
    public SortedSet<string> Names { get; } = [];

    public Stream Create(string path, string target)
    {
        lock (Names)
        {
            Names.Add(Path.GetFileName(target));
        }
        return Fails("create") is { } error ? throw error
            : new FaultyStream(disk.Create(path, target), this);
    }

    public void Flush(Stream stream) => Do("flush", () => disk.Flush(((FaultyStream)stream).Inner));

    public void Rename(string from, string to) => Do("rename", () => disk.Rename(from, to));

    public void FlushFolder(string folder) => Do("flush folder", () => disk.FlushFolder(folder));

    public void Delete(string path) => Do("delete", () => disk.Delete(path));

    public void CreateFolder(string path) => Do("create folder", () => disk.CreateFolder(path));

    public void RenameFolder(string from, string to) =>
        Do("rename folder", () => disk.RenameFolder(from, to));

    public void DeleteFolder(string path) => Do("delete folder", () => disk.DeleteFolder(path));

    private void Do(string step, Action action)
    {
        if (Fails(step) is { } error)
        {
            throw error;
        }
        action();
    }

    /// <summary>Null: the step is to be done.</summary>
    private Exception? Fails(string step)
    {
        lock (Names)
        {
            Steps.Add(step);
            bool over = failAt > 0 && Steps.Count >= failAt;
            // A disk that is full lets go of things.
            bool full = staysFull && over && !step.StartsWith("delete", StringComparison.Ordinal);
            return powerCut && over ? new PowerCut()
                : full || Steps.Count == failAt ? new IOException("the disk refuses", NoSpace)
                : null;
        }
    }

    private sealed class FaultyStream(Stream inner, FaultyDisk disk) : MemoryStream
    {
        public Stream Inner => inner;

        public override void Write(byte[] buffer, int offset, int count) =>
            Write(buffer.AsSpan(offset, count));

        public override void Flush() => inner.Flush();

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            var error = disk.Fails("write");
            // A dead process may have been halfway through its last write, but starts no other.
            if (error is null || disk.Steps.Count == disk.FailAt)
            {
                inner.Write(error is null ? buffer : buffer[..(buffer.Length / 2)]);
            }
            if (error is not null)
            {
                throw error;
            }
        }

        public override void WriteByte(byte value) => Write([value]);

        protected override void Dispose(bool disposing)
        {
            var error = disk.Fails("close");
            if (error is not PowerCut)
            {
                inner.Dispose();
            }
            if (error is not null)
            {
                throw error;
            }
        }
    }

    private int FailAt => failAt;
}

/// <summary>Files in memory: as processes see them, and as a power cut would leave them.</summary>
internal sealed class MemoryDisk : IFileOperations
{
    private Dictionary<string, Contents> _names = [];
    private Dictionary<string, Contents> _safeNames = [];

    /// <summary>Names that processes see.</summary>
    public IReadOnlyCollection<string> Names => _names.Keys;

    public byte[]? Read(string path) => _names.GetValueOrDefault(path)?.ToArray();

    /// <summary>A file that has long been on the medium.</summary>
    public void Put(string path, byte[] bytes)
    {
        var file = new Contents();
        file.Write(bytes);
        file.Safe = bytes;
        _names[path] = _safeNames[path] = file;
    }

    /// <summary>
    /// What may be found later. What was not flushed may have reached the medium or not, the names
    /// without the bytes as well as the bytes without the names.
    /// </summary>
    public IEnumerable<MemoryDisk> AfterPowerCut()
    {
        foreach (var names in new[] { _names, _safeNames })
        {
            for (int half = 0; half <= 2; half++)
            {
                var disk = new MemoryDisk();
                foreach (var (path, file) in names)
                {
                    byte[] all = file.ToArray();
                    disk.Put(path, file.Safe.AsSpan().SequenceEqual(all) ? all
                        : half == 0 ? file.Safe : all[..(all.Length * half / 2)]);
                }
                yield return disk;
            }
        }
    }

    public Stream Create(string path, string target) => _names[path] = new Contents();

    public void Flush(Stream stream) => ((Contents)stream).Safe = ((Contents)stream).ToArray();

    public void Rename(string from, string to)
    {
        _names = new(_names) { [to] = _names[from] };
        _names.Remove(from);
    }

    public void FlushFolder(string folder) => _safeNames = new(_names);

    public void Delete(string path) => _names.Remove(path);

    public void CreateFolder(string path) => throw new NotSupportedException();

    public void RenameFolder(string from, string to) => throw new NotSupportedException();

    public void DeleteFolder(string path) => throw new NotSupportedException();

    private sealed class Contents : MemoryStream
    {
        /// <summary>What a power cut cannot take back.</summary>
        public byte[] Safe { get; set; } = [];
    }
}
