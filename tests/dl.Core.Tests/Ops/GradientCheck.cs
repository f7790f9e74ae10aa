// What every op on the tape goes through: its output shape, its gradient against finite
// differences, the gradient when the op is used twice (closures must add, not overwrite), and no
// buffer left.
//   directional derivative: (8 (f(x+hu) - f(x-hu)) - (f(x+2hu) - f(x-2hu))) / 12h,  error O(h^4)
// f is a fixed random weighting of the outputs, summed in double precision.
using Dl.Tensors;

namespace Dl.Tests.Ops;

/// <summary>One input of a row: values away from kinks, or whole numbers.</summary>
/// <param name="Value">Draws element i.</param>
internal sealed record Argument(Shape Shape, Func<Rng, int, double> Value, DType Type = DType.F32)
{
    public static Argument Of(Shape shape, double low = -1, double high = 1) =>
        new(shape, (rng, _) => low + ((high - low) * rng.NextFloat()));

    /// <summary>As <see cref="Of"/>, a tenth away from whole numbers, where slopes jump.</summary>
    public static Argument OffKinks(Shape shape, double low, double high) =>
        new(shape, (rng, _) =>
        {
            double value = low + ((high - low) * rng.NextFloat()), whole = Math.Floor(value);
            return whole + 0.1 + (0.8 * (value - whole));
        });

    public static Argument Ids(Shape shape, int bound) =>
        new(shape, (rng, _) => rng.NextInt(bound), DType.I32);

    /// <summary>Different values a fifth apart in a scattered order: no close maximum.</summary>
    public static Argument Distinct(Shape shape) =>
        new(shape, (_, i) => (i * 7919 % shape.Count / 5.0) - (shape.Count / 10.0));
}

internal delegate Tensor TapeOp(Tape tape, Tensor[] inputs);

/// <summary>An op with its inputs and the shape that it must return.</summary>
internal sealed record OpRow(string Name, Shape Output, TapeOp Op, params Argument[] Arguments);

internal static class GradientCheck
{
    private const double Step = 0.01;
    private const double Tolerance = 1e-3;

    public static void Run(Device device, OpRow row)
    {
        var values = new double[row.Arguments.Length][];
        for (int i = 0; i < values.Length; i++)
        {
            var rng = new Rng(42, (ulong)i);
            values[i] = new double[row.Arguments[i].Shape.Count];
            for (int j = 0; j < values[i].Length; j++)
            {
                values[i][j] = row.Arguments[i].Value(rng, j);
            }
        }
        var weights = Uniform(row.Output.Count, 1000);
        var once = Gradients(device, row, values, weights, uses: 1);
        var twice = Gradients(device, row, values, weights, uses: 2);
        for (int i = 0; i < values.Length; i++)
        {
            if (row.Arguments[i].Type == DType.I32)
            {
                continue;
            }
            for (ulong direction = 0; direction < 3; direction++)
            {
                var u = Uniform(values[i].Length, 2000 + direction);
                CompareWithDifferences(device, row, values, weights, once[i], u, i);
            }
            AssertTwice(row, i, once[i], twice[i]);
        }
    }

    private static void CompareWithDifferences(
        Device device, OpRow row, double[][] values, double[] weights, float[] gradient,
        double[] u, int input)
    {
        double At(double h)
        {
            var moved = (double[][])values.Clone();
            moved[input] = [.. values[input].Zip(u, (x, d) => x + (h * d))];
            return Forward(device, row, moved, weights);
        }

        double expected = ((8 * (At(Step) - At(-Step))) - (At(2 * Step) - At(-2 * Step)))
            / (12 * Step);
        double actual = 0, size = 0;
        for (int j = 0; j < u.Length; j++)
        {
            actual += gradient[j] * u[j];
            size += gradient[j] * gradient[j];
        }
        // Relative to the gradient's own size: a direction may be nearly orthogonal to it.
        double scale = Math.Max(Math.Abs(expected), Math.Sqrt(size));
        Assert.True(Math.Abs(actual - expected) <= Tolerance * (scale + 0.1),
            $"{row.Name}, input {input}: gradient gives {actual:G6}, differences {expected:G6}");
    }

    private static void AssertTwice(OpRow row, int input, float[] once, float[] twice)
    {
        for (int j = 0; j < once.Length; j++)
        {
            Assert.True(Math.Abs(twice[j] - (2 * once[j])) <= 1e-5 * (1 + Math.Abs(once[j])),
                $"{row.Name}, input {input} used twice: element {j} is {twice[j]}, "
                + $"expected twice {once[j]}");
        }
    }

    private static float[][] Gradients(
        Device device, OpRow row, double[][] values, double[] weights, int uses)
    {
        int live = device.LiveBuffers;
        var gradients = new float[values.Length][];
        using (var tape = new Tape(device))
        {
            var leaves = Upload(tape, row, values);
            // Each use of the op sends its own gradient into the same leaves.
            var dy = Array.ConvertAll(weights, w => (float)w);
            var outputs = new Tensor[uses];
            for (int i = 0; i < uses; i++)
            {
                outputs[i] = row.Op(tape, leaves);
                Assert.Equal(row.Output, outputs[i].Shape);
            }
            var total = uses == 1 ? outputs[0]
                : Dl.Ops.ElementwiseOps.Add(tape, outputs[0], outputs[1]);
            tape.Backward(total, dy);
            for (int i = 0; i < leaves.Length; i++)
            {
                gradients[i] = new float[values[i].Length];
                if (row.Arguments[i].Type == DType.F32)
                {
                    Assert.NotNull(leaves[i].Gradient);
                    device.Read(leaves[i].Gradient!, gradients[i]);
                }
            }
        }
        Assert.Equal(live, device.LiveBuffers);
        return gradients;
    }

    private static double Forward(
        Device device, OpRow row, double[][] values, double[] weights)
    {
        using var tape = new Tape(device, recording: false);
        float[] y = row.Op(tape, Upload(tape, row, values)).ToArray();
        double sum = 0;
        for (int i = 0; i < y.Length; i++)
        {
            sum += weights[i] * y[i];
        }
        return sum;
    }

    private static Tensor[] Upload(Tape tape, OpRow row, double[][] values)
    {
        var tensors = new Tensor[values.Length];
        for (int i = 0; i < tensors.Length; i++)
        {
            var shape = row.Arguments[i].Shape;
            if (row.Arguments[i].Type == DType.I32)
            {
                tensors[i] = tape.Input(shape, Array.ConvertAll(values[i], v => (int)v));
                continue;
            }
            var storage = tape.Rent(DType.F32, shape.Count);
            tape.Device.Write(storage, Array.ConvertAll(values[i], v => (float)v));
            tensors[i] = Tensor.Leaf(shape, storage);
        }
        return tensors;
    }

    private static double[] Uniform(long count, ulong stream)
    {
        var rng = new Rng(7, stream);
        var values = new double[count];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = (2 * rng.NextFloat()) - 1;
        }
        return values;
    }
}
