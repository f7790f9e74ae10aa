// `--fix` for folders of pictures: the good ones are linked (or copied where that cannot be) into
// folders for part and class, under names that end as their format does.
using System.Runtime.InteropServices;

namespace Dl.Data.Checks;

/// <summary>Chooses and places pictures.</summary>
internal static partial class PictureFix
{
    /// <param name="facts">All pictures, bad ones too.</param>
    /// <param name="places">Where they lie.</param>
    /// <param name="folder">New and empty.</param>
    /// <param name="log">Gets every change.</param>
    /// <param name="cancel">Ends it.</param>
    /// <returns>Pictures placed.</returns>
    public static long Write(
        PictureFact[] facts, List<Place> places, string folder, FixLog log,
        CancellationToken cancel)
    {
        long kept = 0;
        bool parts = places.Select(p => p.Part).Distinct().Count() > 1;
        var taken = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (PictureFact fact in Choose(facts, log))
        {
            cancel.ThrowIfCancellationRequested();
            string ending = Path.GetExtension(fact.Item.Id);
            string[] endings = PicturePass.Endings(fact.Info!.Format);
            string id = endings.Contains(ending.ToLowerInvariant())
                ? fact.Item.Id
                : Path.ChangeExtension(fact.Item.Id, endings[0]);
            string part = parts ? new PartProfile(fact.Item.Part).Name : "";
            string name = Path.Combine(part, id);
            for (int n = 2; !taken.Add(name); n++)
            {
                name = Path.Combine(
                    part, $"{Path.ChangeExtension(id, null)}_{n}{Path.GetExtension(id)}");
            }
            if (id != fact.Item.Id)
            {
                log.Mend("names", fact.Place, $"holds {fact.Info.Format}, becomes {name}");
            }
            string target = Path.Combine(folder, name);
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            LinkOrCopy(fact.Item.File!, target);
            kept++;
        }
        return kept;
    }

    /// <summary>Good pictures, each once: of copies test keeps its own, then validation.</summary>
    private static List<PictureFact> Choose(PictureFact[] facts, FixLog log)
    {
        foreach (PictureFact bad in facts.Where(f => f.Problem is not null))
        {
            (CheckKind kind, string why) = bad.Problem!.Value;
            log.LeaveOut($"files ({kind.Code})", bad.Place, why);
        }
        PictureFact[] good =
        [
            .. facts.Where(f => f.Problem is null).OrderByDescending(f => f.Item.Part),
        ];
        int[] first = PictureCopies.FindEqual(good);
        var classes = new Dictionary<int, HashSet<string?>>();
        for (int i = 0; i < good.Length; i++)
        {
            classes.TryAdd(first[i], []);
            classes[first[i]].Add(good[i].Class);
        }
        var chosen = new List<PictureFact>();
        for (int i = 0; i < good.Length; i++)
        {
            if (classes[first[i]].Count > 1)
            {
                log.LeaveOut(
                    "pictures in several classes", good[i].Place,
                    $"in {string.Join(" and ", classes[first[i]].Order())}: nobody can tell");
            }
            else if (first[i] != i)
            {
                log.LeaveOut(
                    "duplicate pictures", good[i].Place, $"equal to {good[first[i]].Place}");
            }
            else
            {
                chosen.Add(good[i]);
            }
        }
        return chosen;
    }

    /// <summary>A link takes no room; another file system, or another kind, takes a copy.</summary>
    private static void LinkOrCopy(string source, string target)
    {
        bool linked = !OperatingSystem.IsWindows() && File.ResolveLinkTarget(source, true) is null
            && LinkNative(Path.GetFullPath(source), target) == 0;
        if (!linked)
        {
            File.Copy(source, target);
        }
    }

    [LibraryImport("libc", EntryPoint = "link", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int LinkNative(string source, string target);
}
