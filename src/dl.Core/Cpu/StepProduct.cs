// The product that every step of a recurrence repeats: a few rows that change times weights that do
// not. The weights are packed once, in blocks of k and panels of 32 columns. The rows are copied
// side by side: where they come from they are a multiple of a page apart, and would push each other
// out of the first cache.
using System.Runtime.CompilerServices;

namespace Dl.Cpu;

/// <summary>z (rows x Padded) = a (rows x depth) b, b packed.</summary>
/// <param name="packed">Memory of <see cref="Floats"/> elements for b.</param>
[SkipLocalsInit]
internal readonly unsafe struct StepProduct(float* packed, int depth, int columns)
{
    /// <summary>Columns of z: whole panels.</summary>
    public int Padded => Pad(columns, MicroKernel.Columns);

    /// <summary>Equal blocks of k; a panel of b and the rows share the first cache.</summary>
    private int Block
    {
        get
        {
            int blocks = Math.Max(1, (depth + CpuDevice.BlockDepth - 1) / CpuDevice.BlockDepth);
            return Pad((depth + blocks - 1) / blocks, 4);
        }
    }

    public static long Floats(int depth, int columns) =>
        (long)depth * Pad(columns, MicroKernel.Columns);

    /// <summary>Memory for the copies of that many rows.</summary>
    public static long RowFloats(int rows, int depth) => (long)rows * depth;

    /// <summary>Memory for z.</summary>
    public static long ResultFloats(int rows, int columns) =>
        (long)rows * Pad(columns, MicroKernel.Columns);

    public void Pack(RightMatrix b)
    {
        for (int at = 0; at < depth; at += Block)
        {
            b.Pack(packed + ((long)at * Padded), 0, at, Math.Min(Block, depth - at), 0, columns);
        }
    }

    /// <param name="rows">Where each row of a starts; <paramref name="count"/> of them.</param>
    /// <param name="copies">Memory of <see cref="RowFloats"/> elements.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Multiply(float** rows, int count, float* copies, float* z)
    {
        int padded = Padded, block = Block;
        for (int r = 0; r < count; r++)
        {
            new ReadOnlySpan<float>(rows[r], depth)
                .CopyTo(new Span<float>(copies + ((long)r * depth), depth));
        }
        for (int at = 0; at < depth; at += block)
        {
            int deep = Math.Min(block, depth - at);
            float* b = packed + ((long)at * padded);
            for (int j = 0; j < columns; j += MicroKernel.Columns, b += deep * MicroKernel.Columns)
            {
                RowProduct.Run(new LeftRows(copies + at, depth, 1), b, MicroKernel.Columns, z + j,
                    padded, count, Math.Min(MicroKernel.Columns, padded - j), deep, at > 0);
            }
        }
    }

    private static int Pad(int value, int multiple) => (value + multiple - 1) / multiple * multiple;
}
