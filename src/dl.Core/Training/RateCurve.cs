// The learning rate of every update of a training: a linear warm-up, then the schedule, and with
// stochastic weight averaging a constant rate at the end.
using System.Globalization;

namespace Dl.Training;

/// <summary>
/// A straight rise to the rate: factor from + (1 - from) t / n at step t of n. Without a start of
/// its own the n + 1 values up to the rate are evenly spaced above 0.
/// </summary>
/// <param name="From">Factor of the first step; null: 1 / (n + 1).</param>
public sealed record Warmup(string Text, TrainingSpan Length, double? From)
{
    private static readonly ScheduleArgument[] Arguments =
        [new("from", ArgumentForm.Number, null, 0, 1, false, "start", "start_factor")];

    /// <summary>Reads `N` (steps), `SHARE`, `Nepochs`, with `:from=X` behind it or not.</summary>
    /// <exception cref="UsageException">It is none of these.</exception>
    public static Warmup Parse(string text)
    {
        int colon = text.IndexOf(':');
        string length = colon < 0 ? text : text[..colon];
        var arguments = new ScheduleArguments(
            $"--warmup '{text}'", colon < 0 ? "" : text[(colon + 1)..], Arguments);
        var span = TrainingSpan.Parse(length, SpanUnit.Steps)
            ?? throw new UsageException(
                $"--warmup: '{length}' given, a number of steps, a share of training such as 0.05 "
                + "or 5%, or epochs such as 2epochs expected");
        return new Warmup(text, span, arguments.Has("from") ? arguments.Number("from") : null);
    }

    internal double Factor(double step, double length)
    {
        double from = From ?? (1 / (length + 1));
        return from + ((1 - from) * step / length);
    }
}

/// <summary>The factor on the base rate over a whole training.</summary>
/// <param name="Steps">Updates of the whole training.</param>
/// <param name="HoldFrom">From this update on the rate stays; null: it runs to the end.</param>
public sealed record RateCurve(
    Schedule Schedule, Warmup? Warmup, double Steps, double StepsPerEpoch, double? HoldFrom = null)
{
    /// <summary>Whole updates, and not more than there are.</summary>
    private readonly double _warmup = Warmup is null
        ? 0 : Math.Min(Math.Round(Warmup.Length.In(Steps, StepsPerEpoch)), Steps);

    /// <param name="step">Updates done before.</param>
    /// <param name="reductions">How often a plateau has been met.</param>
    public double Factor(double step, int reductions = 0)
    {
        step = HoldFrom is { } hold ? Math.Min(step, hold) : step;
        return step < _warmup
            ? Warmup!.Factor(step, _warmup)
            : Schedule.Factor(new ScheduleTime(step, Steps, StepsPerEpoch, _warmup, reductions));
    }

    /// <summary>The warm-up to take: that of --warmup, or the schedule's own.</summary>
    /// <exception cref="UsageException">The schedule rises by itself.</exception>
    public static Warmup? Choose(Schedule schedule, string? warmup) => warmup switch
    {
        null when schedule.OwnWarmup is { } own => Training.Warmup.Parse(own),
        null => null,
        _ when schedule.Rises => throw new UsageException(
            $"--warmup: schedule '{schedule.Text}' warms up by itself; give one of the two"),
        _ => Training.Warmup.Parse(warmup),
    };

    /// <summary>`cosine after 500 steps of warm-up`.</summary>
    public override string ToString() => _warmup == 0 ? Schedule.Text : string.Create(
        CultureInfo.InvariantCulture, $"{Schedule.Text} after {_warmup:0} steps of warm-up");
}
