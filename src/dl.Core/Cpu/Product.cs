// The blocked matrix product behind MatMul and Convolution, after Goto and van de Geijn ("Anatomy
// of high-performance matrix multiplication", 2008): a panel of b stays in the first cache, a block
// of a in the second. Threads own parts of c; where c is small and k long, they own parts of k, and
// the partial products are added in order. How k is cut depends on the sizes alone, so a result
// does not depend on the number of threads.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using V = System.Runtime.Intrinsics.Vector512<float>;

namespace Dl.Cpu;

/// <summary>c = a b + bias + beta c, for each of a batch.</summary>
internal unsafe struct Product<TLeft, TRight>
    where TLeft : struct, ILeft
    where TRight : struct, IRight
{
    public TLeft A;
    public TRight B;
    public float* C;
    public float* Bias;
    public int Batch;
    public int M;
    public int N;
    public int K;
    public int Ldc;

    /// <summary>Elements from one of the batch to the next, of c and of the bias.</summary>
    public long StepC;
    public int StepBias;
    public float Beta;

    /// <summary>Where rows of c lie if not Ldc apart; then c is not cut along k.</summary>
    public RowPlaces Places;
}

/// <summary>Rows that are every so many pixels of images: (batch, Down, Across).</summary>
internal struct RowPlaces
{
    public int Down;
    public int Across;

    /// <summary>Floats from one image, row and pixel to the next.</summary>
    public long StepImage;
    public long StepDown;
    public int StepAcross;

    public readonly bool IsUsed => Across > 0;

    /// <summary>Pointers to so many rows from a row on.</summary>
    public readonly unsafe void Fill(float* c, int row, int rows, float** places)
    {
        int line = row / Across, x = row - (line * Across);
        int b = line / Down, y = line - (b * Down);
        for (int i = 0; i < rows; i++)
        {
            places[i] = c + (b * StepImage) + (y * StepDown) + ((long)x * StepAcross);
            if (++x == Across)
            {
                x = 0;
                if (++y == Down)
                {
                    (y, b) = (0, b + 1);
                }
            }
        }
    }
}

public sealed unsafe partial class CpuDevice
{
    /// <summary>Depth of a block: 32 columns of it are about the first cache.</summary>
    internal const int BlockDepth = 320;

    internal const int BlockRows = 20 * MicroKernel.Rows;

    internal const int BlockColumns = 16 * MicroKernel.Columns;

    /// <summary>Packing memory that one thread needs.</summary>
    private const int PackFloats = ((BlockRows + BlockColumns) * BlockDepth) + (4 * Panel.Slack);

    /// <summary>Where k is cut, each part is at least this long.</summary>
    private const int LeastDepth = 1024;

    /// <summary>Multiplications below which one thread is faster than two.</summary>
    private const long ParallelProduct = 1 << 17;

    private void Multiply<TLeft, TRight>(Product<TLeft, TRight> product)
        where TLeft : struct, ILeft
        where TRight : struct, IRight
    {
        long size = (long)product.Batch * product.M * product.N;
        if (size == 0)
        {
            return;
        }
        int parts = Parts(size, product.K);
        if (parts == 1 || product.Places.IsUsed)
        {
            MultiplyWhole(product);
            return;
        }
        var (m, n) = (product.M, product.N);
        float* sums = MultiplyParts(product, parts);
        SplitRows(product.Batch * m, n, new JoinRange(
            sums, m, n, product.C, product.StepC, product.Ldc, product.Bias, product.StepBias,
            product.Beta));
    }

    private void MultiplyWhole<TLeft, TRight>(in Product<TLeft, TRight> product)
        where TLeft : struct, ILeft
        where TRight : struct, IRight
    {
        var cut = Cut.Choose(
            _pool.Threads, product.Batch, product.M, product.N, product.K);
        _pool.Run(cut.Count, new ProductWork<TLeft, TRight>(product, cut, Packs()));
    }

    /// <summary>The product without bias and beta, batch x m x n in working memory.</summary>
    private float* MultiplyParts<TLeft, TRight>(Product<TLeft, TRight> product, int parts)
        where TLeft : struct, ILeft
        where TRight : struct, IRight
    {
        long size = (long)product.Batch * product.M * product.N;
        product.C = Shared(size * parts);
        product.Bias = null;
        product.Beta = 0;
        product.Ldc = product.N;
        product.StepC = (long)product.M * product.N;
        if (parts == 1)
        {
            MultiplyWhole(product);
            return product.C;
        }
        _pool.Run(parts * product.Batch, new PartWork<TLeft, TRight>(product, parts, Packs()));
        Split((int)size, Math.Max(1, Grain / parts), new AddPartsRange(product.C, size, parts));
        return product.C;
    }

    private float* Packs() =>
        (float*)_packs.AtLeast((long)_pool.Threads * PackFloats * sizeof(float));

    /// <summary>Parts of k, from the sizes alone: c has few elements, each many terms.</summary>
    private static int Parts(long elements, int k) =>
        elements >= 1 << 16 || k < 2 * LeastDepth
            ? 1
            : (int)Math.Clamp((1L << 20) / elements, 1, Math.Min(16, k / LeastDepth));

    /// <summary>How c is cut into pieces of rows x columns.</summary>
    private readonly record struct Cut(int Rows, int Columns, int Down, int Across, int Batch)
    {
        public int Count => Down * Across * Batch;

        public static Cut Choose(int threads, int batch, int m, int n, int k)
        {
            int tilesDown = (m + MicroKernel.Rows - 1) / MicroKernel.Rows;
            int tilesAcross = (n + MicroKernel.Columns - 1) / MicroKernel.Columns;
            long work = (long)batch * m * n * Math.Max(1, k);
            int wanted = 1;
            if (threads > 1 && work >= ParallelProduct)
            {
                // Big products get more pieces, so that a thread that loses its core for a while
                // does not hold up the rest.
                wanted = threads * (int)Math.Clamp(work / threads >> 23, 1, 4);
            }
            wanted = (wanted + batch - 1) / batch;
            double best = double.MaxValue;
            var (rows, columns) = (tilesDown, tilesAcross);
            for (int down = 1; down <= Math.Min(wanted, tilesDown); down++)
            {
                int across = Math.Min((wanted + down - 1) / down, tilesAcross);
                int high = (tilesDown + down - 1) / down;
                int wide = (tilesAcross + across - 1) / across;
                int pieces = down * across * batch;
                int rounds = (pieces + threads - 1) / threads;
                // Cycles for each k: packing both sides of a piece, and its tiles.
                double packing = 0.3 * ((high * 12.0) + (wide * 32.0));
                double cost = rounds * (packing + (high * wide * 12.0));
                if (cost < best)
                {
                    (best, rows, columns) = (cost, high, wide);
                }
            }
            return new Cut(rows * MicroKernel.Rows, columns * MicroKernel.Columns,
                (tilesDown + rows - 1) / rows, (tilesAcross + columns - 1) / columns, batch);
        }
    }

    private readonly struct ProductWork<TLeft, TRight>(
        Product<TLeft, TRight> product, Cut cut, float* packs) : IWork
        where TLeft : struct, ILeft
        where TRight : struct, IRight
    {
        public void Run(int piece, int worker)
        {
            int batch = piece / (cut.Down * cut.Across);
            int row = piece / cut.Across % cut.Down * cut.Rows;
            int column = piece % cut.Across * cut.Columns;
            var region = new Region(batch, row, Math.Min(product.M, row + cut.Rows),
                column, Math.Min(product.N, column + cut.Columns), 0, product.K);
            float* c = product.C + (batch * product.StepC);
            Blocks<TLeft, TRight>.Run(product, region, c, packs + ((long)worker * PackFloats));
        }
    }

    /// <summary>Piece: one part of k, of one of the batch. Parts lie one after the other.</summary>
    private readonly struct PartWork<TLeft, TRight>(
        Product<TLeft, TRight> product, int parts, float* packs) : IWork
        where TLeft : struct, ILeft
        where TRight : struct, IRight
    {
        public void Run(int piece, int worker)
        {
            int batch = piece / parts, part = piece % parts;
            int from = (int)((long)product.K * part / parts);
            int to = (int)((long)product.K * (part + 1) / parts);
            var region = new Region(batch, 0, product.M, 0, product.N, from, to);
            float* c = product.C + (((part * (long)product.Batch) + batch) * product.StepC);
            Blocks<TLeft, TRight>.Run(product, region, c, packs + ((long)worker * PackFloats));
        }
    }

    /// <summary>sums[0][i] = sum over parts of sums[part][i], in order.</summary>
    private readonly struct AddPartsRange(float* sums, long size, int parts) : IRange
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(int from, int to)
        {
            for (int i = from; i < to; i += Lane.Count)
            {
                int count = Math.Min(Lane.Count, to - i);
                V sum = Lane.Load(sums + i, count);
                for (int part = 1; part < parts; part++)
                {
                    sum += Lane.Load(sums + (part * size) + i, count);
                }
                Lane.Store(sums + i, sum, count);
            }
        }
    }

    /// <summary>Rows of the finished sums into c, with bias and beta.</summary>
    private readonly struct JoinRange(
        float* sums, int m, int n, float* c, long stepC, int ldc, float* bias, int stepBias,
        float beta) : IRange
    {
        public void Run(int from, int to)
        {
            for (int row = from; row < to; row++)
            {
                float* source = sums + ((long)row * n);
                float* target = c + (row / m * stepC) + ((long)(row % m) * ldc);
                float* add = bias == null ? null : bias + (row / m * stepBias);
                for (int j = 0; j < n; j++)
                {
                    float v = source[j] + (add == null ? 0 : add[j]);
                    target[j] = beta == 0 ? v : v + (beta * target[j]);
                }
            }
        }
    }
}

/// <summary>Rows and columns of c, and the terms that are added up.</summary>
internal readonly record struct Region(
    int Batch, int RowFrom, int RowTo, int ColumnFrom, int ColumnTo, int DepthFrom, int DepthTo);
