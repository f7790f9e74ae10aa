// `dl fit --variant`: from the words of each variant to its options, by the same definitions as the
// command line itself.
using Dl.Cli.Options;
using Dl.Training;
using Microsoft.Extensions.Logging;
using static Dl.Cli.Commands.FitEnsembleOptions;
using static Dl.Cli.Commands.FitOptionSpecs;
using static Dl.Cli.Commands.FitRateOptions;
using static Dl.Cli.Options.CommonOptions;

namespace Dl.Cli.Commands;

internal static class FitVariants
{
    /// <summary>A variant in which nothing differs from the command line.</summary>
    private const string Plain = "plain";

    public static readonly OptionSpec Variant = new(
        "variant", "compare trainings that differ in options")
    {
        Kind = ValueKind.Texts, Value = "OPTION=VALUE...",
        More = "Trains once for each `--variant`, on the same data, split and seed, and prints a "
            + "row for each. A variant is a list of other options of this command, without dashes "
            + "and separated by blanks or commas: `--variant 'optimizer=sgd lr=0.1'`; `plain` is "
            + "the command line as it stands. What concerns the data, the seed or the choice of "
            + "the best cannot vary. `--curves` draws all variants into one picture; `-o` writes "
            + "the best by the validation metric, and may be left out; `--time` is for each; "
            + "other files, such as that of `--log`, get the number of the variant from the "
            + "second on.",
    };

    private static readonly OptionSpec[] Varying =
    [
        Model, Loss, Init, Dropout, ClassWeights, PositiveWeight, Epochs, BatchSize,
        FitOptionSpecs.Optimizer, LearningRate, FitRateOptions.Schedule, FitRateOptions.Warmup,
        Momentum, WeightDecay, ClipGradient, ClipValue, L1, LabelSmoothing, Mixup, Cutmix,
        Accumulate, Ema, Swa, SwaRate, Patience, Time, From, FitRateOptions.Freeze, Device,
        Precision, Threads,
    ];

    public static int Run(Session session)
    {
        Values values = session.Values;
        if (values.Given(FitEnsembleOptions.Members))
        {
            throw new UsageException(
                "--members: does not go with --variant; it joins models that are finished");
        }
        ComparisonResult result = ComparisonJob.Run(
            Array.ConvertAll(values.List(Variant), words => Read(values, words.Trim())),
            Devices.Chooser(session), new FitProgress(session).Events, session.Log);
        if (result.Interrupted)
        {
            session.Log.LogWarning(
                "interrupted in variant {Number}; nothing is written", result.Variants.Count + 1);
            return CliApp.Interrupted;
        }
        session.Out.Write(values.Flag(Json)
            ? ComparisonReport.Json(result) + "\n" : ComparisonReport.Text(result));
        return 0;
    }

    /// <summary>The options of the command line, and over them those of the variant.</summary>
    /// <exception cref="UsageException">It names no option, or one that cannot vary.</exception>
    private static Variant Read(Values values, string words)
    {
        if (words is "" or Plain)
        {
            return new Variant(Plain, FitCommand.ToOptions(values));
        }
        Values own = values.Copy();
        var seen = new HashSet<string>();
        foreach (string word in Words(words))
        {
            int equals = word.IndexOf('=');
            if (equals <= 0)
            {
                throw new UsageException(
                    $"--variant '{words}': '{word}' given, OPTION=VALUE expected");
            }
            OptionSpec option = Find(words, word[..equals]);
            if (!seen.Add(option.Name))
            {
                throw new UsageException($"--variant '{words}': {option.Name} is given twice");
            }
            own.Set(
                option, option.Split(word[(equals + 1)..]),
                $"--variant '{words}': {option.Name}");
        }
        return new Variant(words, FitCommand.ToOptions(own));
    }

    /// <summary>
    /// `a=1 b=2` and `a=1,b=2` are two words each. A comma within a value separates only where the
    /// name of an option follows it: `model=mlp:64,32,lr=0.1` are two, too.
    /// </summary>
    private static List<string> Words(string text)
    {
        var words = new List<string>();
        foreach (string part in text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))
        {
            int first = words.Count;
            foreach (string piece in part.Split(',', StringSplitOptions.RemoveEmptyEntries))
            {
                if (words.Count > first && !StartsWithOption(piece))
                {
                    words[^1] += "," + piece;
                }
                else
                {
                    words.Add(piece);
                }
            }
        }
        return words;
    }

    private static bool StartsWithOption(string piece)
    {
        int equals = piece.IndexOf('=');
        return equals > 0 && FitCommand.Spec.Find(piece[..equals]) is not null;
    }

    private static OptionSpec Find(string words, string name)
    {
        foreach (OptionSpec option in Varying)
        {
            if (option.Name == name)
            {
                return option;
            }
        }
        string[] known = Array.ConvertAll(Varying, option => option.Name);
        throw new UsageException($"--variant '{words}': " + (FitCommand.Spec.Find(name) is null
            ? Nearest.Unknown("option", name, known)
            : $"{name} is the same for all, it cannot vary; these can: "
                + string.Join(", ", known)));
    }
}
