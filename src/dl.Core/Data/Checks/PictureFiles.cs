// The pictures of a place, and what else lies there: files that are none, empty class folders.
using Dl.Data.Images;

namespace Dl.Data.Checks;

/// <param name="Item">The picture.</param>
/// <param name="Class">Its class; null: none.</param>
/// <param name="Seen">False: training passes over it for its name.</param>
internal sealed record FoundPicture(ImageItem Item, string? Class, bool Seen = true);

internal static class PictureFiles
{
    private static readonly EnumerationOptions Everything = new()
    {
        RecurseSubdirectories = true,
        IgnoreInaccessible = false,
        AttributesToSkip = 0,
    };

    /// <summary>
    /// Pictures with their classes in a fixed order; what is odd about the folders is reported.
    /// </summary>
    public static IEnumerable<FoundPicture> List(
        Place place, string[] classes, Findings findings)
    {
        if (place.Kind == PlaceKind.Classes)
        {
            return ListClasses(place, findings);
        }
        if (place.Kind == PlaceKind.Pictures && Directory.Exists(place.Path))
        {
            return ListFolder(place, place.Path, null, findings);
        }
        return ImageListing.List(place, classes).Select(item =>
            new FoundPicture(item, item.Label >= 0 ? classes[item.Label] : item.UnknownLabel));
    }

    private static IEnumerable<FoundPicture> ListClasses(
        Place place, Findings findings)
    {
        foreach (string file in Sorted(Directory.EnumerateFiles(place.Path)))
        {
            if (ImageCodec.IsImageName(file) && !IsHidden(file))
            {
                findings.Add(
                    PictureKinds.Outside, file,
                    "lies beside the class folders, expected it in one of them; it is not used");
            }
        }
        foreach (string folder in Sorted(Directory.EnumerateDirectories(place.Path)))
        {
            if (IsHidden(folder))
            {
                continue;
            }
            FoundPicture[] found =
                [.. ListFolder(place, folder, Path.GetFileName(folder), findings)];
            foreach (FoundPicture picture in found)
            {
                yield return picture;
            }
            if (!Array.Exists(found, f => f.Seen))
            {
                findings.Add(
                    PictureKinds.EmptyClass, folder,
                    "no picture in it, so it is no class; fill or remove it");
            }
        }
    }

    private static IEnumerable<FoundPicture> ListFolder(
        Place place, string folder, string? label, Findings findings)
    {
        string[] files = Sorted(Directory.EnumerateFiles(folder, "*", Everything));
        bool any = Array.Exists(files, f => !IsHidden(f) && ImageCodec.IsImageName(f));
        foreach (string file in files)
        {
            bool seen = !IsHidden(file) && ImageCodec.IsImageName(file);
            if (!seen && (IsHidden(file) || !IsPicture(file)))
            {
                // In a folder without pictures all files are strays.
                if (any)
                {
                    findings.Add(PictureKinds.Stray, file, "no picture; it is passed over");
                }
                continue;
            }
            if (!seen)
            {
                findings.Add(
                    PictureKinds.Hidden, file,
                    $"a picture, but its name ends in '{Path.GetExtension(file)}', so it is not "
                    + "used; rename it");
            }
            var item = new ImageItem
            {
                Id = Path.GetRelativePath(place.Path, file).Replace('\\', '/'),
                Where = file,
                File = file,
                Part = place.Part,
            };
            yield return new FoundPicture(item, label, seen);
        }
    }

    /// <summary>By its first bytes.</summary>
    internal static bool IsPicture(string file)
    {
        try
        {
            using FileStream stream = File.OpenRead(file);
            var head = new byte[16];
            return stream.ReadAtLeast(head, head.Length, throwOnEndOfStream: false) == head.Length
                && ImageCodec.IsImage(head);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    internal static bool IsHidden(string path) => Path.GetFileName(path).StartsWith('.');

    internal static string[] Sorted(IEnumerable<string> paths)
    {
        string[] sorted = [.. paths];
        Array.Sort(sorted, StringComparer.Ordinal);
        return sorted;
    }
}
