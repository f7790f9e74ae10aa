// The checksum in model files: no bit of any of them can change unseen. Every single one is
// flipped, and every shorter and some longer files are tried.
using System.Buffers.Binary;
using System.Text;
using Dl.Cpu;
using Dl.Files;

namespace Dl.Tests.Files;

public sealed class SealTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly CpuDevice _device = new(1);

    public void Dispose()
    {
        Assert.Equal(0, _device.LiveBuffers);
        _device.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData("model")]
    [InlineData("ensemble")]
    [InlineData("checkpoint")]
    public void AFlippedBitIsRefusedOrWithoutEffect(string kind)
    {
        byte[] good = Bytes(kind);
        string expected = Contents(good);
        int harmless = 0;
        for (int bit = 0; bit < 8 * good.Length; bit++)
        {
            var damaged = (byte[])good.Clone();
            damaged[bit / 8] ^= (byte)(1 << (bit % 8));
            try
            {
                Assert.Equal(expected, Contents(damaged));
                harmless++;
            }
            catch (DataException error)
            {
                Assert.StartsWith(_folder.File("m.dlm") + ": ", error.Message);
            }
        }
        // The eight letters of the key itself: under another name it says nothing.
        Assert.InRange(harmless, 1, 8 * Seal.Key.Length);
    }

    [Theory]
    [InlineData("model")]
    [InlineData("ensemble")]
    [InlineData("checkpoint")]
    public void EveryShorterFileIsRefusedAndLongerOnesToo(string kind)
    {
        byte[] good = Bytes(kind);
        for (int length = 0; length < good.Length; length++)
        {
            Refused(good[..length]);
        }
        foreach (int more in new[] { 1, 4, 8, 4096 })
        {
            Refused([.. good, .. new byte[more]]);
            Refused([.. good, .. good[..Math.Min(more, good.Length)]]);
        }
    }

    [Fact]
    public void AWeightThatChangedIsSaid()
    {
        byte[] bytes = TinyModel.Bytes();
        bytes[^2] ^= 1;
        Assert.Matches(
            "its checksum is [0-9a-f]{8}, its bytes give [0-9a-f]{8}: it was damaged or changed",
            Refused(bytes));
    }

    /// <summary>Formatted anew by a program that keeps metadata, and by one that leaves it out.
    /// </summary>
    [Fact]
    public void WhatOtherProgramsRewriteSaysSoOrLoads()
    {
        byte[] bytes = TinyModel.Bytes();
        int length = (int)BinaryPrimitives.ReadInt64LittleEndian(bytes);
        string header = Encoding.UTF8.GetString(bytes.AsSpan(8, length));
        byte[] rewritten = SafetensorsTests.Container(
            header.Replace("\"checksum\":", "\"checksum\" : "), bytes[(8 + length)..]);
        Assert.Contains("has to leave 'checksum' out of __metadata__", Refused(rewritten));
        Assert.Equal(Contents(bytes), Contents(TinyModel.Unsealed(bytes)));
    }

    [Theory]
    [InlineData("crc32c:1234567")]
    [InlineData("crc32c:1234567g")]
    [InlineData("sha256:12345678")]
    [InlineData("")]
    [InlineData("\\u0063rc32c:12345678")]
    [InlineData("crc32c:1234567\u00e4")]
    public void OtherChecksumsAreRefused(string stated) => Assert.Contains(
        "of a newer dl",
        Refused(SafetensorsTests.Container(
            $$$"""{"__metadata__":{"checksum":"{{{stated}}}"}}""", [])));

    /// <summary>The first file with a checksum, as it was written then.</summary>
    [Fact]
    public void TheFirstSealedFileStillLoads()
    {
        using var loaded = ModelFile.Load(Shared.Fixture("models/format-2-sealed.dlm"));
        Assert.Matches("^crc32c:[0-9a-f]{8}$", loaded.File.Metadata[Seal.Key]);
        for (int member = 0; member < 3; member++)
        {
            using var model = loaded.CreateModel(_device, member);
            using var expected = TinyModel.Create(
                TinyModel.Document() with { Seed = 7 + (ulong)member }, _device);
            Assert.Equal(expected.Weights.Snapshot(), model.Weights.Snapshot());
        }
    }

    private byte[] Bytes(string kind)
    {
        if (kind != "checkpoint")
        {
            return kind == "model" ? TinyModel.Bytes() : TinyModel.EnsembleBytes(2);
        }
        string path = _folder.File("c.dlm");
        using var model = TinyModel.Create(TinyModel.Document(), _device);
        CheckpointFile.Save(
            path, TinyModel.Document(), model, [("optimizer.m", [1, 2, 3])], "{\"epoch\":3}");
        return File.ReadAllBytes(path);
    }

    /// <summary>Everything that the file is read for, as text.</summary>
    private string Contents(byte[] bytes)
    {
        string path = _folder.File("m.dlm");
        File.WriteAllBytes(path, bytes);
        using var loaded = ModelFile.Load(path);
        var text = new StringBuilder(ModelJson.Write(loaded.Document));
        text.Append(loaded.File.Metadata.GetValueOrDefault(ModelFile.TrainingKey));
        foreach (var tensor in loaded.File.Tensors)
        {
            var values = new byte[tensor.Bytes];
            loaded.File.ReadBytes(tensor.Name, values);
            text.Append($"{tensor.Name} {tensor.ShapeText} {Convert.ToHexString(values)}\n");
        }
        return text.ToString();
    }

    private string Refused(byte[] bytes)
    {
        string path = _folder.File("m.dlm");
        File.WriteAllBytes(path, bytes);
        var error = Assert.Throws<DataException>(() => ModelFile.Load(path).Dispose());
        Assert.StartsWith(path + ": ", error.Message);
        Assert.Equal(3, error.ExitCode);
        return error.Message;
    }
}
