// Models and checkpoints on disk: what comes back, what is refused, and that yesterday's files
// load.
using System.Buffers.Binary;
using System.Text;
using Dl.Cpu;
using Dl.Files;
using Dl.Tensors;

namespace Dl.Tests.Files;

public sealed class ModelFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly CpuDevice _device = new(1);

    public void Dispose()
    {
        Assert.Equal(0, _device.LiveBuffers);
        _device.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void ComesBackAsItWas()
    {
        var document = TinyModel.Document();
        string path = _folder.File("m.dlm");
        using var saved = TinyModel.Create(document, _device);
        ModelFile.Save(path, document, saved);

        using var loaded = ModelFile.Load(path);
        using var model = loaded.CreateModel(_device);
        Assert.Equal(saved.Weights.Snapshot(), model.Weights.Snapshot());
        Assert.Equal(ModelJson.Write(document), ModelJson.Write(loaded.Document));
        Assert.Equal(
            ["dense_1.weight", "dense_1.bias", "output.weight", "output.bias"],
            loaded.File.Names);
        Assert.Equal([4L, 5L], loaded.File.Find("dense_1.weight").Shape);
    }

    [Fact]
    public void TheDocumentHasTheKeysThatScriptsReadAndNoOthers()
    {
        string json = ModelJson.Write(TinyModel.Document());
        Assert.StartsWith("""{"format":1,"program_version":""", json);
        Assert.Contains("""
            "graph":{"input":[4],"layers":[{"type":"dense","name":"dense_1",
            """.TrimEnd(), json);
        Assert.Contains("\"kind\":\"classes\"", json);
        Assert.Contains("""
            "hyperparameters":{"batch_size":32,"lr":0.001},"seed":7,"data_fingerprint":"0123abcd"
            """, json);
        Assert.DoesNotContain("feature_shape", json);
        Assert.DoesNotContain("\"width\"", json);
    }

    [Fact]
    public void TheSameModelGivesTheSameBytes() =>
        Assert.Equal(TinyModel.Bytes(), TinyModel.Bytes());

    [Fact]
    public void ACheckpointKeepsStateAndIsStillAModel()
    {
        var document = TinyModel.Document();
        string path = _folder.File("m.dlm.checkpoint");
        using var model = TinyModel.Create(document, _device);
        float[] m = new float[model.Weights.Length];
        m[3] = float.Epsilon;
        CheckpointFile.Save(
            path, document, model, [("optimizer.m", m), ("best", [1, 2])], "{\"epoch\":3}");

        using var checkpoint = CheckpointFile.Load(path);
        Assert.Equal("{\"epoch\":3}", checkpoint.TrainingJson);
        Assert.Equal(m, checkpoint.ReadState("optimizer.m")!);
        Assert.Equal([1, 2], checkpoint.ReadState("best")!);
        Assert.Null(checkpoint.ReadState("optimizer.v"));
        using var again = checkpoint.Model.CreateModel(_device);
        Assert.Equal(model.Weights.Snapshot(), again.Weights.Snapshot());
    }

    [Fact]
    public void AModelIsNoCheckpoint()
    {
        string path = Write(TinyModel.Bytes());
        var error = Assert.Throws<DataException>(() => CheckpointFile.Load(path));
        Assert.Contains("not a checkpoint", error.Message);
    }

    [Theory]
    [InlineData("\"units\":5", "\"units\":6", "stored as 4x5, its graph needs 4x6")]
    [InlineData("\"type\":\"dense\"", "\"type\":\"dance\"", "cannot be understood")]
    [InlineData("\"units\":5", "\"unitz\":5", "cannot be understood")]
    [InlineData("\"name\":\"dense_1\"", "\"name\":\"dense_9\"", "lacks 'dense_9.weight'")]
    [InlineData("\"input\":[4]", "\"input\":[7]", "its preprocessing gives 4")]
    [InlineData("\"input\":[4]", "\"input\":[-4]", "does not fit together")]
    [InlineData("\"format\":1", "\"format\":3", "reads up to 2; use a newer dl")]
    [InlineData("\"format\":1", "\"format\":0", "states no format")]
    [InlineData("\"format\":1", "\"former\":1", "states no format")]
    [InlineData("\"labels\":[\"ant\",", "\"labels\":[", "its target has 2 labels")]
    [InlineData("\"layers\":[", "\"layers\":[null,", "does not fit together")]
    [InlineData("\"columns\":[", "\"columns\":[null,", "does not fit together")]
    [InlineData("\"task\":\"classification\"", "\"task\":null", "cannot be understood")]
    [InlineData("\"task\":\"classification\",", "", "cannot be understood")]
    public void RefusesDocumentsThatDoNotFit(string old, string replacement, string part)
    {
        string path = Write(Patched(TinyModel.Bytes(), old, replacement));
        var error = Assert.Throws<DataException>(() => ModelFile.Load(path));
        Assert.StartsWith(path + ": ", error.Message);
        Assert.Contains(part, error.Message);
    }

    [Fact]
    public void UnknownKeysOfTheDocumentAreSkipped()
    {
        string path = Write(Patched(TinyModel.Bytes(), "\"format\":1", "\"format\":1,\"new\":{}"));
        ModelFile.Load(path).Dispose();
    }

    [Fact]
    public void OtherTensorFilesAreNotModels()
    {
        string path = Write(SafetensorsTests.Container("{}", []));
        var error = Assert.Throws<DataException>(() => ModelFile.Load(path));
        Assert.Contains("no model of dl", error.Message);
    }

    /// <summary>Without the checksum, which would see all of it (SealTests.cs).</summary>
    [Fact]
    public void FlippedBytesEitherLoadOrAreRefused()
    {
        byte[] bytes = TinyModel.Unsealed(TinyModel.Bytes());
        int header = 8 + (int)BinaryPrimitives.ReadInt64LittleEndian(bytes);
        var rng = new Rng(1);
        int refused = 0;
        for (int i = 0; i < header; i++)
        {
            var damaged = (byte[])bytes.Clone();
            damaged[i] ^= (byte)(1 << rng.NextInt(8));
            refused += Refused(damaged) ? 1 : 0;
            damaged[i] = (byte)rng.NextInt(256);
            damaged[rng.NextInt(header)] = (byte)rng.NextInt(256);
            Refused(damaged);
        }
        // What survives stands inside names, numbers and labels.
        Assert.InRange(refused, header / 3, header);
    }

    [Fact]
    public void TheFirstFormatStillLoads()
    {
        string path = Shared.Fixture("models/format-1.dlm");
        using var loaded = ModelFile.Load(path);
        using var model = loaded.CreateModel(_device);
        using var expected = TinyModel.Create(TinyModel.Document(), _device);
        Assert.Equal(expected.Weights.Snapshot(), model.Weights.Snapshot());
        Assert.Equal(
            ModelJson.Write(TinyModel.Document()), ModelJson.Write(loaded.Document));
    }

    [Fact]
    public void TheSecondFormatStillLoads()
    {
        using var loaded = ModelFile.Load(Shared.Fixture("models/format-2.dlm"));
        Assert.Equal(3, loaded.Plans.Count);
        foreach (var (member, seed) in new[] { (0, 7ul), (1, 8ul), (2, 9ul) })
        {
            using var model = loaded.CreateModel(_device, member);
            using var expected = TinyModel.Create(
                TinyModel.Document() with { Seed = seed }, _device);
            Assert.Equal(expected.Weights.Snapshot(), model.Weights.Snapshot());
        }
    }

    /// <summary>How the golden files were made: run once per format, then committed.</summary>
    [SkippableFact]
    public void WriteTheGoldenFileOfThisFormat()
    {
        string? path = Environment.GetEnvironmentVariable("DL_WRITE_GOLDEN_MODEL");
        Skip.If(path is null, "DL_WRITE_GOLDEN_MODEL names no file");
        File.WriteAllBytes(path!, TinyModel.EnsembleBytes(3));
    }

    private bool Refused(byte[] bytes)
    {
        string path = Write(bytes);
        try
        {
            using var loaded = ModelFile.Load(path);
            using var model = loaded.CreateModel(_device);
            return false;
        }
        catch (DlException error)
        {
            Assert.IsType<DataException>(error);
            Assert.StartsWith(path + ": ", error.Message);
            return true;
        }
    }

    private string Write(ReadOnlySpan<byte> bytes)
    {
        string path = _folder.File("m.dlm");
        File.WriteAllBytes(path, bytes);
        return path;
    }

    /// <summary>Replaces text of the document, and mends the length of the header.</summary>
    private static byte[] Patched(byte[] good, string old, string replacement)
    {
        byte[] bytes = TinyModel.Unsealed(good);
        int length = (int)BinaryPrimitives.ReadInt64LittleEndian(bytes);
        string header = Encoding.UTF8.GetString(bytes.AsSpan(8, length));
        string Escaped(string s) => s.Replace("\"", "\\\"");
        int at = header.IndexOf(Escaped(old), StringComparison.Ordinal);
        Assert.True(at >= 0, $"{old} is not in {header}");
        header = header[..at] + Escaped(replacement) + header[(at + Escaped(old).Length)..];
        return SafetensorsTests.Container(header, bytes[(8 + length)..]);
    }
}
