// Adafactor (Shazeer and Stern 2018, Algorithms 4 and 5): the mean of squared gradients of a matrix
// is kept as means of its rows r and of its columns c only, and v = r c / mean(r).
//   b_t = 1 - t^-decay_rate;  r = b_t r + (1 - b_t) mean_j(g^2);  c likewise over i
//   u = g / sqrt(v + epsilon);  u = u / max(1, RMS(u) / clip_threshold)
//   w = w - rate u,  with scale_parameter rate * max(epsilon2, RMS(w)) instead of the rate
// Weights of more dimensions are stacks of matrices of their last two; a vector is a matrix of one
// row, whose c is then its v itself. With relative_step the rate falls as 1 / sqrt(t) from step
// 10,000 on: at 0.01 it is the paper's min(0.01, 1 / sqrt(t)).
using Dl.Models;
using Dl.Ops;
using Dl.Tensors;

namespace Dl.Training;

internal sealed class Adafactor(OptimizerSettings settings) : IUpdateMethod
{
    private readonly bool _averages = settings["beta1"] != 0;

    public IReadOnlyList<string> State { get; } =
        settings["beta1"] != 0 ? ["rows", "columns", "m"] : ["rows", "columns"];

    public float Start(int run) => 0;

    public long StateLength(int run, Shape weight) => Matrices.Of(weight).StateLength(run);

    public GroupStep Bind(Device device, ParameterGroup group, Storage[] state)
    {
        var works = new List<Work>();
        var offsets = new long[state.Length];
        foreach (var parameter in group.Parameters)
        {
            var matrices = Matrices.Of(parameter.Spec.Shape);
            var parts = new Storage[state.Length];
            for (int i = 0; i < parts.Length; i++)
            {
                long length = matrices.StateLength(i);
                parts[i] = device.Slice(state[i], offsets[i], length);
                offsets[i] += Device.AlignSlice(length);
            }
            long offset = parameter.Offset - group.Offset;
            works.Add(new Work(
                matrices, parameter.Tensor.Storage,
                device.Slice(group.Gradients, offset, matrices.Count), parts));
        }
        return (in StepNumbers n) =>
        {
            foreach (var work in works)
            {
                Step(device, work, n);
            }
        };
    }

    private void Step(Device device, Work work, in StepNumbers n)
    {
        var (m, w, g, state) = work;
        double take = Math.Pow(n.Step, -settings["decay_rate"]);
        var u = device.Rent(DType.F32, m.Count);
        var mean = device.Rent(DType.F32, m.Batch);
        float beta = (float)(1 - take);
        device.Unary(UnaryOps.Square, g, u, m.Count, 0);
        device.ReduceSum(
            u, state[0], m.Batch * m.Rows, m.Columns, 1, (float)(take / m.Columns), beta);
        device.ReduceSum(
            u, state[1], m.Batch, m.Rows, m.Columns, (float)(take / m.Rows), beta);
        device.ReduceSum(state[0], mean, m.Batch, m.Rows, 1, 1f / m.Rows, 0);
        device.FactoredDirection(
            g, state[0], state[1], mean, u, m.Batch, m.Rows, m.Columns,
            (float)settings["epsilon"]);
        // RMS(u) <= d is norm(u) <= d sqrt(count).
        device.GradientNorm(u, mean, m.Count);
        device.ClipNorm(
            u, mean, m.Count, (float)(settings["clip_threshold"] * Math.Sqrt(m.Count)), 0);
        if (settings.Is("scale_parameter"))
        {
            ScaleBySize(device, w, u, m.Count);
        }
        Apply(device, work, u, n);
        device.Return(mean);
        device.Return(u);
    }

    /// <summary>u *= max(epsilon2, RMS(w)); the size stays on the device.</summary>
    private void ScaleBySize(Device device, Storage w, Storage u, int count)
    {
        var size = device.Rent(DType.F32, 1);
        var least = device.Rent(DType.F32, 1);
        device.Fill(least, 1, (float)settings["epsilon2"]);
        device.GradientNorm(w, size, count);
        device.Unary(UnaryOps.Scale, size, size, 1, (float)(1 / Math.Sqrt(count)));
        // max(x, e) = relu(x - e) + e.
        device.Binary(BinaryOps.Subtract, size, least, size, 1, 1, 1, 0);
        device.Unary(UnaryOps.Relu, size, size, 1, 0);
        device.Binary(BinaryOps.Add, size, least, size, 1, 1, 1, 0);
        device.Binary(BinaryOps.Multiply, u, size, u, 1, 1, count, 0);
        device.Return(least);
        device.Return(size);
    }

    /// <summary>A step of SGD along u; with beta1 along the mean of all u.</summary>
    private void Apply(Device device, Work work, Storage u, in StepNumbers n)
    {
        double rate = n.Rate;
        if (settings.Is("relative_step"))
        {
            rate *= Math.Min(1, 100 / Math.Sqrt(n.Step));
        }
        double beta1 = settings["beta1"];
        var numbers = OptimizerRules.Common(settings, n with { Rate = rate }) with
        {
            Rate = (float)rate,
            Beta1 = (float)beta1,
            Take1 = (float)(1 - beta1),
        };
        var rule = _averages ? UpdateRules.Momentum : UpdateRules.Sgd;
        device.Update(
            rule, work.Weights, u, work.State.AsSpan(2), work.Matrices.Count, numbers);
    }

    /// <summary>A weight with its state: rows, columns and, with beta1, the mean.</summary>
    private sealed record Work(
        Matrices Matrices, Storage Weights, Storage Gradients, Storage[] State);

    /// <summary>A weight as Batch matrices of Rows x Columns.</summary>
    private readonly record struct Matrices(int Batch, int Rows, int Columns)
    {
        public int Count => Batch * Rows * Columns;

        public static Matrices Of(Shape shape)
        {
            int columns = shape.Rank > 0 ? shape[shape.Rank - 1] : 1;
            int rows = shape.Rank > 1 ? shape[shape.Rank - 2] : 1;
            return new Matrices((int)(shape.Count / rows / columns), rows, columns);
        }

        public long StateLength(int run) => run switch
        {
            0 => (long)Batch * Rows,
            1 => (long)Batch * Columns,
            _ => Count,
        };
    }
}
