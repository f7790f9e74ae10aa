// Metrics for numbers, in the target's own units; with several targets the mean over them, as
// scikit-learn's uniform average. With e = y - prediction:
//   R2 = 1 - sum e^2 / sum (y - mean y)^2        explained variance = 1 - Var(e) / Var(y)
//     (for a y that is constant: 1 when the numerator is 0 too, else 0; one row: not defined)
//   RMSE = sqrt(mean e^2)   MAE = mean |e|   median absolute error   max error = max |e|
//   MAPE = mean |e| / max(|y|, 2^-52): a target of 0 gives a huge number, not infinity
namespace Dl.Tasks;

/// <summary>Metrics for numbers.</summary>
public static class NumberMetrics
{
    /// <summary>Distance of 1 and the next double.</summary>
    private const double Epsilon = 2.220446049250313e-16;

    public static readonly Metric
        Rmse = new("rmse", false, "root of the mean squared error", draw =>
            PerTarget(draw, "square", (e, _) => e * e, Math.Sqrt)),
        Mae = new("mae", false, "mean absolute error", draw =>
            PerTarget(draw, "absolute", (e, _) => Math.Abs(e), x => x)),
        R2 = new("r2", true, "share of the variance explained, biased predictions punished",
            draw => Explained(draw, centred: false)),
        Mape = new("mape", false, "mean absolute error relative to the target", draw =>
            PerTarget(draw, "relative", (e, y) => Math.Abs(e) / Math.Max(Math.Abs(y), Epsilon),
                x => x)),
        Median = new("median_absolute_error", false, "median of the absolute errors", MedianOf),
        Largest = new("max_error", false, "largest absolute error", draw =>
        {
            double largest = 0;
            for (int j = 0; j < draw.Predictions.Task.Target.Width; j++)
            {
                double[] errors = Errors(draw.Predictions, j);
                for (int i = 0; i < errors.Length; i++)
                {
                    largest = draw.Counts[i] > 0 ? Math.Max(largest, Math.Abs(errors[i])) : largest;
                }
            }
            return largest;
        })
        {
            Spread = Spread.None,
        },
        ExplainedVariance = new("explained_variance", true,
            "share of the variance explained, a constant bias forgiven",
            draw => Explained(draw, centred: true));

    /// <summary>What a score tells, in order.</summary>
    public static IReadOnlyList<Metric> All { get; } =
        [Rmse, Mae, R2, Mape, Median, Largest, ExplainedVariance];

    private static double[] Errors(Predictions predictions, int target) => predictions.Column(
        $"error.{target}", (p, row) => (double)p.Targets(row)[target] - p.Values(row)[target]);

    private static double[] Truth(Predictions predictions, int target) =>
        predictions.Column($"truth.{target}", (p, row) => p.Targets(row)[target]);

    /// <summary>Mean over the targets of a function of a mean over the rows.</summary>
    private static double PerTarget(
        Draw draw, string name, Func<double, double, double> term, Func<double, double> function)
    {
        int width = draw.Predictions.Task.Target.Width;
        double sum = 0;
        for (int j = 0; j < width; j++)
        {
            double[] errors = Errors(draw.Predictions, j), truth = Truth(draw.Predictions, j);
            sum += function(draw.Mean(draw.Predictions.Column(
                $"{name}.{j}", (_, row) => term(errors[row], truth[row]))));
        }
        return sum / width;
    }

    /// <param name="centred">Errors are taken from their mean, not from 0.</param>
    private static double Explained(Draw draw, bool centred)
    {
        if (draw.Total < 2)
        {
            return double.NaN;
        }
        int width = draw.Predictions.Task.Target.Width;
        double sum = 0;
        for (int j = 0; j < width; j++)
        {
            double[] errors = Errors(draw.Predictions, j), truth = Truth(draw.Predictions, j);
            double residual = Squares(draw, errors, centred ? draw.Mean(errors) : 0);
            double total = Squares(draw, truth, draw.Mean(truth));
            sum += total > 0 ? 1 - (residual / total) : residual > 0 ? 0 : 1;
        }
        return sum / width;
    }

    /// <summary>Sum of squared distances from a centre.</summary>
    private static double Squares(Draw draw, double[] values, double centre)
    {
        var counts = draw.Counts;
        double sum = 0;
        for (int i = 0; i < values.Length; i++)
        {
            double distance = values[i] - centre;
            sum += counts[i] * (distance * distance);
        }
        return sum;
    }

    private static double MedianOf(Draw draw)
    {
        int width = draw.Predictions.Task.Target.Width;
        double sum = 0;
        for (int j = 0; j < width; j++)
        {
            double[] errors = Errors(draw.Predictions, j);
            double[] order = draw.Predictions.Column($"order.{j}", _ => Order(errors));
            sum += MedianOf(draw, order, errors);
        }
        return sum / width;
    }

    /// <summary>Rows by rising absolute error.</summary>
    private static double[] Order(double[] errors)
    {
        double[] keys = Array.ConvertAll(errors, Math.Abs), rows = new double[errors.Length];
        for (int i = 0; i < rows.Length; i++)
        {
            rows[i] = i;
        }
        Array.Sort(keys, rows);
        return rows;
    }

    /// <summary>Of an even number of errors, the mean of the two in the middle.</summary>
    private static double MedianOf(Draw draw, double[] order, double[] errors)
    {
        long lower = (draw.Total - 1) / 2, upper = draw.Total / 2, seen = 0;
        double first = double.NaN;
        foreach (double entry in order)
        {
            int row = (int)entry;
            seen += draw.Counts[row];
            if (seen > lower && double.IsNaN(first))
            {
                first = Math.Abs(errors[row]);
            }
            if (seen > upper)
            {
                return (first + Math.Abs(errors[row])) / 2;
            }
        }
        return double.NaN;
    }
}
