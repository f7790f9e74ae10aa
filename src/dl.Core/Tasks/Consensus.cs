// Several answers for one row (members of an ensemble, passes with dropout on) made into one, and
// what their spread says. Probabilities are averaged, and given back as the raw output that has
// the average as its probability, so that loss and metrics see an ensemble as any other model:
//   softmax   y_k = ln mean_m p_mk          sigmoid   y = ln(mean p) - ln(mean(1 - p))
//   numbers and scores   y = mean_m y_m        rates     y = ln mean_m e^y_m
// Normal distributions are joined into the one with the mean and variance of their mixture
// (Lakshminarayanan 2017): variance = mean_m (variance_m + mean_m^2) - mean^2.
// Uncertainty of classes, in nats (Houlsby 2011, Gal 2016):
//   entropy H(mean p) = what is unknown in all;  mutual information H(mean p) - mean H(p) = what
//   the answers disagree about, which more data would settle.
using Dl.Data;

namespace Dl.Tasks;

/// <summary>Joins the raw outputs of one row.</summary>
internal sealed class Consensus(LearningTask task)
{
    private readonly double[] _mean = new double[task.Target.Width];
    private readonly double[] _squares = new double[task.Target.Width];
    private readonly float[] _values = new float[task.InterpretedWidth];

    /// <summary>Names of the columns that <see cref="Uncertainty"/> fills.</summary>
    public static string[] Columns(LearningTask task) => task.Target.Kind switch
    {
        // Where a deviation is predicted, it has the name; this one is of the means.
        TargetKind.Numeric => Array.ConvertAll(
            task.Target.Names, name => name + (task.HasDeviations ? "_mean_std" : "_std")),
        TargetKind.Classes => ["entropy", "mutual_information", "proba_std"],
        _ => ["entropy", "mutual_information"],
    };

    /// <param name="answers">answers x outputs.</param>
    /// <param name="joined">outputs.</param>
    public void Join(ReadOnlySpan<float> answers, Span<float> joined)
    {
        switch (task.Loss.Link)
        {
            case Link.Softmax:
                JoinSoftmax(answers, joined);
                break;
            case Link.Sigmoid:
                JoinSigmoid(answers, joined);
                break;
            case Link.Exponential:
                JoinRates(answers, joined);
                break;
            case Link.Identity when task.HasDeviations:
                JoinNormals(answers, joined);
                break;
            default:
                JoinNumbers(answers, joined);
                break;
        }
    }

    /// <summary>
    /// Numbers: sample standard deviation of each target, in its own units. Classes: entropy,
    /// mutual information, and the standard deviation of the predicted label's probability. Sets of
    /// labels: the first two, summed over the labels.
    /// </summary>
    public void Uncertainty(ReadOnlySpan<float> answers, int outputs, Span<float> columns)
    {
        int count = answers.Length / outputs;
        Array.Clear(_mean);
        Array.Clear(_squares);
        double entropies = 0;
        for (int m = 0; m < count; m++)
        {
            task.Interpret(answers.Slice(m * outputs, outputs), _values);
            entropies += task.Target.Kind == TargetKind.Numeric ? 0 : Entropy(v => _values[v]);
            for (int j = 0; j < _mean.Length; j++)
            {
                // Welford: large means do not eat small deviations.
                double distance = _values[j] - _mean[j];
                _mean[j] += distance / (m + 1);
                _squares[j] += distance * (_values[j] - _mean[j]);
            }
        }
        if (task.Target.Kind == TargetKind.Numeric)
        {
            for (int j = 0; j < columns.Length; j++)
            {
                columns[j] = Deviation(j, count);
            }
            return;
        }
        double entropy = Entropy(v => _mean[v]);
        columns[0] = (float)entropy;
        columns[1] = (float)Math.Max(0, entropy - (entropies / count));
        if (columns.Length > 2)
        {
            int best = 0;
            for (int j = 1; j < _mean.Length; j++)
            {
                best = _mean[j] > _mean[best] ? j : best;
            }
            columns[2] = Deviation(best, count);
        }
    }

    private float Deviation(int j, int count) =>
        count < 2 ? 0 : (float)Math.Sqrt(_squares[j] / (count - 1));

    private double Entropy(Func<int, double> probability)
    {
        double sum = 0;
        for (int j = 0; j < _mean.Length; j++)
        {
            double p = probability(j);
            sum += Term(p) + (task.Target.Kind == TargetKind.MultiLabel ? Term(1 - p) : 0);
        }
        return sum;
    }

    private static double Term(double p) => p > 0 ? -p * Math.Log(p) : 0;

    private void JoinSoftmax(ReadOnlySpan<float> answers, Span<float> joined)
    {
        int n = joined.Length, count = answers.Length / n;
        Span<double> sums = _mean;
        sums.Fill(double.NegativeInfinity);
        for (int m = 0; m < count; m++)
        {
            var row = answers.Slice(m * n, n);
            double max = row[Links.ArgMax(row)], scale = 0;
            foreach (float y in row)
            {
                scale += Math.Exp(y - max);
            }
            scale = max + Math.Log(scale);
            for (int j = 0; j < n; j++)
            {
                sums[j] = LogAdd(sums[j], row[j] - scale);
            }
        }
        for (int j = 0; j < n; j++)
        {
            joined[j] = (float)(sums[j] - Math.Log(count));
        }
    }

    private static void JoinSigmoid(ReadOnlySpan<float> answers, Span<float> joined)
    {
        int n = joined.Length;
        for (int j = 0; j < n; j++)
        {
            double yes = double.NegativeInfinity, no = double.NegativeInfinity;
            for (int at = j; at < answers.Length; at += n)
            {
                yes = LogAdd(yes, -Softplus(-answers[at]));
                no = LogAdd(no, -Softplus(answers[at]));
            }
            joined[j] = (float)(yes - no);
        }
    }

    private static void JoinNumbers(ReadOnlySpan<float> answers, Span<float> joined)
    {
        int n = joined.Length;
        for (int j = 0; j < n; j++)
        {
            double sum = 0;
            for (int at = j; at < answers.Length; at += n)
            {
                sum += answers[at];
            }
            joined[j] = (float)(sum / (answers.Length / n));
        }
    }

    private static void JoinRates(ReadOnlySpan<float> answers, Span<float> joined)
    {
        int n = joined.Length;
        for (int j = 0; j < n; j++)
        {
            double sum = double.NegativeInfinity;
            for (int at = j; at < answers.Length; at += n)
            {
                sum = LogAdd(sum, answers[at]);
            }
            joined[j] = (float)(sum - Math.Log(answers.Length / n));
        }
    }

    /// <summary>Outputs are means and then logarithms of variances.</summary>
    private static void JoinNormals(ReadOnlySpan<float> answers, Span<float> joined)
    {
        int n = joined.Length, targets = n / 2, count = answers.Length / n;
        for (int j = 0; j < targets; j++)
        {
            double mean = 0, variance = 0;
            for (int at = j; at < answers.Length; at += n)
            {
                mean += answers[at] / (double)count;
            }
            for (int at = j; at < answers.Length; at += n)
            {
                double distance = answers[at] - mean;
                variance += (Math.Exp(answers[at + targets]) + (distance * distance)) / count;
            }
            (joined[j], joined[targets + j]) = ((float)mean, (float)Math.Log(variance));
        }
    }

    /// <summary>ln(e^a + e^b), without over- or underflow.</summary>
    private static double LogAdd(double a, double b)
    {
        double larger = Math.Max(a, b);
        return double.IsNegativeInfinity(larger)
            ? larger
            : larger + Math.Log(1 + Math.Exp(-Math.Abs(a - b)));
    }

    private static double Softplus(double x) =>
        Math.Max(x, 0) + Math.Log(1 + Math.Exp(-Math.Abs(x)));
}
