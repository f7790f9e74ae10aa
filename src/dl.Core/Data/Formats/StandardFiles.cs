// Whether stdin, stdout and stderr are those that the program was started with. Where a shell has
// closed one (`<&-`), the next file that is opened takes its number, be it a pipe of the runtime or
// the model: reading there waits for ever, and writing destroys. What is inherited is told from
// what was opened since by the mark "close on exec", which only the latter has.
using System.Runtime.InteropServices;

namespace Dl.Data.Formats;

/// <summary>The three descriptors of a process.</summary>
public static partial class StandardFiles
{
    private const int GetFlags = 1, CloseOnExec = 1;

    /// <param name="descriptor">0, 1 or 2.</param>
    public static bool IsOpen(int descriptor) =>
        OperatingSystem.IsWindows()
        || Fcntl(descriptor, GetFlags) is >= 0 and int flags && (flags & CloseOnExec) == 0;

    /// <summary>stdin, to be read.</summary>
    /// <exception cref="DataException">It is closed.</exception>
    public static Stream OpenInput() => IsOpen(0)
        ? Console.OpenStandardInput()
        : throw new DataException(
            "stdin: is closed, expected data; name a file, or lead a pipe or file to it");

    [LibraryImport("libc", EntryPoint = "fcntl")]
    private static partial int Fcntl(int descriptor, int command);
}
