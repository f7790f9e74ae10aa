// The little of SVG that the report's charts need. Colours are names of the page's style sheet, so
// charts follow its light and dark dress.
using System.Globalization;
using System.Net;
using System.Text;

namespace Dl.Training.Watching;

/// <summary>Builds one picture; coordinates are pixels from the top left.</summary>
internal sealed class Svg
{
    private readonly StringBuilder _text = new();

    /// <param name="about">What the picture shows, for readers that cannot see it.</param>
    public Svg(double width, double height, string about) => _text.Append(
        CultureInfo.InvariantCulture,
        $"<svg viewBox=\"0 0 {width:0.#} {height:0.#}\" width=\"{width:0.#}\" "
        + $"height=\"{height:0.#}\" role=\"img\" aria-label=\"{Escape(about)}\">");

    public static string Escape(string text) => WebUtility.HtmlEncode(text);

    public void Line(double x1, double y1, double x2, double y2, string style) => _text.Append(
        CultureInfo.InvariantCulture,
        $"<line x1=\"{x1:0.#}\" y1=\"{y1:0.#}\" x2=\"{x2:0.#}\" y2=\"{y2:0.#}\" "
        + $"class=\"{style}\"/>");

    public void Polyline(IEnumerable<(double X, double Y)> points, string style)
    {
        _text.Append("<polyline points=\"");
        foreach (var (x, y) in points)
        {
            _text.Append(CultureInfo.InvariantCulture, $"{x:0.##},{y:0.##} ");
        }
        _text.Append($"\" class=\"{style}\"/>");
    }

    /// <param name="opacity">0 to 1.</param>
    /// <param name="tip">Shown when the pointer rests on it.</param>
    public void Box(
        double x, double y, double width, double height, string style, double opacity = 1,
        string? tip = null) => _text.Append(
            CultureInfo.InvariantCulture,
            $"<rect x=\"{x:0.##}\" y=\"{y:0.##}\" width=\"{Math.Max(0, width):0.##}\" "
            + $"height=\"{Math.Max(0, height):0.##}\" class=\"{style}\" "
            + $"fill-opacity=\"{opacity:0.###}\"{Close("rect", tip)}");

    public void Dot(double x, double y, double radius, string style, string? tip = null) =>
        _text.Append(
            CultureInfo.InvariantCulture,
            $"<circle cx=\"{x:0.##}\" cy=\"{y:0.##}\" r=\"{radius:0.#}\" "
            + $"class=\"{style}\"{Close("circle", tip)}");

    /// <param name="anchor">`start`, `middle` or `end`.</param>
    /// <param name="turned">Reads from bottom to top.</param>
    public void Text(
        double x, double y, string text, string anchor = "start", string style = "label",
        bool turned = false) => _text.Append(
            CultureInfo.InvariantCulture,
            $"<text x=\"{x:0.#}\" y=\"{y:0.#}\" text-anchor=\"{anchor}\" class=\"{style}\" "
            + $"transform=\"rotate({(turned ? -90 : 0)} {x:0.#} {y:0.#})\">"
            + $"{Escape(text)}</text>");

    public override string ToString() => _text + "</svg>";

    private static string Close(string element, string? tip) =>
        tip is null ? "/>" : $"><title>{Escape(tip)}</title></{element}>";
}
