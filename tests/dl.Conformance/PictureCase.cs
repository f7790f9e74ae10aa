// One picture against its reference: `NAME.png` beside a JPEG or WebP, or the pixels `NAME.json` in
// the folder `rgba` beside the folder of PNG files; or against another file of a set that shows one
// scene; or against another program (--peer). Differences are of 8-bit levels, over all samples.
using System.Globalization;
using System.Text.Json;
using Dl.Data;
using Dl.Data.Images;

namespace Dl.Conformance;

/// <summary>Reads and compares pictures.</summary>
internal sealed class PictureCase(Peer? peer, int size)
{
    /// <summary>Levels by which a lossy picture may differ in 999 of 1000 samples.</summary>
    private const int LossyBound = 2;

    /// <summary>Mean levels between pictures of one scene, each compressed anew.</summary>
    private const double SceneBound = 4;

    /// <summary>Mean levels between two ways of making a picture smaller.</summary>
    private const double ResizeBound = 2;

    private readonly Dictionary<string, (string Name, Image Image)> _scenes = [];

    /// <summary>The folder with decoded pixels that belongs to a folder of PNG files.</summary>
    public static string? PixelFolder(string folder)
    {
        string pixels = Path.Combine(Path.GetDirectoryName(folder) ?? "", "rgba");
        return Directory.Exists(pixels) ? pixels : null;
    }

    /// <exception cref="DataException">Refused.</exception>
    public (Verdict Verdict, string Text) Read(string path)
    {
        byte[] bytes = File.ReadAllBytes(path);
        if (size > 0)
        {
            return Resized(path, bytes, peer!);
        }
        ImageInfo info = ImageCodec.Identify(bytes, path);
        Image image = ImageCodec.Decode(bytes, path);
        string text = $"{image.Width}x{image.Height}x{image.Channels}"
            + (image.Warning is string warning ? $" (warning: {warning})" : "");
        if (info.Upright != (image.Width, image.Height))
        {
            return (Verdict.Wrong, $"{text}, but {info.Upright} by its header");
        }
        byte[] rgba = Rgba(image);
        if (Reference(path, info) is (byte[] expected, string name))
        {
            var difference = Difference.Of(rgba, expected);
            int bound = info.Format == "png" ? 0 : LossyBound;
            bool within = bound == 0 ? difference.Most == 0 : difference.Usual <= bound;
            return (within ? Verdict.Ok : Verdict.Wrong, $"{text}, {difference} from {name}");
        }
        if (Path.GetFileName(Path.GetDirectoryName(path)!).Contains(
            "orientation", StringComparison.OrdinalIgnoreCase))
        {
            return OneScene(path, image, text);
        }
        if (peer is null)
        {
            return (Verdict.Read, text);
        }
        if (peer.Read(path, out string answer) is not Image other)
        {
            return (Verdict.Read, $"{text} [peer: {answer}]");
        }
        var peers = Difference.Of(rgba, Rgba(other));
        return (peers.Usual <= LossyBound ? Verdict.Ok : Verdict.Wrong,
            $"{text}, {peers} from the peer");
    }

    /// <summary>Loaded as training does, beside the peer's picture of the same size.</summary>
    private (Verdict Verdict, string Text) Resized(string path, byte[] bytes, Peer other)
    {
        var image = new Image(size, size, 3, new byte[size * size * 3]);
        ImageInfo info = ImageCodec.Identify(bytes, path);
        ImageCodec.Load(bytes, path, size, size, 3, image.Pixels);
        string text = $"{info.Upright.Width}x{info.Upright.Height} to {size}x{size}";
        if (other.Read(path, out string answer) is not Image expected)
        {
            return (Verdict.Read, $"{text} [peer: {answer}]");
        }
        var difference = Difference.Of(Rgba(image), Rgba(expected));
        return (difference.Mean <= ResizeBound ? Verdict.Ok : Verdict.Wrong,
            $"{text}, {difference} from the peer");
    }

    /// <summary>All of the folder show what its first file shows, once they are upright.</summary>
    private (Verdict Verdict, string Text) OneScene(string path, Image image, string text)
    {
        string folder = Path.GetDirectoryName(path)!;
        if (!_scenes.TryGetValue(folder, out (string Name, Image Image) first))
        {
            _scenes[folder] = (Path.GetFileName(path), image);
            return (Verdict.Read, text + ", the others of the folder are compared with it");
        }
        var difference = Difference.Of(Rgba(image), Rgba(first.Image));
        return (difference.Mean <= SceneBound ? Verdict.Ok : Verdict.Wrong,
            $"{text}, {difference} from {first.Name}");
    }

    private static (byte[] Rgba, string Name)? Reference(string path, ImageInfo info)
    {
        string picture = Path.ChangeExtension(path, ".png");
        if (picture != path && File.Exists(picture))
        {
            Image image = ImageCodec.Decode(File.ReadAllBytes(picture), picture);
            return (Rgba(image), Path.GetFileName(picture));
        }
        if (info.Format != "png" || PixelFolder(Path.GetDirectoryName(path)!) is not string folder)
        {
            return null;
        }
        string pixels = Path.Combine(folder, Path.GetFileNameWithoutExtension(path) + ".json");
        if (!File.Exists(pixels))
        {
            return null;
        }
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(pixels));
        // Of 16 bits a sample dl keeps the upper 8.
        int shift = info.Bits == 16 ? 8 : 0;
        IEnumerable<int> levels = document.RootElement.EnumerateArray().Select(e => e.GetInt32());
        return ([.. levels.Select(level => (byte)(level >> shift))],
            "rgba/" + Path.GetFileName(pixels));
    }

    private static byte[] Rgba(Image image)
    {
        var rgba = new byte[image.Width * image.Height * 4];
        ReadOnlySpan<byte> pixels = image.Pixels;
        bool color = image.Channels >= 3;
        for (int i = 0, at = 0; i < rgba.Length; i += 4, at += image.Channels)
        {
            rgba[i] = pixels[at];
            rgba[i + 1] = pixels[color ? at + 1 : at];
            rgba[i + 2] = pixels[color ? at + 2 : at];
            rgba[i + 3] = image.Channels is 2 or 4 ? pixels[at + image.Channels - 1] : (byte)255;
        }
        return rgba;
    }
}

/// <summary>How far two pictures are from each other, in levels of 0 to 255.</summary>
/// <param name="Usual">999 of 1000 samples differ by no more.</param>
internal sealed record Difference(double Mean, int Usual, int Most)
{
    /// <summary>Pictures of different size differ by more than any sample can.</summary>
    public static Difference Of(byte[] a, byte[] b)
    {
        if (a.Length != b.Length || a.Length == 0)
        {
            return new Difference(256, 256, 256);
        }
        var counts = new long[256];
        for (int i = 0; i < a.Length; i++)
        {
            counts[Math.Abs(a[i] - b[i])]++;
        }
        double sum = 0;
        long seen = 0;
        int usual = -1, most = 0;
        for (int level = 0; level < counts.Length; level++)
        {
            sum += level * (double)counts[level];
            seen += counts[level];
            usual = usual < 0 && seen * 1000 >= a.Length * 999L ? level : usual;
            most = counts[level] > 0 ? level : most;
        }
        return new Difference(sum / a.Length, usual, most);
    }

    public override string ToString() => Most == 0
        ? "equal, 0 levels"
        : string.Create(CultureInfo.InvariantCulture,
            $"mean {Mean:F3}, 99.9 % within {Usual}, at most {Most} levels");
}
