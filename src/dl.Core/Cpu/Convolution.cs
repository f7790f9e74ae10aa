// Convolution and its gradients.
using System.Runtime.CompilerServices;
using Dl.Ops;
using Dl.Tensors;

namespace Dl.Cpu;

public sealed unsafe partial class CpuDevice
{
    public override void Convolution(
        Storage x, Storage w, Storage? bias, Storage y, in ConvShape shape) =>
        SplitRows(shape.Patches, (long)shape.PatchSize * shape.Filters, new ConvRange(
            Floats(x), Floats(w), bias is null ? null : Floats(bias), Floats(y), shape));

    public override void ConvolutionInputGradient(
        Storage dy, Storage w, Storage dx, in ConvShape shape, float beta) =>
        SplitRows(shape.Batch, 1 << 20, new ConvInputRange(
            Floats(dy), Floats(w), Floats(dx), shape, beta));

    public override void ConvolutionWeightGradient(
        Storage x, Storage dy, Storage dw, in ConvShape shape, float beta) =>
        SplitRows(shape.PatchSize, 1 << 20, new ConvWeightRange(
            Floats(x), Floats(dy), Floats(dw), shape, beta));

    private readonly struct ConvRange(float* x, float* w, float* bias, float* y, ConvShape s) : IRange
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(int from, int to)
        {
            int cg = s.GroupChannels, fg = s.GroupFilters;
            for (int p = from; p < to; p++)
            {
                int ox = p % s.OutWidth, oy = p / s.OutWidth % s.OutHeight;
                int b = p / (s.OutWidth * s.OutHeight);
                float* py = y + ((long)p * s.Filters);
                for (int f = 0; f < s.Filters; f++)
                {
                    py[f] = bias == null ? 0 : bias[f];
                }
                for (int ky = 0; ky < s.Kernel.Height; ky++)
                {
                    int iy = (oy * s.Stride.Height) + (ky * s.Dilation.Height) - s.Padding.Top;
                    for (int kx = 0; kx < s.Kernel.Width; kx++)
                    {
                        int ix = (ox * s.Stride.Width) + (kx * s.Dilation.Width) - s.Padding.Left;
                        if ((uint)iy >= (uint)s.Height || (uint)ix >= (uint)s.Width)
                        {
                            continue;
                        }
                        float* px = x + (((((long)b * s.Height) + iy) * s.Width) + ix) * s.Channels;
                        for (int c = 0; c < cg; c++)
                        {
                            float* pw = w + ((((ky * s.Kernel.Width) + kx) * cg) + c) * (long)s.Filters;
                            for (int f = 0; f < s.Filters; f++)
                            {
                                py[f] += px[(f / fg * cg) + c] * pw[f];
                            }
                        }
                    }
                }
            }
        }
    }

    private readonly struct ConvInputRange(float* dy, float* w, float* dx, ConvShape s, float beta)
        : IRange
    {
        /// <summary>Images [from, to).</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(int from, int to)
        {
            int cg = s.GroupChannels, fg = s.GroupFilters;
            long image = (long)s.Height * s.Width * s.Channels;
            if (beta == 0)
            {
                new Span<float>(dx + (from * image), (int)((to - from) * image)).Clear();
            }
            int pixels = s.OutHeight * s.OutWidth;
            for (int p = from * pixels; p < to * pixels; p++)
            {
                int ox = p % s.OutWidth, oy = p / s.OutWidth % s.OutHeight, b = p / pixels;
                float* pdy = dy + ((long)p * s.Filters);
                for (int ky = 0; ky < s.Kernel.Height; ky++)
                {
                    int iy = (oy * s.Stride.Height) + (ky * s.Dilation.Height) - s.Padding.Top;
                    for (int kx = 0; kx < s.Kernel.Width; kx++)
                    {
                        int ix = (ox * s.Stride.Width) + (kx * s.Dilation.Width) - s.Padding.Left;
                        if ((uint)iy >= (uint)s.Height || (uint)ix >= (uint)s.Width)
                        {
                            continue;
                        }
                        float* pdx = dx + (((((long)b * s.Height) + iy) * s.Width) + ix) * s.Channels;
                        for (int c = 0; c < s.Channels; c++)
                        {
                            int g = c / cg;
                            float* pw = w + ((((ky * s.Kernel.Width) + kx) * cg) + (c % cg))
                                * (long)s.Filters;
                            float sum = 0;
                            for (int f = g * fg; f < (g + 1) * fg; f++)
                            {
                                sum += pdy[f] * pw[f];
                            }
                            pdx[c] += sum;
                        }
                    }
                }
            }
        }
    }

    private readonly struct ConvWeightRange(float* x, float* dy, float* dw, ConvShape s, float beta)
        : IRange
    {
        /// <summary>Rows [from, to) of dw: taps and channels.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(int from, int to)
        {
            int cg = s.GroupChannels, fg = s.GroupFilters;
            for (int row = from; row < to; row++)
            {
                float* pdw = dw + ((long)row * s.Filters);
                int c = row % cg, kx = row / cg % s.Kernel.Width, ky = row / cg / s.Kernel.Width;
                if (beta == 0)
                {
                    new Span<float>(pdw, s.Filters).Clear();
                }
                for (int p = 0; p < s.Patches; p++)
                {
                    int ox = p % s.OutWidth, oy = p / s.OutWidth % s.OutHeight;
                    int b = p / (s.OutWidth * s.OutHeight);
                    int iy = (oy * s.Stride.Height) + (ky * s.Dilation.Height) - s.Padding.Top;
                    int ix = (ox * s.Stride.Width) + (kx * s.Dilation.Width) - s.Padding.Left;
                    if ((uint)iy >= (uint)s.Height || (uint)ix >= (uint)s.Width)
                    {
                        continue;
                    }
                    float* px = x + (((((long)b * s.Height) + iy) * s.Width) + ix) * s.Channels;
                    float* pdy = dy + ((long)p * s.Filters);
                    for (int f = 0; f < s.Filters; f++)
                    {
                        pdw[f] += px[(f / fg * cg) + c] * pdy[f];
                    }
                }
            }
        }
    }
}
