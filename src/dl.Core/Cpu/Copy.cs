// Fill and the strided copy. Neighbouring dimensions that lie one after the other on both sides are
// joined first, so most copies become runs of consecutive elements; a transpose goes by small
// blocks so that both sides stay in the cache.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Dl.Ops;
using Dl.Tensors;
using V = System.Runtime.Intrinsics.Vector512<float>;

namespace Dl.Cpu;

public sealed unsafe partial class CpuDevice
{
    public override void Fill(Storage y, int n, float value) =>
        Split(n, Grain, new FillRange(Floats(y), value));

    public override void StridedCopy(Storage x, Storage y, in CopyPlan plan, float beta)
    {
        var joined = Join(plan);
        if (joined.Count == 0)
        {
            return;
        }
        int columns = joined.Extents[5], rows = joined.Extents[4];
        int planes = joined.Count / (columns * rows);
        // One big plane is cut in its rows: a dimension of blocks of rows takes their place.
        var range = new CopyRange(Floats(x), Floats(y), joined, beta);
        if (planes >= _pool.Threads)
        {
            SplitRows(planes, (long)rows * columns, range);
            return;
        }
        for (int plane = 0; plane < planes; plane++)
        {
            SplitRows((rows + CopyRange.Tile - 1) / CopyRange.Tile,
                (long)columns * CopyRange.Tile, new CopyRowsRange(range, plane));
        }
    }

    private static CopyPlan Join(in CopyPlan plan)
    {
        Span<int> extents = stackalloc int[Shape.MaxRank];
        Span<int> xs = stackalloc int[Shape.MaxRank];
        Span<int> ys = stackalloc int[Shape.MaxRank];
        int rank = 0;
        for (int i = 0; i < Shape.MaxRank; i++)
        {
            int extent = plan.Extents[i], x = plan.XStrides[i], y = plan.YStrides[i];
            if (extent == 1)
            {
                continue;
            }
            if (rank > 0 && xs[rank - 1] == (long)x * extent && ys[rank - 1] == (long)y * extent)
            {
                extents[rank - 1] *= extent;
                (xs[rank - 1], ys[rank - 1]) = (x, y);
                continue;
            }
            (extents[rank], xs[rank], ys[rank]) = (extent, x, y);
            rank++;
        }
        return CopyPlan.Create(
            extents[..rank], xs[..rank], ys[..rank], plan.XOffset, plan.YOffset);
    }

    private readonly struct FillRange(float* y, float value) : IRange
    {
        public void Run(int from, int to) => new Span<float>(y + from, to - from).Fill(value);
    }

    /// <summary>Rows [from, to) in units of tiles, of one plane.</summary>
    private readonly struct CopyRowsRange(CopyRange copy, int plane) : IRange
    {
        public void Run(int from, int to) =>
            copy.Plane(plane, from * CopyRange.Tile, to * CopyRange.Tile);
    }

    /// <summary>Planes [from, to): the last two dimensions, numbered over the other four.</summary>
    private readonly struct CopyRange(float* x, float* y, CopyPlan plan, float beta) : IRange
    {
        public const int Tile = 32;

        /// <summary>Elements of a run up to which runs are copied together.</summary>
        private const int ShortRun = 256;

        /// <summary>Runs from the one being copied to the one that is asked for.</summary>
        private const int Ahead = 16;

        public void Run(int from, int to)
        {
            for (int i = from; i < to; i++)
            {
                Plane(i, 0, int.MaxValue);
            }
        }

        public void Plane(int number, int fromRow, int toRow)
        {
            long px = plan.XOffset, py = plan.YOffset;
            for (int i = 3; i >= 0; i--)
            {
                int at = number % plan.Extents[i];
                number /= plan.Extents[i];
                px += (long)at * plan.XStrides[i];
                py += (long)at * plan.YStrides[i];
            }
            toRow = Math.Min(toRow, plan.Extents[4]);
            if (plan.XStrides[5] == 1 && plan.YStrides[5] == 1 && plan.Extents[5] <= ShortRun)
            {
                ShortRuns(x + px, y + py, fromRow, toRow);
                return;
            }
            if (plan.XStrides[5] == 1 && plan.YStrides[5] == 1)
            {
                for (int row = fromRow; row < toRow; row++)
                {
                    Run(x + px + ((long)row * plan.XStrides[4]),
                        y + py + ((long)row * plan.YStrides[4]));
                }
                return;
            }
            for (int column = 0; column < plan.Extents[5]; column += Tile)
            {
                int end = Math.Min(column + Tile, plan.Extents[5]);
                for (int row = fromRow; row < toRow; row += Tile)
                {
                    Block(x + px, y + py, row, Math.Min(row + Tile, toRow), column, end);
                }
            }
        }

        /// <summary>Runs too short for the hardware to guess where the next one lies.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void ShortRuns(float* from, float* to, int row, int end)
        {
            long xStep = plan.XStrides[4], yStep = plan.YStrides[4];
            int n = plan.Extents[5];
            from += row * xStep;
            to += row * yStep;
            long xAhead = Ahead * xStep, yAhead = Ahead * yStep;
            for (; row < end; row++, from += xStep, to += yStep)
            {
                for (int i = 0; i < n; i += Lane.Count)
                {
                    Prefetch(from + i + xAhead);
                    Prefetch(to + i + yAhead);
                    // Only a sum looks at the values: a copy moves any bits.
                    V v = Fetch(from + i, n - i);
                    Put(to + i, beta == 0 ? v : v + Fetch(to + i, n - i), n - i);
                }
            }
        }

        /// <summary>Consecutive elements on both sides.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void Run(float* from, float* to)
        {
            int n = plan.Extents[5];
            if (beta == 0)
            {
                new ReadOnlySpan<float>(from, n).CopyTo(new Span<float>(to, n));
                return;
            }
            int i = 0;
            for (; i <= n - Lane.Count; i += Lane.Count)
            {
                (Vector512.Load(to + i) + Vector512.Load(from + i)).Store(to + i);
            }
            for (; i < n; i++)
            {
                to[i] += from[i];
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void Block(float* px, float* py, int row, int rowEnd, int column, int columnEnd)
        {
            long xStep = plan.XStrides[5], yStep = plan.YStrides[5];
            for (; row < rowEnd; row++)
            {
                // Bits are moved as integers: a signalling NaN or an index stays what it is.
                int* from = (int*)(px + ((long)row * plan.XStrides[4]) + (column * xStep));
                int* to = (int*)(py + ((long)row * plan.YStrides[4]) + (column * yStep));
                if (beta == 0)
                {
                    for (int i = column; i < columnEnd; i++, from += xStep, to += yStep)
                    {
                        *to = *from;
                    }
                    continue;
                }
                for (int i = column; i < columnEnd; i++, from += xStep, to += yStep)
                {
                    *(float*)to += *(float*)from;
                }
            }
        }
    }
}
