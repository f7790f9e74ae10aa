// Recurrence over (batch, time, features). The input products of all steps are one matrix product,
// a = x W + b; then a primitive walks through time, U being the hidden weights, h' and c' the state
// before a step:
//   tanh, relu  h = f(a + h'U)                                             (Elman 1990)
//   lstm        i, f, o = sigmoid, g = tanh of a + h'U;  c = f c' + i g;  h = o tanh(c)
//                                              (Hochreiter and Schmidhuber 1997, Gers et al. 2000)
//   gru         r, z = sigmoid of a + h'U;  n = tanh(a_n + r (h'U_n + b_n));  h = (1-z) n + z h'
//                                              (Cho et al. 2014; reset after the product, as cuDNN)
// Backwards it leaves the gradients of all gates, from which dW, dU and dx are one product each.
using Dl.Ops;
using Dl.Tensors;

namespace Dl.Tensors
{
    public abstract partial class Device
    {
        /// <summary>All steps of one direction.</summary>
        /// <param name="gates">
        /// (B,T,G*H): input products; becomes the activated gates of the steps that count.
        /// </param>
        /// <param name="weight">U (H,G*H), gates in the order i f g o, or r z n.</param>
        /// <param name="bias">gru: b_n (H), or null.</param>
        /// <param name="lengths">
        /// f32 (B): step t counts where t &lt; length; others keep the state and give y = 0. Null:
        /// all of them count.
        /// </param>
        /// <param name="h0">State before the first step (B,H); null: zeros.</param>
        /// <param name="c0">The same for the cells of an lstm.</param>
        /// <param name="states">(B,T,H): h', the state before each step.</param>
        /// <param name="memory">
        /// (B,T,H). lstm: c' before each step; gru: h'U_n + b_n, 0 where a step does not count.
        /// </param>
        /// <param name="hn">(B,H): state after the last step.</param>
        /// <param name="cn">lstm: cells after the last step.</param>
        public abstract void Recurrent(
            in RecurrentShape shape, Storage gates, Storage weight, Storage? bias,
            Storage? lengths, Storage? h0, Storage? c0, Storage y, Storage states,
            Storage? memory, Storage hn, Storage? cn);

        /// <summary>Back through all steps; arguments as going forward.</summary>
        /// <param name="gates">The activated gates; becomes d(input products).</param>
        /// <param name="dhn">d(hn), or null for 0; likewise <paramref name="dcn"/>.</param>
        /// <param name="products">gru: receives d(h'U), (B,T,3H).</param>
        /// <param name="dh0">Receives d(h0), (B,H).</param>
        /// <param name="dc0">lstm: receives d(c0).</param>
        public abstract void RecurrentGradient(
            in RecurrentShape shape, Storage gates, Storage weight, Storage? lengths,
            Storage states, Storage? memory, Storage dy, Storage? dhn, Storage? dcn,
            Storage? products, Storage dh0, Storage? dc0);
    }
}

namespace Dl.Ops
{
    public enum RecurrentCell
    {
        Tanh,
        Relu,
        Lstm,
        Gru,
    }

    /// <summary>One direction of one layer.</summary>
    /// <param name="Reverse">From the last step to the first.</param>
    public readonly record struct RecurrentShape(
        RecurrentCell Cell, int Batch, int Steps, int Units, bool Reverse)
    {
        public int Gates => GatesOf(Cell);

        /// <summary>Elements of a step's gates.</summary>
        public int Width => Gates * Units;

        public static int GatesOf(RecurrentCell cell) => cell switch
        {
            RecurrentCell.Lstm => 4,
            RecurrentCell.Gru => 3,
            _ => 1,
        };
    }

    /// <summary>Weights of one direction, G gates of H units.</summary>
    /// <param name="Input">(in, G*H).</param>
    /// <param name="Hidden">(H, G*H).</param>
    /// <param name="Bias">(G*H), or null.</param>
    /// <param name="CandidateBias">
    /// gru: (H), added to the hidden product of the candidate before the reset gate. Of all hidden
    /// biases only this one is not the same as an input bias.
    /// </param>
    public readonly record struct RecurrentWeights(
        Tensor Input, Tensor Hidden, Tensor? Bias, Tensor? CandidateBias = null);

    /// <summary>Where a direction starts and how far its samples reach; null: zeros, all.</summary>
    /// <param name="Lengths">f32 (B), without gradient.</param>
    public readonly record struct RecurrentStart(
        Tensor? Lengths = null, Tensor? H0 = null, Tensor? C0 = null);

    /// <param name="Y">(B,T,H): the state after each step, 0 beyond a sample's length.</param>
    /// <param name="H">(B,H): the state after the last step that counts.</param>
    /// <param name="C">lstm: the cells then.</param>
    public readonly record struct RecurrentResult(Tensor Y, Tensor H, Tensor? C);

    /// <summary>Recurrent layers, one direction at a time.</summary>
    public static class RecurrentOps
    {
        /// <param name="x">(B, T, in).</param>
        /// <param name="reverse">
        /// Steps run backwards, each sample from its own last one; y stays in order of time.
        /// </param>
        public static RecurrentResult Recurrent(
            this Tape tape, RecurrentCell cell, Tensor x, RecurrentWeights weights,
            bool reverse = false, RecurrentStart start = default)
        {
            var shape = Check(cell, x, weights, reverse, start);
            var device = tape.Device;
            int rows = shape.Batch * shape.Steps, features = x.Shape[2], width = shape.Width;
            var gates = tape.Rent(DType.F32, (long)rows * width);
            device.MatMul(x.Storage, weights.Input.Storage, weights.Bias?.Storage, gates,
                1, rows, width, features, false, false, 0);
            var y = tape.New(new Shape(shape.Batch, shape.Steps, shape.Units));
            var states = tape.Rent(DType.F32, y.Shape.Count);
            var memory = cell is RecurrentCell.Lstm or RecurrentCell.Gru
                ? tape.Rent(DType.F32, y.Shape.Count) : null;
            var h = tape.New(new Shape(shape.Batch, shape.Units));
            var c = cell == RecurrentCell.Lstm ? tape.New(h.Shape) : null;
            device.Recurrent(shape, gates, weights.Hidden.Storage, weights.CandidateBias?.Storage,
                start.Lengths?.Storage, start.H0?.Storage, start.C0?.Storage, y.Storage, states,
                memory, h.Storage, c?.Storage);
            // Recorded in this order, gradients of h and c arrive before the one step that needs
            // all three.
            var ends = new Ends();
            ReadOnlySpan<Tensor?> inputs =
            [
                x, weights.Input, weights.Hidden, weights.Bias, weights.CandidateBias, start.H0,
                start.C0,
            ];
            var saved = new Saved(shape, gates, states, memory);
            tape.Record(y, inputs, (saved, x, weights, start, ends), static (tape, dy, in s) =>
                Backward(tape, s.saved, s.x, s.weights, s.start, dy, s.ends.Dh, s.ends.Dc));
            tape.Record(h, [y], (y, h, ends), static (tape, dh, in s) =>
                s.ends.Dh = Keep(tape, s.y, s.h.Shape, dh));
            if (c is not null)
            {
                tape.Record(c, [y], (y, c, ends), static (tape, dc, in s) =>
                    s.ends.Dc = Keep(tape, s.y, s.c.Shape, dc));
            }
            return new RecurrentResult(y, h, c);
        }

        /// <summary>Gradients of the last states, where there are any.</summary>
        private sealed class Ends
        {
            public Storage? Dh { get; set; }

            public Storage? Dc { get; set; }
        }

        /// <summary>What the way forward leaves for the way back.</summary>
        private readonly record struct Saved(
            RecurrentShape Shape, Storage Gates, Storage States, Storage? Memory);

        private static RecurrentShape Check(
            RecurrentCell cell, Tensor x, RecurrentWeights w, bool reverse, RecurrentStart start)
        {
            if (x.Shape.Rank != 3 || w.Hidden.Shape.Rank != 2)
            {
                throw new UsageException(
                    $"recurrent: input is {x.Shape}, weight {w.Hidden.Shape}; expected (batch, "
                    + "time, features) and (units, gates * units)");
            }
            var shape = new RecurrentShape(
                cell, x.Shape[0], x.Shape[1], w.Hidden.Shape[0], reverse);
            var state = new Shape(shape.Batch, shape.Units);
            if (w.Input.Shape != new Shape(x.Shape[2], shape.Width)
                || w.Hidden.Shape[1] != shape.Width
                || (w.Bias is { } b && b.Shape.Count != shape.Width)
                || (w.CandidateBias is { } n
                    && (cell != RecurrentCell.Gru || n.Shape.Count != shape.Units)))
            {
                throw new UsageException(
                    $"recurrent: weights {w.Input.Shape} and {w.Hidden.Shape} do not fit "
                    + $"{x.Shape[2]} features and {shape.Gates} gate(s)");
            }
            if ((start.Lengths is { } lengths && lengths.Shape.Count != shape.Batch)
                || (start.H0 is { } h && h.Shape != state)
                || (start.C0 is { } c && (cell != RecurrentCell.Lstm || c.Shape != state)))
            {
                throw new UsageException(
                    $"recurrent: lengths {start.Lengths?.Shape}, initial state {start.H0?.Shape}, "
                    + $"cells {start.C0?.Shape}; expected {shape.Batch} lengths and {state}");
            }
            return shape;
        }

        /// <summary>
        /// A copy of a state's gradient, which goes back to the pool after this step. y gets a
        /// gradient if it has none, so that its step runs.
        /// </summary>
        private static Storage Keep(Tape tape, Tensor y, Shape state, Storage gradient)
        {
            var device = tape.Device;
            if (tape.Wants(y, out var dy, out float beta) && beta == 0)
            {
                device.Fill(dy, (int)y.Shape.Count, 0);
            }
            var kept = tape.Rent(DType.F32, state.Count);
            int n = (int)state.Count;
            device.StridedCopy(gradient, kept, CopyPlan.Create([n], [1], [1]), 0);
            return kept;
        }

        private static void Backward(
            Tape tape, in Saved saved, Tensor x, in RecurrentWeights weights,
            in RecurrentStart start, Storage dy, Storage? dhn, Storage? dcn)
        {
            var (shape, gates, states, memory) = saved;
            var device = tape.Device;
            int rows = shape.Batch * shape.Steps, width = shape.Width, units = shape.Units;
            int count = shape.Batch * units, features = x.Shape[2];
            var products = shape.Cell == RecurrentCell.Gru
                ? device.Rent(DType.F32, (long)rows * width) : null;
            var dh0 = device.Rent(DType.F32, count);
            var dc0 = shape.Cell == RecurrentCell.Lstm ? device.Rent(DType.F32, count) : null;
            device.RecurrentGradient(shape, gates, weights.Hidden.Storage, start.Lengths?.Storage,
                states, memory, dy, dhn, dcn, products, dh0, dc0);
            Pass(tape, start.H0, dh0, count);
            Pass(tape, start.C0, dc0, count);
            if (tape.Wants(weights.Hidden, out var dw, out float beta))
            {
                device.MatMul(
                    states, products ?? gates, null, dw, 1, units, width, rows, true, false, beta);
            }
            if (tape.Wants(weights.CandidateBias, out var dn, out beta))
            {
                SumCandidate(device, products!, dn, rows, units, beta);
            }
            if (tape.Wants(weights.Input, out dw, out beta))
            {
                device.MatMul(
                    x.Storage, gates, null, dw, 1, features, width, rows, true, false, beta);
            }
            if (tape.Wants(weights.Bias, out var db, out beta))
            {
                device.ReduceSum(gates, db, 1, rows, width, 1, beta);
            }
            if (tape.Wants(x, out var dx, out beta))
            {
                device.MatMul(gates, weights.Input.Storage, null, dx, 1, rows, features, width,
                    false, true, beta);
            }
            device.Return(dh0);
            Release(device, dc0);
            Release(device, products);
        }

        private static void Pass(Tape tape, Tensor? state, Storage? gradient, int count)
        {
            if (tape.Wants(state, out var target, out float beta))
            {
                tape.Device.StridedCopy(
                    gradient!, target, CopyPlan.Create([count], [1], [1]), beta);
            }
        }

        /// <summary>The last third of the columns' sums.</summary>
        private static void SumCandidate(
            Device device, Storage products, Storage target, int rows, int units, float beta)
        {
            var sums = device.Rent(DType.F32, 3L * units);
            device.ReduceSum(products, sums, 1, rows, 3 * units, 1, 0);
            device.StridedCopy(
                sums, target, CopyPlan.Create([units], [1], [1], xOffset: 2 * units), beta);
            device.Return(sums);
        }

        private static void Release(Device device, Storage? storage)
        {
            if (storage is not null)
            {
                device.Return(storage);
            }
        }
    }
}
