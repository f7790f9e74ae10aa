// Options from a JSON file (`-c FILE.json`) and back (`--dump-config`):
// {"model": "cnn", "epochs": 12, "target": ["price"], "grayscale": true, "data": ["train.csv"]}.
using System.Globalization;
using System.Text.Json;
using System.Text;
using Dl.Data.Formats;

namespace Dl.Cli.Options;

internal static class ConfigFile
{
    /// <summary>Sets every option that the file names.</summary>
    /// <exception cref="UsageException">It cannot be read, or a key or value is wrong.</exception>
    public static void Apply(string path, Values values)
    {
        using JsonDocument document = Load(path);
        if (document.RootElement.ValueKind != JsonValueKind.Object)
        {
            throw new UsageException($"{path}: one JSON object expected, {{\"option\": value}}");
        }
        try
        {
            foreach (JsonProperty property in document.RootElement.EnumerateObject())
            {
                Apply(path, property, values);
            }
        }
        catch (InvalidOperationException e)
        {
            throw new UsageException(
                $"{path}: a text in it is not UTF-8, or half of a surrogate pair", e);
        }
    }

    private static void Apply(string path, JsonProperty property, Values values)
    {
        string source = $"{path}: key '{property.Name}'";
        foreach (ArgumentSpec argument in values.Command.Arguments)
        {
            // An option of the same name comes first: fit has --model, predict has MODEL.
            if (argument.Key == property.Name && values.Command.Find(property.Name) is null)
            {
                values.SetArgument(
                    argument, Items(property.Value, source, isList: true, ValueReader.Split));
                return;
            }
        }
        OptionSpec? option = values.Command.Find(property.Name);
        if (option is null || option.Transient)
        {
            throw new UsageException($"{path}: " + Unknown(values.Command, property.Name));
        }
        if (property.Value.ValueKind != JsonValueKind.Null)
        {
            values.Set(
                option, Items(property.Value, source, option.IsList, option.Split), source);
        }
    }

    private static string Unknown(CommandSpec command, string key)
    {
        var known = new List<string>();
        foreach (OptionSpec option in command.Options)
        {
            if (!option.Transient)
            {
                known.Add(option.Name);
            }
        }
        string? near = Nearest.Find(key, known);
        string hint = near is null ? $"see dl {command.Name} --help" : $"did you mean '{near}'?";
        return $"key '{key}': no such option of dl {command.Name}; {hint}";
    }

    /// <param name="split">What a text stands for where a list may be.</param>
    private static string[] Items(
        JsonElement value, string source, bool isList, Func<string, string[]> split)
    {
        if (value.ValueKind == JsonValueKind.Array && isList)
        {
            var items = new List<string>();
            foreach (JsonElement item in value.EnumerateArray())
            {
                items.Add(Scalar(item, source));
            }
            return [.. items];
        }
        return split(Scalar(value, source));
    }

    private static string Scalar(JsonElement value, string source) => value.ValueKind switch
    {
        JsonValueKind.String => value.GetString()!,
        JsonValueKind.Number => value.GetRawText(),
        JsonValueKind.True => "true",
        JsonValueKind.False => "false",
        _ => throw new UsageException($"{source}: a text, a number, true or false expected"),
    };

    private static JsonDocument Load(string path)
    {
        try
        {
            using Stream stream = path == "-"
                ? StandardFiles.OpenInput() : File.OpenRead(path);
            return JsonDocument.Parse(stream, new JsonDocumentOptions
            {
                CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true,
            });
        }
        catch (JsonException e)
        {
            throw new UsageException(
                $"{path}:{e.LineNumber + 1}: not JSON at column {e.BytePositionInLine + 1}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"{path}: cannot be read: {e.Message}");
        }
    }

    /// <summary>The options in effect, as a file that <c>-c</c> takes.</summary>
    public static string Dump(Values values)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            foreach (ArgumentSpec argument in values.Command.Arguments)
            {
                string[] items = values.Arguments(argument);
                if (items.Length > 0 && values.Command.Find(argument.Key) is null)
                {
                    json.WritePropertyName(argument.Key);
                    WriteList(json, items, ValueKind.Text);
                }
            }
            foreach (OptionSpec option in values.Command.Options)
            {
                if (!option.Transient && (values.Text(option) is not null || option.IsFlag))
                {
                    json.WritePropertyName(option.Name);
                    Write(json, option, values);
                }
            }
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(buffer.ToArray());
    }

    private static void Write(Utf8JsonWriter json, OptionSpec option, Values values)
    {
        if (option.IsList)
        {
            WriteList(json, values.List(option), option.Kind);
        }
        else if (option.IsFlag)
        {
            json.WriteBooleanValue(values.Flag(option));
        }
        else
        {
            string text = values.Text(option)!;
            bool word = option.Words is { } words && Array.IndexOf(words, text) >= 0;
            WriteScalar(json, text, word ? ValueKind.Text : option.Kind);
        }
    }

    private static void WriteList(Utf8JsonWriter json, string[] items, ValueKind kind)
    {
        json.WriteStartArray();
        foreach (string item in items)
        {
            WriteScalar(json, item, kind);
        }
        json.WriteEndArray();
    }

    private static void WriteScalar(Utf8JsonWriter json, string text, ValueKind kind)
    {
        switch (kind)
        {
            case ValueKind.Number when !double.TryParse(
                text, NumberStyles.Float, CultureInfo.InvariantCulture, out _):
                json.WriteStringValue(text);
                break;
            case ValueKind.Integer:
                json.WriteNumberValue(long.Parse(text, CultureInfo.InvariantCulture));
                break;
            case ValueKind.Number or ValueKind.Numbers:
                json.WriteNumberValue(double.Parse(text, CultureInfo.InvariantCulture));
                break;
            default:
                json.WriteStringValue(text);
                break;
        }
    }
}
