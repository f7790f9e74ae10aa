// A file that grows while training runs and may be watched: `--log`, event files. A disk that is
// full in the middle of the night ends no training: the failure is kept, and told when the model is
// safe.
namespace Dl.Files;

/// <summary>Appends to a file; every write is to be seen at once.</summary>
internal sealed class LiveFile : IDisposable
{
    private readonly string _path;
    private readonly Stream _stream;

    /// <param name="path">Its old contents go; `-` is stdout.</param>
    /// <exception cref="DlException">It cannot be opened.</exception>
    public LiveFile(string path)
    {
        _path = path;
        try
        {
            _stream = path == "-" ? Console.OpenStandardOutput()
                : DiskOperations.Current.Create(path, path);
        }
        catch (Exception error) when (FileError.IsFileTrouble(error))
        {
            throw AtomicFile.Cannot(path, error);
        }
    }

    /// <summary>Why nothing more is written; null: all is well.</summary>
    public DlException? Failure { get; private set; }

    /// <summary>Failures are for <see cref="Failure"/>; nothing is written behind one.</summary>
    /// <returns>False: this write has failed.</returns>
    public bool Write(ReadOnlySpan<byte> bytes)
    {
        if (Failure is not null)
        {
            return true;
        }
        try
        {
            _stream.Write(bytes);
            _stream.Flush();
            return true;
        }
        catch (Exception error) when (FileError.IsFileTrouble(error))
        {
            Failure = AtomicFile.Cannot(_path, error);
            return false;
        }
    }

    /// <exception cref="DlException">Something could not be written.</exception>
    public void Close()
    {
        Dispose();
        if (Failure is not null)
        {
            throw Failure;
        }
    }

    public void Dispose()
    {
        try
        {
            _stream.Dispose();
        }
        catch (Exception error) when (FileError.IsFileTrouble(error))
        {
            Failure ??= AtomicFile.Cannot(_path, error);
        }
    }
}
