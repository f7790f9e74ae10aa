// What layers over one, two and three dimensions share. A series is a volume of depth and height 1,
// an image one of depth 1; so shape rules, padding and the ops are written once, for volumes.
//   samples: time x channels, height x width x channels, depth x height x width x channels
using Dl.Ops;
using Dl.Tensors;

namespace Dl.Layers;

/// <summary>What a window covers and how it moves; dimensions that a sample lacks are 1.</summary>
/// <param name="Dimensions">1 to 3, channels not counted.</param>
internal readonly record struct Taps(
    int Dimensions, Size3 Window, Size3 Stride, Size3 Dilation)
{
    private static readonly Size3 One = new(1, 1, 1);

    public static Taps Of(int window, int stride, int dilation = 1) =>
        new(1, new Size3(1, 1, window), new Size3(1, 1, stride), new Size3(1, 1, dilation));

    public static Taps Of(Size2 window, Size2 stride, Size2? dilation = null) =>
        new(2, Deep(window), Deep(stride), dilation is { } steps ? Deep(steps) : One);

    public static Taps Of(Size3 window, Size3 stride, Size3? dilation = null) =>
        new(3, window, stride, dilation ?? One);

    /// <summary>Elements of the window.</summary>
    public int Count => Window.Depth * Window.Height * Window.Width;

    /// <summary>`3x3 stride 2x2 dilation 4x4`, without what is 1.</summary>
    public override string ToString() =>
        Text(Window)
        + (Stride == One ? "" : $" stride {Text(Stride)}")
        + (Dilation == One ? "" : $" dilation {Text(Dilation)}");

    public string Text(Size3 size) => Dimensions switch
    {
        1 => $"{size.Width}",
        2 => $"{size.Plane}",
        _ => $"{size}",
    };

    /// <exception cref="UsageException">A number is below 1 (series have no converter that
    /// looks).</exception>
    public void Check(string kind)
    {
        if (Math.Min(Window.Width, Math.Min(Stride.Width, Dilation.Width)) < 1)
        {
            throw new UsageException(
                $"{kind}: window {Window.Width}, stride {Stride.Width} and dilation "
                + $"{Dilation.Width}; expected at least 1");
        }
    }

    /// <summary>Extents of a weight: the window's, then these.</summary>
    public Shape Weight(int inputs, int outputs) => Dimensions switch
    {
        1 => new Shape(Window.Width, inputs, outputs),
        2 => new Shape(Window.Height, Window.Width, inputs, outputs),
        _ => new Shape(Window.Depth, Window.Height, Window.Width, inputs, outputs),
    };

    /// <summary>Places of the window in a volume (D,H,W,C); a count may be 0.</summary>
    public Size3 Outputs(Shape volume, Padding3 padding) => new(
        Outputs(volume[0], padding.Front + padding.Back, Window.Depth, Stride.Depth,
            Dilation.Depth),
        Outputs(volume[1], padding.Plane.Top + padding.Plane.Bottom, Window.Height,
            Stride.Height, Dilation.Height),
        Outputs(volume[2], padding.Plane.Left + padding.Plane.Right, Window.Width,
            Stride.Width, Dilation.Width));

    private static int Outputs(int extent, int padding, int window, int stride, int dilation)
    {
        int free = extent + padding - (((window - 1) * dilation) + 1);
        return free < 0 ? 0 : (free / stride) + 1;
    }

    private static Size3 Deep(Size2 size) => new(1, size.Height, size.Width);
}

internal static class Spatial
{
    /// <summary>The one input as a volume (D,H,W,C).</summary>
    /// <exception cref="UsageException">It has another number of dimensions.</exception>
    public static Shape Volume(Shape sample, int dimensions, string kind) =>
        sample.Rank == dimensions + 1 ? Deepen(sample)
        : throw new UsageException(
            $"{kind}: input is {sample}, expected {Expected(dimensions)}"
            + (sample.Rank is >= 2 and <= 4 && kind.Contains($"{dimensions}d")
                ? $"; use {kind.Replace($"{dimensions}d", $"{sample.Rank - 1}d")} for "
                    + Expected(sample.Rank - 1)
                : "; a reshape layer can make one"));

    /// <summary>
    /// A sample of one to three dimensions with all three in front of the channels.
    /// </summary>
    public static Shape Deepen(Shape sample)
    {
        Span<int> extents = [1, 1, 1, sample.Last];
        for (int i = 2; i <= sample.Rank; i++)
        {
            extents[^i] = sample[-i];
        }
        return new Shape(extents);
    }

    /// <summary>A batch of samples as volumes (B,D,H,W,C).</summary>
    public static Tensor Deepen(Tensor x) =>
        x.Reshape(Deepen(x.Shape.Skip(1)).Prepend(x.Shape[0]));

    /// <summary>A weight (..., in, out) with all three window extents.</summary>
    public static Tensor DeepenWeight(Tensor w)
    {
        Span<int> extents = [1, 1, 1, w.Shape[-2], w.Shape.Last];
        for (int i = 3; i <= w.Shape.Rank; i++)
        {
            extents[^i] = w.Shape[-i];
        }
        return w.Reshape(new Shape(extents));
    }

    /// <summary>Drops the dimensions that the samples lack.</summary>
    public static Tensor Flatten(Tensor y, int dimensions) =>
        y.Reshape(y.Shape.Skip(4 - dimensions).Prepend(y.Shape[0]));

    /// <summary>The sample's shape from three extents and channels.</summary>
    public static Shape Sample(Size3 size, int channels, int dimensions) =>
        new Shape(size.Depth, size.Height, size.Width, channels).Skip(3 - dimensions);

    private static string Expected(int dimensions) => dimensions switch
    {
        1 => "time x channels",
        2 => "height x width x channels",
        _ => "depth x height x width x channels",
    };
}

/// <summary>Numbers for the sides of a sample: all alike, one a dimension, or two.</summary>
internal static class Margins
{
    /// <summary>`2`, `0,3` or `1,2,0,2`.</summary>
    public static bool TryParse(string text, out int[] numbers)
    {
        var parts = text.Split(',');
        numbers = new int[parts.Length];
        for (int i = 0; i < parts.Length; i++)
        {
            if (!int.TryParse(parts[i], out numbers[i])
                || numbers[i] is < 0 or > JsonSizes.Largest)
            {
                return false;
            }
        }
        return true;
    }

    /// <summary>
    /// What each of the numbers stands for: (before, after) in each dimension; null where their
    /// count fits neither one, nor the dimensions, nor twice the dimensions.
    /// </summary>
    public static (int Before, int After)[]? Spread(ReadOnlySpan<int> numbers, int dimensions)
    {
        if (numbers.Length != 1 && numbers.Length != dimensions && numbers.Length != 2 * dimensions)
        {
            return null;
        }
        var margins = new (int, int)[dimensions];
        for (int i = 0; i < dimensions; i++)
        {
            margins[i] = numbers.Length == 2 * dimensions ? (numbers[2 * i], numbers[(2 * i) + 1])
                : numbers.Length == 1 ? (numbers[0], numbers[0]) : (numbers[i], numbers[i]);
        }
        return margins;
    }
}

/// <summary>The `padding` of convolutions and pooling.</summary>
internal static class PaddingText
{
    /// <exception cref="UsageException">Nothing that padding can be.</exception>
    public static Padding3 Parse(string text, Shape volume, Taps taps)
    {
        var (window, stride, dilation) = (taps.Window, taps.Stride, taps.Dilation);
        switch (text)
        {
            case "valid":
                return default;
            case "same":
                var along = Padding.Same(
                    new Size2(volume[0], 1), new Size2(window.Depth, 1),
                    new Size2(stride.Depth, 1), new Size2(dilation.Depth, 1));
                return new Padding3(along.Top, along.Bottom, Padding.Same(
                    new Size2(volume[1], volume[2]), window.Plane, stride.Plane, dilation.Plane));
            case "causal" when taps.Dimensions == 1:
                return new Padding3(
                    0, 0, new Padding(0, 0, (window.Width - 1) * dilation.Width, 0));
        }
        // The usual number without the arrays of the general case: layers ask in every step.
        if (int.TryParse(text, out int all) && all is >= 0 and <= JsonSizes.Largest)
        {
            int high = taps.Dimensions > 1 ? all : 0, deep = taps.Dimensions > 2 ? all : 0;
            return Padding3.Even(deep, high, all);
        }
        if (Margins.TryParse(text, out int[] numbers)
            && Margins.Spread(numbers, taps.Dimensions) is { } sides)
        {
            (int Before, int After) At(int dimension) =>
                dimension < taps.Dimensions ? sides[^(dimension + 1)] : default;
            return new Padding3(At(2).Before, At(2).After, new Padding(
                At(1).Before, At(1).After, At(0).Before, At(0).After));
        }
        int n = taps.Dimensions;
        throw new UsageException(
            $"padding '{text}': expected same, valid, {(n == 1 ? "causal, " : "")}a number of zeros"
            + (n == 1 ? ", or 2 of them (before, after)"
                : $", {n} of them (one a dimension) or {2 * n} (before and after each)"));
    }
}
