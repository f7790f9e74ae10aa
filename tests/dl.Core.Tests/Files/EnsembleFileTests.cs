// Several models in one file: what comes back, and what is refused.
using System.Buffers.Binary;
using System.Text;
using Dl.Cpu;
using Dl.Data;
using Dl.Files;
using Dl.Layers;
using Dl.Models;
using Dl.Tensors;

namespace Dl.Tests.Files;

public sealed class EnsembleFileTests : IDisposable
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
    public void MembersComeBackAsTheyWere()
    {
        var wide = TinyModel.Document() with
        {
            Seed = 20,
            Architecture = "mlp:9",
            Graph = new Graph
            {
                Layers = [new Dense { Units = 9 }, new Dense { Units = 0, Name = "output" }],
            }.Resolve(new Shape(4), 3),
        };
        string[] paths =
        [
            Write("a.dlm", TinyModel.Document()), Write("b.dlm", wide),
            Write("c.dlm", TinyModel.Document() with { Seed = 30 }),
        ];
        string path = _folder.File("all.dlm");
        EnsembleFile.Join(path, paths);

        using var loaded = ModelFile.Load(path);
        Assert.Equal(2, loaded.Document.Format);
        var members = loaded.Document.Members!;
        Assert.Equal([7, 20, 30], members.Select(m => (int)m.Seed));
        Assert.Equal([null, "mlp:9", null], members.Select(m => m.Architecture));
        Assert.Contains("member2.dense_1.weight", loaded.File.Names);
        for (int i = 0; i < 3; i++)
        {
            using var single = ModelFile.Load(paths[i]);
            using var expected = single.CreateModel(_device);
            using var member = loaded.CreateModel(_device, i);
            Assert.Equal(expected.Weights.Snapshot(), member.Weights.Snapshot());
        }
    }

    [Fact]
    public void AnEnsembleJoinsWithItsMembers()
    {
        File.WriteAllBytes(_folder.File("two.dlm"), TinyModel.EnsembleBytes(2));
        string single = Write("one.dlm", TinyModel.Document() with { Seed = 99 });
        var document = EnsembleFile.Join(
            _folder.File("three.dlm"), [_folder.File("two.dlm"), single]);
        Assert.Equal([7, 8, 99], document.Members!.Select(m => (int)m.Seed));
        ModelFile.Load(_folder.File("three.dlm")).Dispose();
    }

    [Fact]
    public void WhatDoesNotGoTogetherIsRefused()
    {
        string first = Write("a.dlm", TinyModel.Document());
        var table = TinyModel.Table();
        var scaled = TinyModel.Document() with
        {
            Preprocessing = table with
            {
                Columns = [table.Columns[0] with { Mean = 2.6 }, table.Columns[1]],
            },
        };
        Assert.Contains("prepares its input in another way", Refused(first, scaled));
        Assert.Contains("is for classification by hinge", Refused(
            first, TinyModel.Document(loss: "hinge")));
        using var model = TinyModel.Create(TinyModel.Document(), _device);
        string checkpoint = _folder.File("c.dlm");
        CheckpointFile.Save(checkpoint, TinyModel.Document(), model, [], "{}");
        var error = Assert.Throws<DataException>(
            () => EnsembleFile.Join(_folder.File("x.dlm"), [first, checkpoint]));
        Assert.Contains("is a checkpoint", error.Message);
        Assert.False(File.Exists(_folder.File("x.dlm")));
    }

    [Theory]
    [InlineData("\"members\":[{", "\"members\":[null,{")]
    [InlineData("\"members\":[{\"seed\":7", "\"members\":[],\"x\":[{\"seed\":7")]
    [InlineData("{\"seed\":8", "{\"graph\":{\"input\":[4],\"layers\":[]},\"seed\":8")]
    [InlineData("{\"seed\":8", "{\"seed\":3},{\"seed\":8")]
    public void DamagedListsOfMembersAreRefused(string old, string replacement)
    {
        byte[] bytes = TinyModel.Unsealed(TinyModel.EnsembleBytes(2));
        int length = (int)BinaryPrimitives.ReadInt64LittleEndian(bytes);
        string header = Encoding.UTF8.GetString(bytes.AsSpan(8, length));
        string from = old.Replace("\"", "\\\""), to = replacement.Replace("\"", "\\\"");
        Assert.Contains(from, header);
        string path = _folder.File("m.dlm");
        File.WriteAllBytes(path, SafetensorsTests.Container(
            header.Replace(from, to), bytes[(8 + length)..]));
        var error = Assert.Throws<DataException>(() => ModelFile.Load(path));
        Assert.StartsWith(path + ": ", error.Message);
    }

    private string Refused(string first, ModelDocument other)
    {
        string path = Write("b.dlm", other);
        return Assert.Throws<DataException>(
            () => EnsembleFile.Join(_folder.File("x.dlm"), [first, path])).Message;
    }

    private string Write(string name, ModelDocument document)
    {
        string path = _folder.File(name);
        File.WriteAllBytes(path, TinyModel.Bytes(document));
        return path;
    }
}
