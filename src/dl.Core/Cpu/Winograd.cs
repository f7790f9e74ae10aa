// Convolution 3x3 with stride 1 by Winograd's F(4x4, 3x3): a quarter of the multiplications. The
// image is cut into tiles of 4x4 outputs, which see 6x6 inputs; transformed, a tile's convolution
// is 36 products over the channels, so all tiles make 36 matrix products with the transformed
// weights. Tiles are worked off in groups whose transformed inputs and products stay in the second
// cache. The gradient of the input is the same with the weights turned round.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Dl.Ops;
using Dl.Tensors;
using V = System.Runtime.Intrinsics.Vector512<float>;

namespace Dl.Cpu;

/// <summary>A map from images x to images y by 3x3 weights; tiles count through the batch.</summary>
internal unsafe struct WinogradMap
{
    /// <summary>(batch, Height, Width, Channels).</summary>
    public float* X;
    public int Height;
    public int Width;
    public int Channels;

    /// <summary>(batch, OutHeight, OutWidth, Filters).</summary>
    public float* Y;
    public int OutHeight;
    public int OutWidth;
    public int Filters;

    /// <summary>Output (0, 0) sees inputs from (-Top, -Left) on.</summary>
    public int Top;
    public int Left;
    public int Batch;
    public float* Bias;
    public float Beta;

    public readonly int Down => (OutHeight + WinogradTransform.Out - 1) / WinogradTransform.Out;

    public readonly int Across => (OutWidth + WinogradTransform.Out - 1) / WinogradTransform.Out;

    public readonly int Tiles => Batch * Down * Across;

    /// <summary>Lines of 16 channels.</summary>
    public readonly int Lines => (Channels + Lane.Count - 1) / Lane.Count;

    /// <summary>Where a tile's 6x6 inputs lie; those outside the image at zeros.</summary>
    public readonly void Inputs(int tile, int channel, float** pixels, float* zeros)
    {
        var (b, down, across) = Place(tile);
        Window(X + channel, b, Height, Width, Channels, (down * WinogradTransform.Out) - Top,
            (across * WinogradTransform.Out) - Left, WinogradTransform.In, pixels, zeros);
    }

    /// <summary>Where a tile's 4x4 outputs lie; those outside the image at outside.</summary>
    /// <returns>Whether all are inside.</returns>
    public readonly bool Outputs(int tile, int filter, float** pixels, float* outside)
    {
        var (b, down, across) = Place(tile);
        Window(Y + filter, b, OutHeight, OutWidth, Filters, down * WinogradTransform.Out,
            across * WinogradTransform.Out, WinogradTransform.Out, pixels, outside);
        return (down + 1) * WinogradTransform.Out <= OutHeight
            && (across + 1) * WinogradTransform.Out <= OutWidth;
    }

    private readonly (int Batch, int Down, int Across) Place(int tile)
    {
        int row = tile / Across;
        return (row / Down, row % Down, tile % Across);
    }

    private static void Window(
        float* image, int b, int height, int width, int channels, int top, int left, int size,
        float** pixels, float* outside)
    {
        for (int i = 0; i < size; i++)
        {
            bool inside = (uint)(top + i) < (uint)height;
            float* row = image + (((((long)b * height) + top + i) * width) + left) * channels;
            for (int j = 0; j < size; j++, row += channels)
            {
                *pixels++ = inside & (uint)(left + j) < (uint)width ? row : outside;
            }
        }
    }
}

public sealed unsafe partial class CpuDevice
{
    /// <summary>Transformed weights that are in use at a time: they come from the third cache.</summary>
    private const long WinogradWeightFloats = 2L << 20;

    /// <summary>Transformed inputs of a group of tiles: they stay in the second cache.</summary>
    private const int WinogradGroupFloats = 56 << 10;

    /// <summary>
    /// Whether tiles cost fewer cycles than patches, by measured costs: 32 multiplications a cycle
    /// for both, and the transforms, which weigh where there are few channels or few tiles.
    /// </summary>
    private static bool UsesWinograd(in ConvShape s)
    {
        if (!Vector512.IsHardwareAccelerated || s.Kernel != new Size2(3, 3)
            || s.Stride != new Size2(1, 1) || s.Dilation != new Size2(1, 1) || s.Groups != 1)
        {
            return false;
        }
        var map = ForwardMap(null, null, s);
        double channels = map.Lines * Lane.Count;
        double filters = (s.Filters + Lane.Count - 1) / Lane.Count * Lane.Count;
        double panels = (map.Tiles + WinogradKernel.Tiles - 1) / WinogradKernel.Tiles;
        double products = panels * WinogradKernel.Tiles * 36 / 32 * channels * filters;
        double transforms = (map.Tiles * 9.0 * (channels + filters)) + (5 * channels * filters);
        double direct = s.Patches * 9.0 / 32 * s.Channels * s.Filters;
        return 1.2 * (products + transforms) < direct;
    }

    private void WinogradForward(
        Storage x, Storage w, float* bias, Storage y, in ConvShape s)
    {
        var map = ForwardMap(Floats(x), Floats(y), s);
        map.Bias = bias;
        Winograd(map, Floats(w), false);
    }

    private static WinogradMap ForwardMap(float* x, float* y, in ConvShape s) => new()
    {
        X = x,
        Height = s.Height,
        Width = s.Width,
        Channels = s.Channels,
        Y = y,
        OutHeight = s.OutHeight,
        OutWidth = s.OutWidth,
        Filters = s.Filters,
        Top = s.Padding.Top,
        Left = s.Padding.Left,
        Batch = s.Batch,
    };

    private void WinogradInput(Storage dy, Storage w, Storage dx, in ConvShape s, float beta)
    {
        var map = new WinogradMap
        {
            X = Floats(dy),
            Height = s.OutHeight,
            Width = s.OutWidth,
            Channels = s.Filters,
            Y = Floats(dx),
            OutHeight = s.Height,
            OutWidth = s.Width,
            Filters = s.Channels,
            Top = 2 - s.Padding.Top,
            Left = 2 - s.Padding.Left,
            Batch = s.Batch,
            Beta = beta,
        };
        Winograd(map, Floats(w), true);
    }

    private void Winograd(in WinogradMap map, float* w, bool turned)
    {
        var cut = new WinogradCut(map, _pool.Threads);
        int panels = (map.Filters + WinogradKernel.Filters - 1) / WinogradKernel.Filters;
        int most = (int)Math.Clamp(WinogradWeightFloats / cut.PanelFloats, 1, panels);
        float* u = Shared(most * cut.PanelFloats);
        float* work = (float*)_packs.AtLeast(_pool.Threads * cut.WorkFloats * sizeof(float));
        for (int first = 0; first < panels; first += most)
        {
            int count = Math.Min(most, panels - first);
            _pool.Run(map.Lines, new WinogradWeightWork(map, cut, w, turned, u, first, count));
            int splits = Math.Clamp(
                ((2 * _pool.Threads) + cut.Groups - 1) / cut.Groups, 1, count);
            _pool.Run(cut.Groups * splits,
                new WinogradWork(map, cut, u, work, first, count, splits));
        }
    }

    /// <summary>How tiles fall into groups, and the memory that takes.</summary>
    private readonly struct WinogradCut
    {
        public WinogradCut(in WinogradMap map, int threads)
        {
            int panels = (map.Tiles + WinogradKernel.Tiles - 1) / WinogradKernel.Tiles;
            int panelFloats = WinogradTransform.Points * WinogradKernel.Tiles * map.Lines * 16;
            int most = Math.Clamp(WinogradGroupFloats / panelFloats, 2, 6);
            Groups = (panels + most - 1) / most;
            GroupPanels = (panels + Groups - 1) / Groups;
            Groups = (panels + GroupPanels - 1) / GroupPanels;
            // A line more than a power of two: the 36 streams must not meet in the first cache.
            StepV = ((long)GroupPanels * WinogradKernel.Tiles * map.Lines * Lane.Count)
                + Lane.Count;
            StepM = (GroupPanels * WinogradKernel.Tiles * WinogradKernel.Filters) + Lane.Count;
            StepU = ((long)map.Lines * Lane.Count * WinogradKernel.Filters) + Lane.Count;
            PanelFloats = WinogradTransform.Points * StepU;
            Zeros = map.Lines * Lane.Count;
            WorkFloats = Zeros + (WinogradTransform.Points * (StepV + StepM));
        }

        public int Groups { get; }

        public int GroupPanels { get; }

        /// <summary>Floats from one of 36 products to the next, of its sides and of c.</summary>
        public long StepU { get; }

        public long StepV { get; }

        public long StepM { get; }

        /// <summary>A panel of 32 transformed filters.</summary>
        public long PanelFloats { get; }

        /// <summary>Working memory of one thread.</summary>
        public long WorkFloats { get; }

        public int Zeros { get; }
    }

    /// <summary>Piece: 16 channels of all panels, [panel][36][channels][32].</summary>
    private readonly struct WinogradWeightWork(
        WinogradMap map, WinogradCut cut, float* w, bool turned, float* u, int first, int panels)
        : IWork
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(int line, int worker)
        {
            int channel = line * Lane.Count;
            int channels = Math.Min(Lane.Count, map.Channels - channel);
            long stepG = turned ? Lane.Count * Lane.Count : (long)map.Channels * map.Filters;
            float* square = stackalloc float[9 * Lane.Count * Lane.Count];
            for (int half = 0; half < 2 * panels; half++)
            {
                int from = (first * WinogradKernel.Filters) + (half * Lane.Count);
                int filters = Math.Clamp(map.Filters - from, 0, Lane.Count);
                float* target = u + (half / 2 * cut.PanelFloats) + (half % 2 * Lane.Count)
                    + (channel * WinogradKernel.Filters);
                if (turned && filters > 0)
                {
                    Turn(square, from, filters, channel, channels);
                }
                for (int c = 0; c < Lane.Count; c++)
                {
                    float* g = turned
                        ? square + (c * Lane.Count)
                        : w + (((long)channel + c) * map.Filters) + from;
                    WinogradTransform.Weights(g, stepG, c < channels ? filters : 0,
                        target + (c * WinogradKernel.Filters), cut.StepU);
                }
            }
        }

        /// <summary>Weights (3, 3, filters, channels) as [tap from the last][channel][filter].</summary>
        private void Turn(float* square, int filter, int filters, int channel, int channels)
        {
            float** rows = stackalloc float*[Lane.Count];
            float* padded = stackalloc float[Lane.Count * Lane.Count];
            for (int tap = 0; tap < 9; tap++)
            {
                float* from = w
                    + ((((8L - tap) * map.Filters) + filter) * map.Channels) + channel;
                for (int i = 0; i < Lane.Count; i++)
                {
                    rows[i] = padded + (i * Lane.Count);
                    if (i < filters)
                    {
                        Lane.Load(from + ((long)i * map.Channels), channels).Store(rows[i]);
                    }
                }
                Panel.Transpose(rows, Lane.Count, square + (tap * Lane.Count * Lane.Count),
                    Lane.Count);
            }
        }
    }

    /// <summary>Piece: a group of tiles by a share of the panels of filters.</summary>
    private readonly struct WinogradWork(
        WinogradMap map, WinogradCut cut, float* u, float* work, int firstPanel, int panels,
        int splits) : IWork
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(int piece, int worker)
        {
            int group = piece / splits, split = piece % splits;
            int size = cut.GroupPanels * WinogradKernel.Tiles;
            int from = group * size, to = Math.Min(map.Tiles, from + size);
            float* zeros = work + (worker * cut.WorkFloats);
            new Span<float>(zeros, cut.Zeros).Clear();
            float* v = zeros + cut.Zeros, m = v + (WinogradTransform.Points * cut.StepV);
            Transform(from, to, v, zeros);
            for (int panel = panels * split / splits; panel < panels * (split + 1) / splits;
                panel++)
            {
                int filter = (firstPanel + panel) * WinogradKernel.Filters;
                int columns = Math.Min(WinogradKernel.Filters, map.Filters - filter);
                Multiply(u + (panel * cut.PanelFloats), v, m, to - from, columns);
                Finish(m, from, to, filter, columns);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void Transform(int from, int to, float* v, float* zeros)
        {
            float** pixels = stackalloc float*[2 * WinogradTransform.Points];
            float** next = pixels + WinogradTransform.Points;
            int panelFloats = WinogradKernel.Tiles * map.Lines * Lane.Count;
            map.Inputs(from, 0, pixels, zeros);
            for (int tile = from; tile < to; tile++)
            {
                int at = tile - from;
                float* target = v + (at / WinogradKernel.Tiles * (long)panelFloats)
                    + (at % WinogradKernel.Tiles * Lane.Count);
                map.Inputs(Math.Min(tile + 1, map.Tiles - 1), 0, next, zeros);
                for (int c = 0; c < map.Channels; c += Lane.Count)
                {
                    WinogradTransform.FetchInputs(next, c);
                    WinogradTransform.Image(pixels, c, Math.Min(Lane.Count, map.Channels - c),
                        target + (c * WinogradKernel.Tiles), cut.StepV);
                }
                float** done = pixels;
                pixels = next;
                next = done;
            }
        }

        private void Multiply(float* panel, float* v, float* m, int tiles, int columns)
        {
            int lines = map.Lines;
            for (int point = 0; point < WinogradTransform.Points; point++)
            {
                float* a = v + (point * cut.StepV), c = m + (point * cut.StepM);
                for (int i = 0; i < tiles; i += WinogradKernel.Tiles)
                {
                    WinogradKernel.Multiply(a, panel, lines, c,
                        Math.Min(WinogradKernel.Tiles, tiles - i), columns);
                    a += WinogradKernel.Tiles * lines * Lane.Count;
                    c += WinogradKernel.Tiles * WinogradKernel.Filters;
                }
                panel += cut.StepU;
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void Finish(float* m, int from, int to, int filter, int columns)
        {
            const int Pixels = WinogradTransform.Out * WinogradTransform.Out;
            float** pixels = stackalloc float*[2 * Pixels];
            float** next = pixels + Pixels;
            float* memory = stackalloc float[(Pixels + 1) * Lane.Count];
            float* y = WinogradTransform.Aligned(memory);
            long stepRow = (long)map.OutWidth * map.Filters;
            for (int tile = from; tile < to; tile++, m += WinogradKernel.Filters)
            {
                bool inside = map.Outputs(tile, filter, pixels, null) && map.Beta == 0;
                map.Outputs(Math.Min(tile + 1, map.Tiles - 1), filter, next, null);
                for (int f = 0; f < columns; f += Lane.Count)
                {
                    int count = Math.Min(Lane.Count, columns - f);
                    WinogradTransform.FetchOutputs(next, f);
                    V bias = map.Bias == null
                        ? V.Zero : Lane.Load(map.Bias + filter + f, count);
                    if (inside && count == Lane.Count)
                    {
                        WinogradTransform.Outputs(
                            m + f, cut.StepM, bias, pixels[0] + f, stepRow, map.Filters);
                        continue;
                    }
                    WinogradTransform.Outputs(m + f, cut.StepM, bias, y,
                        WinogradTransform.Out * Lane.Count, Lane.Count);
                    for (int i = 0; i < Pixels; i++)
                    {
                        if (pixels[i] != null)
                        {
                            Put(pixels[i] + f, Vector512.Load(y + (i * Lane.Count)), count);
                        }
                    }
                }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private void Put(float* y, V value, int count)
        {
            if (map.Beta != 0)
            {
                value += Vector512.Create(map.Beta) * Lane.Load(y, count);
            }
            Lane.Store(y, value, count);
        }
    }
}
