// The files of a corpus, and by which rules their expectations are found. No single file is known
// here: folders and names say what is expected, as the public suites name theirs.
using Dl.Data;
using Dl.Data.Images;

namespace Dl.Conformance;

/// <summary>What is to be done with a file.</summary>
internal enum Expectation
{
    Read,

    /// <summary>Said to be damaged: to be refused, or read as far as it goes.</summary>
    Survive,

    Refuse,
}

/// <summary>Walks a folder and judges every file of a known kind.</summary>
/// <param name="size">Pictures are resized to this, as by the peer; 0: they are not.</param>
internal sealed class Corpus(string root, Peer? peer, int size = 0)
{
    private const string Manifest = "expect.tsv";

    private static readonly string[] BadNames = ["bad", "damaged", "broken", "crash"];

    private readonly Dictionary<string, Dictionary<string, Expectation>> _manifests = [];

    public IEnumerable<Result> Results()
    {
        var pictures = new PictureCase(peer, size);
        foreach (string path in Directory
            .EnumerateFiles(root, "*", SearchOption.AllDirectories)
            .Order(StringComparer.Ordinal))
        {
            string? kind = KindOf(path);
            if (kind is null || (size > 0 && kind == "parquet"))
            {
                continue;
            }
            (Verdict verdict, string text) = Judge(path, kind, pictures);
            yield return new Result(verdict, kind, Path.GetRelativePath(root, path), text);
        }
    }

    private (Verdict Verdict, string Text) Judge(string path, string kind, PictureCase pictures)
    {
        Expectation expectation = Expected(path, kind);
        try
        {
            (Verdict verdict, string text) =
                kind == "parquet" ? TableCase.Read(path) : pictures.Read(path);
            return expectation switch
            {
                Expectation.Refuse => (Verdict.Wrong, $"read, but is to be refused; {text}"),
                Expectation.Survive => (Verdict.Survived, text),
                _ => (verdict, text),
            };
        }
        catch (DataException error)
        {
            return (Verdict.Refused, error.Message.Replace(path + ": ", "")
                + (kind != "parquet" && peer is not null ? $" [peer: {peer.Say(path)}]" : ""));
        }
    }

    private static string? KindOf(string path) => Path.GetExtension(path).ToLowerInvariant() switch
    {
        ".parquet" => "parquet",
        ".png" => "png",
        ".jpg" or ".jpeg" => "jpeg",
        ".webp" => "webp",
        _ => null,
    };

    private Expectation Expected(string path, string kind)
    {
        string folder = Path.GetDirectoryName(path)!;
        string name = Path.GetFileName(path);
        if (ReadManifest(folder).TryGetValue(name, out Expectation said))
        {
            return said;
        }
        string relative = Path.GetRelativePath(root, path).ToLowerInvariant();
        // PngSuite: the files that begin with x are corrupt, and have no pixels beside them.
        bool suite = kind == "png" && name[0] == 'x' && PictureCase.PixelFolder(folder) is not null;
        if (suite || relative.Contains("corrupt"))
        {
            return Expectation.Refuse;
        }
        string[] folders = relative.Split('/', '\\')[..^1];
        return Array.Exists(folders, f => Array.Exists(BadNames, f.StartsWith))
            ? Expectation.Survive
            : Expectation.Read;
    }

    /// <summary>`FILE TAB read|survive|refuse` a line, where names alone do not tell.</summary>
    private Dictionary<string, Expectation> ReadManifest(string folder)
    {
        if (_manifests.TryGetValue(folder, out Dictionary<string, Expectation>? known))
        {
            return known;
        }
        string path = Path.Combine(folder, Manifest);
        var manifest = new Dictionary<string, Expectation>();
        foreach (string line in File.Exists(path) ? File.ReadAllLines(path) : [])
        {
            if (line.Split('\t') is not [string file, string word]
                || !Enum.TryParse(word, ignoreCase: true, out Expectation expectation))
            {
                throw new DataException(
                    $"{path}: '{line}', expected FILE, a tab, and read, survive or refuse");
            }
            manifest[file] = expectation;
        }
        return _manifests[folder] = manifest;
    }
}
