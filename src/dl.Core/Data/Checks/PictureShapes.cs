// Extents and channels of pictures beside those of the others.
using System.Globalization;

namespace Dl.Data.Checks;

internal static class PictureShapes
{
    private const int TinySide = 16;
    private const double TinyShare = 0.25;
    private const long HugePixels = 20_000_000;
    private const double OddAspect = 4;
    private const double UsualAspect = 2;

    public static void Look(string place, PictureFact[] facts, Findings findings)
    {
        if (facts.Length == 0)
        {
            return;
        }
        double[] sides = Array.ConvertAll(facts, f => (double)Short(f));
        double[] aspects = Array.ConvertAll(facts, f => (double)Long(f) / Short(f));
        Array.Sort(sides);
        Array.Sort(aspects);
        double side = sides[sides.Length / 2], aspect = aspects[aspects.Length / 2];
        foreach (PictureFact fact in facts)
        {
            string size = $"{fact.Info!.Upright.Width} x {fact.Info.Upright.Height} pixels";
            if (Short(fact) < TinySide && Short(fact) < TinyShare * side)
            {
                findings.Add(PictureKinds.Tiny, fact.Place, $"{size}; a thumbnail or an icon?");
            }
            if ((long)fact.Info.Width * fact.Info.Height > HugePixels)
            {
                findings.Add(PictureKinds.Huge, fact.Place, size);
            }
            if (Long(fact) > OddAspect * Short(fact) && aspect < UsualAspect)
            {
                findings.Add(PictureKinds.Aspect, fact.Place, size);
            }
        }
        FindMixtures(place, facts, findings);
    }

    private static void FindMixtures(string place, PictureFact[] facts, Findings findings)
    {
        (int Width, int Height)[] sizes = Array.ConvertAll(facts, f => f.Info!.Upright);
        if (sizes.Distinct().Count() > 1)
        {
            findings.Add(
                PictureKinds.MixedSizes, place,
                $"{sizes.Min(s => s.Width)} x {sizes.Min(s => s.Height)} to "
                + $"{sizes.Max(s => s.Width)} x {sizes.Max(s => s.Height)} pixels; training "
                + "resizes all to 64 x 64 (--image-size chooses another)");
        }
        var channels = new List<string>();
        foreach ((int count, string name) in new[]
            { (1, "grey"), (2, "grey with alpha"), (3, "colour"), (4, "colour with alpha") })
        {
            int n = facts.Count(f => f.Channels == count);
            if (n > 0)
            {
                channels.Add(string.Create(CultureInfo.InvariantCulture, $"{n} {name}"));
            }
        }
        if (channels.Count > 1)
        {
            findings.Add(
                PictureKinds.MixedChannels, place,
                $"{string.Join(", ", channels)}; training reads all as colour on white");
        }
        int deep = facts.Count(f => f.Depth > 8);
        if (deep > 0 && deep < facts.Length)
        {
            findings.Add(
                PictureKinds.MixedDepth, place, string.Create(
                    CultureInfo.InvariantCulture,
                    $"{deep} of 16 bits, {facts.Length - deep} of 8"));
        }
    }

    private static int Short(PictureFact fact) => Math.Min(fact.Info!.Width, fact.Info.Height);

    private static int Long(PictureFact fact) => Math.Max(fact.Info!.Width, fact.Info.Height);
}
