// An optimiser with its numbers, as text: `rmsprop:alpha=0.95,centered=true`. What stands behind
// the colon are the rule's arguments; those not named keep the rule's defaults.
using System.Globalization;

namespace Dl.Training;

/// <summary>A number or a switch that a rule takes.</summary>
/// <param name="Default">For a switch 0 (off) or 1 (on).</param>
/// <param name="Min">Smallest value; <paramref name="Open"/> leaves it out.</param>
/// <param name="Below">What it must stay below.</param>
public sealed record OptimizerArgument(
    string Name, double Default, double Min = 0, double Below = double.PositiveInfinity,
    bool Open = false, bool IsSwitch = false)
{
    /// <summary>`true`, `0.9`, `1e-08`: what <see cref="Read"/> takes.</summary>
    public string Text(double value) => IsSwitch
        ? (value != 0 ? "true" : "false")
        : value.ToString(CultureInfo.InvariantCulture).ToLowerInvariant();

    /// <summary>Null: not a value of this argument.</summary>
    public double? Read(string text)
    {
        if (IsSwitch)
        {
            return text switch { "true" => 1, "false" => 0, _ => null };
        }
        bool right = double.TryParse(
            text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value)
            && double.IsFinite(value) && (Open ? value > Min : value >= Min) && value < Below;
        return right ? value : null;
    }

    public string Expected
    {
        get
        {
            if (IsSwitch)
            {
                return "true or false";
            }
            string low = string.Create(
                CultureInfo.InvariantCulture, $"a number {(Open ? "above" : "of at least")} {Min}");
            return double.IsInfinity(Below) ? low
                : string.Create(CultureInfo.InvariantCulture, $"{low} and below {Below}");
        }
    }
}

/// <summary>A rule with a value for each of its arguments.</summary>
public sealed class OptimizerSettings
{
    private readonly double[] _values;
    private readonly HashSet<string> _given;

    private OptimizerSettings(OptimizerRule rule, double[] values, HashSet<string> given) =>
        (Rule, _values, _given) = (rule, values, given);

    public OptimizerRule Rule { get; }

    /// <summary>The value of an argument; 0 where the rule has none of this name.</summary>
    public double this[string name]
    {
        get
        {
            int index = Index(name);
            return index < 0 ? 0 : _values[index];
        }
    }

    /// <summary>Every argument with its value, in the rule's order.</summary>
    public IEnumerable<(OptimizerArgument Argument, double Value)> Values
    {
        get
        {
            for (int i = 0; i < _values.Length; i++)
            {
                yield return (Rule.Arguments[i], _values[i]);
            }
        }
    }

    public static OptimizerSettings Of(OptimizerRule rule) =>
        new(rule, [.. rule.Arguments.Select(a => a.Default)], []);

    /// <summary>Reads `NAME` or `NAME:ARGUMENT=VALUE,...`.</summary>
    /// <exception cref="UsageException">Unknown or malformed; names it.</exception>
    public static OptimizerSettings Parse(string text)
    {
        int colon = text.IndexOf(':');
        var settings = Of(Optimizers.Find(colon < 0 ? text : text[..colon]));
        if (colon < 0)
        {
            return settings;
        }
        var seen = new HashSet<string>();
        foreach (string part in text[(colon + 1)..].Split(','))
        {
            int equals = part.IndexOf('=');
            if (equals < 0)
            {
                throw new UsageException(
                    $"optimizer '{text}': '{part}' given behind the colon, NAME=VALUE expected; "
                    + settings.Offer());
            }
            string name = part[..equals].Trim(), value = part[(equals + 1)..].Trim();
            if (!seen.Add(name))
            {
                throw new UsageException($"optimizer '{text}': {name} is given twice");
            }
            settings = settings.With(name, value, $"optimizer '{text}'");
        }
        settings._given.UnionWith(seen);
        return settings;
    }

    public bool Has(string name) => Index(name) >= 0;

    public bool Is(string name) => this[name] != 0;

    /// <summary>The same with another value, which is not checked.</summary>
    public OptimizerSettings With(string name, double value)
    {
        double[] values = [.. _values];
        values[Index(name)] = value;
        return new OptimizerSettings(Rule, values, _given);
    }

    /// <summary>An option that says the same as an argument: `--momentum 0.9`.</summary>
    /// <exception cref="UsageException">The rule has no such argument, or has been given it.
    /// </exception>
    public OptimizerSettings WithOption(string option, string name, double? value) =>
        value is null ? this
        : _given.Contains(name) ? throw new UsageException(
            $"{option}: --optimizer {Rule.Name} is given {name} too; say it once")
        : Has(name) ? With(name, value.Value)
        : throw new UsageException(
            $"{option}: {Rule.Name} has no {name}; {Offer()}, or give another --optimizer");

    /// <summary>`adam:beta1=0.9,...` with every argument: what a training depends on.</summary>
    public override string ToString() => Join(Values);

    /// <summary>As short as it can be said: arguments at their defaults are left out.</summary>
    public string ToShortString() => Join(Values.Where(v => v.Value != v.Argument.Default));

    private string Join(IEnumerable<(OptimizerArgument Argument, double Value)> values)
    {
        string text = string.Join(
            ',', values.Select(v => $"{v.Argument.Name}={v.Argument.Text(v.Value)}"));
        return text.Length > 0 ? $"{Rule.Name}:{text}" : Rule.Name;
    }

    private OptimizerSettings With(string name, string text, string subject)
    {
        int index = Index(name);
        if (index < 0)
        {
            string? near = Nearest.Find(name, Rule.Arguments.Select(a => a.Name));
            string hint = near is null ? "" : $"; did you mean '{near}'?";
            throw new UsageException(
                $"{subject}: {Rule.Name} has no argument '{name}'{hint} ({Offer()})");
        }
        var argument = Rule.Arguments[index];
        return argument.Read(text) is { } value
            ? With(name, value)
            : throw new UsageException(
                $"{subject}: {name} is '{text}', {argument.Expected} expected");
    }

    private string Offer() =>
        $"{Rule.Name} takes {string.Join(", ", Rule.Arguments.Select(a => a.Name))}";

    private int Index(string name)
    {
        for (int i = 0; i < Rule.Arguments.Count; i++)
        {
            if (Rule.Arguments[i].Name == name)
            {
                return i;
            }
        }
        return -1;
    }
}
