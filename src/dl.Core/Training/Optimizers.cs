// Optimisers by name: what each is, its arguments with their defaults (PyTorch's, where PyTorch has
// the rule), and how it moves weights (OptimizerRules.cs, Adafactor.cs).
namespace Dl.Training;

/// <summary>A named optimiser and its defaults.</summary>
/// <param name="LearningRate">The rate unless the user says otherwise.</param>
/// <param name="Method">Makes the rule from the values of its arguments.</param>
public sealed record OptimizerRule(
    string Name, string Description, double LearningRate,
    IReadOnlyList<OptimizerArgument> Arguments,
    Func<OptimizerSettings, IUpdateMethod> Method)
{
    /// <summary>`Adam (...); lr 0.001, beta1 0.9, ...`: all that can be set.</summary>
    public string Summary
    {
        get
        {
            var parts = Arguments.Select(a => $"{a.Name}={a.Text(a.Default)}");
            return FormattableString.Invariant(
                $"{Description}; lr {LearningRate}, {string.Join(',', parts)}");
        }
    }
}

public static class Optimizers
{
    /// <summary>Every optimiser, in the order in which they are listed to people.</summary>
    public static IReadOnlyList<OptimizerRule> All { get; } =
    [
        new("sgd", "stochastic gradient descent; with -b all, gradient descent", 0.1,
            Sgd(0, false), OptimizerRules.Sgd),
        new("momentum", "SGD with momentum (Polyak 1964)", 0.02, Sgd(0.9, false),
            OptimizerRules.Sgd),
        new("nesterov", "SGD with Nesterov's momentum (Sutskever et al. 2013)", 0.02,
            Sgd(0.9, true), OptimizerRules.Sgd),
        new("adagrad", "rates by the sum of squared gradients (Duchi et al. 2011)", 0.05,
            [Above0("epsilon", 1e-10), new("lr_decay", 0),
                new("initial_accumulator_value", 0), .. Decay(0, false)],
            OptimizerRules.Adagrad),
        new("adadelta", "steps as large as former ones (Zeiler 2012)", 1,
            [Share("rho", 0.9), Above0("epsilon", 1e-6), .. Decay(0, false)],
            OptimizerRules.Adadelta),
        new("rmsprop", "rates by the mean of squared gradients (Hinton 2012)", 0.001,
            [Share("alpha", 0.99), Above0("epsilon", 1e-8), Share("momentum", 0),
                Switch("centered", false), .. Decay(0, false)],
            OptimizerRules.RmsProp),
        new("adam", "Adam (Kingma and Ba 2015)", 0.001, Adam(false, 0, false),
            OptimizerRules.Adam),
        new("amsgrad", "Adam whose rates never rise (Reddi et al. 2018)", 0.001,
            Adam(true, 0, false), OptimizerRules.Adam),
        new("adamw", "Adam with decoupled weight decay (Loshchilov and Hutter 2019)", 0.001,
            Adam(false, 0.01, true), OptimizerRules.Adam),
        new("adamax", "Adam with the largest gradient (Kingma and Ba 2015)", 0.002,
            [.. Betas(0.9, 0.999), Above0("epsilon", 1e-8), .. Decay(0, false)],
            OptimizerRules.Adamax),
        new("nadam", "Adam with Nesterov's momentum (Dozat 2016)", 0.002,
            [.. Betas(0.9, 0.999), Above0("epsilon", 1e-8), new("momentum_decay", 0.004),
                .. Decay(0, false)],
            OptimizerRules.Nadam),
        new("radam", "Adam with a rectified start (Liu et al. 2020)", 0.001,
            [.. Betas(0.9, 0.999), Above0("epsilon", 1e-8), .. Decay(0, false)],
            OptimizerRules.Radam),
        new("adafactor", "Adam in little memory (Shazeer and Stern 2018)", 0.001,
            [Share("beta1", 0), Above0("decay_rate", 0.8), Above0("epsilon", 1e-30),
                Above0("epsilon2", 1e-3), Above0("clip_threshold", 1),
                Switch("scale_parameter", false), Switch("relative_step", false),
                .. Decay(0, true)],
            settings => new Adafactor(settings)),
        new("ftrl", "follow the regularised leader, sparse with l1 (McMahan et al. 2013)", 0.05,
            [Above0("beta", 1), new("l1", 0), new("l2", 0), new("initial_accumulator_value", 0),
                new("weight_decay", 0), Switch("maximize", false)],
            OptimizerRules.Ftrl),
        new("lion", "the sign of the momentum (Chen et al. 2023)", 0.0002,
            [.. Betas(0.9, 0.99), .. Decay(0, true)], OptimizerRules.Lion),
    ];

    /// <exception cref="UsageException">No optimiser has this name.</exception>
    public static OptimizerRule Find(string name)
    {
        foreach (var rule in All)
        {
            if (rule.Name == name)
            {
                return rule;
            }
        }
        throw new UsageException(Nearest.Unknown("optimizer", name, All.Select(r => r.Name)));
    }

    private static OptimizerArgument[] Sgd(double momentum, bool nesterov) =>
        [Share("momentum", momentum), new("dampening", 0, Below: 1),
            Switch("nesterov", nesterov), .. Decay(0, false)];

    private static OptimizerArgument[] Adam(bool amsgrad, double decay, bool decoupled) =>
        [.. Betas(0.9, 0.999), Above0("epsilon", 1e-8), Switch("amsgrad", amsgrad),
            .. Decay(decay, decoupled)];

    private static OptimizerArgument[] Betas(double beta1, double beta2) =>
        [Share("beta1", beta1), Share("beta2", beta2)];

    /// <summary>Weight decay: added to the gradient, or (decoupled) taken from weights.</summary>
    private static OptimizerArgument[] Decay(double value, bool decoupled) =>
        [new("weight_decay", value), Switch("decoupled", decoupled), Switch("maximize", false)];

    private static OptimizerArgument Share(string name, double value) => new(name, value, Below: 1);

    private static OptimizerArgument Above0(string name, double value) =>
        new(name, value, Open: true);

    private static OptimizerArgument Switch(string name, bool on) =>
        new(name, on ? 1 : 0, IsSwitch: true);
}
