// Convolution and its gradients as products with patches (Patches.cs):
//   y = patches(x) w;   dx = patches(dy) turned w;   dw^T = dy^T patches(x)
// With a stride, the pixels of dx fall into stride x stride classes, each reached by taps of its
// own; each class is a product. Most 3x3 convolutions go by Winograd.cs, first layers by
// FewChannels.cs, depthwise ones by Depthwise.cs.
using System.Runtime.CompilerServices;
using Dl.Ops;
using Dl.Tensors;

namespace Dl.Cpu;

public sealed unsafe partial class CpuDevice
{
    public override void Convolution(
        Storage x, Storage w, Storage? bias, Storage y, in ConvShape shape)
    {
        float* pb = bias is null ? null : Floats(bias);
        if (shape.IsPointwise)
        {
            MatMul(Floats(x), Floats(w), pb, Floats(y), 1, shape.Patches, shape.Filters,
                shape.Channels, false, false, 0);
            return;
        }
        if (shape.IsDepthwise)
        {
            Depthwise(Floats(x), Floats(w), pb, Floats(y), shape);
            return;
        }
        if (HasFewChannels(shape))
        {
            FewChannelsForward(Floats(x), Floats(w), pb, Floats(y), shape);
            return;
        }
        if (UsesWinograd(shape))
        {
            WinogradForward(x, w, pb, y, shape);
            return;
        }
        Multiply(new Product<PatchRows, RightMatrix>
        {
            A = new PatchRows(ForwardGrid(Floats(x), shape)),
            B = new RightMatrix(Floats(w), shape.GroupFilters, shape.Filters, false),
            C = Floats(y),
            Bias = pb,
            Batch = shape.Groups,
            M = shape.Patches,
            N = shape.GroupFilters,
            K = shape.PatchSize,
            Ldc = shape.Filters,
            StepC = shape.GroupFilters,
            StepBias = shape.GroupFilters,
        });
    }

    /// <remarks>Sums over the filters run in one order, so threads do not show.</remarks>
    public override void ConvolutionInputGradient(
        Storage dy, Storage w, Storage dx, in ConvShape shape, float beta)
    {
        if (shape.IsPointwise)
        {
            MatMul(Floats(dy), Floats(w), null, Floats(dx), 1, shape.Patches, shape.Channels,
                shape.Filters, false, true, beta);
            return;
        }
        if (shape.IsDepthwise)
        {
            DepthwiseInput(Floats(dy), Floats(w), Floats(dx), shape, beta);
            return;
        }
        if (UsesWinograd(shape))
        {
            WinogradInput(dy, w, dx, shape, beta);
            return;
        }
        for (int y = 0; y < shape.Stride.Height; y++)
        {
            for (int x = 0; x < shape.Stride.Width; x++)
            {
                InputGradientClass(dy, w, dx, shape, y, x, beta);
            }
        }
    }

    /// <remarks>
    /// Long sums over pixels are cut into parts by the sizes alone and added in order, so the
    /// result does not depend on the number of threads.
    /// </remarks>
    public override void ConvolutionWeightGradient(
        Storage x, Storage dy, Storage dw, in ConvShape shape, float beta)
    {
        if (shape.IsPointwise)
        {
            MatMul(Floats(x), Floats(dy), null, Floats(dw), 1, shape.Channels, shape.Filters,
                shape.Patches, true, false, beta);
            return;
        }
        if (shape.IsDepthwise)
        {
            DepthwiseWeights(Floats(x), Floats(dy), Floats(dw), shape, beta);
            return;
        }
        if (HasFewChannels(shape))
        {
            FewChannelsWeights(Floats(x), Floats(dy), Floats(dw), shape, beta);
            return;
        }
        if (UsesWinogradWeights(shape))
        {
            WinogradWeights(x, dy, dw, shape, beta);
            return;
        }
        var product = new Product<LeftMatrix, PatchColumns>
        {
            A = new LeftMatrix(Floats(dy), shape.GroupFilters, shape.Filters, true),
            B = new PatchColumns(ForwardGrid(Floats(x), shape)),
            Batch = shape.Groups,
            M = shape.GroupFilters,
            N = shape.PatchSize,
            K = shape.Patches,
        };
        int parts = Parts((long)shape.PatchSize * shape.Filters, shape.Patches);
        float* turned = MultiplyParts(product, parts);
        SplitRows(shape.PatchSize, shape.Filters,
            new TurnRange(turned, Floats(dw), shape.PatchSize, shape.Filters, beta));
    }

    private PatchGrid ForwardGrid(float* x, in ConvShape s)
    {
        int taps = s.Kernel.Height * s.Kernel.Width;
        int* offsets = Taps(taps);
        for (int tap = 0; tap < taps; tap++)
        {
            offsets[tap] = (tap / s.Kernel.Width * s.Dilation.Height) - s.Padding.Top;
            offsets[taps + tap] = (tap % s.Kernel.Width * s.Dilation.Width) - s.Padding.Left;
        }
        return new PatchGrid
        {
            Image = x,
            Height = s.Height,
            Width = s.Width,
            Channels = s.Channels,
            Used = s.GroupChannels,
            RowsDown = s.OutHeight,
            RowsAcross = s.OutWidth,
            StepY = s.Stride.Height,
            StepX = s.Stride.Width,
            TapY = offsets,
            TapX = offsets + taps,
            Taps = taps,
        };
    }

    /// <summary>Pixels (y + i * stride, x + j * stride) of dx.</summary>
    private void InputGradientClass(
        Storage dy, Storage w, Storage dx, in ConvShape s, int y, int x, float beta)
    {
        int down = (s.Height - y + s.Stride.Height - 1) / s.Stride.Height;
        int across = (s.Width - x + s.Stride.Width - 1) / s.Stride.Width;
        if (down <= 0 || across <= 0)
        {
            return;
        }
        int most = s.Kernel.Height * s.Kernel.Width, taps = 0;
        int* offsets = Taps(most);
        for (int tap = 0; tap < most; tap++)
        {
            // The output that this tap feeds from pixel y is (y + pad - ky * dilation) / stride.
            int fromY = y + s.Padding.Top - (tap / s.Kernel.Width * s.Dilation.Height);
            int fromX = x + s.Padding.Left - (tap % s.Kernel.Width * s.Dilation.Width);
            if (fromY % s.Stride.Height == 0 && fromX % s.Stride.Width == 0)
            {
                offsets[taps] = fromY / s.Stride.Height;
                offsets[most + taps] = fromX / s.Stride.Width;
                offsets[(2 * most) + taps] = tap;
                taps++;
            }
        }
        Multiply(new Product<PatchRows, TurnedWeights>
        {
            A = new PatchRows(new PatchGrid
            {
                Image = Floats(dy),
                Height = s.OutHeight,
                Width = s.OutWidth,
                Channels = s.Filters,
                Used = s.GroupFilters,
                RowsDown = down,
                RowsAcross = across,
                StepY = 1,
                StepX = 1,
                TapY = offsets,
                TapX = offsets + most,
                Taps = taps,
            }),
            B = new TurnedWeights(
                Floats(w), offsets + (2 * most), s.GroupChannels, s.Filters, s.GroupFilters),
            C = Floats(dx) + ((((long)y * s.Width) + x) * s.Channels),
            Batch = s.Groups,
            M = s.Batch * down * across,
            N = s.GroupChannels,
            K = taps * s.GroupFilters,
            Ldc = s.Channels,
            StepC = s.GroupChannels,
            Beta = beta,
            Places = s.Stride == new Size2(1, 1) ? default : new RowPlaces
            {
                Down = down,
                Across = across,
                StepImage = (long)s.Height * s.Width * s.Channels,
                StepDown = (long)s.Stride.Height * s.Width * s.Channels,
                StepAcross = s.Stride.Width * s.Channels,
            },
        });
    }

    /// <summary>Three lists of up to count numbers.</summary>
    private int* Taps(int count) => (int*)_taps.AtLeast(3L * count * sizeof(int));

    /// <summary>dw[row, filter] = turned[filter, row] + beta dw.</summary>
    private readonly struct TurnRange(float* turned, float* dw, int rows, int filters, float beta)
        : IRange
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(int from, int to)
        {
            for (int row = from; row < to; row++)
            {
                float* target = dw + ((long)row * filters);
                for (int f = 0; f < filters; f++)
                {
                    float v = turned[((long)f * rows) + row];
                    target[f] = beta == 0 ? v : v + (beta * target[f]);
                }
            }
        }
    }
}
