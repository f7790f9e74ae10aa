// Checks and reads the text of option values; its messages say what would have been right.
using System.Globalization;
using System.Numerics;

namespace Dl.Cli.Options;

internal static class ValueReader
{
    private const NumberStyles Decimal = NumberStyles.Float;

    /// <summary>Items between commas, without surrounding blanks or empty ones.</summary>
    public static string[] Split(string text) => text.Split(
        ',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    /// <summary>Checks one value, or one item of a list.</summary>
    /// <param name="source">What the message names.</param>
    /// <exception cref="UsageException">It is not a value of this option.</exception>
    public static void Check(OptionSpec option, string text, string source)
    {
        if (option.Allowed is { } allowed)
        {
            if (Array.IndexOf(allowed, text) < 0)
            {
                string? near = Nearest.Find(text, allowed);
                string hint = near is null ? "" : $"; did you mean '{near}'?";
                string names = string.Join(", ", allowed);
                throw new UsageException(
                    $"{source}: '{text}' given, one of {names} expected{hint}");
            }
            return;
        }
        if (option.Words is { } words && Array.IndexOf(words, text) >= 0)
        {
            return;
        }
        bool right = option.Kind switch
        {
            ValueKind.Flag => text is "true" or "false",
            ValueKind.Integer => long.TryParse(
                text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long whole)
                && Inside(option, whole),
            ValueKind.Number or ValueKind.Numbers => double.TryParse(
                text, Decimal, CultureInfo.InvariantCulture, out double number)
                && double.IsFinite(number) && Inside(option, number),
            ValueKind.Duration => Seconds(text) is > 0,
            ValueKind.Size => Bytes(text) is > 0,
            ValueKind.Texts => true,
            _ => text.Length > 0,
        };
        if (!right)
        {
            throw new UsageException($"{source}: '{text}' given, {Expected(option)} expected");
        }
    }

    /// <summary>`90`, `90s`, `1.5h` or `1h30m` in seconds; null for anything else.</summary>
    public static double? Seconds(string text)
    {
        double total = 0;
        int start = 0;
        for (int i = 0; i < text.Length; i++)
        {
            double unit = text[i] switch { 's' => 1, 'm' => 60, 'h' => 3600, 'd' => 86400, _ => 0 };
            if (unit == 0)
            {
                continue;
            }
            if (!Positive(text.AsSpan(start, i - start), out double value))
            {
                return null;
            }
            total += value * unit;
            start = i + 1;
        }
        if (start == text.Length)
        {
            return start == 0 ? null : total;
        }
        // A bare number is seconds; after a unit (`1h30`) nobody can tell what it is.
        return start == 0 && Positive(text, out double seconds) ? seconds : null;
    }

    /// <summary>`500M`, `2G`, `1.5GiB` or `4096` in bytes; null for anything else.</summary>
    public static long? Bytes(string text)
    {
        const string Units = "KMGT";
        string bare = text.ToUpperInvariant();
        bare = bare.EndsWith("IB", StringComparison.Ordinal) ? bare[..^2] : bare.TrimEnd('B');
        int power = bare.Length == 0 ? 0 : Units.IndexOf(bare[^1]) + 1;
        string number = power > 0 ? bare[..^1] : bare;
        return Positive(number, out double value) && value * Math.Pow(1024, power) < long.MaxValue
            ? (long)(value * Math.Pow(1024, power)) : null;
    }

    /// <summary>What the option takes, for messages and the man page.</summary>
    public static string Expected(OptionSpec option) => Form(option)
        + (option.Words is { } words ? " or " + string.Join(" or ", words) : "");

    private static string Form(OptionSpec option) => option.Kind switch
    {
        ValueKind.Flag => "true or false",
        ValueKind.Integer => "a whole number" + Bounds(option),
        ValueKind.Number => "a number" + Bounds(option),
        ValueKind.Numbers => "numbers" + Bounds(option),
        ValueKind.Duration => "a time such as 90, 90s, 10m or 1h30m",
        ValueKind.Size => "a size such as 500M or 2G",
        _ => "a text that is not empty",
    };

    private static bool Positive(ReadOnlySpan<char> text, out double value) => double.TryParse(
        text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out value);

    private static bool Inside<T>(OptionSpec option, T given) where T : INumber<T>
    {
        double value = double.CreateSaturating(given);
        bool low = option.AboveMin ? value > option.Min : value >= option.Min;
        bool high = option.BelowMax ? value < option.Max : value <= option.Max;
        return low && high;
    }

    private static string Bounds(OptionSpec option)
    {
        string low = double.IsInfinity(option.Min)
            ? "" : $" {(option.AboveMin ? "above" : "of at least")} {option.Min}";
        bool bounded = option.Max < int.MaxValue;
        string high = bounded ? $" {(option.BelowMax ? "below" : "of at most")} {option.Max}" : "";
        return low.Length > 0 && high.Length > 0 ? $"{low} and{high}" : low + high;
    }
}
