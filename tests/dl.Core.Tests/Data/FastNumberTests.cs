// Numbers read from bytes are, to the bit, those of double.Parse.
using System.Globalization;
using System.Text;
using Dl.Data.Formats;

namespace Dl.Data.Tests;

public class FastNumberTests
{
    [Fact]
    public void SimpleNumbersAreThoseOfTheRuntime()
    {
        var random = new Random(7);
        int simple = 0;
        for (int run = 0; run < 200_000; run++)
        {
            string text = Make(random, run % 6);
            if (!FastNumber.TryParse(Encoding.ASCII.GetBytes(text), out double number))
            {
                continue;
            }
            simple++;
            double expected = double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture);
            Assert.True(
                BitConverter.DoubleToInt64Bits(expected) == BitConverter.DoubleToInt64Bits(number),
                $"{text}: {number:R}, expected {expected:R}");
        }
        Assert.InRange(simple, 80_000, 200_000);
    }

    [Theory]
    [InlineData("")]
    [InlineData("-")]
    [InlineData(".")]
    [InlineData("1e")]
    [InlineData("1e+")]
    [InlineData("1 ")]
    [InlineData("+-1")]
    [InlineData("1.2.3")]
    [InlineData("0x10")]
    [InlineData("12345678901234567890")]
    [InlineData("9007199254740993")]
    [InlineData("1e23")]
    [InlineData("1e99999")]
    public void WhatIsNoneOrNotSimpleIsLeftAlone(string text) =>
        Assert.False(FastNumber.TryParse(Encoding.ASCII.GetBytes(text), out _));

    private static string Make(Random random, int kind)
    {
        string sign = random.Next(4) switch { 0 => "-", 1 => "+", _ => "" };
        return kind switch
        {
            0 => sign + random.NextInt64(1L << random.Next(1, 62)),
            1 => sign + random.Next(1000) + "." + random.Next(1_000_000).ToString("D6"),
            2 => FormattableString.Invariant($"{random.NextDouble() - 0.5:R}"),
            3 => FormattableString.Invariant($"{(random.NextDouble() - 0.5) * 1e6:G7}"),
            4 => $"{sign}{random.Next(10_000)}e{random.Next(-30, 30)}",
            _ => $"{sign}.{random.Next(100_000)}E+{random.Next(20):D2}",
        };
    }
}
