// Drawing for toy pictures by distances: a pixel is as much covered as its centre lies inside of an
// outline by, from half a pixel outside (0) to half a pixel inside (1). Edges come out smooth.
using System.Numerics;
using Dl.Tensors;

namespace Dl.Generation;

/// <summary>Distances from points to strokes and polygons, in pixels.</summary>
internal static class Drawing
{
    /// <summary>Distance to the nearest point of a line through the points.</summary>
    public static float DistanceToStroke(Vector2 p, ReadOnlySpan<Vector2> line)
    {
        float nearest = float.MaxValue;
        for (int i = 0; i + 1 < line.Length; i++)
        {
            nearest = MathF.Min(nearest, SquaredToSegment(p, line[i], line[i + 1]));
        }
        return MathF.Sqrt(nearest);
    }

    /// <summary>Distance to a closed polygon's edge, negative inside (even-odd rule).</summary>
    public static float DistanceToPolygon(Vector2 p, ReadOnlySpan<Vector2> corners)
    {
        float nearest = float.MaxValue;
        bool inside = false;
        for (int i = 0, j = corners.Length - 1; i < corners.Length; j = i++)
        {
            (Vector2 a, Vector2 b) = (corners[i], corners[j]);
            nearest = MathF.Min(nearest, SquaredToSegment(p, a, b));
            if ((a.Y > p.Y) != (b.Y > p.Y)
                && p.X < ((b.X - a.X) * (p.Y - a.Y) / (b.Y - a.Y)) + a.X)
            {
                inside = !inside;
            }
        }
        return inside ? -MathF.Sqrt(nearest) : MathF.Sqrt(nearest);
    }

    /// <summary>Share of a pixel that lies inside, from the distance of its centre.</summary>
    public static float Coverage(float distance) => Math.Clamp(0.5f - distance, 0, 1);

    /// <summary>A uniform number between two.</summary>
    public static float Between(this Rng rng, float low, float high) =>
        low + ((high - low) * rng.NextFloat());

    private static float SquaredToSegment(Vector2 p, Vector2 a, Vector2 b)
    {
        Vector2 along = b - a;
        float length = along.LengthSquared();
        float t = length > 0 ? Math.Clamp(Vector2.Dot(p - a, along) / length, 0, 1) : 0;
        return (p - a - (t * along)).LengthSquared();
    }
}
