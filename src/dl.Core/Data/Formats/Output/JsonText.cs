// Texts of JSON that people read too: only what has to be escaped is.
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Dl.Data.Formats.Output;

/// <summary>Escapes for JSON, without the quotes around it.</summary>
internal static class JsonText
{
    public static string Escaped(string text) =>
        JsonEncodedText.Encode(text, JavaScriptEncoder.UnsafeRelaxedJsonEscaping).ToString();
}
