// A disk that refuses its Nth step, or loses its power there, and a disk in memory that knows what
// has reached the medium. Together they go through every way in which a write can end.
using Dl.Files;

namespace Dl.Tests.Files;

/// <summary>The process has ended: nothing that it would still do is done.</summary>
internal sealed class PowerCut : Exception;

/// <summary>Counts steps and has one of them fail; half of a failing write is written.</summary>
/// <param name="failAt">The step that fails, from 1; 0: none.</param>
/// <param name="powerCut">It is the last one; else the steps behind it work again.</param>
internal sealed class FaultyDisk(IFileOperations disk, int failAt = 0, bool powerCut = false)
    : IFileOperations
{
    private const int NoSpace = 28;

    /// <summary>What was asked for, in order: `write`, `rename`.</summary>
    public List<string> Steps { get; } = [];

    public Stream Create(string path, string target) =>
        Fails("create") is { } error ? throw error
        : new FaultyStream(disk.Create(path, target), this);

    public void Flush(Stream stream) => Do("flush", () => disk.Flush(((FaultyStream)stream).Inner));

    public void Rename(string from, string to) => Do("rename", () => disk.Rename(from, to));

    public void FlushFolder(string folder) => Do("flush folder", () => disk.FlushFolder(folder));

    public void Delete(string path) => Do("delete", () => disk.Delete(path));

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
        Steps.Add(step);
        return powerCut && failAt > 0 && Steps.Count >= failAt ? new PowerCut()
            : Steps.Count == failAt ? new IOException("the disk refuses", NoSpace)
            : null;
    }

    private sealed class FaultyStream(Stream inner, FaultyDisk disk) : MemoryStream
    {
        public Stream Inner => inner;

        public override void Write(byte[] buffer, int offset, int count) =>
            Write(buffer.AsSpan(offset, count));

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

    private sealed class Contents : MemoryStream
    {
        /// <summary>What a power cut cannot take back.</summary>
        public byte[] Safe { get; set; } = [];
    }
}
