// Three-dimensional convolution over volumes (B,D,H,W,C), weights (KD,KH,KW,C/groups,F). The depths
// that one output depth sees are laid side by side as channels, KD of them for each channel of the
// input, and what remains is a two-dimensional convolution over B * OD images:
//   u[b,od,h,w,(g,kd,c)] = x[b, od*stride + kd*dilation - front, h, w, (g,c)]
// The copy is KD times the input, far below the KD*KH*KW times of patches.
using Dl.Tensors;

namespace Dl.Ops;

/// <summary>Depth, height and width of something, or steps along them.</summary>
public readonly record struct Size3(int Depth, int Height, int Width)
{
    /// <summary>What a slice of one depth has.</summary>
    public Size2 Plane => new(Height, Width);

    public override string ToString() => $"{Depth}x{Height}x{Width}";
}

/// <summary>Zeros around a volume: before and behind its depths, and around each slice.</summary>
public readonly record struct Padding3(int Front, int Back, Padding Plane)
{
    public static Padding3 Even(int depth, int height, int width) =>
        new(depth, depth, Padding.Even(height, width));
}

/// <summary>Convolution over depth, height and width.</summary>
public static class Convolution3dOps
{
    /// <summary>
    /// x (B,D,H,W,C), w (KD,KH,KW,C/groups,F), b (F) or null to y (B,OD,OH,OW,F).
    /// </summary>
    public static Tensor Convolution3d(
        this Tape tape, Tensor x, Tensor w, Tensor? b, Size3 stride, Padding3 padding,
        Size3 dilation, int groups = 1)
    {
        if (x.Shape.Rank != 5 || w.Shape.Rank != 5 || groups < 1
            || x.Shape[4] != w.Shape[3] * groups || w.Shape[4] % groups != 0)
        {
            throw new UsageException(
                $"conv3d: input {x.Shape} does not fit weight {w.Shape} with {groups} group(s); "
                + "expected (batch, depth, height, width, channels) and "
                + "(depth, height, width, channels / groups, filters)");
        }
        var (ws, taps) = (w.Shape, w.Shape[0]);
        var slices = UnfoldDepth(tape, x, taps, stride.Depth, padding, dilation.Depth, groups);
        int depths = slices.Shape[1];
        // (KD,KH,KW,C/groups,F) to (KH,KW,KD,C/groups,F): depth beside the channels.
        var filters = (taps == 1 ? w : tape.Permute(w, 1, 2, 0, 3, 4))
            .Reshape(new Shape(ws[1], ws[2], taps * ws[3], ws[4]));
        var y = tape.Convolution(
            slices.Reshape(new Shape(
                x.Shape[0] * depths, x.Shape[2], x.Shape[3], taps * x.Shape[4])),
            filters, b, stride.Plane, padding.Plane, dilation.Plane, groups);
        return y.Reshape(new Shape(x.Shape[0], depths, y.Shape[1], y.Shape[2], y.Shape[3]));
    }

    /// <summary>
    /// (B,D,H,W,C) to (B,OD,H,W,KD*C), channels in the order (group, tap, C/groups).
    /// </summary>
    private static Tensor UnfoldDepth(
        Tape tape, Tensor x, int taps, int stride, Padding3 padding, int dilation, int groups)
    {
        var s = x.Shape;
        int covered = ((taps - 1) * dilation) + 1;
        int padded = s[1] + padding.Front + padding.Back;
        if (padded < covered)
        {
            throw new UsageException(
                $"conv3d: a kernel of depth {covered} does not fit into {s} with padding "
                + $"{padding.Front} and {padding.Back}; use padding 'same' or fewer layers");
        }
        int depths = ((padded - covered) / stride) + 1;
        if (taps == 1 && stride == 1 && padded == s[1])
        {
            return x;
        }
        var y = tape.New(new Shape(s[0], depths, s[2], s[3], taps * s[4]));
        var device = tape.Device;
        if (padded != s[1])
        {
            device.Fill(y.Storage, (int)y.Shape.Count, 0);
        }
        var plans = new CopyPlan[taps];
        for (int tap = 0; tap < taps; tap++)
        {
            plans[tap] = DepthPlan(
                s, y.Shape, tap, taps, stride, (tap * dilation) - padding.Front, groups);
            device.StridedCopy(x.Storage, y.Storage, plans[tap], 0);
        }
        return tape.Record(y, [x], (x, plans), static (tape, dy, in s) =>
        {
            var (x, plans) = s;
            var device = tape.Device;
            if (tape.Wants(x, out var dx, out float beta))
            {
                // Depths overlap, or are never read, so contributions add to zeros.
                if (beta == 0)
                {
                    device.Fill(dx, (int)x.Shape.Count, 0);
                }
                foreach (var plan in plans)
                {
                    device.StridedCopy(dy, dx, plan.Reversed(), 1);
                }
            }
        });
    }

    /// <summary>The output depths whose input depth od * stride + shift exists.</summary>
    private static CopyPlan DepthPlan(
        Shape x, Shape y, int tap, int taps, int stride, int shift, int groups)
    {
        int first = shift >= 0 ? 0 : (stride - 1 - shift) / stride;
        int end = x[1] <= shift ? 0 : Math.Min(y[1], ((x[1] - 1 - shift) / stride) + 1);
        int pixels = x[2] * x[3], channels = x[4] / groups;
        int xDepth = pixels * x[4], yDepth = xDepth * taps;
        return CopyPlan.Create(
            [x[0], Math.Max(0, end - first), pixels, groups, channels],
            [x[1] * xDepth, stride * xDepth, x[4], channels, 1],
            [y[1] * yDepth, yDepth, taps * x[4], taps * channels, 1],
            ((first * stride) + shift) * xDepth,
            (first * yDepth) + (tap * channels));
    }
}
