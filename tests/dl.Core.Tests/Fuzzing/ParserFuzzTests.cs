// Every parser of dl.Core under damaged inputs: 2000 each here, 100,000 by `make fuzz`. The limits
// of allocation follow from the formats: what deflate can expand (1032 times), bits that become
// bytes (8 times), a column's bookkeeping for a name of one letter.
using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using System.Text.Json.Nodes;
using Dl.Cpu;
using Dl.Data;
using Dl.Data.Formats;
using Dl.Data.Formats.Delimited;
using Dl.Data.Images;
using Dl.Data.Tables;
using Dl.Data.Tests;
using Dl.Files;
using Dl.Models;
using Dl.Tensors;
using Dl.Tests.Files;
using Dl.Training;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dl.Tests.Fuzzing;

public sealed class ParserFuzzTests : IDisposable
{
    private const long MiB = 1 << 20;

    private readonly Files.TemporaryFolder _folder = new();

    private readonly CpuDevice _device = new(1);

    public void Dispose()
    {
        Assert.Equal(0, _device.LiveBuffers);
        _device.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void Tables() => FuzzRun.Check(new FuzzTarget(
        "table", TableTexts(), bytes => ReadTable(new MemoryStream(bytes)), 2000, 2 * MiB)
    {
        Tokens = Texts(",", "\t", ";", "\n", "\r\n", "\"", "\"\"", "NA", "inf", "nan", "1e400",
            "\u00e9", "\0", "\ufeff"),
    });

    // In one block and in many: a block of a pipe ends with every line, inside of quotes or not.
    [Fact]
    public void Csv() => FuzzRun.Check(new FuzzTarget(
        "csv", TableTexts(),
        bytes => Assert.Equal(
            CutRows(new MemoryStream(bytes), isPipe: false),
            CutRows(new SlowStream(bytes), isPipe: true)),
        20_000, 4 * MiB)
    {
        Tokens = Texts(",", "\n", "\r\n", "\r", "\"", "\"\"", "\"\n\"", ",\"", "\",", " ", "1,5",
            "1.5"),
    });

    [Fact]
    public void JsonLines() => FuzzRun.Check(new FuzzTarget(
        "jsonl", Texts(JsonLine + "\n" + JsonLine + "\n", "{\"x\":1}\n\n{\"y\":\"b\"}\r\n"),
        bytes => ReadTable(new MemoryStream(bytes), "t.jsonl"), 2000, 2 * MiB)
    {
        Tokens = JsonTokens,
        Rewrite = random => Encoding.UTF8.GetBytes(
            $"{JsonDamage.Mutate(JsonLine, random)}\n{JsonDamage.Mutate(JsonLine, random)}\n"),
    });

    // Limits.cs says why so much: run lengths stand for any number of cells of 16 bytes.
    [Fact]
    public void Parquet() => FuzzRun.Check(new FuzzTarget(
        "parquet", [ParquetRowsTests.Table()],
        bytes => ReadTable(new MemoryStream(bytes), "t.parquet"), 17_600, 320 * MiB));

    [Fact]
    public void GzippedTables() => FuzzRun.Check(new FuzzTarget(
        "gzip", TableTexts().ConvertAll(Gzip),
        bytes =>
        {
            string path = Put("t.csv.gz", bytes);
            InputFile.Head(path, 64);
            ReadTable(InputFile.Open(path));
            InputFile.ReadStream(path);
        },
        1032 * 200, 3 * MiB));

    [Fact]
    public void Idx() => FuzzRun.Check(new FuzzTarget(
        "idx",
        [IdxBytes(2, 3, 4), IdxBytes(5), Gzip(IdxBytes(3, 4, 5)), IdxBytes(2, 2, 2, 3)],
        bytes =>
        {
            var idx = IdxFile.Read(Put("images-idx3-ubyte", bytes));
            Assert.Equal(idx.Data.Length, idx.Extents.Aggregate(1L, (a, b) => a * b));
        },
        1040, MiB));

    // A bit of a palette picture becomes four bytes.
    [Fact]
    public void Png() => FuzzRun.Check(
        new FuzzTarget("png", PictureSeeds.Png(), Decode, 1032 * 32, MiB)
        {
            Repair = PictureSeeds.RepairPng,
        });

    [Fact]
    public void Pnm() => FuzzRun.Check(
        new FuzzTarget("pnm", PictureSeeds.Pnm(), Decode, 32, MiB)
        {
            Tokens = Texts("#", "\n", "P1", "P4", "P6", " 0 ", " 65535 ", " 99999 "),
        });

    [Fact]
    public void Bmp() => FuzzRun.Check(
        new FuzzTarget("bmp", PictureSeeds.Bmp(), Decode, 32, MiB));

    // The least that a block of 8x8 pixels takes is a bit; three bytes a pixel, twice when turned.
    [SkippableFact]
    public void Jpeg()
    {
        try
        {
            Decode(PictureSeeds.Jpeg()[0]);
        }
        catch (DlException error) when (error is not DataException)
        {
            Skip.If(true, error.Message);
        }
        FuzzRun.Check(new FuzzTarget("jpeg", PictureSeeds.Jpeg(), Decode, 1024 * 14, MiB)
        {
            Native = true,
        });
    }

    // A megapixel may be of one colour, which takes no bits at all.
    [SkippableFact]
    public void WebP()
    {
        var (plain, clear) = (WebPTests.Gradient(9, 7, 3), WebPTests.Gradient(8, 8, 4));
        FuzzRun.Check(new FuzzTarget(
            "webp",
            [WebPTests.Encode(plain), WebPTests.Encode(plain, lossy: true),
                WebPTests.Encode(clear), WebPTests.Encode(clear, lossy: true)],
            Decode, 4 * 4 * (1 << 15), 17 * MiB)
        {
            Native = true,
        });
    }

    [Fact]
    public void Exif() => FuzzRun.Check(new FuzzTarget(
        "exif", [JpegMaker.Exif(6, little: true), JpegMaker.Exif(3, little: false)],
        bytes => Assert.InRange(Dl.Data.Images.Exif.Orientation(bytes), 1, 8), 0, 64 << 10));

    [Fact]
    public void Models() => FuzzRun.Check(Model("model", TinyModel.Bytes()));

    [Fact]
    public void Ensembles() => FuzzRun.Check(Model("ensemble", TinyModel.EnsembleBytes(2)));

    [Fact]
    public void Checkpoints() => FuzzRun.Check(Model("checkpoint", CheckpointBytes()) with
    {
        Parse = bytes =>
        {
            using var checkpoint = CheckpointFile.Load(Put("m.dlm", bytes));
            TrainerState.Parse(checkpoint.TrainingJson, "m.dlm");
            checkpoint.Model.CreateModel(_device).Dispose();
            _ = checkpoint.ReadState("optimizer.m");
        },
    });

    [Fact]
    public void Containers() => FuzzRun.Check(new FuzzTarget(
        "safetensors", [TinyModel.Bytes(), TinyModel.Unsealed(TinyModel.Bytes())],
        bytes =>
        {
            using var file = SafetensorsFile.Parse("t", new MemoryStream(bytes));
            foreach (var tensor in file.Tensors)
            {
                if (tensor.Type == TensorType.F32)
                {
                    file.ReadFloats(tensor.Name);
                }
            }
        },
        2000, 2 * MiB)
    {
        Tokens = JsonTokens,
        Repair = RepairContainer,
        Rewrite = random => RewriteHeader(TinyModel.Unsealed(TinyModel.Bytes()), random),
    });

    // A letter may stand for a block of layers, each with its shapes and weights.
    [Fact]
    public void LayerStrings() => FuzzRun.Check(new FuzzTarget(
        "layers",
        Texts("conv32-relu-pool2-conv64x5s2-bn-relu-gap-dense128-dropout0.5",
            "sepconv64-dwconv3-se16-up2-avgpool2-convt32s2-gmp", "mlp:256,128", "resnet18",
            "cnn", "mobilenet"),
        bytes =>
        {
            string text = Encoding.UTF8.GetString(bytes);
            var (graph, _) = Zoo.Resolve(text, new Shape(28, 28, 1), 10, 0.1f);
            graph.Plan();
        },
        100_000, 4 * MiB)
    {
        Tokens = Texts("-", ":", ",", "conv", "x3", "s2", "dense", "pool2", "bn", "relu", "0",
            "99999", "-1", "resnet50"),
    });

    private byte[] CheckpointBytes()
    {
        using var model = TinyModel.Create(TinyModel.Document(), _device);
        string path = _folder.File("c.dlm");
        var state = new TrainerState
        {
            Epoch = 1, Step = 2, BestEpoch = 1, History = [new(1, 0.5, 0.4, 0.9, 0.8, 1, 0.01)],
            Options = { ["model"] = "mlp" },
        };
        CheckpointFile.Save(
            path, TinyModel.Document(), model, [("optimizer.m", [1, 2, 3])],
            System.Text.Json.JsonSerializer.Serialize(
                state, TrainerStateJson.Default.TrainerState));
        return File.ReadAllBytes(path);
    }

    [Fact]
    public void GraphFiles() => FuzzRun.Check(new FuzzTarget(
        "graph", GraphTexts(),
        bytes => GraphJson.Read(Put("g.json", bytes)).Resolve(new Shape(28, 28, 1), 10).Plan(),
        2000, 2 * MiB)
    {
        Tokens = JsonTokens,
        Rewrite = random => Encoding.UTF8.GetBytes(JsonDamage.Mutate(
            Encoding.UTF8.GetString(GraphTexts()[random.Next(GraphTexts().Count)]), random)),
    });

    private const string JsonLine =
        """{"size": 1.5, "kind": "ant", "in": {"a": true, "b": "x"}, "none": null}""";

    private static List<byte[]> JsonTokens => Texts(
        "null", "true", "[]", "{}", "\"\"", "-1", "1e999", "[", "]", "{", "}", ",", ":", "\"",
        "\\ud800", "\\u0000", "\u00ff", "\"type\":\"conv2d\",", "\"input\"", "0.5", "/* */");

    private FuzzTarget Model(string name, byte[] good) => new(
        name, [good, TinyModel.Unsealed(good)],
        bytes =>
        {
            using var loaded = ModelFile.Load(Put("m.dlm", bytes));
            for (int i = 0; i < loaded.Plans.Count; i++)
            {
                loaded.CreateModel(_device, i).Dispose();
            }
        },
        2000, 4 * MiB)
    {
        Tokens = JsonTokens,
        Repair = RepairContainer,
        Rewrite = random => RewriteHeader(TinyModel.Unsealed(good), random),
    };

    /// <summary>Another header, or another document in it, before the same data.</summary>
    private static byte[] RewriteHeader(byte[] good, Random random)
    {
        int length = (int)BinaryPrimitives.ReadInt64LittleEndian(good);
        string header = Encoding.UTF8.GetString(good, 8, length);
        if (random.Next(4) == 0)
        {
            header = JsonDamage.Mutate(header, random);
        }
        else
        {
            JsonNode node = JsonNode.Parse(header)!;
            JsonNode metadata = node["__metadata__"]!;
            metadata["dl"] = JsonDamage.Mutate((string)metadata["dl"]!, random);
            header = node.ToJsonString();
        }
        return SafetensorsTests.Container(header, good[(8 + length)..]);
    }

    /// <summary>
    /// The length of the header up to the brace that closes it, so that damaged JSON is read.
    /// </summary>
    private static byte[] RepairContainer(byte[] bytes)
    {
        int end = bytes.AsSpan().LastIndexOf("]}}"u8);
        if (end >= 8)
        {
            int pad = bytes.AsSpan(end + 3).IndexOfAnyExcept((byte)' ');
            BinaryPrimitives.WriteInt64LittleEndian(bytes, end + 3 + Math.Max(pad, 0) - 8);
        }
        return bytes;
    }

    private static void Decode(byte[] bytes)
    {
        try
        {
            ImageCodec.Identify(bytes, "p");
        }
        catch (DataException)
        {
        }
        Image image = ImageCodec.Decode(bytes, "p");
        Assert.Equal(image.Pixels.Length, (long)image.Width * image.Height * image.Channels);
        ImageCodec.Decode(bytes, "p", 4, 4);
    }

    private static void ReadTable(Stream stream, string name = "t.csv")
    {
        var table = new RawTable();
        using (stream)
        {
            table.Append(
                stream, name, Part.Train, new BadData(true, NullLogger.Instance), default);
        }
    }

    private static string CutRows(Stream stream, bool isPipe)
    {
        var dialect = new Dialect((byte)',', DecimalComma: true);
        var feed = new BlockFeed(stream, "t.csv", isPipe);
        using var blocks = new BlockQueue(feed, "t.csv", dialect, isPipe ? 0 : 1);
        var block = new DelimitedBlock("t.csv");
        feed.Fill(block);
        RowCutter.Cut(block, dialect);
        var rows = new StringBuilder();
        for (DelimitedBlock? next = block; next is not null; next = blocks.Next(next))
        {
            for (next.Row = 0; next.Row < next.RowCount; next.Row++)
            {
                rows.Append(next.Line).Append(next.Problem?.Message);
                for (int i = 0; i < next.Count; i++)
                {
                    rows.Append('|').Append(((IRow)next)[i]);
                }
                rows.Append('\n');
            }
        }
        return rows.ToString();
    }

    /// <summary>A byte or a few with each read.</summary>
    private sealed class SlowStream(byte[] bytes) : MemoryStream(bytes)
    {
        public override int Read(Span<byte> buffer) =>
            base.Read(buffer[..Math.Min(buffer.Length, 1 + (int)(Position % 7))]);
    }

    private static List<byte[]> TableTexts() =>
    [
        .. Texts(
            "size,colour,kind\n1.5,red,ant\n2,\"gr\"\"n, een\",bee\n,NA,cat\n",
            "a\tb\n1\t2\n3\t4\n", "1;2;3\r\n4;5;6\r\n", "x|y\n\"two\nlines\"|3\nz|4\n"),
        [0xFF, 0xFE, .. Encoding.Unicode.GetBytes("a,b\n1,2\n")],
        [0xEF, 0xBB, 0xBF, .. "a,b\n1,\u00fc\n"u8],
    ];

    private static List<byte[]> GraphTexts() => Texts(
        """
        {"layers": [{"type": "conv2d", "filters": 4, "kernel": 3, "activation": "relu"},
          {"type": "max_pool2d", "window": [2, 2]}, {"type": "flatten"},
          {"type": "dense", "units": 0}]}
        """,
        """
        {"input": [28, 28, 1], "layers": [
          {"type": "flatten", "name": "f"}, {"type": "dense", "units": 8, "name": "a"},
          {"type": "dense", "units": 8, "inputs": ["f"], "name": "b"},
          {"type": "add", "inputs": ["a", "b"]}, {"type": "dropout", "rate": 0.5},
          {"type": "dense", "units": 0, "name": "out"}], "output": "out"}
        """,
        """
        {"layers": [{"type": "batch_norm"}, {"type": "reshape", "shape": [28, 28]},
          {"type": "lstm", "units": 5, "bidirectional": true}, {"type": "dense", "units": 0}]}
        """);

    private static byte[] IdxBytes(params int[] extents)
    {
        var bytes = new List<byte> { 0, 0, 8, (byte)extents.Length };
        int count = 1;
        foreach (int extent in extents)
        {
            bytes.AddRange([0, 0, 0, (byte)extent]);
            count *= extent;
        }
        return [.. bytes, .. Enumerable.Range(0, count).Select(i => (byte)i)];
    }

    private static byte[] Gzip(byte[] bytes)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Optimal))
        {
            gzip.Write(bytes);
        }
        return packed.ToArray();
    }

    private static List<byte[]> Texts(params string[] texts) =>
        [.. texts.Select(Encoding.UTF8.GetBytes)];

    private string Put(string name, byte[] bytes)
    {
        string path = _folder.File(name);
        File.WriteAllBytes(path, bytes);
        return path;
    }
}
