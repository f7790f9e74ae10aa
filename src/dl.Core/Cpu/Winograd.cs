// Convolution 3x3 with stride 1 by Winograd's F(4x4, 3x3): a quarter of the multiplications. The
// image is cut into tiles of 4x4 outputs, which see 6x6 inputs; transformed, a tile's convolution
// is 36 products over the channels, so all tiles make 36 matrix products with the transformed
// weights. The gradient of the input is the same with the weights turned round. There are two
// forms. With many tiles, weights are transformed once, and a piece of work takes some tiles
// through all steps within the second cache. With more weights than tiles (the deep layers of a
// network), images are transformed once, and a piece takes 32 filters through.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Dl.Ops;
using Dl.Tensors;

namespace Dl.Cpu;

public sealed unsafe partial class CpuDevice
{
    /// <summary>Most transformed weights or images at a time: 64 MiB.</summary>
    private const long WinogradSharedFloats = 16L << 20;

    /// <summary>Cycles of one more call of the pool.</summary>
    private const double LaunchCycles = 50_000;

    private static bool AllowsWinograd(in ConvShape s) =>
        Vector512.IsHardwareAccelerated && s.Kernel == new Size2(3, 3)
        && s.Stride == new Size2(1, 1) && s.Dilation == new Size2(1, 1) && s.Groups == 1;

    /// <summary>
    /// Whether tiles cost fewer cycles than patches, for y or dx, by measured costs: products at
    /// nearly 32 multiplications a cycle for both; transforms of tiles and of weights on the one
    /// side, gathering of patches and packing of weights on the other.
    /// </summary>
    private static bool UsesWinograd(in ConvShape s)
    {
        if (!AllowsWinograd(s))
        {
            return false;
        }
        var (tiles, channels, filters) = Padded(s);
        double rows = Math.Ceiling(tiles / LineKernel.Rows) * LineKernel.Rows;
        double weights = channels * filters;
        double winograd = (1.18 * rows * weights) + (14 * tiles * (channels + filters))
            + (45 * weights) + LaunchCycles;
        double patches = (9 * s.Patches * channels * ((1.1 / 32 * filters) + 0.4)) + (8 * weights);
        return 1.2 * winograd < patches;
    }

    /// <summary>As <see cref="UsesWinograd"/>, for dw.</summary>
    private static bool UsesWinogradWeights(in ConvShape s)
    {
        if (!AllowsWinograd(s))
        {
            return false;
        }
        var (tiles, channels, filters) = Padded(s);
        double weights = channels * filters;
        double transforms = 14 * tiles
            * ((channels * Math.Ceiling(filters / 64)) + (filters * Math.Ceiling(channels / 64)));
        double winograd = (1.3 * tiles * weights) + transforms + (25 * weights) + LaunchCycles;
        double patches = (9 * 1.1 / 32 * s.Patches * weights) + (60 * weights);
        return winograd < patches;
    }

    private static (double Tiles, double Channels, double Filters) Padded(in ConvShape s)
    {
        int filters = (s.Filters + Lane.Count - 1) / Lane.Count * Lane.Count;
        var map = ForwardMap(null, null, s);
        return (map.Tiles, map.Lines * Lane.Count, filters);
    }

    private void WinogradForward(
        Storage x, Storage w, float* bias, Storage y, in ConvShape s)
    {
        var map = ForwardMap(Floats(x), Floats(y), s);
        map.W = Floats(w);
        map.Bias = bias;
        Winograd(map);
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
            W = Floats(w),
            Turned = true,
            Beta = beta,
        };
        Winograd(map);
    }

    private void Winograd(in WinogradMap map)
    {
        if (map.Tiles > map.Filters
            && 36L * map.Lines * Lane.Count * map.Filters <= WinogradSharedFloats)
        {
            WinogradByTiles(map);
        }
        else
        {
            WinogradByFilters(map);
        }
    }

    private void WinogradByTiles(in WinogradMap map)
    {
        var cut = new TileCut(map);
        float* u = Shared(cut.Panels * cut.PanelFloats);
        float* work = Work(cut.WorkFloats);
        _pool.Run(map.Lines, new WeightWork(map, cut, u));
        _pool.Run(cut.Groups, new TileWork(map, cut, u, work));
    }

    private void WinogradByFilters(in WinogradMap map)
    {
        long most = WinogradSharedFloats / (36L * map.Lines * Lane.Count);
        int range = (int)Math.Clamp(
            most / LineKernel.Rows * LineKernel.Rows, LineKernel.Rows, map.Tiles);
        for (int first = 0; first < map.Tiles; first += range)
        {
            var cut = new FilterCut(map, first, Math.Min(map.Tiles, first + range));
            float* v = Shared(WinogradTransform.Points * cut.StepV);
            float* work = Work(cut.WorkFloats);
            _pool.Run(cut.TilePanels, new ImageWork(map, cut, v, work));
            _pool.Run(cut.Panels * cut.Groups, new FilterWork(map, cut, v, work));
        }
    }

    /// <summary>So many floats for each thread.</summary>
    private float* Work(long floats) =>
        (float*)_packs.AtLeast(_pool.Threads * floats * sizeof(float));

    /// <summary>
    /// Sizes of the form by tiles. From one of the 36 points to the next it is always a line more
    /// than a power of two, because their streams must not meet in one set of a cache.
    /// </summary>
    private readonly struct TileCut
    {
        /// <summary>Transformed inputs of a group: a quarter of the second cache.</summary>
        private const int GroupFloats = 56 << 10;

        public TileCut(in WinogradMap map)
        {
            int panels = (map.Tiles + LineKernel.Rows - 1) / LineKernel.Rows;
            int depth = map.Lines * Lane.Count;
            int panelFloats = WinogradTransform.Points * LineKernel.Rows * depth;
            int most = Math.Clamp(GroupFloats / panelFloats, 2, 6);
            Groups = (panels + most - 1) / most;
            GroupPanels = (panels + Groups - 1) / Groups;
            Groups = (panels + GroupPanels - 1) / GroupPanels;
            Panels = (map.Filters + LineKernel.Columns - 1) / LineKernel.Columns;
            StepV = ((long)GroupPanels * LineKernel.Rows * depth) + Lane.Count;
            StepM = (GroupPanels * LineKernel.Rows * LineKernel.Columns) + Lane.Count;
            StepU = ((long)depth * LineKernel.Columns) + Lane.Count;
            PanelFloats = WinogradTransform.Points * StepU;
            WorkFloats = depth + (WinogradTransform.Points * (StepV + StepM));
        }

        /// <summary>Groups of so many panels of 12 tiles.</summary>
        public int Groups { get; }

        public int GroupPanels { get; }

        /// <summary>Panels of 32 filters.</summary>
        public int Panels { get; }

        public long StepU { get; }

        public long StepV { get; }

        public long StepM { get; }

        /// <summary>A transformed panel of filters.</summary>
        public long PanelFloats { get; }

        public long WorkFloats { get; }
    }

    /// <summary>Piece: 16 channels of all weights, to [panel][36][channels][32].</summary>
    private readonly struct WeightWork(WinogradMap map, TileCut cut, float* u) : IWork
    {
        public void Run(int piece, int worker)
        {
            for (int panel = 0; panel < cut.Panels; panel++)
            {
                float* target = u + (panel * cut.PanelFloats)
                    + ((long)piece * Lane.Count * LineKernel.Columns);
                map.TransformWeights(piece, panel, target, cut.StepU);
            }
        }
    }

    /// <summary>Piece: a group of tiles, from the image to the outputs.</summary>
    private readonly struct TileWork(WinogradMap map, TileCut cut, float* u, float* work) : IWork
    {
        public void Run(int piece, int worker)
        {
            int size = cut.GroupPanels * LineKernel.Rows;
            int from = piece * size, to = Math.Min(map.Tiles, from + size);
            int depth = map.Lines * Lane.Count;
            float* zeros = work + (worker * cut.WorkFloats);
            new Span<float>(zeros, depth).Clear();
            float* v = zeros + depth, m = v + (WinogradTransform.Points * cut.StepV);
            map.TransformImages(from, to, v, cut.StepV, zeros);
            for (int panel = 0; panel < cut.Panels; panel++)
            {
                Multiply(u + (panel * cut.PanelFloats), v, m, to - from,
                    map.Filters - (panel * LineKernel.Columns));
                map.WriteOutputs(m, cut.StepM, from, to, panel);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void Multiply(float* u, float* v, float* m, int tiles, int columns)
        {
            for (int point = 0; point < WinogradTransform.Points; point++)
            {
                float* a = v + (point * cut.StepV), c = m + (point * cut.StepM);
                for (int i = 0; i < tiles; i += LineKernel.Rows)
                {
                    LineKernel.Multiply(a, LineKernel.Rows * Lane.Count, u + (point * cut.StepU),
                        map.Lines, c, LineKernel.Columns, false, tiles - i, columns);
                    a += LineKernel.Rows * map.Lines * Lane.Count;
                    c += LineKernel.Rows * LineKernel.Columns;
                }
            }
        }
    }

    /// <summary>Sizes of the form by filters.</summary>
    private readonly struct FilterCut
    {
        /// <summary>Panels of 12 tiles whose products, of 32 filters, fill half a cache.</summary>
        private const int MostPanels = 11;

        /// <summary>Lines of 16 channels whose weights, of 32 filters, fill a quarter.</summary>
        public const int BlockLines = 4;

        public FilterCut(in WinogradMap map, int first, int end)
        {
            (First, End) = (first, end);
            TilePanels = (end - first + LineKernel.Rows - 1) / LineKernel.Rows;
            Groups = (TilePanels + MostPanels - 1) / MostPanels;
            GroupPanels = (TilePanels + Groups - 1) / Groups;
            Groups = (TilePanels + GroupPanels - 1) / GroupPanels;
            Panels = (map.Filters + LineKernel.Columns - 1) / LineKernel.Columns;
            int depth = map.Lines * Lane.Count;
            StepV = ((long)TilePanels * LineKernel.Rows * depth) + Lane.Count;
            StepM = (GroupPanels * LineKernel.Rows * LineKernel.Columns) + Lane.Count;
            WorkFloats = Math.Max(depth, WinogradTransform.Points * ((long)StepU + StepM));
        }

        public static int StepU =>
            (BlockLines * Lane.Count * LineKernel.Columns) + Lane.Count;

        /// <summary>Tiles [First, End).</summary>
        public int First { get; }

        public int End { get; }

        public int TilePanels { get; }

        public int Groups { get; }

        public int GroupPanels { get; }

        public int Panels { get; }

        public long StepV { get; }

        public int StepM { get; }

        public long WorkFloats { get; }
    }

    /// <summary>Piece: the images of 12 tiles.</summary>
    private readonly struct ImageWork(WinogradMap map, FilterCut cut, float* v, float* work)
        : IWork
    {
        public void Run(int piece, int worker)
        {
            int at = piece * LineKernel.Rows, depth = map.Lines * Lane.Count;
            float* zeros = work + (worker * cut.WorkFloats);
            new Span<float>(zeros, depth).Clear();
            int from = cut.First + at, to = Math.Min(cut.End, from + LineKernel.Rows);
            map.TransformImages(from, to, v + ((long)at * depth), cut.StepV, zeros);
        }
    }

    /// <summary>Piece: a panel of filters for a group of tiles.</summary>
    private readonly struct FilterWork(WinogradMap map, FilterCut cut, float* v, float* work)
        : IWork
    {
        public void Run(int piece, int worker)
        {
            int panel = piece / cut.Groups, group = piece % cut.Groups;
            int size = cut.GroupPanels * LineKernel.Rows;
            int from = cut.First + (group * size), to = Math.Min(cut.End, from + size);
            float* u = work + (worker * cut.WorkFloats);
            float* m = u + (WinogradTransform.Points * FilterCut.StepU);
            for (int line = 0; line < map.Lines; line += FilterCut.BlockLines)
            {
                int lines = Math.Min(FilterCut.BlockLines, map.Lines - line);
                for (int i = 0; i < lines; i++)
                {
                    map.TransformWeights(line + i, panel,
                        u + (i * Lane.Count * LineKernel.Columns), FilterCut.StepU);
                }
                Multiply(u, from - cut.First, to - from, line, lines, m,
                    map.Filters - (panel * LineKernel.Columns));
            }
            map.WriteOutputs(m, cut.StepM, from, to, panel);
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void Multiply(
            float* u, int from, int tiles, int line, int lines, float* m, int columns)
        {
            for (int point = 0; point < WinogradTransform.Points; point++)
            {
                float* a = v + (point * cut.StepV) + ((long)from * map.Lines * Lane.Count)
                    + (line * Lane.Count * LineKernel.Rows);
                float* c = m + (point * cut.StepM);
                for (int i = 0; i < tiles; i += LineKernel.Rows)
                {
                    LineKernel.Multiply(a, LineKernel.Rows * Lane.Count,
                        u + (point * FilterCut.StepU), lines, c, LineKernel.Columns, line > 0,
                        tiles - i, columns);
                    a += LineKernel.Rows * map.Lines * Lane.Count;
                    c += LineKernel.Rows * LineKernel.Columns;
                }
            }
        }
    }
}
