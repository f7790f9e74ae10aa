// The container: what is written can be read, by hand too, and nothing that is wrong gets through.
using System.Buffers.Binary;
using System.Text;
using Dl.Files;

namespace Dl.Tests.Files;

public sealed class SafetensorsTests
{
    [Fact]
    public void TheBytesAreAsTheFormatHasThem()
    {
        using var stream = new MemoryStream();
        SafetensorsWriter.Write(
            stream, [("k", "é\"")],
            [TensorSource.Floats("b", [2, 1], () => [1f, -2f]),
                TensorSource.Floats("a", [], () => [0.5f])]);
        byte[] bytes = stream.ToArray();
        const string Header = """
            {"__metadata__":{"k":"é\""},"b":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},
            """ + """
            "a":{"dtype":"F32","shape":[],"data_offsets":[8,12]}}
            """;
        int length = (int)BinaryPrimitives.ReadInt64LittleEndian(bytes);
        Assert.Equal(0, length % 8);
        Assert.Equal(Header, Encoding.UTF8.GetString(bytes.AsSpan(8, length)).TrimEnd(' '));
        Assert.Equal(1f, BitConverter.ToSingle(bytes, 8 + length));
        Assert.Equal(0.5f, BitConverter.ToSingle(bytes, 8 + length + 8));
        Assert.Equal(8 + length + 12, bytes.Length);
    }

    [Fact]
    public void ReadsBackWhatItWrote()
    {
        using var folder = new TemporaryFolder();
        string path = folder.File("t.safetensors");
        AtomicFile.Write(path, s => SafetensorsWriter.Write(
            s, [("k", "v")],
            [TensorSource.Floats("b", [2, 3], () => [1, 2, 3, 4, 5, 6]),
                TensorSource.Floats("empty", [0, 3], () => []),
                new TensorSource("n", TensorType.I64, [2], o =>
                    o.Write([1, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255]))]));
        using var file = SafetensorsFile.Open(path);
        Assert.Equal(["b", "empty", "n"], file.Names);
        Assert.Equal("v", file.Metadata["k"]);
        Assert.Equal([1, 2, 3, 4, 5, 6], file.ReadFloats("b"));
        Assert.Equal([2L, 3L], file.Find("b").Shape);
        Assert.Empty(file.ReadFloats("empty"));
        var ints = new int[2];
        file.ReadInts("n", ints);
        Assert.Equal([1, -1], ints);
        var error = Assert.Throws<DataException>(() => file.ReadFloats("bb"));
        Assert.Contains("did you mean 'b'", error.Message);
        Assert.Throws<DataException>(() => file.ReadFloats("b", new float[5]));
        Assert.Throws<DataException>(() => file.ReadInts("b", new int[6]));
    }

    [Theory]
    [InlineData("F16", new byte[] { 0x00, 0x3c, 0x00, 0xc0 }, 1f, -2f)]
    [InlineData("BF16", new byte[] { 0x80, 0x3f, 0x00, 0xc0 }, 1f, -2f)]
    [InlineData("F64", new byte[] { 0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 0, 0, 0, 0, 0, 0, 0, 0xc0 },
        1f, -2f)]
    [InlineData("I32", new byte[] { 1, 0, 0, 0, 254, 255, 255, 255 }, 1f, -2f)]
    [InlineData("I16", new byte[] { 1, 0, 254, 255 }, 1f, -2f)]
    [InlineData("I8", new byte[] { 1, 254 }, 1f, -2f)]
    [InlineData("U8", new byte[] { 1, 254 }, 1f, 254f)]
    [InlineData("BOOL", new byte[] { 1, 0 }, 1f, 0f)]
    public void ConvertsEveryType(string type, byte[] data, float first, float second)
    {
        string header =
            $$$"""{"x":{"dtype":"{{{type}}}","shape":[2],"data_offsets":[0,{{{data.Length}}}]}}""";
        using var file = Parse(Container(header, data));
        Assert.Equal([first, second], file.ReadFloats("x"));
    }

    [Theory]
    [InlineData("""{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}""", 4, "needs 8 bytes")]
    [InlineData("""{"x":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 8, "hole")]
    [InlineData("""{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 8, "4 bytes follow")]
    [InlineData("""{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 2, "cut short")]
    [InlineData("""{"x":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}""", 4, "needs 4 bytes")]
    [InlineData("""{"x":{"dtype":"F31","shape":[1],"data_offsets":[0,4]}}""", 4, "dtype 'F31'")]
    [InlineData("""{"x":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}""", 4, "shape")]
    [InlineData("""{"x":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}}""", 4, "shape")]
    [InlineData("""{"x":{"dtype":"F32","shape":1,"data_offsets":[0,4]}}""", 4, "shape")]
    [InlineData("""{"x":{"dtype":"F32","shape":[1]}}""", 4, "lacks")]
    [InlineData("""{"x":{"dtype":"F32","shape":[1],"data_offsets":[0]}}""", 4, "lacks")]
    [InlineData("""{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}}""", 4, "at most 2")]
    [InlineData(
        """{"x":{"dtype":"F32","shape":[1],"shape":[1],"data_offsets":[0,4]}}""", 4, "once")]
    [InlineData("""{"x":4}""", 4, "expected an object for 'x'")]
    [InlineData("""[1]""", 4, "braces")]
    [InlineData("""{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}} {}""", 4, "JSON")]
    [InlineData("""{"__metadata__":{"a":1}}""", 0, "text for 'a'")]
    [InlineData("""{"__metadata__":{"a":"1","a":"2"}}""", 0, "two keys 'a'")]
    [InlineData(
        """{"x":{"dtype":"F32","shape":[4294967296,4294967296,4294967296],"data_offsets":[0,4]}}""",
        4, "more than a file can hold")]
    [InlineData(
        """{"x":{"dtype":"F32","shape":[1073741824],"data_offsets":[0,4294967296]}}""", 4,
        "cut short")]
    [InlineData(
        """{"x":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},""" +
        """ "x":{"dtype":"U8","shape":[0],"data_offsets":[4,4]}}""",
        4, "two entries are called 'x'")]
    [InlineData(
        """{"x":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},""" +
        """ "y":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}""",
        4, "overlaps 'x'")]
    [InlineData(
        """{"x":{"dtype":"F32","shape":[1],""" +
        """ "data_offsets":[9223372036854775806,9223372036854775807]}}""",
        4, "needs 4 bytes")]
    public void RefusesWrongHeaders(string header, int dataLength, string part)
    {
        var error = Assert.Throws<DataException>(
            () => Parse(Container(header, new byte[dataLength])));
        Assert.StartsWith("t.bin: ", error.Message);
        Assert.Contains(part, error.Message);
    }

    [Theory]
    [InlineData(0UL)]
    [InlineData(3UL)]
    [InlineData(ulong.MaxValue)]
    [InlineData((ulong)long.MaxValue)]
    [InlineData(100_000_001UL)]
    [InlineData(99_999_999UL)]
    public void RefusesAbsurdHeaderLengths(ulong length)
    {
        byte[] bytes = Container("""{"x":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}""",
            new byte[4]);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, length);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<DataException>(() => Parse(bytes));
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 1 << 20);
    }

    [Fact]
    public void MissingFilesAndFoldersAreNamed()
    {
        using var folder = new TemporaryFolder();
        string path = folder.File("none.dlm");
        Assert.Equal(
            $"{path}: cannot be read: no such file",
            Assert.Throws<DataException>(() => SafetensorsFile.Open(path)).Message);
        Assert.Equal(
            $"{folder.Path}: is a folder, expected a file; name a model that `dl fit` wrote",
            Assert.Throws<DataException>(() => SafetensorsFile.Open(folder.Path)).Message);
    }

    [SkippableFact]
    public void ReadsFilesThatPyTorchWrote()
    {
        string? golden = Shared.Find("golden");
        Skip.If(golden is null, "no shared/golden here");
        int tensors = 0;
        foreach (string path in Directory.EnumerateFiles(golden!, "*.safetensors"))
        {
            using var file = SafetensorsFile.Open(path);
            foreach (var tensor in file.Tensors)
            {
                Assert.Equal(tensor.Count, file.ReadFloats(tensor.Name).Length);
                tensors++;
            }
        }
        Assert.True(tensors > 100);
    }

    private static SafetensorsFile Parse(byte[] bytes) =>
        SafetensorsFile.Parse("t.bin", new MemoryStream(bytes));

    internal static byte[] Container(string header, byte[] data)
    {
        byte[] json = Encoding.UTF8.GetBytes(header);
        var bytes = new byte[8 + json.Length + data.Length];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, json.Length);
        json.CopyTo(bytes, 8);
        data.CopyTo(bytes, 8 + json.Length);
        return bytes;
    }
}
