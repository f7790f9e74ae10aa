// From an optimiser's arguments to the numbers of its steps: which row of Ops/UpdateRows.cs, which
// state, and what depends on the step alone. Numbers are made in double, as PyTorch makes them.
using Dl.Models;
using Dl.Ops;
using Dl.Tensors;

namespace Dl.Training;

/// <summary>The numbers of one step for one group of weights.</summary>
/// <param name="RateBefore">The rate of the step before; 0 in the first.</param>
/// <param name="Decay">Weight decay; 0 for groups that do not decay, as is L1.</param>
/// <param name="Step">Counts from 1.</param>
public readonly record struct StepNumbers(
    double Rate, double RateBefore, double Decay, double L1, long Step);

/// <summary>One step of one group.</summary>
public delegate void GroupStep(in StepNumbers numbers);

/// <summary>How a rule keeps state and moves groups of weights.</summary>
public interface IUpdateMethod
{
    /// <summary>Names of the runs of state, as checkpoints store them.</summary>
    IReadOnlyList<string> State { get; }

    /// <summary>Every element of a run before the first step.</summary>
    float Start(int run);

    /// <summary>Elements that a run of state holds for a weight of this shape.</summary>
    long StateLength(int run, Shape weight);

    /// <param name="state">
    /// The group's part of each run: the weights' parts in order, each on a slice's boundary.
    /// </param>
    GroupStep Bind(Device device, ParameterGroup group, Storage[] state);
}

/// <summary>A rule that is one row over every weight: state as long as the weights.</summary>
/// <param name="start">Where the last run of state starts; the others at 0.</param>
internal sealed class RowMethod(
    UpdateRule row, string[] state, Func<StepNumbers, UpdateNumbers> numbers, float start = 0)
    : IUpdateMethod
{
    public IReadOnlyList<string> State => state;

    public float Start(int run) => run == state.Length - 1 ? start : 0;

    public long StateLength(int run, Shape weight) => weight.Count;

    public GroupStep Bind(Device device, ParameterGroup group, Storage[] state) =>
        (in StepNumbers n) => device.Update(
            row, group.Values, group.Gradients, state, group.Count, numbers(n));
}

internal static class OptimizerRules
{
    /// <summary>Below this a rate is as good as 0, and its inverse still a number.</summary>
    private const double SmallestRate = 1e-12;

    public static IUpdateMethod Sgd(OptimizerSettings s)
    {
        double momentum = s["momentum"], take = 1 - s["dampening"];
        UpdateNumbers Numbers(StepNumbers n) => Common(s, n) with
        {
            Rate = (float)n.Rate,
            Beta1 = (float)momentum,
            Take1 = n.Step == 1 ? 1 : (float)take,
        };
        return momentum == 0
            ? new RowMethod(UpdateRules.Sgd, [], Numbers)
            : new RowMethod(
                s.Is("nesterov") ? UpdateRules.Nesterov : UpdateRules.Momentum, ["momentum"],
                Numbers);
    }

    public static IUpdateMethod Adagrad(OptimizerSettings s) => new RowMethod(
        UpdateRules.Adagrad, ["sum"],
        n => Common(s, n) with
        {
            Rate = (float)(n.Rate / (1 + ((n.Step - 1) * s["lr_decay"]))),
            Epsilon = (float)s["epsilon"],
        },
        (float)s["initial_accumulator_value"]);

    public static IUpdateMethod Adadelta(OptimizerSettings s) => new RowMethod(
        UpdateRules.Adadelta, ["square", "change"],
        n => Common(s, n) with
        {
            Rate = (float)n.Rate,
            Beta2 = (float)s["rho"],
            Take2 = (float)(1 - s["rho"]),
            Epsilon = (float)s["epsilon"],
        });

    public static IUpdateMethod RmsProp(OptimizerSettings s)
    {
        var (row, state) = (s.Is("centered"), s["momentum"] != 0) switch
        {
            (false, false) => (UpdateRules.RmsProp, (string[])["square"]),
            (false, true) => (UpdateRules.RmsPropMomentum, ["square", "momentum"]),
            (true, false) => (UpdateRules.RmsPropCentered, ["square", "mean"]),
            (true, true) =>
                (UpdateRules.RmsPropCenteredMomentum, ["square", "mean", "momentum"]),
        };
        return new RowMethod(row, state, n => Common(s, n) with
        {
            Rate = (float)n.Rate,
            Beta1 = (float)s["momentum"],
            Beta2 = (float)s["alpha"],
            Take2 = (float)(1 - s["alpha"]),
            Epsilon = (float)s["epsilon"],
        });
    }

    public static IUpdateMethod Adam(OptimizerSettings s)
    {
        bool amsgrad = s.Is("amsgrad");
        double beta1 = s["beta1"], beta2 = s["beta2"];
        return new RowMethod(
            amsgrad ? UpdateRules.Amsgrad : UpdateRules.Adam,
            amsgrad ? ["m", "v", "v_max"] : ["m", "v"],
            n => Moments(s, n) with
            {
                Rate = (float)(n.Rate / Correction(beta1, n.Step)),
                Root = (float)(1 / Math.Sqrt(Correction(beta2, n.Step))),
            });
    }

    public static IUpdateMethod Adamax(OptimizerSettings s) => new RowMethod(
        UpdateRules.Adamax, ["m", "u"],
        n => Moments(s, n) with { Rate = (float)(n.Rate / Correction(s["beta1"], n.Step)) });

    /// <summary>
    /// mu_t = b1 (1 - 0.96^(t momentum_decay) / 2). Of the product of all mu PyTorch 1.13 takes
    /// mu_t twice in the correction of the mean, and so does this.
    /// </summary>
    public static IUpdateMethod Nadam(OptimizerSettings s)
    {
        double Mu(long t) =>
            s["beta1"] * (1 - (0.5 * Math.Pow(0.96, t * s["momentum_decay"])));
        // Multiplied up in the same order wherever training was taken up, for the same bits.
        long known = 0;
        double product = 1;
        return new RowMethod(UpdateRules.Nadam, ["m", "v"], n =>
        {
            (known, product) = n.Step < known ? (0, 1) : (known, product);
            while (known < n.Step)
            {
                product *= Mu(++known);
            }
            double mu = Mu(n.Step), next = Mu(n.Step + 1);
            return Moments(s, n) with
            {
                Rate = (float)(n.Rate * next / (1 - (product * mu * next))),
                Rate2 = (float)(n.Rate * (1 - mu) / (1 - product)),
                Root = (float)(1 / Math.Sqrt(Correction(s["beta2"], n.Step))),
            };
        });
    }

    /// <summary>
    /// Plain momentum while the length of the average, rho_t, is at most 5; then Adam times the
    /// rectification.
    /// </summary>
    public static IUpdateMethod Radam(OptimizerSettings s) => new RowMethod(
        UpdateRules.Radam, ["m", "v"],
        n =>
        {
            double beta2 = s["beta2"], correction = Correction(beta2, n.Step);
            double rate = n.Rate / Correction(s["beta1"], n.Step);
            double longest = (2 / (1 - beta2)) - 1;
            double length = longest - (2 * n.Step * Math.Pow(beta2, n.Step) / correction);
            if (length <= 5)
            {
                return Moments(s, n) with { Rate = (float)rate };
            }
            double rectified = Math.Sqrt(
                (length - 4) * (length - 2) * longest
                / ((longest - 4) * (longest - 2) * length));
            return Moments(s, n) with
            {
                Rate2 = (float)(rate * rectified * Math.Sqrt(correction)),
            };
        });

    public static IUpdateMethod Lion(OptimizerSettings s) => new RowMethod(
        UpdateRules.Lion, ["m"], n => Moments(s, n) with { Rate = (float)n.Rate });

    /// <summary>
    /// FTRL-Proximal in the form for rates that change: sigma_t = 1/eta_t - 1/eta_(t-1), with
    /// eta_t = rate_t / (beta + sqrt(sum of squares)).
    /// </summary>
    public static IUpdateMethod Ftrl(OptimizerSettings s) => new RowMethod(
        UpdateRules.Ftrl, ["z", "sum"],
        n => Common(s, n) with
        {
            Rate = (float)(1 / Math.Max(n.Rate, SmallestRate)),
            Rate2 = n.Step == 1 ? 0 : (float)(1 / Math.Max(n.RateBefore, SmallestRate)),
            Epsilon = (float)s["beta"],
            Take1 = (float)s["l1"],
            Take2 = (float)s["l2"],
        },
        (float)s["initial_accumulator_value"]);

    /// <summary>What every rule has: direction, decay and L1.</summary>
    public static UpdateNumbers Common(OptimizerSettings s, in StepNumbers n)
    {
        bool decoupled = s.Is("decoupled");
        return new UpdateNumbers
        {
            Scale = s.Is("maximize") ? -1 : 1,
            Decay = decoupled ? 0 : (float)n.Decay,
            Keep = decoupled ? (float)(1 - (n.Rate * n.Decay)) : 1,
            Threshold = (float)(n.Rate * n.L1),
        };
    }

    private static UpdateNumbers Moments(OptimizerSettings s, in StepNumbers n) =>
        Common(s, n) with
        {
            Beta1 = (float)s["beta1"],
            Take1 = (float)(1 - s["beta1"]),
            Beta2 = (float)s["beta2"],
            Take2 = (float)(1 - s["beta2"]),
            Epsilon = (float)s["epsilon"],
        };

    private static double Correction(double beta, long step) => 1 - Math.Pow(beta, step);
}
