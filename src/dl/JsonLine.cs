// Small JSON objects for `--json`, one a line, without reflection.
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Dl.Cli;

internal static class JsonLine
{
    private static readonly JsonWriterOptions Plain =
        new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <param name="pairs">Values are texts, finite numbers or booleans.</param>
    public static string Object(params (string Key, object Value)[] pairs)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, Plain))
        {
            json.WriteStartObject();
            foreach ((string key, object value) in pairs)
            {
                json.WritePropertyName(key);
                switch (value)
                {
                    case bool flag:
                        json.WriteBooleanValue(flag);
                        break;
                    case int or long:
                        json.WriteNumberValue(Convert.ToInt64(value));
                        break;
                    case double number:
                        json.WriteNumberValue(number);
                        break;
                    default:
                        json.WriteStringValue((string)value);
                        break;
                }
            }
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(buffer.ToArray());
    }
}
