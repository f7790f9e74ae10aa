// Reference trajectories of optimisers: weights after each of some steps.
using Dl.Ops;
using Dl.Tensors;

namespace Dl.Verification;

internal static class GoldenOptimizers
{
    public static readonly GoldenRow[] Rows =
    [
        new("sgd", "w0 gradients w_after_each_step", Sgd),
        new("momentum", "w0 gradients w_after_each_step", Sgd),
        new("nesterov", "w0 gradients w_after_each_step", Sgd),
        new("adamw", "w0 gradients w_after_each_step", test => Adam(test, true)),
        new("adam", "w0 gradients w_after_each_step", test => Adam(test, false)),
    ];

    private static void Sgd(GoldenCase test)
    {
        float rate = (float)test.Number("lr", 1), momentum = (float)test.Number("momentum", 0);
        float decay = (float)test.Number("weight_decay", 0);
        bool nesterov = test.Flag("nesterov", false);
        Trajectory(test, 1, (w, g, state, n, _) => test.Tape.Device.SgdStep(
            w, g, momentum == 0 ? null : state[0], n, rate, momentum, decay, nesterov));
    }

    private static void Adam(GoldenCase test, bool decoupled)
    {
        float rate = (float)test.Number("lr", 1e-3), epsilon = (float)test.Number("eps", 1e-8);
        float decay = (float)test.Number("weight_decay", 0);
        double[] betas = test.Numbers("betas") ?? [0.9, 0.999];
        Trajectory(test, 2, (w, g, state, n, step) => test.Tape.Device.AdamStep(
            w, g, state[0], state[1], n, new AdamSettings(
                rate, (float)betas[0], (float)betas[1], epsilon, decay, decoupled,
                (float)(1 - Math.Pow(betas[0], step)), (float)(1 - Math.Pow(betas[1], step)))));
    }

    /// <summary>Steps with given gradients (steps, n); compares the weights after each.</summary>
    /// <param name="states">Arrays of n zeros that the rule keeps.</param>
    private static void Trajectory(
        GoldenCase test, int states, Action<Storage, Storage, Storage[], int, int> step)
    {
        var device = test.Tape.Device;
        var start = test.Raw("w0").Floats
            ?? throw new NotBuiltException("integers where numbers were expected");
        var gradients = test.Raw("gradients").Floats ?? [];
        int n = start.Length, steps = gradients.Length / n;
        var w = test.Tape.Input(new Shape(n), start).Storage;
        var g = test.Tape.Rent(DType.F32, n);
        var state = new Storage[states];
        for (int i = 0; i < states; i++)
        {
            state[i] = test.Tape.Rent(DType.F32, n);
            device.Fill(state[i], n, 0);
        }
        var trajectory = new float[steps * n];
        for (int t = 0; t < steps; t++)
        {
            device.Write(g, gradients.AsSpan(t * n, n));
            step(w, g, state, n, t + 1);
            device.Read(w, trajectory.AsSpan(t * n, n));
        }
        test.FinishValues("w_after_each_step", trajectory);
    }
}
