// When to lower the rate: validation has not gained for longer than `patience` epochs, where a gain
// is one by more than the share `threshold` (ReduceLROnPlateau of PyTorch, mode rel).
namespace Dl.Training;

/// <param name="Patience">Epochs without gain that pass before the rate falls.</param>
/// <param name="ByLoss">The validation loss decides; otherwise the main metric.</param>
/// <param name="Threshold">A smaller relative gain is none.</param>
/// <param name="Cooldown">Epochs after a fall that are not counted.</param>
public sealed record PlateauRule(int Patience, bool ByLoss, double Threshold, int Cooldown);

/// <summary>What a plateau rule remembers from epoch to epoch.</summary>
public sealed class PlateauState
{
    public double? Best { get; set; }

    public int Bad { get; set; }

    public int Cooling { get; set; }

    /// <summary>How often the rate was lowered.</summary>
    public int Reductions { get; set; }

    /// <summary>Takes an epoch's value in. True: the rate falls now.</summary>
    internal bool Observe(PlateauRule rule, double value, bool higherIsBetter)
    {
        if (Gains(rule, value, higherIsBetter))
        {
            (Best, Bad) = (value, 0);
        }
        else
        {
            Bad++;
        }
        if (Cooling > 0)
        {
            (Cooling, Bad) = (Cooling - 1, 0);
        }
        if (Bad <= rule.Patience)
        {
            return false;
        }
        (Reductions, Cooling, Bad) = (Reductions + 1, rule.Cooldown, 0);
        return true;
    }

    private bool Gains(PlateauRule rule, double value, bool higherIsBetter)
    {
        if (Best is not { } best)
        {
            return true;
        }
        // Relative to the size, so that values below zero (R2) have a threshold too.
        double margin = rule.Threshold * Math.Abs(best);
        return higherIsBetter ? value > best + margin : value < best - margin;
    }
}
