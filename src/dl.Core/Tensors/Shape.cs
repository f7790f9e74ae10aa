// A shape is a short list of extents, channels last: (batch, height, width, channels).
using System.Runtime.CompilerServices;

namespace Dl.Tensors;

/// <summary>The extents of a tensor, at most <see cref="MaxRank"/> of them. A value type.</summary>
public readonly struct Shape : IEquatable<Shape>
{
    public const int MaxRank = 6;

    [InlineArray(MaxRank)]
    private struct Extents
    {
        private int _first;
    }

    private readonly Extents _extents;

    public Shape(params ReadOnlySpan<int> extents)
    {
        if (extents.Length > MaxRank)
        {
            throw new UsageException(
                $"shape: {extents.Length} dimensions given, at most {MaxRank} are supported");
        }
        for (int i = 0; i < extents.Length; i++)
        {
            if (extents[i] < 0)
            {
                throw new UsageException($"shape: extent {i} is {extents[i]}, expected >= 0");
            }
            _extents[i] = extents[i];
        }
        Rank = extents.Length;
    }

    public int Rank { get; }

    /// <summary>Extent of a dimension; negative indices count from the end.</summary>
    public int this[int dimension] => _extents[dimension < 0 ? dimension + Rank : dimension];

    /// <summary>Extent of the last dimension (the channels), 1 for a scalar.</summary>
    public int Last => Rank == 0 ? 1 : this[Rank - 1];

    /// <summary>Number of elements, 1 for a scalar.</summary>
    public long Count
    {
        get
        {
            long count = 1;
            for (int i = 0; i < Rank; i++)
            {
                count = checked(count * _extents[i]);
            }
            return count;
        }
    }

    /// <summary>Elements of all dimensions but the last.</summary>
    public int Rows => Last == 0 ? 0 : checked((int)(Count / Last));

    /// <summary>Product of the extents of dimensions [from, to).</summary>
    public int Product(int from, int to)
    {
        int product = 1;
        for (int i = from; i < to; i++)
        {
            product = checked(product * _extents[i]);
        }
        return product;
    }

    /// <summary>This shape with one more dimension in front (a batch of it).</summary>
    public Shape Prepend(int extent)
    {
        Span<int> extents = stackalloc int[MaxRank];
        extents[0] = extent;
        int rank = CopyTo(extents[1..]);
        return new Shape(extents[..(rank + 1)]);
    }

    /// <summary>The dimensions from <paramref name="first"/> on (1 drops the batch).</summary>
    public Shape Skip(int first)
    {
        Span<int> extents = stackalloc int[MaxRank];
        int rank = CopyTo(extents);
        return new Shape(extents[first..rank]);
    }

    /// <summary>This shape with one extent replaced.</summary>
    public Shape With(int dimension, int extent)
    {
        Span<int> extents = stackalloc int[MaxRank];
        int rank = CopyTo(extents);
        extents[dimension < 0 ? dimension + Rank : dimension] = extent;
        return new Shape(extents[..rank]);
    }

    /// <summary>Writes the extents; returns the rank.</summary>
    public int CopyTo(Span<int> extents)
    {
        for (int i = 0; i < Rank; i++)
        {
            extents[i] = _extents[i];
        }
        return Rank;
    }

    public int[] ToArray()
    {
        var extents = new int[Rank];
        CopyTo(extents);
        return extents;
    }

    public bool Equals(Shape other)
    {
        if (Rank != other.Rank)
        {
            return false;
        }
        for (int i = 0; i < Rank; i++)
        {
            if (_extents[i] != other._extents[i])
            {
                return false;
            }
        }
        return true;
    }

    public override bool Equals(object? obj) => obj is Shape other && Equals(other);

    public override int GetHashCode()
    {
        var hash = new HashCode();
        for (int i = 0; i < Rank; i++)
        {
            hash.Add(_extents[i]);
        }
        return hash.ToHashCode();
    }

    public static bool operator ==(Shape a, Shape b) => a.Equals(b);

    public static bool operator !=(Shape a, Shape b) => !a.Equals(b);

    /// <summary>`32x28x28x1`; a scalar prints as `scalar`.</summary>
    public override string ToString() => Rank == 0 ? "scalar" : string.Join('x', ToArray());
}
