// The self-test covers every primitive, passes on the managed device, and can fail.
using System.Reflection;
using System.Text.Json;
using Dl.Ops;
using Dl.Tensors;
using Dl.Verification;

namespace Dl.Tests.Verification;

public class SelfTestTests
{
    /// <summary>Abstract members that are memory, not primitives.</summary>
    private static readonly string[] Memory = ["Finish", "CreateReadback"];

    [Fact]
    public void Every_primitive_of_a_device_has_cases()
    {
        var primitives = typeof(Device).GetMethods(BindingFlags.Instance | BindingFlags.Public)
            .Where(method => method.IsAbstract && !method.IsSpecialName)
            .Select(method => method.Name)
            .Except(Memory)
            .Order();
        Assert.Equal(primitives, SelfTest.Primitives.Order());
    }

    [Fact]
    public void Every_primitive_has_exactly_one_timed_case() =>
        Assert.All(
            SelfTest.AllCases().GroupBy(test => test.Primitive),
            group => Assert.Single(group, test => test.IsTimed));

    [Fact]
    public void Every_elementwise_op_has_its_row()
    {
        Assert.Equal(UnaryOps.All, ElementwiseCases.UnaryRows.Select(row => row.Op));
        Assert.Equal(BinaryOps.All, ElementwiseCases.BinaryRows.Select(row => row.Op));
    }

    public static TheoryData<string> Primitives => [.. SelfTest.Primitives];

    [Theory]
    [MemberData(nameof(Primitives))]
    public void The_managed_device_is_right(string primitive)
    {
        using var device = TestDevice.Cpu();
        SelfTestResult? result = null;
        SelfTest.Run(device, r => result = r, primitive, timed: false);
        Assert.True(result!.Ok, string.Join('\n', result.Failures));
        Assert.True(result.Cases >= 8);
        Assert.Equal(0, device.LiveBuffers);
    }

    [Fact]
    public void An_unknown_primitive_gets_the_nearest_name()
    {
        using var device = TestDevice.Cpu();
        var error = Assert.Throws<UsageException>(
            () => SelfTest.Run(device, _ => { }, "MatMull"));
        Assert.StartsWith(
            "primitive 'MatMull': no such primitive; did you mean 'MatMul'?", error.Message);
    }

    [Fact]
    public void The_json_line_has_the_documented_keys()
    {
        var result = new SelfTestResult("Fill", "cpu", 3, 0.5, 1.25, null, []);
        Assert.Equal(
            """{"primitive":"Fill","device":"cpu","cases":3,"max_error":0.5,"ok":true,"""
                + "\"gflops\":1.25}",
            result.ToJson());
        Assert.Equal("""{"ok": true, "failed": 0}""", SelfTest.SummaryJson(0));
        Assert.Equal("""{"ok": false, "failed": 2}""", SelfTest.SummaryJson(2));
        var failed = result with { MaxError = double.PositiveInfinity, Failures = ["n 1: broken"] };
        using var json = JsonDocument.Parse(failed.ToJson());
        Assert.False(json.RootElement.GetProperty("ok").GetBoolean());
        Assert.Equal(JsonValueKind.Null, json.RootElement.GetProperty("max_error").ValueKind);
        Assert.Equal("n 1: broken", json.RootElement.GetProperty("failure").GetString());
    }

    /// <summary>Faults that a device could have, each done by hand with a working device.</summary>
    [Theory]
    [InlineData("nothing", null, false)]
    [InlineData("wrong value", null, true)]
    [InlineData("output not written", null, true)]
    [InlineData("behind the end", "wrote behind the end of buffer 1", false)]
    [InlineData("changed input", "changed its input 0", false)]
    [InlineData("leak", "kept 1 buffer(s)", false)]
    [InlineData("race", "two runs gave different bits in buffer 1", false)]
    public void Faults_are_seen(string fault, string? message, bool wrong)
    {
        const int N = 20;
        using var device = TestDevice.Cpu();
        var leaked = new List<Storage>();
        int runs = 0;
        void Run(Device d, Storage[] s)
        {
            d.Fill(s[1], fault == "output not written" ? N - 1 : N, 2);
            if (fault == "wrong value")
            {
                d.Fill(s[1], 1, 2.001f);
            }
            if (fault == "behind the end")
            {
                d.Fill(s[1], N + 1, 2);
            }
            if (fault == "changed input")
            {
                d.Fill(s[0], 1, 2);
            }
            if (fault == "leak")
            {
                leaked.Add(d.Rent(DType.F32, 1));
            }
            if (fault == "race" && runs++ > 0)
            {
                d.Fill(s[1], 1, 2.0000002f);
            }
        }

        var test = new Case("Fill", "", 1e-6, [Operand.In(N), Operand.Out(N)], Run,
            v => Array.Fill(v[1], 2));
        var outcome = CaseRunner.Check(device, test);
        Assert.Equal(message, outcome.Fault);
        Assert.Equal(wrong, outcome.Error > test.Bound);
        leaked.ForEach(device.Return);
    }

    [Theory]
    [InlineData(new[] { 3.0, 4 }, new[] { 3.0, 4 }, 0)]
    [InlineData(new[] { 3.0, 4.5 }, new[] { 3.0, 4 }, 0.1)]
    [InlineData(new[] { 0.25, 0 }, new[] { 0.0, 0 }, 0.25)]
    [InlineData(new[] { double.NaN, 4 }, new[] { double.NaN, 4 }, 0)]
    [InlineData(new[] { double.NaN, 4 }, new[] { 3.0, 4 }, double.PositiveInfinity)]
    [InlineData(new[] { 3.0, 4 }, new[] { double.NaN, 4 }, double.PositiveInfinity)]
    [InlineData(new[] { double.PositiveInfinity, 4 }, new[] { 3.0, 4 }, double.PositiveInfinity)]
    public void Relative_error(double[] actual, double[] expected, double error) =>
        Assert.Equal(error, CaseRunner.RelativeError(actual, expected), 12);
}
