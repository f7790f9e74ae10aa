// The gradient of the weights of a 3x3 convolution by Winograd's transforms: for each of 36 points
// the transformed inputs, turned, times the transformed gradients of the outputs, summed over all
// tiles and only then transformed back. A piece of work owns 64 channels by 64 filters, whose sums
// stay in the second cache. Long sums over tiles are cut into parts by the sizes alone.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Dl.Ops;
using Dl.Tensors;
using V = System.Runtime.Intrinsics.Vector512<float>;

namespace Dl.Cpu;

public sealed unsafe partial class CpuDevice
{
    private void WinogradWeights(Storage x, Storage dy, Storage dw, in ConvShape s, float beta)
    {
        var map = ForwardMap(Floats(x), Floats(dy), s);
        var cut = new GradientCut(map);
        float* sums = cut.Parts == 1
            ? null : Shared(9L * map.Channels * map.Filters * cut.Parts);
        float* work = Work(cut.WorkFloats);
        _pool.Run(cut.Parts * cut.Blocks,
            new WinogradGradientWork(map, cut, work, sums, Floats(dw), beta));
        if (cut.Parts > 1)
        {
            long size = 9L * map.Channels * map.Filters;
            Split((int)size, Math.Max(1, Grain / cut.Parts),
                new AddPartsRange(sums, size, cut.Parts));
            SplitRows(9 * map.Channels, map.Filters, new JoinRange(
                sums, 9 * map.Channels, map.Filters, Floats(dw), 0, map.Filters, null, 0, beta));
        }
    }

    /// <summary>Blocks of channels by filters, parts of the tiles, memory.</summary>
    private readonly struct GradientCut
    {
        /// <summary>Tiles that are transformed at a time.</summary>
        public const int Group = 24;

        /// <summary>Channels or filters of a block.</summary>
        public const int Most = 64;

        /// <summary>Pieces that keep the processors of a large machine busy.</summary>
        private const int Enough = 16;

        public GradientCut(in WinogradMap map)
        {
            Down = (map.Channels + Most - 1) / Most;
            Across = (map.Filters + Most - 1) / Most;
            Channels = Padded(map.Channels);
            Filters = Padded(map.Filters);
            Parts = Math.Clamp(Enough / Blocks, 1, Math.Max(1, map.Tiles / (3 * Group)));
            StepV = (Group * Channels) + Lane.Count;
            StepW = (Group * Filters) + Lane.Count;
            StepP = (Channels * Filters) + Lane.Count;
            WorkFloats = Most + (WinogradTransform.Points * ((long)StepV + StepW + StepP));
        }

        public int Down { get; }

        public int Across { get; }

        public int Blocks => Down * Across;

        public int Parts { get; }

        public int Channels { get; }

        public int Filters { get; }

        public int StepV { get; }

        public int StepW { get; }

        public int StepP { get; }

        public long WorkFloats { get; }

        public static int First(int block) => block * Most;

        private static int Padded(int count) =>
            Math.Min(Most, (count + Lane.Count - 1) & ~(Lane.Count - 1));
    }

    /// <summary>Piece: a part of the tiles for a block of channels by filters.</summary>
    private readonly struct WinogradGradientWork(
        WinogradMap map, GradientCut cut, float* work, float* sums, float* dw, float beta) : IWork
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(int piece, int worker)
        {
            int part = piece / cut.Blocks, block = piece % cut.Blocks;
            int channel = GradientCut.First(block / cut.Across);
            int filter = GradientCut.First(block % cut.Across);
            int channels = Math.Min(cut.Channels, map.Channels - channel);
            int filters = Math.Min(cut.Filters, map.Filters - filter);
            int from = (int)((long)map.Tiles * part / cut.Parts);
            int to = (int)((long)map.Tiles * (part + 1) / cut.Parts);
            float* zeros = work + (worker * cut.WorkFloats);
            new Span<float>(zeros, GradientCut.Most).Clear();
            float* v = zeros + GradientCut.Most;
            float* g = v + (WinogradTransform.Points * cut.StepV);
            float* p = g + (WinogradTransform.Points * cut.StepW);
            for (bool add = false; from < to; from += GradientCut.Group, add = true)
            {
                int tiles = Math.Min(GradientCut.Group, to - from);
                Transform(from, tiles, channel, channels, filter, filters, v, g, zeros);
                for (int point = 0; point < WinogradTransform.Points; point++)
                {
                    AddProduct(v + (point * cut.StepV), g + (point * cut.StepW), tiles,
                        p + (point * cut.StepP), channels, filters, add);
                }
            }
            Finish(p, part, channel, channels, filter, filters);
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void Transform(
            int from, int tiles, int channel, int channels, int filter, int filters, float* v,
            float* g, float* zeros)
        {
            float** pixels = stackalloc float*[2 * WinogradTransform.Points];
            float** next = pixels + WinogradTransform.Points;
            map.Inputs(from, channel, pixels, zeros);
            for (int tile = 0; tile < tiles; tile++, v += cut.Channels)
            {
                map.Inputs(Math.Min(from + tile + 1, map.Tiles - 1), channel, next, zeros);
                for (int c = 0; c < channels; c += Lane.Count)
                {
                    WinogradTransform.FetchInputs(next, c);
                    WinogradTransform.Image(
                        pixels, c, Math.Min(Lane.Count, channels - c), v + c, cut.StepV);
                }
                float** done = pixels;
                pixels = next;
                next = done;
            }
            map.Outputs(from, filter, pixels, zeros);
            for (int tile = 0; tile < tiles; tile++, g += cut.Filters)
            {
                map.Outputs(Math.Min(from + tile + 1, map.Tiles - 1), filter, next, zeros);
                for (int f = 0; f < filters; f += Lane.Count)
                {
                    WinogradTransform.FetchOutputs(next, f);
                    WinogradTransform.Gradients(
                        pixels, f, Math.Min(Lane.Count, filters - f), g + f, cut.StepW);
                }
                float** done = pixels;
                pixels = next;
                next = done;
            }
        }

        /// <summary>p (channels, filters) = v (tiles, channels) turned, times g, + p.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void AddProduct(
            float* v, float* g, int tiles, float* p, int channels, int filters, bool add)
        {
            for (int f = 0; f < filters; f += 2 * Lane.Count)
            {
                bool wide = filters - f > Lane.Count;
                for (int c = 0; c < channels; c += LineKernel.OuterRows)
                {
                    float* target = p + (c * cut.Filters) + f;
                    if (wide)
                    {
                        LineKernel.AddOuter(
                            v + c, cut.Channels, g + f, cut.Filters, tiles, target, cut.Filters,
                            add);
                    }
                    else
                    {
                        LineKernel.AddOuterNarrow(
                            v + c, cut.Channels, g + f, cut.Filters, tiles, target, cut.Filters,
                            add);
                    }
                }
            }
        }

        /// <summary>The sums transformed back, to dw or to the part's place.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void Finish(
            float* p, int part, int channel, int channels, int filter, int filters)
        {
            float* taps = stackalloc float[9 * Lane.Count];
            long size = (long)map.Channels * map.Filters;
            bool whole = cut.Parts == 1;
            V scale = Vector512.Create(beta);
            for (int c = 0; c < channels; c++)
            {
                float* target = (whole ? dw : sums + (part * 9 * size))
                    + ((long)(channel + c) * map.Filters) + filter;
                for (int f = 0; f < filters; f += Lane.Count)
                {
                    int count = Math.Min(Lane.Count, filters - f);
                    WinogradTransform.WeightGradients(
                        p + (c * cut.Filters) + f, cut.StepP, taps);
                    for (int tap = 0; tap < 9; tap++)
                    {
                        float* to = target + (tap * size) + f;
                        // The next channel's: rows are too far apart to be foreseen.
                        WinogradTransform.Fetch(to + map.Filters);
                        V value = Vector512.Load(taps + (tap * Lane.Count));
                        value = whole && beta != 0
                            ? value + (scale * Lane.Load(to, count)) : value;
                        Lane.Store(to, value, count);
                    }
                }
            }
        }
    }
}
