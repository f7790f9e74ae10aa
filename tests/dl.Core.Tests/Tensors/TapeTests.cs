// The tape's own promises: who owns memory, when a gradient overwrites and when it adds.
using Dl.Ops;
using Dl.Tensors;

namespace Dl.Tests.Tensors;

public sealed class TapeTests : IDisposable
{
    private readonly Device _device = TestDevice.Cpu();

    public void Dispose() => _device.Dispose();

    [Fact]
    public void A_tensor_used_twice_collects_both_gradients()
    {
        using var tape = new Tape(_device);
        var x = Leaf(tape, [1, 2, 3]);
        // d/dx sum(x * x + 5 x) = 2 x + 5
        var y = tape.Add(tape.Multiply(x, x), tape.Unary(UnaryOps.Scale, x, 5));
        tape.Backward(tape.Sum(y));
        Assert.Equal([7, 9, 11], Gradient(x));
    }

    [Fact]
    public void Reshaped_tensors_share_one_gradient()
    {
        using var tape = new Tape(_device);
        var x = Leaf(tape, [1, 2, 3, 4, 5, 6]);
        var table = x.Reshape(new Shape(2, 3));
        var y = tape.Add(
            tape.Sum(tape.Unary(UnaryOps.Square, table)),
            tape.Sum(tape.Unary(UnaryOps.Scale, x, 10)));
        tape.Backward(y);
        Assert.Equal([12, 14, 16, 18, 20, 22], Gradient(x));
        Assert.Same(x.Gradient, table.Gradient);
    }

    [Fact]
    public void Reshape_in_the_middle_of_a_graph_passes_gradients_through()
    {
        using var tape = new Tape(_device);
        var x = Leaf(tape, [1, 2, 3, 4]);
        var square = tape.Unary(UnaryOps.Square, x);
        var rows = tape.Sum(square.Reshape(new Shape(2, 2)), 1, 2);
        tape.Backward(rows, [1, 10]);
        Assert.Equal([2, 4, 60, 80], Gradient(x));
    }

    [Fact]
    public void Reshape_to_another_count_is_refused()
    {
        using var tape = new Tape(_device);
        var x = Leaf(tape, [1, 2, 3]);
        var error = Assert.Throws<UsageException>(() => x.Reshape(new Shape(2, 2)));
        Assert.Equal("reshape: 3 has 3 elements, 2x2 has 4", error.Message);
    }

    [Fact]
    public void Reset_returns_every_buffer()
    {
        using var tape = new Tape(_device);
        for (int step = 0; step < 3; step++)
        {
            var x = Leaf(tape, [1, -2, 3]);
            var y = tape.Unary(UnaryOps.Relu, tape.Unary(UnaryOps.Exp, x));
            var unused = tape.Unary(UnaryOps.Exp, y);
            Assert.NotNull(unused);
            tape.Backward(tape.Sum(y));
            Assert.True(_device.LiveBuffers > 0);
            tape.Reset();
            Assert.Equal(0, _device.LiveBuffers);
        }
        long before = _device.AllocatedBytes;
        tape.Backward(tape.Sum(tape.Unary(UnaryOps.Exp, Leaf(tape, [1, 2, 3]))));
        Assert.Equal(before, _device.AllocatedBytes);
    }

    [Fact]
    public void Reset_without_backward_returns_every_buffer()
    {
        var tape = new Tape(_device);
        tape.Sum(tape.Unary(UnaryOps.Exp, Leaf(tape, [1, 2, 3])));
        tape.Dispose();
        Assert.Equal(0, _device.LiveBuffers);
    }

    [Fact]
    public void Parameters_keep_their_gradient_and_clearing_overwrites()
    {
        var (values, gradient) = (_device.Rent(DType.F32, 2), _device.Rent(DType.F32, 2));
        _device.Write(values, (ReadOnlySpan<float>)[3, 4]);
        var w = Tensor.Parameter(new Shape(2), values, gradient);
        Assert.Null(w.Gradient);
        var tape = new Tape(_device);
        float[][] expected = [[6, 8], [12, 16], [6, 8]];
        for (int step = 0; step < 3; step++)
        {
            if (step == 2)
            {
                w.ClearGradient();
            }
            tape.Backward(tape.Sum(tape.Unary(UnaryOps.Square, w)));
            tape.Reset();
            Assert.Equal(expected[step], Gradient(w));
        }
        _device.Return(values);
        _device.Return(gradient);
        Assert.Equal(0, _device.LiveBuffers);
    }

    [Fact]
    public void Nothing_is_recorded_for_inference_or_without_a_leaf()
    {
        using var inference = new Tape(_device, recording: false);
        var x = Leaf(inference, [1, 2]);
        Assert.False(inference.Unary(UnaryOps.Exp, x).RequiresGradient);

        using var tape = new Tape(_device);
        var input = tape.Input(new Shape(2), (ReadOnlySpan<float>)[1, 2]);
        var y = tape.Unary(UnaryOps.Exp, input);
        Assert.False(y.RequiresGradient);
        tape.Backward(tape.Sum(y));
        Assert.Null(input.Gradient);
    }

    [Fact]
    public void Backward_wants_a_scalar()
    {
        using var tape = new Tape(_device);
        var y = tape.Unary(UnaryOps.Exp, Leaf(tape, [1, 2]));
        var error = Assert.Throws<UsageException>(() => tape.Backward(y));
        Assert.Equal("backward: the loss has shape 2, expected a scalar", error.Message);
    }

    [Theory]
    [MemberData(nameof(Activations))]
    public void ActivationsInPlaceGiveTheSameGradients(string name)
    {
        var op = UnaryOps.All.First(o => o.Name == name);
        float[] values = [-7, -3, -1, -1e-6f, -0f, 0, 1e-6f, 0.5f, 1, 3, 6, 7];
        float[][] results = new float[2][];
        float[][] outputs = new float[2][];
        for (int way = 0; way < 2; way++)
        {
            using var tape = new Tape(_device);
            var x = Leaf(tape, values);
            var fresh = tape.Unary(UnaryOps.Scale, x, 1.5f);
            var y = way == 0 ? tape.Unary(op, fresh) : tape.UnaryInPlace(op, fresh);
            // Read twice, so that gradients add up before they go through the activation.
            var z = tape.Add(tape.Multiply(y, y), y);
            outputs[way] = y.ToArray();
            tape.Backward(tape.Sum(z));
            results[way] = Gradient(x);
        }
        Assert.Equal(outputs[0], outputs[1]);
        Assert.Equal(results[0], results[1]);
    }

    public static TheoryData<string> Activations =>
        [.. UnaryOps.All.Where(op => op.Description is not null).Select(op => op.Name)];

    [Fact]
    public void AnActivationInPlaceTakesNoMemory()
    {
        using var tape = new Tape(_device);
        var fresh = tape.Unary(UnaryOps.Scale, Leaf(tape, [1, -2]), 3);
        int before = _device.LiveBuffers;
        var y = tape.UnaryInPlace(UnaryOps.Relu, fresh);
        Assert.Same(fresh.Storage, y.Storage);
        Assert.Equal(before, _device.LiveBuffers);
        Assert.NotSame(fresh.Storage, tape.UnaryInPlace(UnaryOps.Gelu, fresh).Storage);
        Assert.NotSame(fresh.Storage, tape.UnaryInPlace(UnaryOps.LeakyRelu, fresh, -1).Storage);
    }

    [Fact]
    public void AGradientThatIsHandedOnIsNotShared()
    {
        using var tape = new Tape(_device);
        var x = Leaf(tape, [1, 2]);
        // d/dx sum(2 (a + b) + 3 a) with a = 5 x, b = 7 x: 2 * 12 + 15
        var a = tape.Unary(UnaryOps.Scale, x, 5);
        var b = tape.Unary(UnaryOps.Scale, x, 7);
        var sum = tape.Unary(UnaryOps.Scale, tape.Add(a, b), 2);
        tape.Backward(tape.Sum(tape.Add(sum, tape.Unary(UnaryOps.Scale, a, 3))));
        Assert.Equal([39, 39], Gradient(x));
    }

    [Fact]
    public void FreeingEarlyKeepsTheLossAndWhatIsAskedFor()
    {
        using var tape = new Tape(_device) { FreesEarly = true };
        var x = Leaf(tape, [1, 2, 3]);
        tape.Keep(x);
        var kept = tape.Unary(UnaryOps.Scale, x, 2);
        tape.Keep(kept);
        var loss = tape.Sum(tape.Unary(UnaryOps.Square, tape.Unary(UnaryOps.Scale, kept, 1)));
        int before = _device.LiveBuffers;
        tape.Backward(loss);
        // Left are x with its gradient, what was kept, and the loss.
        Assert.Equal(4, _device.LiveBuffers);
        Assert.True(before > 4);
        Assert.Equal([2, 4, 6], kept.ToArray());
        Assert.Equal([56], loss.ToArray());
        Assert.Equal([8, 16, 24], Gradient(x));
        tape.Reset();
        Assert.Equal(0, _device.LiveBuffers);
    }

    private Tensor Leaf(Tape tape, ReadOnlySpan<float> values)
    {
        var storage = tape.Rent(DType.F32, values.Length);
        _device.Write(storage, values);
        return Tensor.Leaf(new Shape(values.Length), storage);
    }

    private float[] Gradient(Tensor x)
    {
        var values = new float[x.Shape.Count];
        _device.Read(x.Gradient!, values);
        return values;
    }
}
