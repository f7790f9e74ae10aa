// Pictures: all are decoded once, on all cores, and what is kept of them goes through the checks.
using Dl.Data.Images;

namespace Dl.Data.Checks;

internal static class PicturePass
{
    /// <param name="options">As for training.</param>
    /// <param name="places">Where the pictures lie.</param>
    /// <param name="findings">Gets all that is found.</param>
    /// <param name="unseen">Those with a name that training passes over are read too.</param>
    /// <param name="cancel">Ends it.</param>
    /// <returns>All pictures, bad ones too; null: the places cannot be read.</returns>
    public static PictureFact[]? Run(
        DataOptions options, List<Place> places, Findings findings, bool unseen,
        CancellationToken cancel)
    {
        if (Read(places, findings, unseen, cancel) is not PictureFact[] facts)
        {
            return null;
        }
        CheckOptions(options, places);
        // What training does not see has been reported, and is no sample.
        PictureFact[] seen = Array.FindAll(facts, f => f.Seen);
        foreach (PictureFact fact in seen)
        {
            Report(fact, findings);
        }
        PictureFact[] good = Array.FindAll(seen, f => f.Problem is null);
        PictureClasses.Look(places, good, findings);
        PictureShapes.Look(places[0].Path, good, findings);
        PictureCopies.Look(good, findings);
        return facts;
    }

    private static PictureFact[]? Read(
        List<Place> places, Findings findings, bool unseen, CancellationToken cancel)
    {
        string[] classes = [];
        try
        {
            if (places.TrueForAll(p => p.Kind != PlaceKind.Pictures))
            {
                classes = ImageListing.Classes(places);
            }
            else
            {
                findings.Add(
                    PictureKinds.NoClasses, places[0].Path,
                    "pictures without classes, expected a folder for each class");
            }
        }
        catch (DataException error)
        {
            findings.Add(PictureKinds.NoClasses, places[0].Path, error);
        }
        FoundPicture[] items;
        try
        {
            items = [.. places.OrderBy(p => p.Part).SelectMany(
                p => PictureFiles.List(p, classes, findings)).Where(f => f.Seen || unseen)];
        }
        catch (DataException error)
        {
            findings.Add(ReadingKinds.Unreadable, error, places[0].Path);
            return null;
        }
        catch (UnauthorizedAccessException error)
        {
            findings.Add(ReadingKinds.Unreadable, places[0].Path, error.Message);
            return null;
        }
        var facts = new PictureFact[items.Length];
        Parallel.For(
            0, items.Length, new ParallelOptions { CancellationToken = cancel },
            i => facts[i] = PictureFact.Of(items[i].Item, items[i].Class) with
            {
                Seen = items[i].Seen,
            });
        return facts;
    }

    private static void CheckOptions(DataOptions options, List<Place> places)
    {
        bool table = places.TrueForAll(p => p.Kind == PlaceKind.PathTable);
        if (options.Task is not (null or "classification")
            || options.Target.Length > (table ? 1 : 0))
        {
            throw new UsageException(
                "pictures: the class is the target, expected no --target (but for the column of "
                + "a table) and --task classification");
        }
    }

    private static void Report(PictureFact fact, Findings findings)
    {
        if (fact.Problem is (CheckKind kind, string message))
        {
            string known = fact.Place + ": ";
            findings.Add(kind, fact.Place, message.StartsWith(known, StringComparison.Ordinal)
                ? message[known.Length..]
                : message);
            return;
        }
        bool expectsLabel = fact.Item.File is null || fact.Item.Where != fact.Item.File;
        if (fact.Class is null && expectsLabel)
        {
            findings.Add(
                PictureKinds.NoLabel, fact.Place, "a picture without a label, expected its class");
        }
        if (fact.Warning is not null)
        {
            findings.Add(PictureKinds.Odd, fact.Place, fact.Warning);
        }
        if (fact.Blank)
        {
            findings.Add(PictureKinds.Blank, fact.Place, "all pixels have the same colour");
        }
        if (fact.Item.File is string file && !Endings(fact.Info!.Format).Contains(
            Path.GetExtension(file).ToLowerInvariant()))
        {
            findings.Add(
                PictureKinds.Extension, fact.Place,
                $"holds {fact.Info.Format.ToUpperInvariant()}; training reads it all the same");
        }
        if (fact.Info!.Orientation != 1)
        {
            findings.Add(
                PictureKinds.Rotated, fact.Place, $"EXIF orientation {fact.Info.Orientation}");
        }
    }

    /// <summary>Endings of file names by format; the usual one first.</summary>
    internal static string[] Endings(string format) => format switch
    {
        "jpeg" => [".jpg", ".jpeg", ".jpe"],
        "pnm" => [".pnm", ".pbm", ".pgm", ".ppm"],
        _ => ["." + format],
    };
}
