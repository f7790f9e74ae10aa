// Each filter against its definition, for every distance between pixels and rows of odd length.
using Dl.Data.Images;

namespace Dl.Data.Tests;

public class PngFilterTests
{
    /// <summary>Byte by byte, as the standard has it.</summary>
    private static byte[] Expected(int filter, byte[] row, byte[] above, int back)
    {
        byte[] output = (byte[])row.Clone();
        for (int i = 0; i < row.Length; i++)
        {
            int a = i < back ? 0 : output[i - back], b = above[i];
            int c = i < back ? 0 : above[i - back];
            int p = a + b - c;
            (int pa, int pb, int pc) = (Math.Abs(p - a), Math.Abs(p - b), Math.Abs(p - c));
            int nearest = pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
            int prediction = filter switch
            {
                0 => 0,
                1 => a,
                2 => b,
                3 => (a + b) / 2,
                _ => nearest,
            };
            output[i] = (byte)(row[i] + prediction);
        }
        return output;
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(6)]
    [InlineData(8)]
    public void EveryFilterIsUndone(int back)
    {
        var random = new Random(back);
        for (int filter = 0; filter <= 4; filter++)
        {
            foreach (int pixels in new[] { 1, 2, 5, 16, 37 })
            {
                int length = pixels * back;
                var row = new byte[length + PngFilter.Room];
                var above = new byte[row.Length];
                random.NextBytes(row);
                random.NextBytes(above);
                byte[] expected = Expected(filter, row[..length], above[..length], back);
                byte[] behind = row[length..];
                PngFilter.Undo(filter, row.AsSpan(0, length), above.AsSpan(0, length), back);
                Assert.Equal(expected, row[..length]);
                Assert.Equal(behind, row[length..]);
            }
        }
    }

    [Fact]
    public void ThereIsNoFifthFilter() => Assert.Throws<DataException>(
        () => PngFilter.Undo(5, new byte[4], new byte[4], 1));
}
