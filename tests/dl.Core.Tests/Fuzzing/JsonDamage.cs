// Damages JSON as JSON: the text stays valid, so that what is read gets to the checks of its
// meaning. Values become others of any kind, of the edges of their types, or those of another
// place; members vanish, come twice, or get another's name.
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Dl.Tests.Fuzzing;

internal static class JsonDamage
{
    private static readonly string[] Values =
    [
        "null", "true", "0", "1", "-1", "2", "3", "7", "0.5", "65536", "16777216", "2147483647",
        "2147483648", "9223372036854775807", "1e308", "\"\"", "\"input\"", "\"relu\"", "\"NaN\"",
        "[]", "{}", "[0]", "[null]", "[-1, 2147483647]", "[1, 1, 1, 1, 1, 1, 1, 1]", "[[[1]]]",
    ];

    private static readonly JsonDocumentOptions Lenient = new()
    {
        CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true,
    };

    public static string Mutate(string json, Random random)
    {
        JsonNode root = JsonNode.Parse(json, null, Lenient)!;
        for (int left = 1 + random.Next(3); left > 0; left--)
        {
            var places = new List<JsonNode?>();
            var parents = new List<(JsonNode Parent, string? Key, int Index)>();
            Walk(root, places, parents);
            if (places.Count > 0)
            {
                int at = random.Next(places.Count);
                Change(parents[at], places[at], places[random.Next(places.Count)], random);
            }
        }
        return root.ToJsonString();
    }

    private static void Walk(
        JsonNode? node, List<JsonNode?> places, List<(JsonNode, string?, int)> parents)
    {
        if (node is JsonObject members)
        {
            foreach (var (key, value) in members)
            {
                places.Add(value);
                parents.Add((members, key, 0));
                Walk(value, places, parents);
            }
        }
        else if (node is JsonArray items)
        {
            for (int i = 0; i < items.Count; i++)
            {
                places.Add(items[i]);
                parents.Add((items, null, i));
                Walk(items[i], places, parents);
            }
        }
    }

    private static void Change(
        (JsonNode Parent, string? Key, int Index) place, JsonNode? node, JsonNode? other,
        Random random)
    {
        int kind = random.Next(6);
        JsonNode? value = kind == 0 ? other?.DeepClone()
            : JsonNode.Parse(Values[random.Next(Values.Length)]);
        switch (place.Parent)
        {
            case JsonObject members when kind == 1:
                members.Remove(place.Key!);
                break;
            case JsonObject members when kind == 2:
                var keys = members.Select(member => member.Key).ToList();
                members[keys[random.Next(keys.Count)]] = node?.DeepClone();
                break;
            case JsonObject members:
                members[place.Key!] = value;
                break;
            case JsonArray items when kind == 1:
                items.RemoveAt(place.Index);
                break;
            case JsonArray items when kind == 2:
                items.Insert(place.Index, node?.DeepClone());
                break;
            case JsonArray items:
                items[place.Index] = value;
                break;
        }
    }
}
