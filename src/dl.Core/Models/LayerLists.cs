using Dl.Layers;

namespace Dl.Models;

internal static class LayerLists
{
    /// <summary>Adds a layer under a name, which later layers may give as an input.</summary>
    public static string Append(this List<Layer> layers, string name, Layer layer)
    {
        layers.Add(layer with { Name = name });
        return name;
    }
}
