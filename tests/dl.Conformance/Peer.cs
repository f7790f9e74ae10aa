// Another reader of pictures, asked through its stdin and stdout: a path a line in; out comes
// `ok WIDTH HEIGHT` and width x height RGBA pixels, or `error MESSAGE`.
using System.Diagnostics;
using System.Text;
using Dl.Data.Images;

namespace Dl.Conformance;

/// <summary>A program that runs as long as it is asked.</summary>
internal sealed class Peer : IDisposable
{
    private readonly Process _process;

    /// <param name="command">Program and arguments, blanks between.</param>
    public Peer(string command)
    {
        string[] words = command.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        _process = Process.Start(new ProcessStartInfo(words[0], words[1..])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
    }

    /// <summary>The picture; null where the peer refuses it, with its message.</summary>
    public Image? Read(string path, out string answer)
    {
        _process.StandardInput.WriteLine(Path.GetFullPath(path));
        _process.StandardInput.Flush();
        Stream output = _process.StandardOutput.BaseStream;
        answer = Line(output);
        if (answer.Split(' ') is not ["ok", string width, string height])
        {
            return null;
        }
        var image = new Image(
            int.Parse(width), int.Parse(height), 4,
            new byte[int.Parse(width) * int.Parse(height) * 4]);
        output.ReadExactly(image.Pixels);
        return image;
    }

    /// <summary>What the peer says of a file, in a few words.</summary>
    public string Say(string path) => Read(path, out string answer) is null ? answer : "reads it";

    public void Dispose()
    {
        _process.StandardInput.Close();
        _process.WaitForExit();
        _process.Dispose();
    }

    private static string Line(Stream stream)
    {
        var line = new List<byte>();
        for (int next = stream.ReadByte(); next is not ('\n' or -1); next = stream.ReadByte())
        {
            line.Add((byte)next);
        }
        return Encoding.UTF8.GetString([.. line]);
    }
}
