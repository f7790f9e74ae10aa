// Rotary positions, a head of a row at a time.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Dl.Tensors;
using V = System.Runtime.Intrinsics.Vector512<float>;

namespace Dl.Cpu;

public sealed unsafe partial class CpuDevice
{
    public override void Rotate(
        Storage x, Storage table, Storage y, int rows, int time, int width, int heads, int size,
        bool inverse, float beta) =>
        SplitRows(rows, 2L * width, new RotateRange(
            Floats(x), Floats(table), Floats(y), time, width, heads, size, inverse, beta));

    private readonly struct RotateRange(
        float* x, float* table, float* y, int time, int width, int heads, int size, bool inverse,
        float beta) : IRange
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(int from, int to)
        {
            int even = size & ~1;
            for (int row = from; row < to; row++)
            {
                float* px = x + ((long)row * width), py = y + ((long)row * width);
                float* angles = table + ((long)(row % time) * even);
                for (int h = 0; h < heads; h++, px += size, py += size)
                {
                    for (int c = 0; c < even; c += Lane.Count)
                    {
                        Turn(px + c, angles + c, py + c, Math.Min(Lane.Count, even - c));
                    }
                    if (even < size)
                    {
                        Put(py + even, Lane.Load(px + even, 1), 1);
                    }
                }
                for (int c = heads * size; c < width; c += Lane.Count, px += 16, py += 16)
                {
                    int count = Math.Min(Lane.Count, width - c);
                    Put(py, Lane.Load(px, count), count);
                }
            }
        }

        /// <summary>Eight pairs: (a, b) to (a cos - b sin, b cos + a sin).</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private void Turn(float* px, float* angles, float* py, int count)
        {
            V value = Lane.Load(px, count), angle = Lane.Load(angles, count);
            var same = Vector512<int>.Indices & Vector512.Create(~1);
            V cos = Vector512.Shuffle(angle, same);
            V sin = Vector512.Shuffle(angle, same | Vector512<int>.One);
            V other = Vector512.Shuffle(value, Vector512<int>.Indices ^ Vector512<int>.One);
            // The first of a pair takes the other with a minus, the second with a plus.
            var first = Vector512.Equals(
                Vector512<int>.Indices & Vector512<int>.One, Vector512<int>.Zero).AsSingle();
            V minus = inverse ? sin : -sin;
            sin = Vector512.ConditionalSelect(first, minus, -minus);
            Put(py, (value * cos) + (other * sin), count);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private void Put(float* p, V value, int count)
        {
            if (beta != 0)
            {
                value += Vector512.Create(beta) * Lane.Load(p, count);
            }
            Lane.Store(p, value, count);
        }
    }
}
