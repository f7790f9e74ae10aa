// One step of each update rule, with weights as small as the step, so that an error in the step
// is not hidden by the weight.
using Dl.Ops;
using static Dl.Verification.Operand;

namespace Dl.Verification;

internal static class OptimizerStepCases
{
    private static readonly int[] Sizes = [1, 15, 16, 17, 255, 256, 257, 10_007];

    /// <summary>All weights of the cnn with its dense layer of 64 x 7 x 7 x 1024.</summary>
    private const int Large = 3_211_264;

    public static IEnumerable<Case> All()
    {
        foreach (int n in Sizes)
        {
            yield return Sgd(n, null, 0, false);
            yield return Sgd(n, null, 0.3f, false);
            yield return Sgd(n, 0.9f, 0, false);
            yield return Sgd(n, 0.9f, 0.3f, true);
            yield return Adam(n, 1, 0, false);
            yield return Adam(n, 7, 0.3f, false);
            yield return Adam(n, 1000, 0.3f, true);
        }
        yield return Sgd(Large, 0.9f, 0.3f, false).TimedByBytes();
        yield return Adam(Large, 7, 0.3f, true).TimedByBytes();
    }

    private static Case Sgd(int n, float? momentum, float decay, bool nesterov)
    {
        const float Rate = 0.5f;
        float mu = momentum ?? 0;
        return new("SgdStep",
            $"n {n} momentum {momentum?.ToString() ?? "none"} decay {decay} nesterov {nesterov}",
            1e-6, [Both(n), In(n), Both(n)],
            (d, s) => d.SgdStep(
                s[0], s[1], momentum is null ? null : s[2], n, Rate, mu, decay, nesterov),
            v =>
            {
                for (int i = 0; i < n; i++)
                {
                    double g = v[1][i] + ((double)decay * v[0][i]);
                    double velocity = momentum is null ? g : ((double)mu * v[2][i]) + g;
                    v[2][i] = momentum is null ? v[2][i] : velocity;
                    v[0][i] -= Rate * (nesterov ? g + ((double)mu * velocity) : velocity);
                }
            });
    }

    private static Case Adam(int n, int step, float decay, bool decoupled)
    {
        const double Beta1 = 0.9f, Beta2 = 0.999f;
        var a = new AdamSettings(
            0.5f, 0.9f, 0.999f, 1e-4f, decay, decoupled,
            (float)(1 - Math.Pow(Beta1, step)), (float)(1 - Math.Pow(Beta2, step)));
        return new("AdamStep", $"n {n} step {step} decay {decay} decoupled {decoupled}", 2e-6,
            [Both(n), In(n), Both(n), Both(n, 0, 1)],
            (d, s) => d.AdamStep(s[0], s[1], s[2], s[3], n, a),
            v =>
            {
                for (int i = 0; i < n; i++)
                {
                    double w = v[0][i], g = v[1][i];
                    g += decoupled ? 0 : (double)decay * w;
                    w -= decoupled ? (double)a.Rate * decay * w : 0;
                    double m = v[2][i] = (Beta1 * v[2][i]) + ((1 - Beta1) * g);
                    double u = v[3][i] = (Beta2 * v[3][i]) + ((1 - Beta2) * g * g);
                    v[0][i] = w - (a.Rate * (m / a.Correction1)
                        / (Math.Sqrt(u / a.Correction2) + a.Epsilon));
                }
            });
    }
}
