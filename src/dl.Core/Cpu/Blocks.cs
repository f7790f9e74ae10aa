// One thread's share of a product: blocks of both operands are packed, then tiles of c computed.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using V = System.Runtime.Intrinsics.Vector512<float>;

namespace Dl.Cpu;

[SkipLocalsInit]
internal static unsafe class Blocks<TLeft, TRight>
    where TLeft : struct, ILeft
    where TRight : struct, IRight
{
    /// <param name="c">c of this one of the batch.</param>
    /// <param name="pack">Memory for packed blocks.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(in Product<TLeft, TRight> p, in Region region, float* c, float* pack)
    {
        int depth = region.DepthTo - region.DepthFrom;
        int blocks = Math.Max(1, (depth + CpuDevice.BlockDepth - 1) / CpuDevice.BlockDepth);
        // Equal blocks, cut where the transposing of four at a time comes out even.
        int block = ((depth + blocks - 1) / blocks + 3) & ~3;
        float* left = pack;
        float* right = pack + (CpuDevice.BlockRows * CpuDevice.BlockDepth) + Panel.Slack;
        for (int column = region.ColumnFrom; column < region.ColumnTo;
            column += CpuDevice.BlockColumns)
        {
            int columns = Math.Min(CpuDevice.BlockColumns, region.ColumnTo - column);
            int padded = (columns + MicroKernel.Columns - 1) & ~(MicroKernel.Columns - 1);
            // All of a small right operand stays packed, and c is visited once.
            bool whole = (long)padded * depth <= CpuDevice.BlockColumns * CpuDevice.BlockDepth;
            if (whole)
            {
                PackAll(p.B, right, region, block, column, columns, padded);
                for (int row = region.RowFrom; row < region.RowTo; row += CpuDevice.BlockRows)
                {
                    int rows = Math.Min(CpuDevice.BlockRows, region.RowTo - row), at = 0;
                    do
                    {
                        int count = Math.Min(block, depth - at);
                        p.A.Pack(left, region.Batch, row, rows, region.DepthFrom + at, count);
                        Tiles(p, region.Batch, left, right + ((long)at * padded), count, c,
                            row, rows, column, columns, at == 0);
                        at += block;
                    }
                    while (at < depth);
                }
                continue;
            }
            for (int at = 0; at < depth; at += block)
            {
                int count = Math.Min(block, depth - at);
                p.B.Pack(right, region.Batch, region.DepthFrom + at, count, column, columns);
                for (int row = region.RowFrom; row < region.RowTo; row += CpuDevice.BlockRows)
                {
                    int rows = Math.Min(CpuDevice.BlockRows, region.RowTo - row);
                    p.A.Pack(left, region.Batch, row, rows, region.DepthFrom + at, count);
                    Tiles(p, region.Batch, left, right, count, c, row, rows, column, columns,
                        at == 0);
                }
            }
        }
    }

    private static void PackAll(
        in TRight b, float* right, in Region region, int block, int column, int columns, int padded)
    {
        int depth = region.DepthTo - region.DepthFrom;
        for (int at = 0; at < depth; at += block)
        {
            b.Pack(right + ((long)at * padded), region.Batch, region.DepthFrom + at,
                Math.Min(block, depth - at), column, columns);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tiles(
        in Product<TLeft, TRight> p, int batch, float* left, float* right, int count, float* c,
        int row, int rows, int column, int columns, bool first)
    {
        float* tile = stackalloc float[(MicroKernel.Rows + 1) * MicroKernel.Columns];
        float* paddedBias = tile + (MicroKernel.Rows * MicroKernel.Columns);
        bool add = !first || p.Beta != 0;
        // A beta that is neither 0 nor 1 goes the way of unfinished tiles.
        bool direct = (!first || p.Beta == 0 || p.Beta == 1) && !p.Places.IsUsed;
        float** places = stackalloc float*[MicroKernel.Rows];
        for (int j = 0; j < columns; j += MicroKernel.Columns)
        {
            int width = Math.Min(MicroKernel.Columns, columns - j);
            float* b = right + ((long)j * count);
            float* bias = null;
            if (first && p.Bias != null)
            {
                bias = p.Bias + (batch * p.StepBias) + column + j;
                if (width < MicroKernel.Columns)
                {
                    new Span<float>(paddedBias, MicroKernel.Columns).Clear();
                    new ReadOnlySpan<float>(bias, width).CopyTo(new Span<float>(paddedBias, width));
                    bias = paddedBias;
                }
            }
            bool fits = direct && (width == MicroKernel.Columns || width == Lane.Count);
            for (int i = 0; i < rows; i += MicroKernel.Rows)
            {
                int height = Math.Min(MicroKernel.Rows, rows - i);
                float* a = left + ((long)i * count);
                if (fits && height == MicroKernel.Rows)
                {
                    float* target = c + ((long)(row + i) * p.Ldc) + column + j;
                    MicroKernel.Tile(a, b, count, bias, target, p.Ldc, add, height, width);
                    continue;
                }
                MicroKernel.Tile(
                    a, b, count, bias, tile, MicroKernel.Columns, false, height, width);
                Places(p, c, row + i, height, places);
                Finish(tile, places, column + j, height, width, first ? p.Beta : 1);
            }
        }
    }

    private static void Places(
        in Product<TLeft, TRight> p, float* c, int row, int rows, float** places)
    {
        if (p.Places.IsUsed)
        {
            p.Places.Fill(c, row, rows, places);
            return;
        }
        for (int i = 0; i < rows; i++)
        {
            places[i] = c + ((long)(row + i) * p.Ldc);
        }
    }

    /// <summary>c = tile + beta c for the part of a tile that is inside c.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Finish(
        float* tile, float** places, int column, int rows, int columns, float beta)
    {
        V scale = Vector512.Create(beta);
        for (int i = 0; i < rows; i++, tile += MicroKernel.Columns)
        {
            float* c = places[i] + column;
            for (int j = 0; j < columns; j += Lane.Count)
            {
                int count = Math.Min(Lane.Count, columns - j);
                V v = Vector512.Load(tile + j);
                v = beta == 0 ? v : v + (scale * Lane.Load(c + j, count));
                Lane.Store(c + j, v, count);
            }
        }
    }
}
