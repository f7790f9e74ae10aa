// The arguments of a schedule or a warm-up: `step:every=10,gamma=0.5`. Commas and semicolons part
// them; a piece without `=` goes on with the list before it (`multistep:at=0.5,0.75,gamma=0.1`) or,
// at the start, gives the first argument (`step:10`). Each argument says what it takes.
using System.Globalization;

namespace Dl.Training;

/// <summary>What an argument takes.</summary>
internal enum ArgumentForm
{
    Number,

    /// <summary>A whole number.</summary>
    Whole,

    /// <summary>A TrainingSpan; a bare number of 1 or more counts epochs.</summary>
    Epochs,

    /// <summary>A TrainingSpan; a bare number of 1 or more counts steps.</summary>
    Steps,

    /// <summary>Several TrainingSpans that do not fall.</summary>
    Positions,

    /// <summary>One of the words in Default's list, the first being the default.</summary>
    Word,
}

/// <summary>One argument behind the colon.</summary>
/// <param name="Default">As typed; null: absent unless given. For a word, `a|b|c`.</param>
/// <param name="Aliases">Other names under which people look for it.</param>
internal sealed record ScheduleArgument(
    string Name, ArgumentForm Form, string? Default, double Min = 0,
    double Max = double.PositiveInfinity, bool AboveMin = false, params string[] Aliases);

/// <summary>Arguments that were read and checked.</summary>
internal sealed class ScheduleArguments
{
    private readonly Dictionary<string, List<string>> _given = [];
    private readonly string _subject;
    private readonly ScheduleArgument[] _known;

    /// <param name="subject">What messages name: `schedule 'step:every=0'`.</param>
    /// <exception cref="UsageException">An argument is unknown, given twice or wrong.</exception>
    public ScheduleArguments(string subject, string text, ScheduleArgument[] known)
    {
        (_subject, _known) = (subject, known);
        List<string>? last = null;
        string[] pieces = text.Split([',', ';'], StringSplitOptions.TrimEntries);
        for (int i = 0; i < pieces.Length && text.Length > 0; i++)
        {
            int equals = pieces[i].IndexOf('=');
            if (equals < 0 && i > 0)
            {
                last!.Add(pieces[i]);
                continue;
            }
            var argument = equals < 0 ? First() : Find(pieces[i][..equals].Trim());
            last = [pieces[i][(equals + 1)..].Trim()];
            if (!_given.TryAdd(argument.Name, last))
            {
                throw new UsageException($"{subject}: {argument.Name} is given twice");
            }
        }
        foreach (var argument in known)
        {
            Check(argument);
        }
    }

    public bool Has(string name) => _given.ContainsKey(name);

    /// <summary>A number; only asked for where there is a default or it was given.</summary>
    public double Number(string name) =>
        double.Parse(Text(name), NumberStyles.Float, CultureInfo.InvariantCulture);

    public TrainingSpan Span(string name) => Spans(name)[0];

    public TrainingSpan[] Spans(string name)
    {
        var form = Argument(name).Form;
        return Array.ConvertAll(Items(name), item => TrainingSpan.Parse(item, Unit(form))!.Value);
    }

    public string Word(string name) =>
        _given.TryGetValue(name, out var items) ? items[0] : Argument(name).Default!.Split('|')[0];

    private static SpanUnit Unit(ArgumentForm form) =>
        form == ArgumentForm.Steps ? SpanUnit.Steps : SpanUnit.Epochs;

    private ScheduleArgument Argument(string name) => Array.Find(_known, a => a.Name == name)!;

    private string Text(string name) => Items(name)[0];

    private string[] Items(string name) => _given.TryGetValue(name, out var items)
        ? [.. items] : Argument(name).Default!.Split(',');

    private ScheduleArgument First() => _known.Length > 0 ? _known[0]
        : throw new UsageException($"{_subject}: takes no arguments");

    private ScheduleArgument Find(string name)
    {
        string bare = Bare(name);
        foreach (var argument in _known)
        {
            if (Bare(argument.Name) == bare || Array.Exists(argument.Aliases, a => Bare(a) == bare))
            {
                return argument;
            }
        }
        _ = First();
        throw new UsageException(
            $"{_subject}: {Nearest.Unknown("argument", name, _known.Select(a => a.Name))}");
    }

    /// <summary>`T_0`, `t-0` and `t0` are one name.</summary>
    internal static string Bare(string name) =>
        name.Replace("_", "").Replace("-", "").ToLowerInvariant();

    private void Check(ScheduleArgument argument)
    {
        if (!_given.TryGetValue(argument.Name, out var items))
        {
            return;
        }
        if (items.Count > 1 && argument.Form != ArgumentForm.Positions)
        {
            throw Wrong(argument, string.Join(",", items), "one value");
        }
        foreach (string item in items)
        {
            CheckItem(argument, item);
        }
    }

    private void CheckItem(ScheduleArgument argument, string item)
    {
        if (argument.Form == ArgumentForm.Word)
        {
            string[] words = argument.Default!.Split('|');
            if (!words.Contains(item))
            {
                throw Wrong(argument, item, string.Join(" or ", words));
            }
            return;
        }
        double value;
        string what = "a number";
        if (argument.Form == ArgumentForm.Number)
        {
            value = double.TryParse(
                item, NumberStyles.Float, CultureInfo.InvariantCulture, out double number)
                && double.IsFinite(number) ? number : double.NaN;
        }
        else if (argument.Form == ArgumentForm.Whole)
        {
            what = "a whole number";
            value = int.TryParse(
                item, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int whole)
                ? whole : double.NaN;
        }
        else
        {
            string plain = argument.Form == ArgumentForm.Steps ? "steps" : "epochs";
            what = $"{plain}, or a share of training such as 0.3 or 30%";
            value = TrainingSpan.Parse(item, Unit(argument.Form))?.Value ?? double.NaN;
        }
        bool fits = (argument.AboveMin ? value > argument.Min : value >= argument.Min)
            && value <= argument.Max;
        if (!fits)
        {
            string limits = double.IsPositiveInfinity(argument.Max)
                ? $"{(argument.AboveMin ? "above" : "at least")} {Show(argument.Min)}"
                : $"from {Show(argument.Min)}{(argument.AboveMin ? " (exclusive)" : "")} to "
                    + Show(argument.Max);
            throw Wrong(argument, item, $"{what}, {limits}");
        }
    }

    private static string Show(double value) => value.ToString(CultureInfo.InvariantCulture);

    private UsageException Wrong(ScheduleArgument argument, string given, string expected) =>
        new($"{_subject}: {argument.Name} is '{given}', expected {expected}");
}
