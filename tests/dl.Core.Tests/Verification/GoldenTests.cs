// Reference values: the small folder that is committed, the large one where it is, and what the
// runner does with cases that are wrong, unknown or only partly understood.
using Dl.Tests.Files;
using Dl.Verification;
using Xunit.Abstractions;

namespace Dl.Tests.Verification;

public sealed class GoldenTests(ITestOutputHelper output) : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("dl-golden-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Committed_cases_match()
    {
        var results = Run(Shared.Fixture("golden"), out var summary);
        Assert.Empty(Lines(results, GoldenStatus.Failed));
        Assert.Empty(Lines(results, GoldenStatus.NotBuilt));
        Assert.Equal(results.Count, summary.Ok);
        Assert.True(summary.Ok >= 50);
    }

    [SkippableFact]
    public void Shared_cases_match()
    {
        string? folder = Environment.GetEnvironmentVariable("DL_GOLDEN") is { Length: > 0 } given
            ? given : Shared.Find("golden");
        Skip.If(folder is null, "no reference values: DL_GOLDEN is not set, no ../shared/golden");
        var results = Run(folder!, out var summary);
        results.ForEach(result => output.WriteLine(result.ToString()));
        output.WriteLine(summary.ToString());
        Assert.Empty(Lines(results, GoldenStatus.Failed));
        Assert.True(summary.Ok > 0);
        Assert.Empty(Lines(results, GoldenStatus.NotBuilt));
        Assert.Equal(results.Count, summary.Ok + summary.Stale);
    }

    /// <summary>
    /// The first case's stored gradient is the second's to the bit, though another gradient flows
    /// in: the file is at fault. A gradient that is merely wrong fails as ever.
    /// </summary>
    [Theory]
    [InlineData(5f, GoldenStatus.StaleReference, "1 ok, 0 failed, 0 not built, 1 with references")]
    [InlineData(6f, GoldenStatus.Failed, "1 ok, 1 failed, 0 not built")]
    public void A_gradient_of_another_case_is_no_reference(
        float stored, GoldenStatus status, string counts)
    {
        Write("""
            {"case": "relu", "tensors": ["x", "y", "dy", "grad_x"]},
            {"case": "relu_again", "tensors": ["x", "y", "dy", "grad_x"]}
            """,
            ("relu.x", [1, 2]), ("relu.y", [1, 2]), ("relu.dy", [3, 4]),
            ("relu.grad_x", [stored, 7]),
            ("relu_again.x", [1, 2]), ("relu_again.y", [1, 2]), ("relu_again.dy", [5, 7]),
            ("relu_again.grad_x", [5, 7]));
        var results = Run(_folder, out var summary);
        Assert.Equal(status, results[0].Status);
        Assert.Equal(GoldenStatus.Ok, results[1].Status);
        Assert.StartsWith("golden: " + counts, summary.ToString());
        Assert.Equal(
            status == GoldenStatus.StaleReference, results[0].ToString().EndsWith(
                "(grad_x: in the file those of relu_again, though dy differs)"));
    }

    [Fact]
    public void A_wrong_value_fails()
    {
        Write("""{"case": "relu", "tensors": ["x", "y", "dy", "grad_x"]}""",
            ("relu.x", [-1, 2]), ("relu.y", [0, 2.001f]), ("relu.dy", [1, 1]),
            ("relu.grad_x", [0, 1]));
        var result = Assert.Single(Run(_folder, out var summary));
        Assert.Equal("FAIL       test/relu  y 5.0e-04 (!)  grad_x 0.0e+00", result.ToString());
        Assert.Equal("golden: 0 ok, 1 failed, 0 not built", summary.ToString());
        Assert.StartsWith(
            """{"family":"test","case":"relu","status":"failed","errors":{"y":0.00""",
            result.ToJson());
        Assert.Equal(
            """{"ok": false, "passed": 0, "failed": 1, "not_built": 0}""", summary.ToJson());
    }

    [Theory]
    [InlineData("""{"case": "relu7", "tensors": ["x", "y", "dy", "grad_x"]}""", "")]
    [InlineData("""{"case": "relu", "tensors": ["lr"]}""", "")]
    [InlineData(
        """{"case": "relu", "args": {"cap": 6}, "tensors": ["x", "y", "dy", "grad_x"]}""",
        "  (argument cap)")]
    [InlineData("""{"case": "relu", "tensors": ["x", "y", "dy", "grad_x", "mask"]}""",
        "  (tensor mask)")]
    public void What_is_not_understood_is_not_a_pass(string entry, string reason)
    {
        Write(entry, ("relu.x", [1]), ("relu.y", [1]), ("relu.dy", [1]), ("relu.grad_x", [1]));
        var result = Assert.Single(Run(_folder, out var summary));
        Assert.Equal(new GoldenSummary(0, 0, 1), summary);
        Assert.StartsWith("not built  test/relu", result.ToString());
        Assert.EndsWith(reason, result.ToString());
    }

    [Fact]
    public void An_argument_that_is_off_changes_nothing()
    {
        Write(
            """
            {"case": "relu", "args": {"inplace": false, "ceiling": null, "note": "a remark"},
             "tensors": ["x", "y", "dy", "grad_x"]}
            """,
            ("relu.x", [1]), ("relu.y", [1]), ("relu.dy", [1]), ("relu.grad_x", [1]));
        Assert.Equal(GoldenStatus.Ok, Assert.Single(Run(_folder, out _)).Status);
    }

    [Fact]
    public void A_tensor_that_the_file_lacks_fails_the_case()
    {
        Write("""{"case": "relu", "tensors": ["x", "y", "dy", "grad_x"]}""", ("relu.x", [1]));
        var result = Assert.Single(Run(_folder, out _));
        Assert.Equal(GoldenStatus.Failed, result.Status);
        Assert.Contains("relu.", result.Note);
    }

    [Fact]
    public void Damaged_folders_are_bad_data()
    {
        Assert.Throws<DataException>(() => Run(Path.Combine(_folder, "nowhere"), out _));
        File.WriteAllText(Path.Combine(_folder, "index.json"), "{\n\"files\": ");
        var error = Assert.Throws<DataException>(() => Run(_folder, out _));
        Assert.Contains("index.json:2", error.Message);
        File.WriteAllText(
            Path.Combine(_folder, "index.json"), """{"files": {"a.safetensors": []}}""");
        Assert.Throws<DataException>(() => Run(_folder, out _));
        File.WriteAllBytes(Path.Combine(_folder, "a.safetensors"), [1, 2, 3]);
        Assert.Throws<DataException>(() => Run(_folder, out _));
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("""{"files": []}""")]
    [InlineData("""{"files": {"test.safetensors": 3}}""")]
    [InlineData("""{"files": {"test.safetensors": [7]}}""")]
    [InlineData("""{"files": {"test.safetensors": [{"case": 7, "tensors": []}]}}""")]
    [InlineData("""{"files": {"test.safetensors": [{"case": "relu"}]}}""")]
    public void An_index_of_another_form_is_bad_data(string index)
    {
        Write("""{"case": "relu", "tensors": []}""", ("relu.x", [1]));
        File.WriteAllText(Path.Combine(_folder, "index.json"), index);
        var error = Assert.Throws<DataException>(() => Run(_folder, out _));
        Assert.Contains("index.json", error.Message);
    }

    private static List<GoldenResult> Run(string folder, out GoldenSummary summary)
    {
        using var device = TestDevice.Cpu();
        var results = new List<GoldenResult>();
        summary = Golden.Run(folder, device, results.Add);
        Assert.Equal(0, device.LiveBuffers);
        return results;
    }

    private static IEnumerable<string> Lines(List<GoldenResult> results, GoldenStatus status) =>
        results.Where(result => result.Status == status).Select(result => result.ToString());

    /// <summary>A folder with one case in `test.safetensors`; tensors are vectors.</summary>
    private void Write(string entry, params (string Name, float[] Values)[] tensors)
    {
        var header = new List<string>();
        using var data = new MemoryStream();
        foreach (var (name, values) in tensors)
        {
            long start = data.Length;
            foreach (float value in values)
            {
                data.Write(BitConverter.GetBytes(value));
            }
            header.Add($$"""
                "{{name}}": {"dtype": "F32", "shape": [{{values.Length}}],
                "data_offsets": [{{start}}, {{data.Length}}] }
                """);
        }
        byte[] text = System.Text.Encoding.UTF8.GetBytes("{" + string.Join(',', header) + "}");
        File.WriteAllBytes(Path.Combine(_folder, "test.safetensors"),
            [.. BitConverter.GetBytes((long)text.Length), .. text, .. data.ToArray()]);
        File.WriteAllText(Path.Combine(_folder, "index.json"),
            $$"""{"files": {"test.safetensors": [ {{entry}} ] } }""");
    }
}
