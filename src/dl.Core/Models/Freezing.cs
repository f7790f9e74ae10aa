// `--freeze LAYERS`: names of layers, or patterns with * and ?, whose weights stay as they are.
namespace Dl.Models;

public static class Freezing
{
    /// <summary>The same plan with some layers frozen.</summary>
    /// <exception cref="UsageException">A pattern fits no layer, or nothing is left to train.
    /// </exception>
    public static GraphPlan Freeze(this GraphPlan plan, IReadOnlyList<string> patterns)
    {
        if (patterns.Count == 0)
        {
            return plan;
        }
        foreach (string pattern in patterns)
        {
            if (!plan.Steps.Any(step => Fits(step.Layer.Name!, pattern)))
            {
                throw new UsageException("--freeze: " + Nearest.Unknown(
                    "layer", pattern, plan.Steps.Select(step => step.Layer.Name!)));
            }
        }
        GraphStep[] steps = [.. plan.Steps.Select(step => patterns.Any(
            pattern => Fits(step.Layer.Name!, pattern)) ? step with { Frozen = true } : step)];
        return steps.Any(step => !step.Frozen && step.Parameters.Any(p => p.Trains))
            ? plan with { Steps = steps }
            : throw new UsageException(
                $"--freeze: {string.Join(",", patterns)} leaves nothing to train; name fewer "
                + "layers");
    }

    /// <summary>* stands for any characters, ? for one.</summary>
    internal static bool Fits(ReadOnlySpan<char> name, ReadOnlySpan<char> pattern)
    {
        if (pattern.IsEmpty)
        {
            return name.IsEmpty;
        }
        if (pattern[0] == '*')
        {
            return Fits(name, pattern[1..]) || (!name.IsEmpty && Fits(name[1..], pattern));
        }
        return !name.IsEmpty && (pattern[0] == '?' || pattern[0] == name[0])
            && Fits(name[1..], pattern[1..]);
    }
}
