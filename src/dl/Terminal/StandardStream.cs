// stdout and stderr through write(2). Console streams swallow a closed pipe, and then a command
// would go on computing for nobody, and they die when the shell has closed the descriptor; a
// FileStream writes at offsets of its own when stdout is a file that stderr shares. This one
// appends as the shell expects and reports what went wrong.
using System.Runtime.InteropServices;
using System.Text;
using Dl.Data.Formats;

namespace Dl.Cli.Terminal;

/// <summary>The reader of our output has closed it: the end, and no error.</summary>
internal sealed class BrokenPipeException() : IOException("stdout: closed by its reader");

internal sealed partial class StandardStream(int descriptor) : Stream
{
    private const int Eintr = 4;
    private const int Epipe = 32;

    /// <summary>A closed descriptor may by now be another file's.</summary>
    private readonly bool _open = StandardFiles.IsOpen(descriptor);

    private string Name => descriptor == 1 ? "stdout" : "stderr";

    /// <summary>UTF-8 without a mark at the start, `\n` at line ends, 32 kB of buffer.</summary>
    public static StreamWriter OpenOutput() =>
        new(OpenStream(), new UTF8Encoding(false), 32 * 1024);

    /// <summary>stdout without a buffer.</summary>
    public static Stream OpenStream() =>
        OperatingSystem.IsWindows() ? Console.OpenStandardOutput() : new StandardStream(1);

    /// <summary>stderr; what cannot be written there is lost.</summary>
    public static void WriteError(string text)
    {
        try
        {
            using Stream stream = OperatingSystem.IsWindows()
                ? Console.OpenStandardError() : new StandardStream(2);
            stream.Write(Encoding.UTF8.GetBytes(text));
        }
        catch (IOException)
        {
            // stderr is gone; the exit code is all that is left to say it with.
        }
    }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        if (!_open)
        {
            throw new IOException($"{Name}: is closed, expected somewhere to write to");
        }
        while (buffer.Length > 0)
        {
            ref byte first = ref MemoryMarshal.GetReference(buffer);
            nint written = WriteNative(descriptor, ref first, buffer.Length);
            if (written >= 0)
            {
                buffer = buffer[(int)written..];
                continue;
            }
            int error = Marshal.GetLastPInvokeError();
            if (error == Epipe)
            {
                throw new BrokenPipeException();
            }
            if (error != Eintr)
            {
                throw new IOException($"{Name}: {Marshal.GetPInvokeErrorMessage(error)}");
            }
        }
    }

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    private static partial nint WriteNative(int descriptor, ref byte buffer, nint count);

    public override void Write(byte[] buffer, int offset, int count) =>
        Write(buffer.AsSpan(offset, count));

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) =>
        throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
