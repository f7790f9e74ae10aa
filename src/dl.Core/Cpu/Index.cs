// Rows by number. Each thread of a scatter-add owns a range of the table's rows and goes through
// all ids in order, so the additions to a row have one order.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Dl.Tensors;

namespace Dl.Cpu;

public sealed unsafe partial class CpuDevice
{
    public override void ToIndices(Storage x, Storage y, int n, int bound, int padding) =>
        Split(n, Grain, new ToIndicesRange(Floats(x), Ints(y), bound, padding));

    public override void Gather(Storage table, Storage ids, Storage y, int rows, int width) =>
        SplitRows(rows, width, new GatherRange(
            Floats(table), Ints(ids), Floats(y), width, table.Length / Math.Max(1, width)));

    public override void ScatterAdd(
        Storage dy, Storage ids, Storage dtable, int rows, int width, int tableRows, float beta)
    {
        var range = new ScatterRange(
            Floats(dy), Ints(ids), Floats(dtable), rows, width, tableRows, beta);
        // Every run reads all ids, so there are only as many as threads.
        long work = ((long)rows + tableRows) * width;
        int runs = work < Grain ? 1 : _pool.Threads;
        Split(tableRows, Math.Max(1, (tableRows + runs - 1) / runs), range);
    }

    public override void ArgMax(Storage x, Storage y, int rows, int columns) =>
        SplitRows(rows, columns, new ArgMaxRange(Floats(x), Ints(y), columns));

    private readonly struct ToIndicesRange(float* x, int* y, int bound, int padding) : IRange
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(int from, int to)
        {
            for (int i = from; i < to; i++)
            {
                // Halves round up; comparisons with NaN are false.
                float whole = MathF.Floor(x[i] + 0.5f);
                int id = whole >= 0 && whole < bound ? (int)whole : -1;
                y[i] = id == padding ? -1 : id;
            }
        }
    }

    private readonly struct GatherRange(float* table, int* ids, float* y, int width, long tableRows)
        : IRange
    {
        public void Run(int from, int to)
        {
            for (int i = from; i < to; i++)
            {
                if (ids[i] == -1)
                {
                    new Span<float>(y + ((long)i * width), width).Clear();
                    continue;
                }
                if ((uint)ids[i] >= (ulong)tableRows)
                {
                    throw new DataException(
                        $"gather: id {ids[i]} at {i}, expected 0 to {tableRows - 1}");
                }
                new ReadOnlySpan<float>(table + ((long)ids[i] * width), width)
                    .CopyTo(new Span<float>(y + ((long)i * width), width));
            }
        }
    }

    private readonly struct ScatterRange(
        float* dy, int* ids, float* dtable, int rows, int width, int tableRows, float beta) : IRange
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(int from, int to)
        {
            if (beta == 0)
            {
                for (int row = from; row < to; row++)
                {
                    new Span<float>(dtable + ((long)row * width), width).Clear();
                }
            }
            for (int i = 0; i < rows; i++)
            {
                int id = ids[i];
                if (id >= from && id < to)
                {
                    Add(dy + ((long)i * width), dtable + ((long)id * width));
                }
                else if ((uint)id >= (uint)tableRows && id != -1)
                {
                    throw new DataException(
                        $"scatter-add: id {id} at {i}, expected 0 to {tableRows - 1}");
                }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private void Add(float* from, float* to)
        {
            int c = 0;
            for (; c <= width - Lane.Count; c += Lane.Count)
            {
                (Vector512.Load(to + c) + Vector512.Load(from + c)).Store(to + c);
            }
            int rest = width - c;
            if (rest > 0)
            {
                Lane.Store(to + c, Lane.Load(to + c, rest) + Lane.Load(from + c, rest), rest);
            }
        }
    }

    private readonly struct ArgMaxRange(float* x, int* y, int columns) : IRange
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(int from, int to)
        {
            for (int row = from; row < to; row++)
            {
                float* p = x + ((long)row * columns);
                int best = 0;
                for (int c = 1; c < columns; c++)
                {
                    best = p[c] > p[best] ? c : best;
                }
                y[row] = best;
            }
        }
    }
}
