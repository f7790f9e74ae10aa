// Pictures that are there more than once. Equal ones by hashes of bytes and of pixels. Alike ones
// by dHash: two hashes that differ in at most 3 of 64 bits agree in 20 neighbouring bits somewhere
// on the circle; so the hashes are sorted 8 times, turned by 8 bits more each time, and each is
// held against the next 32 in that order. That is n log n, whatever the pictures are. A thumbnail
// has the last word.
using System.Numerics;

namespace Dl.Data.Checks;

internal static class PictureCopies
{
    private const int Turns = 8;
    private const int Window = 32;
    private const int MaxBits = 3;

    /// <summary>Mean difference of grey levels of two thumbnails that show the same.</summary>
    private const double MaxDifference = 3;

    /// <summary>Standard deviation of the grey levels; below there is little to compare.</summary>
    private const double MinContrast = 12;

    /// <returns>Pairs of hashes that were held against each other.</returns>
    public static long Look(PictureFact[] facts, Findings findings)
    {
        // Copies of one picture point to the first of it.
        int[] first = FindEqual(facts);
        for (int i = 0; i < facts.Length; i++)
        {
            if (first[i] != i)
            {
                ReportEqual(facts[i], facts[first[i]], findings);
            }
        }
        return FindAlike(facts, first, findings);
    }

    /// <summary>For each picture the first one that equals it: itself, or an earlier one.</summary>
    internal static int[] FindEqual(PictureFact[] facts)
    {
        var bytes = new Dictionary<UInt128, int>();
        var pixels = new Dictionary<UInt128, int>();
        var first = new int[facts.Length];
        for (int i = 0; i < facts.Length; i++)
        {
            first[i] = i;
            PictureFact fact = facts[i];
            if (fact.Bytes != 0 && !bytes.TryAdd(fact.Bytes, i))
            {
                first[i] = bytes[fact.Bytes];
            }
            else if (!fact.Blank && !pixels.TryAdd(fact.Pixels, i)
                && facts[pixels[fact.Pixels]].Info!.Upright == fact.Info!.Upright)
            {
                first[i] = pixels[fact.Pixels];
            }
        }
        return first;
    }

    private static void ReportEqual(PictureFact fact, PictureFact other, Findings findings)
    {
        if (fact.Class != other.Class)
        {
            findings.Add(
                NearRows.Conflict, fact.Place,
                $"the same picture as {other.Place}, in class '{fact.Class}' and '{other.Class}'; "
                + "leave one", Severity.Warning);
        }
        if (fact.Item.Part != other.Item.Part)
        {
            findings.Add(RowChecks.Across, fact.Place, $"the same picture as {other.Place}");
        }
        else if (fact.Class == other.Class)
        {
            findings.Add(PictureKinds.Duplicate, fact.Place, $"the same picture as {other.Place}");
        }
    }

    private static long FindAlike(PictureFact[] facts, int[] first, Findings findings)
    {
        int[] looked =
        [
            .. Enumerable.Range(0, facts.Length).Where(i => first[i] == i && HasContrast(facts[i])),
        ];
        var turned = new ulong[looked.Length];
        var order = new int[looked.Length];
        var partner = new SortedDictionary<int, int>();
        long pairs = 0;
        for (int turn = 0; turn < Turns; turn++)
        {
            for (int i = 0; i < looked.Length; i++)
            {
                turned[i] = BitOperations.RotateLeft(facts[looked[i]].DHash, turn * 64 / Turns);
                order[i] = looked[i];
            }
            Array.Sort(turned, order);
            for (int i = 0; i < order.Length; i++)
            {
                for (int j = i + 1; j < Math.Min(order.Length, i + 1 + Window); j++)
                {
                    pairs++;
                    if (BitOperations.PopCount(turned[i] ^ turned[j]) <= MaxBits
                        && LookAlike(facts[order[i]], facts[order[j]]))
                    {
                        int later = Math.Max(order[i], order[j]);
                        int earlier = Math.Min(order[i], order[j]);
                        partner[later] = Math.Min(
                            earlier, partner.GetValueOrDefault(later, earlier));
                    }
                }
            }
        }
        foreach ((int later, int earlier) in partner)
        {
            (PictureFact fact, PictureFact other) = (facts[later], facts[earlier]);
            bool apart = fact.Item.Part != other.Item.Part;
            findings.Add(
                NearRows.Near, fact.Place,
                $"looks like {other.Place}" + (apart ? ", which is in another part" : "")
                + (fact.Class != other.Class ? $" and of class '{other.Class}'" : ""),
                apart || fact.Class != other.Class ? Severity.Warning : Severity.Note);
        }
        return pairs;
    }

    private static bool HasContrast(PictureFact fact)
    {
        double sum = 0, squares = 0;
        foreach (byte level in fact.Thumb)
        {
            sum += level;
            squares += level * level;
        }
        double mean = sum / fact.Thumb.Length;
        return (squares / fact.Thumb.Length) - (mean * mean) >= MinContrast * MinContrast;
    }

    /// <summary>Whether the thumbnails show the same; most that do not are told early.</summary>
    private static bool LookAlike(PictureFact a, PictureFact b)
    {
        const int step = 32;
        int sum = 0;
        int most = (int)(MaxDifference * a.Thumb.Length);
        for (int i = 0; i < a.Thumb.Length && sum <= most; i += step)
        {
            for (int j = i; j < i + step; j++)
            {
                sum += Math.Abs(a.Thumb[j] - b.Thumb[j]);
            }
        }
        return sum <= most;
    }
}
