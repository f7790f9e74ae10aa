// Metrics for losses that aim at something else than the middle: a quantile, a rate, a normal
// distribution. All are means over rows and targets.
namespace Dl.Tasks;

/// <summary>Metrics for regression by quantile, poisson and gaussian_nll.</summary>
public static class LikelihoodMetrics
{
    public static readonly Metric
        Below = new("share_below", true, "share of the targets at or below the prediction", draw =>
            Mean(draw, "below", (p, row, j) => p.Targets(row)[j] <= p.Values(row)[j] ? 1 : 0))
        {
            Spread = Spread.Bounded,
        },
        PoissonDeviance = new("poisson_deviance", false,
            "2 (y ln(y / rate) - y + rate): 0 where every count is its rate", draw =>
            Mean(draw, "deviance", (p, row, j) =>
            {
                double rate = Math.Max(p.Values(row)[j], 1e-30), count = p.Targets(row)[j];
                return 2 * ((count > 0 ? count * Math.Log(count / rate) : 0) - count + rate);
            })),
        GaussianNll = new("nll", false,
            "negative log-likelihood under the predicted mean and deviation", draw =>
            Mean(draw, "nll", (p, row, j) =>
            {
                double deviation = p.Deviations(row)[j];
                double z = ((double)p.Targets(row)[j] - p.Values(row)[j]) / deviation;
                return (0.5 * z * z) + Math.Log(deviation * Math.Sqrt(2 * Math.PI));
            }));

    /// <summary>The quantile's own loss, in the target's units.</summary>
    public static Metric Pinball(double q) => new(
        "pinball", false, "the loss of the quantile, in the target's units", draw =>
        Mean(draw, "pinball", (p, row, j) =>
        {
            double error = (double)p.Targets(row)[j] - p.Values(row)[j];
            return Math.Max(q * error, (q - 1) * error);
        }));

    private static double Mean(Draw draw, string name, Func<Predictions, int, int, double> term)
    {
        int width = draw.Predictions.Task.Target.Width;
        return draw.Mean(draw.Predictions.Column($"{name}.all", (p, row) =>
        {
            double sum = 0;
            for (int j = 0; j < width; j++)
            {
                sum += term(p, row, j);
            }
            return sum / width;
        }));
    }
}
