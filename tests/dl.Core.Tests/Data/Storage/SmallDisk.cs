// A disk of a few bytes, to be full.
using System.Diagnostics;

namespace Dl.Data.Tests.Storage;

/// <summary>A file system in memory, mounted for one test; only root can.</summary>
internal sealed class SmallDisk : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public string Root => _folder.Root;

    /// <summary>Skips the test where nothing can be mounted.</summary>
    public static SmallDisk Mount(int bytes)
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "a small disk is mounted on Linux only");
        var disk = new SmallDisk();
        if (!Run("mount", "-t", "tmpfs", "-o", $"size={bytes}", "tmpfs", disk.Root))
        {
            disk._folder.Dispose();
            Skip.If(true, "a small disk cannot be mounted here (not root?)");
        }
        return disk;
    }

    public void Dispose()
    {
        // Lazily: a scratch file that no test closed must not keep it.
        Run("umount", "-l", Root);
        _folder.Dispose();
    }

    private static bool Run(string program, params string[] arguments)
    {
        try
        {
            var start = new ProcessStartInfo(program, arguments)
            {
                RedirectStandardError = true,
            };
            using Process process = Process.Start(start)!;
            process.StandardError.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }
}
