// A row per op on the tape: name, output shape, how it is called, its inputs; and a row per shape
// that must be refused, with its message.
using Dl.Ops;
using Dl.Tensors;
using static Dl.Tests.Ops.Argument;

namespace Dl.Tests.Ops;

public sealed class OpTests : IDisposable
{
    private static readonly Size2 One = new(1, 1);
    private static readonly Size2 Two = new(2, 2);
    private static readonly Size3 Unit = new(1, 1, 1);

    private static readonly OpRow[] Rows =
    [
        .. UnaryOps.All.Select(op => new OpRow(
            op.Name, new(3, 7), (t, x) => t.Unary(op, x[0]), OffKinks(new(3, 7), 0.3, 2.5))),
        // Apart from each other and from the kinks of the pointwise losses.
        .. BinaryOps.All.Where(op => op.Name is not "probability_cross_entropy").Select(
            op => new OpRow(op.Name, new(3, 7), (t, x) => t.Binary(op, x[0], x[1]),
                Of(new(3, 7), 1.5, 2.5), Of(new(3, 7), -0.8, -0.4))),

        new("relu below zero", new(9), (t, x) => t.Unary(UnaryOps.Relu, x[0]),
            Of(new(9), -2, -0.3)),
        new("elu below zero, alpha", new(9), (t, x) => t.Unary(UnaryOps.Elu, x[0], 0.5f),
            Of(new(9), -2, -0.3)),

        new("prelu by channel", new(4, 3), (t, x) => t.Binary(BinaryOps.PRelu, x[0], x[1]),
            OffKinks(new(4, 3), -2, 2), Of(new(3), 0.1, 0.5)),
        new("batch norm", new(4, 3, 5), (t, x) => t.BatchNorm(
            x[0], x[1], x[2], Zeros(t, 5), Zeros(t, 5), 1e-3f, 0.1f),
            Distinct(new(4, 3, 5)), Of(new(5), 0.5, 2), Of(new(5))),
        new("batch norm in use", new(4, 5), (t, x) => t.BatchNormGiven(
            x[0], x[1], x[2], Zeros(t, 5), Zeros(t, 5), 0.3f),
            Of(new(4, 5)), Of(new(5), 0.5, 2), Of(new(5))),
        new("layer norm", new(3, 7), (t, x) => t.LayerNorm(x[0], x[1], x[2], 1e-3f),
            Distinct(new(3, 7)), Of(new(7), 0.5, 2), Of(new(7))),
        new("layer norm of two dimensions", new(3, 2, 4),
            (t, x) => t.LayerNorm(x[0], x[1], null, 1e-3f, 2), Distinct(new(3, 2, 4)),
            Of(new(2, 4), 0.5, 2)),
        new("group norm", new(2, 3, 6), (t, x) => t.GroupNorm(x[0], x[1], x[2], 2, 1e-3f),
            Distinct(new(2, 3, 6)), Of(new(6), 0.5, 2), Of(new(6))),
        new("instance norm", new(2, 2, 3, 4), (t, x) => t.GroupNorm(x[0], null, null, 4, 1e-3f),
            Distinct(new(2, 2, 3, 4))),
        new("RMS norm", new(3, 7), (t, x) => t.RmsNorm(x[0], x[1], 1e-3f), Of(new(3, 7), 0.5, 2),
            Of(new(7), 0.5, 2)),

        new("multiply by a row", new(5, 4), (t, x) => t.Multiply(x[0], x[1]), Of(new(5, 4)),
            Of(new(4))),
        new("multiply by a column", new(5, 4), (t, x) => t.Multiply(x[0], x[1]), Of(new(5, 4)),
            Of(new(5, 1))),
        new("multiply by a middle run", new(2, 3, 4), (t, x) => t.Multiply(x[0], x[1]),
            Of(new(2, 3, 4)), Of(new(3, 1))),
        new("multiply by a scalar", new(5, 4), (t, x) => t.Multiply(x[0], x[1]), Of(new(5, 4)),
            Of(new())),
        new("multiply by both ends", new(2, 3, 4), (t, x) => t.Multiply(x[0], x[1]),
            Of(new(2, 3, 4)), Of(new(2, 1, 4))),
        new("multiply column by row", new(3, 4), (t, x) => t.Multiply(x[0], x[1]), Of(new(3, 1)),
            Of(new(4))),
        new("multiply small by large", new(2, 3, 4), (t, x) => t.Multiply(x[0], x[1]), Of(new(4)),
            Of(new(2, 3, 4))),
        new("multiply with itself", new(6), (t, x) => t.Multiply(x[0], x[0]), Of(new(6))),
        new("expand", new(4, 3, 5), (t, x) => t.Expand(x[0], new(4, 3, 5)), Of(new(3, 1))),

        new("sum", new(), (t, x) => t.Sum(x[0]), Of(new(3, 5))),
        new("mean", new(), (t, x) => t.Mean(x[0]), Of(new(3, 5))),
        new("sum of the last", new(3, 5), (t, x) => t.Sum(x[0], 2, 3), Of(new(3, 5, 4))),
        new("mean of the middle", new(2, 3), (t, x) => t.Mean(x[0], 1, 3), Of(new(2, 4, 5, 3))),

        new("permute", new(2, 5, 3, 4), (t, x) => t.Permute(x[0], 0, 3, 1, 2),
            Of(new(2, 3, 4, 5))),
        new("slice", new(4, 2), (t, x) => t.Slice(x[0], 1, 3, 2), Of(new(4, 6))),
        new("slice of the first", new(2, 6), (t, x) => t.Slice(x[0], 0, 1, 2), Of(new(4, 6))),
        new("concat", new(2, 9), (t, x) => t.Concat(-1, x), Of(new(2, 4)), Of(new(2, 2)),
            Of(new(2, 3))),
        new("concat in front", new(5, 3), (t, x) => t.Concat(0, x), Of(new(2, 3)), Of(new(3, 3))),
        new("pad", new(5, 6), (t, x) => t.Pad(x[0], [1, 0], [2, 3]), Of(new(2, 3))),
        new("reshape", new(6, 2), (t, x) => t.Unary(UnaryOps.Square, x[0].Reshape(new(6, 2))),
            Of(new(3, 4))),
        new("gather", new(2, 3, 4), (t, x) => t.Gather(x[0], x[1]), Of(new(5, 4)),
            Ids(new(2, 3), 5)),

        new("matmul", new(4, 5), (t, x) => t.MatMul(x[0], x[1]), Of(new(4, 3)), Of(new(3, 5))),
        new("batched matmul", new(2, 3, 4, 5), (t, x) => t.MatMul(x[0], x[1]),
            Of(new(2, 3, 4, 6)), Of(new(2, 3, 6, 5))),
        new("dense", new(2, 3, 5), (t, x) => t.Linear(x[0], x[1], x[2]), Of(new(2, 3, 4)),
            Of(new(4, 5)), Of(new(5))),
        new("dense without bias", new(3, 5), (t, x) => t.Linear(x[0], x[1], null),
            Of(new(3, 4)), Of(new(4, 5))),

        new("conv2d", new(2, 5, 6, 4),
            (t, x) => t.Convolution(x[0], x[1], x[2], One, Padding.Even(1, 1), One),
            Of(new(2, 5, 6, 3)), Of(new(3, 3, 3, 4)), Of(new(4))),
        new("conv2d strided, uneven padding", new(1, 3, 4, 2),
            (t, x) => t.Convolution(x[0], x[1], null, Two, new Padding(0, 1, 1, 0), One),
            Of(new(1, 6, 8, 3)), Of(new(3, 2, 3, 2))),
        new("conv2d dilated", new(1, 3, 4, 2),
            (t, x) => t.Convolution(x[0], x[1], x[2], One, default, Two),
            Of(new(1, 7, 8, 2)), Of(new(3, 3, 2, 2)), Of(new(2))),
        new("conv2d grouped", new(1, 4, 4, 6),
            (t, x) => t.Convolution(x[0], x[1], x[2], One, Padding.Even(1, 1), One, 2),
            Of(new(1, 4, 4, 4)), Of(new(3, 3, 2, 6)), Of(new(6))),
        new("conv2d depthwise", new(1, 3, 3, 5),
            (t, x) => t.Convolution(x[0], x[1], null, One, default, One, 5),
            Of(new(1, 5, 5, 5)), Of(new(3, 3, 1, 5))),
        new("transposed conv2d", new(1, 8, 10, 3),
            (t, x) => t.ConvolutionTransposed(
                x[0], x[1], x[2], new Size2(8, 10), Two, Padding.Even(1, 1), One),
            Of(new(1, 4, 5, 2)), Of(new(3, 3, 3, 2)), Of(new(3))),

        new("transposed conv2d, grouped and dilated", new(1, 7, 10, 4),
            (t, x) => t.ConvolutionTransposed(
                x[0], x[1], null, new Size2(7, 10), new Size2(1, 3), default, new Size2(2, 1), 2),
            Of(new(1, 3, 3, 6)), Of(new(3, 3, 2, 6))),
        new("conv3d", new(2, 3, 4, 5, 4),
            (t, x) => t.Convolution3d(
                x[0], x[1], x[2], Unit, Padding3.Even(1, 1, 1), Unit),
            Of(new(2, 3, 4, 5, 3)), Of(new(3, 3, 3, 3, 4)), Of(new(4))),
        new("conv3d strided, dilated, uneven padding", new(1, 2, 2, 5, 2),
            (t, x) => t.Convolution3d(
                x[0], x[1], null, new Size3(3, 2, 1),
                new Padding3(0, 2, Padding.Even(1, 0)), new Size3(2, 1, 1)),
            Of(new(1, 5, 4, 6, 2)), Of(new(2, 3, 2, 2, 2))),
        new("conv3d grouped", new(1, 3, 2, 2, 6),
            (t, x) => t.Convolution3d(
                x[0], x[1], x[2], Unit, new Padding3(1, 0, default), Unit, 2),
            Of(new(1, 3, 4, 4, 4)), Of(new(2, 3, 3, 2, 6)), Of(new(6))),
        new("conv3d of one depth", new(1, 2, 3, 3, 2),
            (t, x) => t.Convolution3d(
                x[0], x[1], null, new Size3(2, 1, 1), default, Unit),
            Of(new(1, 4, 4, 4, 3)), Of(new(1, 2, 2, 3, 2))),

        new("max pool", new(2, 2, 3, 3), (t, x) => t.MaxPool(x[0], Two, Two, default),
            Distinct(new(2, 4, 6, 3))),
        new("max pool, overlapping", new(1, 3, 3, 2),
            (t, x) => t.MaxPool(x[0], new Size2(3, 3), Two, Padding.Even(1, 1)),
            Distinct(new(1, 5, 6, 2))),
        new("average pool", new(2, 2, 3, 3), (t, x) => t.AveragePool(x[0], Two, Two, default),
            Of(new(2, 4, 6, 3))),
        new("average pool, padding not counted", new(1, 3, 3, 2),
            (t, x) => t.AveragePool(x[0], new Size2(3, 3), Two, Padding.Even(1, 1), false),
            Of(new(1, 5, 6, 2))),

        new("max pool 3d", new(1, 2, 3, 3, 2),
            (t, x) => t.MaxPool3d(
                x[0], new Size3(2, 3, 2), new Size3(1, 2, 2), Padding3.Even(0, 1, 0)),
            Distinct(new(1, 3, 6, 6, 2))),
        new("average pool 3d, padding not counted", new(1, 2, 3, 3, 2),
            (t, x) => t.AveragePool3d(
                x[0], new Size3(2, 3, 2), new Size3(2, 2, 2),
                new Padding3(1, 0, Padding.Even(1, 0)), false),
            Of(new(1, 3, 6, 6, 2))),
        new("global max", new(2, 3), (t, x) => t.GlobalMax(x[0]), Distinct(new(2, 3, 2, 4, 3))),
        new("unpool", new(2, 4, 5, 3),
            (t, x) => t.MaxUnpool(x[0], t.MaxSwitches(Ramp(t, new(2, 4, 5, 3)), Two, Two, default)),
            Of(new(2, 2, 2, 3))),
        new("unpool where windows overlap", new(1, 5, 5, 2),
            (t, x) => t.MaxUnpool(
                x[0], t.MaxSwitches(Ramp(t, new(1, 5, 5, 2)), new(3, 3), One, Padding.Even(1, 1))),
            Of(new(1, 5, 5, 2))),

        new("resize to the nearest", new(2, 7, 3, 2),
            (t, x) => t.Resize(x[0], [7, 3], [], Interpolation.Nearest), Of(new(2, 4, 5, 2))),
        new("resize by factors", new(1, 9, 7, 3),
            (t, x) => t.Resize(x[0], [9, 7], [2.4, 1.5], Interpolation.Linear),
            Of(new(1, 4, 5, 3))),
        new("resize, aligned", new(1, 7, 1, 3),
            (t, x) => t.Resize(x[0], [7, 1], [], Interpolation.AlignedLinear), Of(new(1, 4, 5, 3))),
        new("resize a series", new(2, 9, 3),
            (t, x) => t.Resize(x[0], [9], [], Interpolation.Linear), Of(new(2, 5, 3))),
        new("resize a volume", new(1, 5, 3, 8, 2),
            (t, x) => t.Resize(x[0], [5, 3, 8], [], Interpolation.Linear), Of(new(1, 3, 4, 5, 2))),
        new("resize to the same", new(1, 4, 5, 2),
            (t, x) => t.Unary(UnaryOps.Square, t.Resize(x[0], [4, 5], [], Interpolation.Linear)),
            Of(new(1, 4, 5, 2))),
        new("pixel shuffle", new(2, 4, 6, 3), (t, x) => t.PixelShuffle(x[0], 2),
            Of(new(2, 2, 3, 12))),
        new("pixel unshuffle", new(2, 2, 3, 12), (t, x) => t.PixelUnshuffle(x[0], 2),
            Of(new(2, 4, 6, 3))),
        new("pad by reflection", new(2, 8, 5, 2),
            (t, x) => t.Pad(x[0], [0, 3, 0, 0], [0, 1, 2, 0], Border.Reflect),
            Of(new(2, 4, 3, 2))),
        new("pad by the edge", new(2, 8, 5, 2),
            (t, x) => t.Pad(x[0], [0, 3, 0, 0], [0, 1, 2, 0], Border.Edge), Of(new(2, 4, 3, 2))),
        new("rnn", new(2, 4, 3), (t, x) => Recurrent(t, RecurrentCell.Tanh, x).Y,
            Of(new(2, 4, 5)), Of(new(5, 3)), Of(new(3, 3)), Of(new(3))),
        new("rnn from a state to a state", new(2, 3),
            (t, x) => Recurrent(t, RecurrentCell.Tanh, x, true, new(null, x[4])).H,
            Of(new(2, 4, 5)), Of(new(5, 3)), Of(new(3, 3)), Of(new(3)), Of(new(2, 3))),
        new("rnn relu", new(2, 4, 3), (t, x) => Recurrent(t, RecurrentCell.Relu, x).Y,
            Of(new(2, 4, 5), 0.1), Of(new(5, 3), 0.1), Of(new(3, 3), 0.1), Of(new(3), 0.1)),
        new("lstm", new(2, 4, 3), (t, x) => Recurrent(t, RecurrentCell.Lstm, x).Y,
            Of(new(2, 4, 5)), Of(new(5, 12)), Of(new(3, 12)), Of(new(12))),
        new("lstm, unequal lengths, from a state", new(3, 4, 2),
            (t, x) => Recurrent(t, RecurrentCell.Lstm, x, true,
                new(t.Input(new(3), (float[])[4, 1, 2]), x[4], x[5])).Y,
            Of(new(3, 4, 5)), Of(new(5, 8)), Of(new(2, 8)), Of(new(8)), Of(new(3, 2)),
            Of(new(3, 2))),
        new("lstm to its cells", new(3, 2),
            (t, x) => Recurrent(t, RecurrentCell.Lstm, x, false,
                new(t.Input(new(3), (float[])[4, 0, 2]), x[4], x[5])).C!,
            Of(new(3, 4, 5)), Of(new(5, 8)), Of(new(2, 8)), Of(new(8)), Of(new(3, 2)),
            Of(new(3, 2))),
        new("gru", new(2, 4, 3), (t, x) => t.Recurrent(RecurrentCell.Gru, x[0],
            new(x[1], x[2], x[3], x[4]), true, new(null, x[5])).Y,
            Of(new(2, 4, 5)), Of(new(5, 9)), Of(new(3, 9)), Of(new(9)), Of(new(3)),
            Of(new(2, 3))),
        new("gru, unequal lengths, to a state", new(3, 2),
            (t, x) => Recurrent(t, RecurrentCell.Gru, x, false,
                new(t.Input(new(3), (float[])[0, 3, 4]), x[4])).H,
            Of(new(3, 4, 5)), Of(new(5, 6)), Of(new(2, 6)), Of(new(6)), Of(new(3, 2))),
        new("two lstms in both directions", new(2, 3, 4),
            (t, x) => t.RecurrentStack(RecurrentCell.Lstm, x[0],
                [new(x[1], x[2], x[3]), new(x[4], x[2], null), new(x[5], x[2], null),
                    new(x[5], x[2], x[3])], 2).Y,
            Of(new(2, 3, 5)), Of(new(5, 8)), Of(new(2, 8)), Of(new(8)), Of(new(5, 8)),
            Of(new(4, 8))),
        new("reverse time", new(2, 4, 3), (t, x) => t.ReverseTime(x[0]), Of(new(2, 4, 3))),

        new("softmax", new(2, 3, 5), (t, x) => t.Softmax(x[0]), Of(new(2, 3, 5), -2, 2)),
        new("log softmax", new(4, 5), (t, x) => t.LogSoftmax(x[0]), Of(new(4, 5), -2, 2)),
        new("cross-entropy", new(), (t, x) => t.SoftmaxCrossEntropy(x[0], x[1]),
            Of(new(2, 3, 5), -2, 2), Ids(new(2, 3), 5)),
        new("cross-entropy smoothed", new(),
            (t, x) => t.SoftmaxCrossEntropy(x[0], x[1], null, 0.2f), Of(new(6, 5), -2, 2),
            Ids(new(6), 5)),
        new("cross-entropy weighted, ignoring", new(),
            (t, x) => t.SoftmaxCrossEntropy(
                x[0], x[1], t.Input(new(5), (float[])[1, 2, 0.5f, 3, 1]), 0.1f, ignoreIndex: 2),
            Of(new(8, 5), -2, 2), Ids(new(8), 5)),
        new("attention", new(2, 5, 6),
            (t, x) => t.Attention(x[0], x[1], x[2], new AttentionSettings(2)),
            Of(new(2, 5, 6)), Of(new(2, 7, 6)), Of(new(2, 7, 6))),
        new("attention, causal, masked, dropout", new(2, 5, 6),
            (t, x) => t.CrossAttention(x[0], x[1], new AttentionSettings(3)
            {
                Causal = true,
                Lengths = t.Input(new(2), (float[])[7, 4]),
                KeyMask = t.Input(new(2, 7), Forbid(14)),
                PairMask = t.Input(new(5, 7), Forbid(35)),
                Dropout = 0.3f,
                Rng = new Rng(5),
            }),
            Of(new(2, 5, 6)), Of(new(2, 7, 12))),
        new("self-attention", new(2, 6, 4),
            (t, x) => t.SelfAttention(x[0], new AttentionSettings(2) { Causal = true }),
            Of(new(2, 6, 12))),
        new("attention of one tensor", new(2, 6, 4),
            (t, x) => t.Attention(x[0], x[0], x[0], new AttentionSettings(1)), Of(new(2, 6, 4))),
        new("rotary", new(2, 5, 11), (t, x) => t.Rotary(x[0], 2, 4), Of(new(2, 5, 11))),
        new("gather of ids, some none", new(6, 4),
            (t, x) => t.Gather(x[0], t.ToIndices(
                t.Input(new(6), (float[])[0, 2.4f, -1, 5, 4, 1]), 5, padding: 4)),
            Of(new(5, 4))),
        new("dropout", new(5, 9), (t, x) => t.Dropout(x[0], 0.4f, new Rng(3)), Of(new(5, 9))),
    ];

    /// <summary>x: sequence, input weights, hidden weights, bias.</summary>
    private static RecurrentResult Recurrent(
        Tape tape, RecurrentCell cell, Tensor[] x, bool reverse = false,
        RecurrentStart start = default) =>
        tape.Recurrent(cell, x[0], new RecurrentWeights(x[1], x[2], x[3]), reverse, start);
    /// <summary>Every fourth is forbidden.</summary>
    private static float[] Forbid(int n) =>
        [.. Enumerable.Range(0, n).Select(i => i % 4 == 3 ? float.NegativeInfinity : 0.1f * i)];

    private static readonly (string Message, Action<Tape, Func<Shape, Tensor>> Call)[] Refused =
    [
        ("attention: keys 2x5x6 and values 2x4x6 differ", (t, x) => t.Attention(
            x(new(2, 5, 6)), x(new(2, 5, 6)), x(new(2, 4, 6)), new AttentionSettings(2))),
        ("attention: queries 2x5x6 do not fit keys 2x5x8", (t, x) => t.Attention(
            x(new(2, 5, 6)), x(new(2, 5, 8)), x(new(2, 5, 8)), new AttentionSettings(2))),
        ("attention: 4 heads do not divide a width of 6", (t, x) => t.SelfAttention(
            x(new(2, 5, 18)), new AttentionSettings(4))),
        ("attention: lengths 3 has 3 numbers, expected 2", (t, x) => t.SelfAttention(
            x(new(2, 5, 18)), new AttentionSettings(2) { Lengths = x(new(3)) })),
        ("rotary: 3 heads of 4 do not fit 2x5x11", (t, x) => t.Rotary(x(new(2, 5, 11)), 3, 4)),
        ("add: 3x4 does not fit 3; extents must agree or be 1",
            (t, x) => t.Add(x(new(3, 4)), x(new(3)))),
        ("slice: [2, 5) of dimension 1 of 3x4", (t, x) => t.Slice(x(new(3, 4)), 1, 2, 3)),
        ("concat: 3x4 does not fit 2x4 along dimension 1",
            (t, x) => t.Concat(1, x(new(2, 4)), x(new(3, 4)))),
        ("matmul: 3x4 does not fit 3x4; expected mxk and kxn",
            (t, x) => t.MatMul(x(new(3, 4)), x(new(3, 4)))),
        ("linear: input 2x5 does not fit weight 4x3", (t, x) =>
            t.Linear(x(new(2, 5)), x(new(4, 3)), null)),
        ("linear: input 2x4 does not fit weight 4x3", (t, x) =>
            t.Linear(x(new(2, 4)), x(new(4, 3)), x(new(4)))),
        ("conv2d: input 1x5x5x3 does not fit weight 3x3x2x8 with 1 group(s)", (t, x) =>
            t.Convolution(x(new(1, 5, 5, 3)), x(new(3, 3, 2, 8)), null, One, default, One)),
        ("conv2d: a 3x3 kernel does not fit into 1x2x5x3", (t, x) =>
            t.Convolution(x(new(1, 2, 5, 3)), x(new(3, 3, 3, 8)), null, One, default, One)),
        ("conv2d: bias 7 does not fit weight 3x3x3x8; expected one number a filter", (t, x) =>
            t.Convolution(x(new(1, 5, 5, 3)), x(new(3, 3, 3, 8)), x(new(7)), One, default, One)),
        ("transposed convolution: 1x4x4x2 does not come from a 1x11x8x3 output", (t, x) =>
            t.ConvolutionTransposed(x(new(1, 4, 4, 2)), x(new(3, 3, 3, 2)), null,
                new Size2(11, 8), Two, Padding.Even(1, 1), One)),
        ("recurrent: weights 5x12 and 3x12 do not fit 4 features and 4 gate(s)", (t, x) =>
            t.Recurrent(RecurrentCell.Lstm, x(new(2, 3, 4)),
                new(x(new(5, 12)), x(new(3, 12)), null))),
        ("recurrent: lengths 3, initial state , cells ; expected 2 lengths and 2x3", (t, x) =>
            t.Recurrent(RecurrentCell.Gru, x(new(2, 3, 4)),
                new(x(new(4, 9)), x(new(3, 9)), null), false, new(x(new(3))))),
        ("pool: input is 4x4, expected (batch, height, width, channels)", (t, x) =>
            t.MaxPool(x(new(4, 4)), Two, Two, default)),
        ("conv3d: input 1x4x4x4x2 does not fit weight 3x3x3x3x5 with 1 group(s)", (t, x) =>
            t.Convolution3d(
                x(new(1, 4, 4, 4, 2)), x(new(3, 3, 3, 3, 5)), null, Unit, default, Unit)),
        ("conv3d: a kernel of depth 5 does not fit into 1x2x4x4x2 with padding 1 and 1", (t, x) =>
            t.Convolution3d(
                x(new(1, 2, 4, 4, 2)), x(new(3, 3, 3, 2, 5)), null, Unit, Padding3.Even(1, 1, 1),
                new Size3(2, 1, 1))),
        ("pool: input is 4x4x4x2, expected (batch, depth, height, width, channels)", (t, x) =>
            t.MaxPool3d(x(new(4, 4, 4, 2)), Unit, Unit, default)),
        ("unpool: input is 1x3x2x1, the pool gave 1x2x2x1; both must agree", (t, x) =>
            t.MaxUnpool(
                x(new(1, 3, 2, 1)), t.MaxSwitches(x(new(1, 4, 4, 1)), Two, Two, default))),
        ("resize: input is 2x3 with 1 new sizes", (t, x) =>
            t.Resize(x(new(2, 3)), [5], [], Interpolation.Nearest)),
        ("pixel shuffle: input is 1x2x2x6 and the factor 2", (t, x) =>
            t.PixelShuffle(x(new(1, 2, 2, 6)), 2)),
        ("pixel unshuffle: input is 1x3x2x6 and the factor 2", (t, x) =>
            t.PixelUnshuffle(x(new(1, 3, 2, 6)), 2)),
        ("pad: 1x3 cannot be reflected 3 and 0 beyond dimension 1; at most 2", (t, x) =>
            t.Pad(x(new(1, 3)), [0, 3], [0, 0], Border.Reflect)),
        ("pool: a 2x2 window does not fit into 1x1x4x3; use fewer pooling layers", (t, x) =>
            t.AveragePool(x(new(1, 1, 4, 3)), Two, Two, default)),
        ("cross-entropy: logits 4x3 need 4 targets and 3 weights; got 5", (t, x) =>
            t.SoftmaxCrossEntropy(x(new(4, 3)), x(new(5)))),
        ("dropout: rate 1, expected 0 <= rate < 1", (t, x) =>
            t.Dropout(x(new(4)), 1, new Rng(1))),
    ];

    private readonly Device _device = TestDevice.Cpu();

    public static TheoryData<string> Names => [.. Rows.Select(row => row.Name)];

    public static TheoryData<string> Messages => [.. Refused.Select(row => row.Message)];

    public void Dispose() => _device.Dispose();

    [Theory]
    [MemberData(nameof(Names))]
    public void Shape_gradient_and_memory(string name) =>
        GradientCheck.Run(_device, Array.Find(Rows, row => row.Name == name)!);

    /// <summary>Values without ties in a scattered order, which no gradient is asked of.</summary>
    private static Tensor Ramp(Tape tape, Shape shape)
    {
        var values = new float[shape.Count];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = i * 7919 % values.Length;
        }
        return tape.Input(shape, values);
    }

    [Theory]
    [MemberData(nameof(Messages))]
    public void A_wrong_shape_is_named(string message)
    {
        using (var tape = new Tape(_device))
        {
            var call = Array.Find(Refused, row => row.Message == message).Call;
            var error = Assert.Throws<UsageException>(() =>
                call(tape, shape => tape.Input(shape, new float[shape.Count])));
            Assert.StartsWith(message, error.Message);
        }
        Assert.Equal(0, _device.LiveBuffers);
    }

    [Fact]
    public void Padding_same_keeps_the_extent_divided_by_the_stride()
    {
        var padding = Padding.Same(new(28, 5), new(3, 4), new(2, 1), One);
        Assert.Equal(new Padding(0, 1, 1, 2), padding);
        var shape = new ConvShape(1, 28, 5, 1, 1, new(3, 4), new(2, 1), padding, One, 1);
        Assert.Equal((14, 5), (shape.OutHeight, shape.OutWidth));
    }

    [Fact]
    public void ArgMax_returns_the_first_largest_of_each_row()
    {
        using var tape = new Tape(_device);
        var x = tape.Input(new(2, 3), (float[])[1, 5, 5, -1, -2, -3]);
        var y = tape.ArgMax(x);
        var indices = new int[2];
        _device.Read(y.Storage, indices);
        Assert.Equal([1, 0], indices);
        Assert.Equal(new Shape(2), y.Shape);
    }

    [Fact]
    public void Dropout_draws_new_numbers_each_call_and_keeps_the_mean()
    {
        using var tape = new Tape(_device);
        var rng = new Rng(1);
        var ones = tape.Unary(UnaryOps.Exp, tape.Input(new(10_000), new float[10_000]));
        float[] first = tape.Dropout(ones, 0.25f, rng).ToArray();
        float[] second = tape.Dropout(ones, 0.25f, rng).ToArray();
        Assert.NotEqual(first, second);
        // Five standard errors of a mean of 10,000 numbers that are 0 or 4/3.
        Assert.InRange(first.Average(), 1 - 0.029, 1 + 0.029);
    }

    private static Tensor Zeros(Tape tape, int n) => tape.Input(new Shape(n), new float[n]);
}
