// The pictures below a folder, in the ordinal order of their relative names. Hidden files and
// folders and the `__MACOSX` that archives leave behind are passed over; links are followed, except
// to a folder that one is in already.
using System.IO.Enumeration;

namespace Dl.Data.Images;

/// <summary>
/// Lists folders, one at a time, so that the first name comes before the last is read.
/// </summary>
internal static class PictureFolder
{
    private const string ArchiveRest = "__MACOSX";

    private static readonly EnumerationOptions Visible = new()
    {
        IgnoreInaccessible = false,
        AttributesToSkip = 0,
        MatchType = MatchType.Simple,
    };

    /// <param name="Key">
    /// The name, of a folder with the slash that follows: so files and folders sort among each
    /// other as their whole relative names do.
    /// </param>
    private readonly record struct Entry(string Key, bool Link);

    /// <summary>Relative names of all pictures, `/` between folders.</summary>
    /// <exception cref="DataException">A folder may not be read, or went away.</exception>
    public static IEnumerable<string> Names(string folder) => Below(folder, "", [RealPath(folder)]);

    /// <summary>Names of all files and folders that are not passed over, in any order.</summary>
    public static IEnumerable<(string Name, bool Folder)> Everything(string folder) =>
        new FileSystemEnumerable<(string, bool)>(
            folder, (ref FileSystemEntry entry) => (entry.FileName.ToString(), entry.IsDirectory),
            Visible)
        {
            ShouldIncludePredicate = (ref FileSystemEntry entry) => IsData(entry.FileName),
        };

    private static bool IsData(ReadOnlySpan<char> name) =>
        name is not ['.', ..] and not ArchiveRest;

    private static IEnumerable<string> Below(string folder, string prefix, string[] inside)
    {
        foreach (Entry entry in Entries(folder))
        {
            if (!entry.Key.EndsWith('/'))
            {
                yield return prefix + entry.Key;
                continue;
            }
            string path = Path.Combine(folder, entry.Key[..^1]);
            string real = entry.Link ? RealPath(path) : Path.Combine(inside[^1], entry.Key[..^1]);
            if (inside.Contains(real))
            {
                continue;
            }
            foreach (string name in Below(path, prefix + entry.Key, [.. inside, real]))
            {
                yield return name;
            }
        }
    }

    private static Entry[] Entries(string folder)
    {
        try
        {
            Entry[] entries = [.. Visit(folder)];
            Array.Sort(Array.ConvertAll(entries, e => e.Key), entries, StringComparer.Ordinal);
            return entries;
        }
        catch (UnauthorizedAccessException error)
        {
            throw new DataException(
                $"{folder}: permission denied; make the folder readable", error);
        }
        catch (IOException error)
        {
            throw new DataException($"{folder}: cannot be read ({error.Message})", error);
        }
    }

    private static FileSystemEnumerable<Entry> Visit(string folder) =>
        new(
            folder,
            (ref FileSystemEntry entry) => entry.IsDirectory
                ? new Entry(
                    $"{entry.FileName}/", entry.Attributes.HasFlag(FileAttributes.ReparsePoint))
                : new Entry(entry.FileName.ToString(), false),
            Visible)
        {
            ShouldIncludePredicate = (ref FileSystemEntry entry) => IsData(entry.FileName)
                && (entry.IsDirectory || ImageCodec.IsImageName(entry.FileName)),
        };

    /// <summary>A path without links, in no part of it.</summary>
    private static string RealPath(string path)
    {
        string full = Path.GetFullPath(path);
        string real = Path.GetPathRoot(full)!;
        foreach (string part in full[real.Length..].Split(
            Path.DirectorySeparatorChar, StringSplitOptions.RemoveEmptyEntries))
        {
            real = Path.Combine(real, part);
            if (Directory.ResolveLinkTarget(real, returnFinalTarget: true) is { } target)
            {
                real = target.FullName;
            }
        }
        return real;
    }
}
