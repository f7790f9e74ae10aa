// How the learning rate runs over a training, by name: a factor on the base rate as a function of
// the step t of T, counted from the end of the warm-up where there is one. Formulas as PyTorch
// states them (torch.optim.lr_scheduler), which the reference curves hold them to.
//   cosine, warm restarts     Loshchilov and Hutter 2017
//   one cycle                 Smith and Topin 2018
//   inverse square root       Vaswani et al. 2017
using System.Globalization;
using static Dl.Training.ArgumentForm;

namespace Dl.Training;

/// <summary>Where an update stands within its training.</summary>
/// <param name="Step">Updates done; may be fractional in curves.</param>
/// <param name="Warmup">Updates of the warm-up before the schedule, within Steps.</param>
/// <param name="Reductions">How often a plateau has been met.</param>
public readonly record struct ScheduleTime(
    double Step, double Steps, double StepsPerEpoch, double Warmup = 0, int Reductions = 0)
{
    /// <summary>Updates since the warm-up.</summary>
    public double Since => Step - Warmup;

    /// <summary>Share of the way from the end of the warm-up to the end of training.</summary>
    public double Progress => Since / Math.Max(1, Steps - Warmup);
}

/// <summary>A schedule with its arguments.</summary>
/// <param name="Text">As given: `step:every=10,gamma=0.5`.</param>
/// <param name="Factor">On the base rate.</param>
public sealed record Schedule(string Text, string Name, Func<ScheduleTime, double> Factor)
{
    /// <summary>The rule that lowers the rate by what validation shows; null: none.</summary>
    public PlateauRule? Plateau { get; init; }

    /// <summary>The warm-up that belongs to the schedule, as --warmup takes it.</summary>
    public string? OwnWarmup { get; init; }

    /// <summary>It begins with a rise of its own, so no warm-up goes before it.</summary>
    public bool Rises { get; init; }

    /// <summary>Its course depends on how many epochs there are to be.</summary>
    public bool KnowsItsEnd { get; init; } = true;
}

/// <summary>A name with what may stand behind its colon.</summary>
internal sealed record ScheduleKind(
    string Name, string Says, ScheduleArgument[] Arguments,
    Func<ScheduleArguments, Schedule> Build)
{
    /// <summary>One line: what it does, then its arguments with their defaults.</summary>
    public string Description
    {
        get
        {
            string arguments = string.Join(",", Arguments.Where(a => a.Default is not null)
                .Select(a => $"{a.Name}={a.Default!.Split('|')[0]}"));
            return arguments.Length == 0 ? Says : $"{Says}; {Name}:{arguments}";
        }
    }
}

public static class Schedules
{
    private static readonly ScheduleArgument Floor = new("floor", Number, "0", 0, 1, false,
        "min", "end", "eta_min");

    private static readonly ScheduleArgument Gamma = new("gamma", Number, "0.1", 0, 1, true,
        "factor");

    /// <summary>Every schedule, in the order in which they are listed to people.</summary>
    private static readonly ScheduleKind[] Kinds =
    [
        new("constant", "the same rate throughout", [], _ => Plain(_ => 1)),
        new("step", "times gamma after every so many epochs, or share of training",
            [new("every", Epochs, "1/3", 0, AboveMin: true, Aliases: ["step_size", "size"]), Gamma],
            Step),
        new("multistep", "times gamma at each position, in epochs or shares of training",
            [new("at", Positions, "0.5,0.75", Aliases: ["milestones"]), Gamma], MultiStep),
        new("exponential", "falls evenly, to the share final, or by gamma each epoch",
            [new("final", Number, "0.01", 0, 1, true), new("gamma", Number, null, 0, 1, true)],
            Exponential),
        new("polynomial", "(1 - t/T)^power, from the rate down to floor",
            [new("power", Number, "1", 0, AboveMin: true), Floor], Polynomial),
        new("cosine", "half a cosine from the rate down to floor; cycles=1 comes back up",
            [Floor, new("cycles", Number, "0.5", 0, AboveMin: true)], Cosine),
        new("cosine_restarts",
            "cosines that start again, the first so many epochs long, each mult times the last",
            [new("first", Epochs, "1/7", 0, AboveMin: true, Aliases: ["t0", "period"]),
                new("mult", Number, "2", 1, Aliases: ["t_mult"]), Floor], CosineRestarts),
        new("one_cycle",
            "rises from rate/div to the rate in the share pct, falls to rate/div/final",
            [new("pct", Number, "0.3", 0, 1, true, "pct_start"),
                new("div", Number, "25", 1, Aliases: ["div_factor"]),
                new("final", Number, "10000", 1, Aliases: ["final_div", "final_div_factor"])],
            OneCycle),
        new("reduce_on_plateau",
            "times factor where validation has not gained for patience epochs, down to min",
            [Gamma with { Name = "factor", Aliases = ["gamma"] },
                new("patience", Whole, "3", 0), new("min", Number, "0", 0, 1),
                new("by", Word, "loss|metric"), new("threshold", Number, "0.0001", 0, 1),
                new("cooldown", Whole, "0", 0)], Plateau),
        new("inverse_sqrt", "rises over the warm-up, then 1/sqrt(t)",
            [new("warmup", Steps, "0.1", 0, AboveMin: true)], InverseSqrt),
    ];

    /// <summary>Names with their arguments, for lists.</summary>
    public static IEnumerable<(string Name, string Description)> All =>
        Kinds.Select(kind => (kind.Name, kind.Description));

    /// <summary>Reads `NAME` or `NAME:ARGUMENTS`.</summary>
    /// <exception cref="UsageException">Unknown name, or arguments that it does not take.
    /// </exception>
    public static Schedule Find(string text)
    {
        int colon = text.IndexOf(':');
        string name = colon < 0 ? text : text[..colon];
        var kind = Array.Find(
            Kinds, k => ScheduleArguments.Bare(k.Name) == ScheduleArguments.Bare(name))
            ?? throw new UsageException(
                Nearest.Unknown("schedule", name, Kinds.Select(k => k.Name)));
        if (colon == text.Length - 1)
        {
            throw new UsageException(
                $"schedule '{text}': nothing behind the colon; {kind.Description}");
        }
        var arguments = new ScheduleArguments(
            $"schedule '{text}'", colon < 0 ? "" : text[(colon + 1)..], kind.Arguments);
        return kind.Build(arguments) with { Text = text, Name = kind.Name };
    }

    private static Schedule Plain(Func<ScheduleTime, double> factor) =>
        new("", "", factor) { KnowsItsEnd = false };

    private static Schedule Ending(Func<ScheduleTime, double> factor) => new("", "", factor);

    private static Schedule Step(ScheduleArguments a)
    {
        var (every, gamma) = (a.Span("every"), a.Number("gamma"));
        // Positions are those of the whole training: epoch 30 is epoch 30, warm-up or not.
        return new("", "", t => Math.Pow(
            gamma, Math.Floor(Reached(t.Step) / every.In(t.Steps, t.StepsPerEpoch))))
        {
            KnowsItsEnd = every.Unit == SpanUnit.Share,
        };
    }

    private static Schedule MultiStep(ScheduleArguments a)
    {
        var (at, gamma) = (a.Spans("at"), a.Number("gamma"));
        return new("", "", t =>
        {
            int passed = 0;
            foreach (var position in at)
            {
                passed += Reached(t.Step) >= position.In(t.Steps, t.StepsPerEpoch) ? 1 : 0;
            }
            return Math.Pow(gamma, passed);
        })
        {
            KnowsItsEnd = Array.Exists(at, position => position.Unit == SpanUnit.Share),
        };
    }

    private static Schedule Exponential(ScheduleArguments a)
    {
        double final = a.Number("final");
        if (!a.Has("gamma"))
        {
            return Ending(t => Math.Pow(final, t.Progress));
        }
        double gamma = a.Number("gamma");
        return a.Has("final")
            ? throw new UsageException(
                "schedule 'exponential': final and gamma are two ways to say one thing; give one")
            : Plain(t => Math.Pow(gamma, t.Since / t.StepsPerEpoch));
    }

    private static Schedule Polynomial(ScheduleArguments a)
    {
        var (power, floor) = (a.Number("power"), a.Number("floor"));
        return Ending(
            t => floor + ((1 - floor) * Math.Pow(Math.Max(0, 1 - t.Progress), power)));
    }

    private static Schedule Cosine(ScheduleArguments a)
    {
        var (floor, cycles) = (a.Number("floor"), a.Number("cycles"));
        return Ending(t => Between(1, floor, 2 * cycles * t.Progress));
    }

    /// <summary>
    /// Cycle i is first * mult^i long, so it starts at first * (mult^i - 1) / (mult - 1).
    /// </summary>
    private static Schedule CosineRestarts(ScheduleArguments a)
    {
        var (first, mult, floor) = (a.Span("first"), a.Number("mult"), a.Number("floor"));
        return new("", "", t =>
        {
            double length = first.In(t.Steps, t.StepsPerEpoch);
            double cycles = t.Since / length, reached = Reached(t.Since) / length;
            if (mult == 1)
            {
                return Between(1, floor, cycles - Math.Floor(reached));
            }
            double start = Math.Pow(
                mult, Math.Floor(Math.Log((reached * (mult - 1)) + 1, mult)));
            double grown = (cycles * (mult - 1)) + 1;
            return Between(1, floor, (grown - start) / (start * (mult - 1)));
        })
        {
            KnowsItsEnd = first.Unit == SpanUnit.Share,
        };
    }

    /// <summary>
    /// Two half cosines that meet at step pct T - 1; the last step is T - 1, where the rate is
    /// rate / div / final.
    /// </summary>
    private static Schedule OneCycle(ScheduleArguments a)
    {
        var (pct, div, final) = (a.Number("pct"), a.Number("div"), a.Number("final"));
        return Ending(t =>
        {
            double peak = (pct * t.Steps) - 1, last = t.Steps - 1;
            return t.Step <= peak || peak >= last
                ? Between(1 / div, 1, peak <= 0 ? 1 : t.Step / peak)
                : Between(1, 1 / div / final, (t.Step - peak) / (last - peak));
        }) with
        { Rises = true };
    }

    private static Schedule Plateau(ScheduleArguments a)
    {
        var rule = new PlateauRule(
            (int)a.Number("patience"), a.Word("by") == "loss", a.Number("threshold"),
            (int)a.Number("cooldown"));
        var (factor, min) = (a.Number("factor"), a.Number("min"));
        return Plain(t => Math.Max(min, Math.Pow(factor, t.Reductions))) with { Plateau = rule };
    }

    private static Schedule InverseSqrt(ScheduleArguments a)
    {
        var warmup = a.Span("warmup");
        string unit = warmup.Unit switch
        {
            SpanUnit.Share => "%",
            SpanUnit.Epochs => "epochs",
            _ => "steps",
        };
        double value = warmup.Value * (warmup.Unit == SpanUnit.Share ? 100 : 1);
        return Plain(t =>
        {
            double peak = Math.Max(1, t.Warmup);
            return Math.Sqrt(peak / Math.Max(peak, t.Step));
        }) with
        {
            OwnWarmup = string.Create(CultureInfo.InvariantCulture, $"{value:R}{unit}"),
            Rises = a.Has("warmup"),
            KnowsItsEnd = warmup.Unit == SpanUnit.Share,
        };
    }

    /// <summary>Half a cosine from one value at 0 to another at 1.</summary>
    private static double Between(double from, double to, double x) =>
        to + ((from - to) * (1 + Math.Cos(Math.PI * x)) / 2);

    /// <summary>
    /// A step that stands on a position has reached it, though 0.1 * 30 is not quite 3.
    /// </summary>
    private static double Reached(double step) => step + 1e-6;
}
