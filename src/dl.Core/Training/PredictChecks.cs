// Which options of a prediction go together, and with what kind of model.
using Dl.Data;
using Dl.Data.Formats.Output;
using Dl.Tasks;

namespace Dl.Training;

/// <summary>Options that no file can satisfy are refused before any work.</summary>
internal static class PredictChecks
{
    /// <param name="members">Of the model file.</param>
    /// <exception cref="UsageException">The options do not go together.</exception>
    public static void Check(PredictOptions options, LearningTask task, int members)
    {
        if (Array.IndexOf(OutputForm.All, options.Format) < 0)
        {
            throw new UsageException(Nearest.Unknown("format", options.Format, OutputForm.All));
        }
        if (options.Top is < 1)
        {
            throw new UsageException($"--top: {options.Top} given, expected 1 or more");
        }
        if (options is { Score: true, Top: not null } && task.Target.Kind != TargetKind.Classes)
        {
            throw new UsageException(
                "--top: with --score needs a model of one label a row; this one is for "
                + task.Kind);
        }
        if (task.Target.Kind == TargetKind.Numeric && (options.Top ?? 0) > 0)
        {
            throw new UsageException(
                "--top: needs a model that classifies; this one is for regression");
        }
        if (options is { Against: not null, Score: false })
        {
            throw new UsageException("--against: compares scores; give --score too");
        }
        if (options is { Uncertainty: true, McDropout: null } && members == 1)
        {
            throw new UsageException(
                "--uncertainty: the model gives one answer a row; expected an ensemble (dl fit "
                + "--ensemble N), or --mc-dropout N");
        }
        if (options is { Uncertainty: true, Score: true })
        {
            throw new UsageException(
                "--uncertainty: adds columns to predictions; leave out --score");
        }
        if (task.Target.Kind == TargetKind.Numeric && options.Probabilities)
        {
            throw new UsageException(
                "--proba: needs a model that classifies; this one is for regression");
        }
    }
}
