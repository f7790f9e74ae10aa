// Pooling whose windows lie side by side and cover the image, as nearly all do: each pixel belongs
// to one window, so both directions go through the output once and need not ask which windows
// cover a pixel. The image is visited in patches, which the hardware does not guess: each line of
// windows asks for the next.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Dl.Ops;
using V = System.Runtime.Intrinsics.Vector512<float>;

namespace Dl.Cpu;

public sealed unsafe partial class CpuDevice
{
    /// <summary>Rows of the output, counted over the batch.</summary>
    private readonly struct MaxTileRange(float* x, float* y, int* indices, PoolShape s) : IRange
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(int from, int to)
        {
            int height = s.Window.Height, width = s.Window.Width, channels = s.Channels;
            int outHeight = s.OutHeight, outWidth = s.OutWidth;
            long line = (long)s.Width * channels, below = height * line;
            for (int row = from; row < to; row++)
            {
                float* source = x + (row * height * line);
                long at = (long)row * outWidth * channels;
                int pixel = row % outHeight * height * s.Width;
                for (int ox = 0; ox < outWidth; ox++, pixel += width, at += channels)
                {
                    for (int c = 0; c < channels; c += Lane.Count)
                    {
                        int count = channels - c;
                        float* p = source + c;
                        V best = Fetch(p, count);
                        Prefetch(p + below);
                        var where = Vector512.Create(pixel);
                        for (int tap = 1, ix = 1, iy = 0; tap < height * width; tap++, ix++)
                        {
                            (ix, iy) = ix == width ? (0, iy + 1) : (ix, iy);
                            float* q = p + (iy * line) + (ix * channels);
                            V value = Fetch(q, count);
                            Prefetch(q + below);
                            // NaN wins and stays.
                            V larger = Vector512.GreaterThan(value, best)
                                | Vector512.AndNot(Vector512.IsNaN(value), Vector512.IsNaN(best));
                            best = Vector512.ConditionalSelect(larger, value, best);
                            where = Vector512.ConditionalSelect(
                                larger.AsInt32(), Vector512.Create(pixel + (iy * s.Width) + ix),
                                where);
                        }
                        Put(y + at + c, best, count);
                        Put((float*)(indices + at + c), where.AsSingle(), count);
                    }
                    source += width * channels;
                }
            }
        }
    }

    /// <summary>Rows of dy, counted over the batch.</summary>
    private readonly struct MaxTileGradientRange(
        float* dy, int* indices, float* dx, PoolShape s, float beta) : IRange
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(int from, int to)
        {
            int height = s.Window.Height, width = s.Window.Width, channels = s.Channels;
            int outHeight = s.OutHeight, outWidth = s.OutWidth;
            long line = (long)s.Width * channels, below = height * line;
            V old = Vector512.Create(beta);
            for (int row = from; row < to; row++)
            {
                float* target = dx + (row * height * line);
                long at = (long)row * outWidth * channels;
                int pixel = row % outHeight * height * s.Width;
                for (int ox = 0; ox < outWidth; ox++, pixel += width, at += channels)
                {
                    for (int c = 0; c < channels; c += Lane.Count)
                    {
                        int count = channels - c;
                        V value = Fetch(dy + at + c, count);
                        var where = Fetch((float*)(indices + at + c), count).AsInt32();
                        for (int iy = 0; iy < height; iy++)
                        {
                            float* p = target + (iy * line) + c;
                            int here = pixel + (iy * s.Width);
                            for (int ix = 0; ix < width; ix++, p += channels)
                            {
                                Prefetch(p + below);
                                V d = value & Vector512.Equals(
                                    where, Vector512.Create(here + ix)).AsSingle();
                                d = beta == 0 ? d : d + (old * Fetch(p, count));
                                Put(p, d, count);
                            }
                        }
                    }
                    target += width * channels;
                }
            }
        }
    }

    /// <summary>Rows of the output, counted over the batch.</summary>
    private readonly struct AverageTileRange(float* x, float* y, PoolShape s) : IRange
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(int from, int to)
        {
            int height = s.Window.Height, width = s.Window.Width, channels = s.Channels;
            int outWidth = s.OutWidth;
            long line = (long)s.Width * channels, below = height * line;
            V share = Vector512.Create(1f / (height * width));
            for (int row = from; row < to; row++)
            {
                float* source = x + (row * height * line);
                float* target = y + ((long)row * outWidth * channels);
                for (int ox = 0; ox < outWidth; ox++, target += channels)
                {
                    for (int c = 0; c < channels; c += Lane.Count)
                    {
                        int count = channels - c;
                        V sum = V.Zero;
                        for (int iy = 0; iy < height; iy++)
                        {
                            float* p = source + (iy * line) + c;
                            for (int ix = 0; ix < width; ix++, p += channels)
                            {
                                sum += Fetch(p, count);
                                Prefetch(p + below);
                            }
                        }
                        Put(target + c, sum * share, count);
                    }
                    source += width * channels;
                }
            }
        }
    }

    /// <summary>Rows of dy, counted over the batch.</summary>
    private readonly struct AverageTileGradientRange(
        float* dy, float* dx, PoolShape s, float beta) : IRange
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(int from, int to)
        {
            int height = s.Window.Height, width = s.Window.Width, channels = s.Channels;
            int outWidth = s.OutWidth;
            long line = (long)s.Width * channels, below = height * line;
            V share = Vector512.Create(1f / (height * width)), old = Vector512.Create(beta);
            for (int row = from; row < to; row++)
            {
                float* source = dy + ((long)row * outWidth * channels);
                float* target = dx + (row * height * line);
                for (int ox = 0; ox < outWidth; ox++, source += channels)
                {
                    for (int c = 0; c < channels; c += Lane.Count)
                    {
                        int count = channels - c;
                        V value = share * Fetch(source + c, count);
                        for (int iy = 0; iy < height; iy++)
                        {
                            float* p = target + (iy * line) + c;
                            for (int ix = 0; ix < width; ix++, p += channels)
                            {
                                Prefetch(p + below);
                                Put(p, beta == 0 ? value : value + (old * Fetch(p, count)), count);
                            }
                        }
                    }
                    target += width * channels;
                }
            }
        }
    }
}
