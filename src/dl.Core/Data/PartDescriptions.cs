// The parts of a data set and their sizes, for `dl info`.
namespace Dl.Data;

/// <summary>Counts the samples of each part that is there.</summary>
internal static class PartDescriptions
{
    public static PartDescription[] Of(IDataSource source)
    {
        var counts = new int[3];
        for (int i = 0; i < source.Count; i++)
        {
            counts[(int)source.PartOf(i)]++;
        }
        string[] names = ["train", "val", "test"];
        var parts = new List<PartDescription>();
        for (int i = 0; i < counts.Length; i++)
        {
            if (counts[i] > 0)
            {
                parts.Add(new PartDescription(names[i], counts[i]));
            }
        }
        return [.. parts];
    }
}
