// Orthogonal weights (Saxe, McClelland and Ganguli 2014): a matrix of normal numbers made
// orthonormal by Gram-Schmidt in double. A weight is seen as (everything but the last dimension,
// last dimension); the shorter side's vectors become orthonormal, so that a map of n to m values
// keeps lengths as far as it can.
using System.Numerics;
using System.Runtime.InteropServices;
using Dl.Tensors;

namespace Dl.Layers;

internal static class Orthogonal
{
    public static void Fill(float[] w, Shape shape, double gain, Rng rng)
    {
        int columns = shape.Last, rows = w.Length / Math.Max(1, columns);
        int vectors = Math.Min(rows, columns), length = Math.Max(rows, columns);
        var basis = new double[vectors][];
        for (int i = 0; i < vectors; i++)
        {
            basis[i] = Next(basis.AsSpan(0, i), length, rng);
        }
        for (int i = 0; i < vectors; i++)
        {
            for (int j = 0; j < length; j++)
            {
                w[columns <= rows ? (j * columns) + i : (i * columns) + j] =
                    (float)(gain * basis[i][j]);
            }
        }
    }

    /// <summary>A unit vector of random direction at right angles to those before it.</summary>
    private static double[] Next(ReadOnlySpan<double[]> before, int length, Rng rng)
    {
        var v = new double[length];
        double norm, rest;
        do
        {
            for (int i = 0; i < length; i++)
            {
                v[i] = rng.NextNormal();
            }
            norm = Math.Sqrt(Dot(v, v));
            Project(v, before);
            // Once more: a vector that was nearly within the span of the others has lost digits.
            Project(v, before);
            rest = Math.Sqrt(Dot(v, v));
        }
        while (rest < 1e-6 * norm);
        Add(v, v, (1 / rest) - 1);
        return v;
    }

    private static void Project(double[] v, ReadOnlySpan<double[]> before)
    {
        foreach (var u in before)
        {
            Add(v, u, -Dot(u, v));
        }
    }

    private static double Dot(double[] a, double[] b)
    {
        var x = MemoryMarshal.Cast<double, Vector<double>>(a);
        var y = MemoryMarshal.Cast<double, Vector<double>>(b);
        var sums = Vector<double>.Zero;
        for (int i = 0; i < x.Length; i++)
        {
            sums += x[i] * y[i];
        }
        double sum = Vector.Sum(sums);
        for (int i = x.Length * Vector<double>.Count; i < a.Length; i++)
        {
            sum += a[i] * b[i];
        }
        return sum;
    }

    /// <summary>v += scale * u.</summary>
    private static void Add(double[] v, double[] u, double scale)
    {
        var x = MemoryMarshal.Cast<double, Vector<double>>(v.AsSpan());
        var y = MemoryMarshal.Cast<double, Vector<double>>(u);
        for (int i = 0; i < x.Length; i++)
        {
            x[i] += y[i] * scale;
        }
        for (int i = x.Length * Vector<double>.Count; i < v.Length; i++)
        {
            v[i] += u[i] * scale;
        }
    }
}
