// Resizing channels-last images, (B,H,W,C) to (B,OH,OW,C), by the nearest pixel or by linear
// interpolation along both dimensions. Output pixel o lies at
//   p = scale * (o + shift) - shift,  y[o] = (1 - f) x[floor p] + f x[floor p + 1],
//   f = p - floor p
// inside the image; shift is 1/2 where pixels are areas, and 0 where their corners are aligned and
// for the nearest pixel (f = 0). Gradients gather: each input pixel asks the outputs around it.
using System.Runtime.InteropServices;
using Dl.Ops;
using Dl.Tensors;

namespace Dl.Tensors
{
    public abstract partial class Device
    {
        /// <summary>y = x resized; positions are computed in single precision.</summary>
        public abstract void Resize(Storage x, Storage y, in ResizeShape shape);

        /// <summary>dx = sum of dy by the shares of this pixel, + beta * dx.</summary>
        public abstract void ResizeGradient(
            Storage dy, Storage dx, in ResizeShape shape, float beta);
    }
}

namespace Dl.Ops
{
    /// <summary>
    /// All sizes of a resize: x (B,H,W,C), y (B,OH,OW,C); scales are input pixels per output.
    /// </summary>
    /// <param name="Linear">1: interpolate, 0: the nearest pixel.</param>
    [StructLayout(LayoutKind.Sequential)]
    public readonly record struct ResizeShape(
        int Batch, int Height, int Width, int Channels, int OutHeight, int OutWidth,
        float ScaleY, float ScaleX, float Shift, int Linear);

    /// <summary>How values between pixels are made.</summary>
    public enum Interpolation
    {
        Nearest,

        /// <summary>Linear along each dimension: bilinear on images.</summary>
        Linear,

        /// <summary>Linear, with the outermost pixels' centres falling on each other.</summary>
        AlignedLinear,
    }

    /// <summary>Resizing of series (B,T,C), images (B,H,W,C) and volumes (B,D,H,W,C).</summary>
    public static class ResizeOps
    {
        /// <param name="size">New extents of the dimensions between batch and channels.</param>
        /// <param name="factors">
        /// By how much each grows, where the user named factors: floor(extent * factor) is the size
        /// then, and positions follow the factor. Empty: they follow the two sizes.
        /// </param>
        public static Tensor Resize(
            this Tape tape, Tensor x, ReadOnlySpan<int> size, ReadOnlySpan<double> factors,
            Interpolation by)
        {
            var s = x.Shape;
            int spatial = s.Rank - 2;
            if (spatial is < 1 or > 3 || size.Length != spatial
                || (factors.Length > 0 && factors.Length != spatial))
            {
                throw new UsageException(
                    $"resize: input is {s} with {size.Length} new sizes; expected (batch, [depth, "
                    + "[height,]] width, channels) and a size for each but batch and channels");
            }
            Span<float> scales = stackalloc float[spatial];
            for (int i = 0; i < spatial; i++)
            {
                scales[i] = Scale(s[i + 1], size[i], factors.Length > 0 ? factors[i] : 0, by);
            }
            // The last two dimensions are the image; the depth of a volume follows by itself.
            int depth = spatial == 3 ? s[1] : 1, height = spatial == 1 ? 1 : s[-3];
            int outHeight = spatial == 1 ? 1 : size[^2];
            var slices = x.Reshape(new Shape(s[0] * depth, height, s[-2], s.Last));
            var y = Images(
                tape, slices, outHeight, size[^1], spatial == 1 ? 1 : scales[^2], scales[^1], by);
            if (spatial == 3)
            {
                int row = outHeight * size[^1] * s.Last;
                y = Images(tape, y.Reshape(new Shape(s[0], depth, 1, row)), size[0], 1,
                    scales[0], 1, by);
            }
            Span<int> extents = stackalloc int[Shape.MaxRank];
            extents[0] = s[0];
            size.CopyTo(extents[1..]);
            extents[spatial + 1] = s.Last;
            return y.Reshape(new Shape(extents[..s.Rank]));
        }

        private static Tensor Images(
            Tape tape, Tensor x, int height, int width, float scaleY, float scaleX,
            Interpolation by)
        {
            var s = x.Shape;
            if (s[1] == height && s[2] == width && scaleY == 1 && scaleX == 1)
            {
                return x;
            }
            var shape = new ResizeShape(
                s[0], s[1], s[2], s[3], height, width, scaleY, scaleX,
                by == Interpolation.Linear ? 0.5f : 0, by == Interpolation.Nearest ? 0 : 1);
            var y = tape.New(new Shape(s[0], height, width, s[3]));
            tape.Device.Resize(x.Storage, y.Storage, shape);
            return tape.Record(y, [x], (x, shape), static (tape, dy, in s) =>
            {
                var (x, shape) = s;
                if (tape.Wants(x, out var dx, out float beta))
                {
                    tape.Device.ResizeGradient(dy, dx, shape, beta);
                }
            });
        }

        /// <summary>Input pixels per output pixel.</summary>
        private static float Scale(int from, int to, double factor, Interpolation by)
        {
            if (by == Interpolation.AlignedLinear)
            {
                return to > 1 ? (from - 1) / (float)(to - 1) : 0;
            }
            // What has become as large as it was, or for the nearest pixel twice as large, is
            // copied pixel by pixel, whatever the factor was before rounding (as in PyTorch).
            bool whole = to == from || (to == 2 * from && by == Interpolation.Nearest);
            return factor > 0 && !whole ? (float)(1 / factor) : from / (float)to;
        }
    }
}
