// Resizing as a list of (input pixel, output pixel, share) triples. Positions are part of the
// definition and in single precision: in double, the nearest pixel could be another one.
using Dl.Ops;
using static Dl.Verification.Operand;

namespace Dl.Verification;

internal static class ResizeCases
{
    private static readonly ResizeShape[] Shapes =
    [
        Nearest(1, 1, 1, 1, 1, 1),
        Nearest(2, 4, 5, 3, 8, 10),
        Nearest(2, 5, 7, 17, 15, 9),
        Nearest(1, 9, 8, 5, 4, 3),
        Nearest(2, 1, 11, 2, 1, 29),
        Linear(2, 4, 5, 3, 8, 10),
        Linear(1, 3, 7, 16, 10, 5),
        Linear(2, 6, 5, 33, 2, 13),
        Linear(1, 1, 1, 4, 3, 2),
        Linear(1, 2, 3, 1, 31, 40),
        // Factors that do not give whole sizes: 2.4 of 5 and 0.7 of 8.
        Linear(2, 5, 8, 6, 12, 5) with { ScaleY = 1 / 2.4f, ScaleX = 1 / 0.7f },
        // Aligned corners.
        Linear(1, 4, 5, 3, 7, 9) with { ScaleY = 3 / 6f, ScaleX = 4 / 8f, Shift = 0 },
        Linear(1, 4, 5, 3, 1, 3) with { ScaleY = 0, ScaleX = 4 / 2f, Shift = 0 },
    ];

    /// <summary>In the decoder of a segmentation network.</summary>
    private static readonly ResizeShape Timed = Linear(8, 32, 32, 64, 64, 64);

    public static IEnumerable<Case> All()
    {
        foreach (var shape in Shapes)
        {
            yield return Forward(shape);
            yield return Gradient(shape, 0);
            yield return Gradient(shape, 1);
        }
        yield return Forward(Timed).TimedByBytes();
        yield return Gradient(Timed, 0).TimedByBytes();
    }

    private static Case Forward(ResizeShape r) =>
        new("Resize", Text(r), 2e-6, [In(XLength(r)), Out(YLength(r))],
            (d, s) => d.Resize(s[0], s[1], r),
            v => Visit(r, (x, y, share) => v[1][y] += share * v[0][x]));

    private static Case Gradient(ResizeShape r, float beta) =>
        new("ResizeGradient", $"{Text(r)} beta {beta}", 2e-6,
            [In(YLength(r)), Out(XLength(r), beta)],
            (d, s) => d.ResizeGradient(s[0], s[1], r, beta),
            v => Visit(r, (x, y, share) => v[1][x] += share * v[0][y]));

    private static void Visit(ResizeShape r, Action<int, int, double> visit)
    {
        for (int y = 0; y < YLength(r); y++)
        {
            int channel = y % r.Channels, pixel = y / r.Channels;
            int oy = pixel / r.OutWidth % r.OutHeight, ox = pixel % r.OutWidth;
            int image = pixel / (r.OutWidth * r.OutHeight);
            foreach (var (iy, down) in Shares(oy, r.Height, r.ScaleY, r))
            {
                foreach (var (ix, across) in Shares(ox, r.Width, r.ScaleX, r))
                {
                    int x = (((image * r.Height) + iy) * r.Width) + ix;
                    visit((x * r.Channels) + channel, y, down * across);
                }
            }
        }
    }

    private static (int Pixel, double Share)[] Shares(
        int o, int extent, float scale, ResizeShape r)
    {
        float position = scale * (o + r.Shift);
        position -= r.Shift;
        if (r.Linear == 0)
        {
            return [(Math.Min((int)MathF.Floor(position), extent - 1), 1)];
        }
        double inside = Math.Clamp(position, 0, extent - 1);
        int first = (int)inside;
        return inside == first ? [(first, 1)]
            : [(first, 1 - (inside - first)), (first + 1, inside - first)];
    }

    private static ResizeShape Nearest(
        int batch, int height, int width, int channels, int outHeight, int outWidth) =>
        new(batch, height, width, channels, outHeight, outWidth, height / (float)outHeight,
            width / (float)outWidth, 0, 0);

    private static ResizeShape Linear(
        int batch, int height, int width, int channels, int outHeight, int outWidth) =>
        Nearest(batch, height, width, channels, outHeight, outWidth)
            with
        { Shift = 0.5f, Linear = 1 };

    private static int XLength(ResizeShape r) => r.Batch * r.Height * r.Width * r.Channels;

    private static int YLength(ResizeShape r) => r.Batch * r.OutHeight * r.OutWidth * r.Channels;

    private static string Text(ResizeShape r) =>
        $"{(r.Linear == 0 ? "nearest" : r.Shift == 0 ? "aligned" : "linear")} "
        + $"{r.Batch}x{r.Height}x{r.Width}x{r.Channels} to {r.OutHeight}x{r.OutWidth}";
}
