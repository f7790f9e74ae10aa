// The product that every step of a recurrence repeats: a few rows that change times weights that do
// not. The weights are packed once, in blocks of k and panels of 32 columns; the rows are turned
// into panels of 12 each time, which is little beside the product.
using System.Runtime.CompilerServices;

namespace Dl.Cpu;

/// <summary>z (rows x Padded) = a (rows x depth) b, b packed.</summary>
/// <param name="packed">Memory of <see cref="Floats"/> elements for b.</param>
[SkipLocalsInit]
internal readonly unsafe struct StepProduct(float* packed, int depth, int columns)
{
    /// <summary>Columns of z: whole panels.</summary>
    public int Padded => Pad(columns, MicroKernel.Columns);

    /// <summary>Equal blocks of k; a panel of b and one of a share the first cache.</summary>
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

    /// <summary>Memory for the panels of that many rows.</summary>
    public static long PanelFloats(int rows, int depth) =>
        ((long)Pad(rows, MicroKernel.Rows) * depth) + Panel.Slack;

    /// <summary>Memory for z: whole tiles.</summary>
    public static long ResultFloats(int rows, int columns) =>
        (long)Pad(rows, MicroKernel.Rows) * Pad(columns, MicroKernel.Columns);

    public void Pack(RightMatrix b)
    {
        for (int at = 0; at < depth; at += Block)
        {
            b.Pack(packed + ((long)at * Padded), 0, at, Math.Min(Block, depth - at), 0, columns);
        }
    }

    /// <param name="rows">Where each row of a starts; <paramref name="count"/> of them.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Multiply(float** rows, int count, float* panels, float* z)
    {
        float** from = stackalloc float*[Lane.Count];
        int padded = Padded, block = Block, high = Pad(count, MicroKernel.Rows);
        for (int at = 0; at < depth; at += block)
        {
            int deep = Math.Min(block, depth - at);
            for (int i = 0; i < count; i += MicroKernel.Rows)
            {
                for (int r = 0; r < Lane.Count; r++)
                {
                    // Beyond the last row any will do: nobody reads what becomes of it.
                    from[r] = rows[Math.Min(i + r, count - 1)] + at;
                }
                Panel.Transpose(from, deep, panels + ((long)i * deep), MicroKernel.Rows);
            }
            float* b = packed + ((long)at * padded);
            for (int j = 0; j < columns; j += MicroKernel.Columns, b += deep * MicroKernel.Columns)
            {
                for (int i = 0; i < high; i += MicroKernel.Rows)
                {
                    MicroKernel.Tile(
                        panels + ((long)i * deep), b, deep, null, z + ((long)i * padded) + j,
                        padded, at > 0, Math.Min(MicroKernel.Rows, count - i),
                        Math.Min(MicroKernel.Columns, columns - j));
                }
            }
        }
    }

    private static int Pad(int value, int multiple) => (value + multiple - 1) / multiple * multiple;
}
