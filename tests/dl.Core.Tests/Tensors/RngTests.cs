// Philox4x32-10 against the known answers of its authors' reference implementation (Random123,
// kat_vectors), and the properties that shuffles and resumed runs rely on.
using Dl.Tensors;

namespace Dl.Tests.Tensors;

public class RngTests
{
    /// <summary>counter = (block, stream), key = seed, each given low word first.</summary>
    [Theory]
    [InlineData(0ul, 0ul, 0ul, 0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u)]
    [InlineData(ulong.MaxValue, ulong.MaxValue, ulong.MaxValue,
        0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu)]
    [InlineData(0x299f31d0a4093822ul, 0x0370734413198a2eul, 0x85a308d3243f6a88ul,
        0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u)]
    public void Block_matches_the_known_answers(
        ulong seed, ulong stream, ulong block, uint a, uint b, uint c, uint d) =>
        Assert.Equal((a, b, c, d), Rng.Block(seed, stream, block));

    [Fact]
    public void Numbers_are_the_words_of_consecutive_blocks()
    {
        var rng = new Rng(5, 6);
        var drawn = Enumerable.Range(0, 12).Select(_ => rng.NextUInt()).ToArray();
        for (int i = 0; i < 12; i++)
        {
            var (a, b, c, d) = Rng.Block(5, 6, (ulong)i / 4);
            Assert.Equal(((uint[])[a, b, c, d])[i % 4], drawn[i]);
        }
    }

    [Fact]
    public void A_saved_position_continues_the_same_numbers()
    {
        var rng = new Rng(1);
        for (int i = 0; i < 7; i++)
        {
            rng.NextUInt();
        }
        var resumed = new Rng(1, 0, rng.Position);
        Assert.Equal(rng.NextUInt(), resumed.NextUInt());
        rng.Position = 2;
        resumed.Position = 2;
        Assert.Equal(rng.NextUInt(), resumed.NextUInt());
    }

    [Fact]
    public void Reserved_spans_do_not_overlap_what_is_drawn_around_them()
    {
        var rng = new Rng(1);
        rng.NextUInt();
        Assert.Equal(new RngSpan(1, 0, 1), rng.Reserve(5));
        Assert.Equal(9ul, rng.Position);
        Assert.Equal(new RngSpan(1, 0, 3), rng.Reserve(4));
        Assert.Equal(16ul, rng.Position);
    }

    [Fact]
    public void Forks_are_independent_and_repeatable()
    {
        var rng = new Rng(9);
        Assert.Equal(rng.Fork(1).NextUInt(), new Rng(9).Fork(1).NextUInt());
        Assert.NotEqual(rng.Fork(1).NextUInt(), rng.Fork(2).NextUInt());
        Assert.NotEqual(rng.Fork(1).Fork(2).Stream, rng.Fork(2).Fork(1).Stream);
    }

    [Fact]
    public void Moments_are_those_of_the_distributions()
    {
        const int N = 200_000;
        var rng = new Rng(4);
        double uniform = 0, normal = 0, squares = 0;
        for (int i = 0; i < N; i++)
        {
            float u = rng.NextFloat();
            Assert.InRange(u, 0f, 0.99999997f);
            uniform += u;
            float z = rng.NextNormal();
            normal += z;
            squares += z * z;
        }
        // Five standard errors: 1/sqrt(12 N), 1/sqrt(N), sqrt(2/N).
        Assert.InRange(uniform / N, 0.5 - 0.0033, 0.5 + 0.0033);
        Assert.InRange(normal / N, -0.0112, 0.0112);
        Assert.InRange(squares / N, 1 - 0.0159, 1 + 0.0159);
    }

    [Fact]
    public void Bounded_numbers_are_even_over_a_bound_that_is_no_power_of_two()
    {
        const int N = 70_000;
        var counts = new int[7];
        var rng = new Rng(2);
        for (int i = 0; i < N; i++)
        {
            counts[rng.NextInt(7)]++;
        }
        // Five standard deviations of a binomial with p = 1/7.
        Assert.All(counts, count => Assert.InRange(count, 10_000 - 463, 10_000 + 463));
    }

    [Fact]
    public void Shuffle_is_a_permutation_that_depends_on_the_seed()
    {
        int[] Shuffled(ulong seed)
        {
            int[] items = [.. Enumerable.Range(0, 100)];
            new Rng(seed).Shuffle<int>(items);
            return items;
        }

        Assert.Equal(Enumerable.Range(0, 100), Shuffled(1).Order());
        Assert.Equal(Shuffled(1), Shuffled(1));
        Assert.NotEqual(Shuffled(1), Shuffled(2));
    }
}
