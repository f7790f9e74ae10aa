// A stretch of a training as people write it: `0.25`, `25%` and `1/4` are shares of all of it, `10`
// is ten epochs (steps, where an option says so), and `500steps` or `3epochs` leave no doubt.
using System.Globalization;

namespace Dl.Training;

public enum SpanUnit
{
    /// <summary>Of all steps, 0 to 1.</summary>
    Share,

    Epochs,

    /// <summary>Updates of the weights.</summary>
    Steps,
}

/// <summary>A length of training in one of the units.</summary>
public readonly record struct TrainingSpan(double Value, SpanUnit Unit)
{
    private static readonly (string Ending, SpanUnit Unit)[] Endings =
    [
        ("epochs", SpanUnit.Epochs), ("epoch", SpanUnit.Epochs), ("steps", SpanUnit.Steps),
        ("step", SpanUnit.Steps),
    ];

    /// <summary>Null: no such thing.</summary>
    /// <param name="plain">The unit of a bare number that is not below 1.</param>
    public static TrainingSpan? Parse(string text, SpanUnit plain)
    {
        text = text.Trim();
        foreach (var (ending, unit) in Endings)
        {
            if (text.EndsWith(ending, StringComparison.Ordinal))
            {
                return Number(text[..^ending.Length]) is { } n ? new(n, unit) : null;
            }
        }
        if (text.EndsWith('%'))
        {
            return Number(text[..^1]) is { } percent and <= 100
                ? new(percent / 100, SpanUnit.Share) : null;
        }
        int slash = text.IndexOf('/');
        if (slash > 0)
        {
            return Number(text[..slash]) is { } a && Number(text[(slash + 1)..]) is { } b
                && b > 0 && a <= b ? new(a / b, SpanUnit.Share) : null;
        }
        return Number(text) is not { } value ? null
            : new(value, value < 1 ? SpanUnit.Share : plain);
    }

    /// <summary>In steps of a training of <paramref name="steps"/> steps.</summary>
    public double In(double steps, double stepsPerEpoch) => Unit switch
    {
        SpanUnit.Share => Value * steps,
        SpanUnit.Epochs => Value * stepsPerEpoch,
        _ => Value,
    };

    private static double? Number(string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value)
            && double.IsFinite(value) && value >= 0 ? value : null;
}
