// Statistics of what initialisers draw, with fixed seeds.
using Dl.Layers;
using Dl.Tensors;

namespace Dl.Tests.Layers;

public sealed class InitializerTests
{
    [Theory]
    [InlineData("zeros", 0, 0)]
    [InlineData("ones", 1, 0)]
    [InlineData("constant:-0.3", -0.3, 0)]
    [InlineData("he_normal", 0, 2.0 / 300)]
    [InlineData("he_uniform", 0, 2.0 / 300)]
    [InlineData("xavier_normal", 0, 2.0 / 500)]
    [InlineData("xavier_uniform", 0, 2.0 / 500)]
    [InlineData("lecun_normal", 0, 1.0 / 300)]
    [InlineData("lecun_uniform", 0, 1.0 / 300)]
    [InlineData("uniform", 0, 1.0 / 900)]
    [InlineData("uniform:0.05", 0, 0.0025 / 3)]
    [InlineData("normal", 0, 0.0001)]
    [InlineData("normal:0.02", 0, 0.0004)]
    // Of a normal number cut at two deviations: 1 - 4 phi(2) / (2 Phi(2) - 1).
    [InlineData("truncated_normal:0.02", 0, 0.0004 * 0.7737)]
    [InlineData("orthogonal:1.4", 0, 1.96 / 300)]
    public void MeanAndVariance(string name, double mean, double variance)
    {
        var w = Draw(name, new Shape(300, 200));
        double average = w.Average(x => (double)x);
        double spread = w.Average(x => Math.Pow(x - average, 2));
        Assert.Equal(mean, average, 4 * Math.Sqrt(variance / w.Length) + 1e-7);
        Assert.Equal(variance, spread, 0.03 * variance + 1e-12);
    }

    [Fact]
    public void TruncatedNumbersStayWithinTwoDeviations() =>
        Assert.All(Draw("truncated_normal:0.5", new Shape(40, 50)),
            x => Assert.InRange(x, -1f, 1f));

    [Theory]
    [InlineData(20, 20)]
    [InlineData(30, 7)]
    [InlineData(5, 33)]
    public void OrthogonalSidesAreOrthonormal(int rows, int columns) =>
        CheckOrthonormal(Draw("orthogonal", new Shape(rows, columns)), rows, columns, 1);

    [Fact]
    public void FiltersAreOrthogonalAsMatrices() =>
        CheckOrthonormal(Draw("orthogonal:2", new Shape(3, 3, 4, 8)), 36, 8, 4);

    [Fact]
    public void IdentityPassesValuesThrough()
    {
        Assert.Equal([1f, 0, 0, 1, 0, 0], Draw("identity", new Shape(3, 2)));
        Assert.Equal([3f, 0, 0, 0, 3, 0], Draw("identity:3", new Shape(2, 3)));
        var filter = Draw("identity", new Shape(3, 3, 2, 2));
        Assert.Equal(2, filter.Sum());
        Assert.Equal([1f, 0, 0, 1], filter.AsSpan(4 * 4, 4).ToArray());
    }

    [Theory]
    [InlineData("orthogonl", "did you mean 'orthogonal'?")]
    [InlineData("zeros:1", "takes no number")]
    [InlineData("normal:x", "expected a number above 0")]
    [InlineData("normal:0", "expected a number above 0")]
    [InlineData("constant:", "expected a number")]
    public void WrongNamesAndNumbersAreRefused(string text, string message) =>
        Assert.Contains(
            message, Assert.Throws<UsageException>(() => Initializers.Find(text)).Message);

    [Fact]
    public void EveryInitializerIsDescribed() =>
        Assert.All(Initializers.All, i => Assert.NotEmpty(i.Description));

    private static void CheckOrthonormal(float[] w, int rows, int columns, double square)
    {
        bool tall = rows >= columns;
        int vectors = tall ? columns : rows, length = tall ? rows : columns;
        double At(int vector, int i) =>
            w[tall ? (i * columns) + vector : (vector * columns) + i];
        for (int a = 0; a < vectors; a++)
        {
            for (int b = 0; b <= a; b++)
            {
                double dot = Enumerable.Range(0, length).Sum(i => At(a, i) * At(b, i));
                Assert.Equal(a == b ? square : 0, dot, 1e-5);
            }
        }
    }

    private static float[] Draw(string name, Shape shape)
    {
        var w = new float[shape.Count];
        var spec = new ParameterSpec("weight", shape, name, 300, 200, true);
        Initializers.Find(name).Fill(w, spec, new Rng(11));
        return w;
    }
}
