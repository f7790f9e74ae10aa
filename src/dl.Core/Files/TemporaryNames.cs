// What files and folders are called until they are whole, and what becomes of those whose process
// was killed: the next that writes or removes the same name takes them away. A name says machine,
// process and a number drawn by that process, `.NAME.MACHINE-PROCESS-NUMBER.tmp`: process numbers
// alone repeat, in containers at once.
using System.Globalization;
using System.Text;

namespace Dl.Files;

internal static class TemporaryNames
{
    private const string Ending = ".tmp";

    /// <summary>
    /// How old something of another machine has to be: its processes cannot be seen from here.
    /// </summary>
    private static readonly TimeSpan Abandoned = TimeSpan.FromDays(1);

    private static readonly string Machine = Crc32c.Compute(
        Encoding.UTF8.GetBytes(Environment.MachineName)).ToString("x8", null);

    private static readonly string Own = string.Create(
        CultureInfo.InvariantCulture,
        $"{Machine}-{Environment.ProcessId}-{Random.Shared.Next():x8}");

    /// <summary>Hidden, in the same folder, so that renaming moves no data.</summary>
    /// <param name="target">Full path.</param>
    public static string Of(string target) => Path.Combine(
        Path.GetDirectoryName(target)!, $".{Path.GetFileName(target)}.{Own}{Ending}");

    /// <summary>Removes what killed processes left of earlier attempts at the same name.</summary>
    /// <param name="target">Full path.</param>
    public static void SweepUp(string target, IFileOperations disk)
    {
        try
        {
            string start = $".{Path.GetFileName(target)}.";
            foreach (var left in new DirectoryInfo(Path.GetDirectoryName(target)!)
                .EnumerateFileSystemInfos(start + "*" + Ending))
            {
                string maker = left.Name[start.Length..^Ending.Length];
                if (maker == Own || IsStale(maker, left))
                {
                    Discard(left.FullName, disk);
                }
            }
        }
        catch (Exception error) when (FileError.IsFileTrouble(error))
        {
            // A folder that may be written but not listed; the file itself is in place.
        }
    }

    /// <summary>Removes a file or folder as far as that goes: another failure is told.</summary>
    public static void Discard(string temporary, IFileOperations disk)
    {
        try
        {
            if (Directory.Exists(temporary))
            {
                disk.DeleteFolder(temporary);
            }
            else if (File.Exists(temporary))
            {
                disk.Delete(temporary);
            }
        }
        catch (Exception error) when (FileError.IsFileTrouble(error))
        {
            // The failure that brought us here is the one to tell.
        }
    }

    private static bool IsStale(string maker, FileSystemInfo left)
    {
        string[] parts = maker.Split('-');
        return parts.Length == 3
            && int.TryParse(parts[1], CultureInfo.InvariantCulture, out int process)
            && (parts[0] == Machine
                ? !Runs(process) && !IsOpen(left)
                : DateTime.UtcNow - left.LastWriteTimeUtc > Abandoned);
    }

    private static bool Runs(int process)
    {
        try
        {
            using var found = System.Diagnostics.Process.GetProcessById(process);
            return true;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    /// <summary>
    /// Does a process that is out of sight, in a container of the same name, write to it? Files
    /// are locked while they are written.
    /// </summary>
    private static bool IsOpen(FileSystemInfo left)
    {
        if (left is DirectoryInfo)
        {
            return false;
        }
        try
        {
            using var stream = new FileStream(
                left.FullName, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
            return false;
        }
        catch (Exception error) when (FileError.IsFileTrouble(error))
        {
            return true;
        }
    }
}
