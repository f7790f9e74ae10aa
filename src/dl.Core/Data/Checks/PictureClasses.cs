// Classes of pictures: how many samples, in which parts, under which names.
namespace Dl.Data.Checks;

internal static class PictureClasses
{
    public static void Look(List<Place> places, PictureFact[] facts, Findings findings)
    {
        string place = places[0].Path;
        var counts = new Dictionary<(Part, string), long>();
        foreach (PictureFact fact in facts.Where(f => f.Class is not null))
        {
            var key = (fact.Item.Part, fact.Class!);
            counts[key] = counts.GetValueOrDefault(key) + 1;
        }
        string[] names =
            [.. counts.Keys.Select(k => k.Item2).Distinct().Order(StringComparer.Ordinal)];
        Part[] parts = [.. counts.Keys.Select(k => k.Item1).Distinct().Order()];
        if (names.Length == 0)
        {
            return;
        }
        ClassBalance.Look(
            place,
            [
                .. names.Select(n => (n, counts.GetValueOrDefault((Part.Train, n))))
                    .Where(c => c.Item2 > 0).OrderByDescending(c => c.Item2),
            ],
            findings);
        foreach (Part part in parts)
        {
            foreach (string name in names.Where(n => !counts.ContainsKey((part, n))))
            {
                findings.Add(
                    PictureKinds.ClassMissing, place,
                    $"class '{name}' has no picture in {NameOf(part)}"
                    + (part == Part.Train ? ", so it cannot be learnt" : ""));
            }
        }
        FindTypos(place, names, findings);
    }

    private static void FindTypos(string place, string[] names, Findings findings)
    {
        for (int a = 0; a < names.Length; a++)
        {
            for (int b = a + 1; b < names.Length; b++)
            {
                if (Alike(names[a], names[b]))
                {
                    findings.Add(
                        PictureKinds.ClassName, place,
                        $"classes '{names[a]}' and '{names[b]}': are they one? Merge them");
                }
            }
        }
    }

    /// <summary>Equal but for case, gaps, a plural's s or a slip of a letter.</summary>
    private static bool Alike(string a, string b)
    {
        (string x, string y) = (Typos.Fold(a), Typos.Fold(b));
        if (x.Length == 0 || y.Length == 0 || x.All(char.IsAsciiDigit) || y.All(char.IsAsciiDigit))
        {
            return false;
        }
        return x == y || (x.Length > 2 && (x + "s" == y || y + "s" == x))
            || (x.Length > 5 && y.Length > 5 && Typos.IsNear(x, y));
    }

    private static string NameOf(Part part) => new PartProfile(part).Name;
}
