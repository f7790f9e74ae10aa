using Dl.Tensors;

namespace Dl.Tests.Tensors;

public class ShapeTests
{
    private static readonly Shape Image = new(32, 28, 14, 3);

    [Fact]
    public void Describes_itself()
    {
        Assert.Equal("32x28x14x3", Image.ToString());
        Assert.Equal("scalar", new Shape().ToString());
        Assert.Equal(4, Image.Rank);
        Assert.Equal(32L * 28 * 14 * 3, Image.Count);
        Assert.Equal(32 * 28 * 14, Image.Rows);
        Assert.Equal((3, 14), (Image.Last, Image[-2]));
        Assert.Equal([32, 28, 14, 3], Image.ToArray());
    }

    [Fact]
    public void A_scalar_has_one_element_in_one_row()
    {
        var scalar = new Shape();
        Assert.Equal((1L, 1, 1, 0), (scalar.Count, scalar.Rows, scalar.Last, scalar.Rank));
    }

    [Fact]
    public void Empty_extents_have_no_elements()
    {
        Assert.Equal(0, new Shape(0, 5).Count);
        Assert.Equal(0, new Shape(5, 0).Rows);
    }

    [Fact]
    public void Derived_shapes()
    {
        Assert.Equal(28 * 14, Image.Product(1, 3));
        Assert.Equal(1, Image.Product(2, 2));
        Assert.Equal(new Shape(28, 14, 3), Image.Skip(1));
        Assert.Equal(new Shape(7, 32, 28, 14, 3), Image.Prepend(7));
        Assert.Equal(new Shape(32, 28, 14, 9), Image.With(-1, 9));
        Assert.Equal(new Shape(32, 5, 14, 3), Image.With(1, 5));
        Assert.Equal(new Shape(3), new Shape().Prepend(3));
    }

    [Fact]
    public void Equality_is_by_rank_and_extents()
    {
        Assert.True(new Shape(2, 3) == new Shape(2, 3));
        Assert.Equal(new Shape(2, 3).GetHashCode(), new Shape(2, 3).GetHashCode());
        Assert.True(new Shape(2, 3) != new Shape(3, 2));
        Assert.True(new Shape(2) != new Shape(2, 1));
        Assert.False(new Shape(2).Equals("2"));
    }

    [Fact]
    public void Counts_beyond_32_bits_are_counted_and_rows_refuse_to_wrap()
    {
        var large = new Shape(70_000, 70_000, 1);
        Assert.Equal(4_900_000_000, large.Count);
        Assert.Throws<OverflowException>(() => large.Rows);
        Assert.Throws<OverflowException>(() => large.Product(0, 2));
    }

    [Fact]
    public void Impossible_shapes_are_refused()
    {
        var tooMany = Assert.Throws<UsageException>(() => new Shape(1, 2, 3, 4, 5, 6, 7));
        Assert.Equal("shape: 7 dimensions given, at most 6 are supported", tooMany.Message);
        var negative = Assert.Throws<UsageException>(() => new Shape(3, -1));
        Assert.Equal("shape: extent 1 is -1, expected >= 0", negative.Message);
    }
}
