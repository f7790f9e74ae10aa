// Runs dl as a user does: as a process, in a temporary folder. DL_BIN names the program; without it
// the assembly that the tests were built with is run. Whatever a command does, afterwards nothing
// of it lies in TMPDIR, and no file of its own that it had not finished.
using System.Diagnostics;
using System.Text;

namespace Dl.Tests;

/// <summary>What a run left: both streams and the exit code.</summary>
public sealed record Ran(string Out, string Error, int Code)
{
    public string[] Lines => Out.Split('\n', StringSplitOptions.RemoveEmptyEntries);
}

/// <summary>A temporary folder in which dl runs; deleted at the end.</summary>
public sealed class Workplace : IDisposable
{
    private const int Limit = 300_000;

    public string Folder { get; } = Directory.CreateTempSubdirectory("dl-test-").FullName;

    /// <summary>TMPDIR of the program.</summary>
    private readonly string _temporary =
        Directory.CreateTempSubdirectory("dl-test-tmp-").FullName;

    /// <summary>Program and first arguments.</summary>
    private static string[] Command()
    {
        string? binary = Environment.GetEnvironmentVariable("DL_BIN");
        return binary is not null && File.Exists(binary)
            ? [Path.GetFullPath(binary)]
            : ["dotnet", Path.Combine(AppContext.BaseDirectory, "dl.dll")];
    }

    /// <summary>The command line of dl as a shell reads it.</summary>
    public static string ShellCommand => string.Join(' ', Command().Select(word => $"'{word}'"));

    public string Write(string name, string text)
    {
        string path = Path.Combine(Folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
        return path;
    }

    public Ran Dl(params string[] arguments) => Run(Command(), arguments, null);

    /// <summary>With <paramref name="input"/> on stdin.</summary>
    public Ran Fed(string input, params string[] arguments) => Run(Command(), arguments, input);

    /// <summary>A line for sh, in which `dl` is the program.</summary>
    public Ran Shell(string line) =>
        Run(["bash", "-c", $"dl() {{ {ShellCommand} \"$@\"; }}; {line}"], [], null);

    /// <summary>Starts dl without waiting for it.</summary>
    public Process Start(params string[] arguments)
    {
        string[] command = Command();
        return Process.Start(Info(command, arguments))!;
    }

    private Ran Run(string[] command, string[] arguments, string? input)
    {
        string[] before = Unfinished();
        using Process process = Process.Start(Info(command, arguments))!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        if (input is not null)
        {
            process.StandardInput.Write(input);
        }
        process.StandardInput.Close();
        if (!process.WaitForExit(Limit))
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"dl {string.Join(' ', arguments)} took over {Limit} ms");
        }
        // A command line that is refused takes nothing away that a killed one left.
        string[] left = [.. Unfinished().Except(process.ExitCode == 2 ? before : [])];
        Assert.True(
            left.Length == 0,
            $"{string.Join(' ', arguments)}: left behind: {string.Join(' ', left)}");
        return new Ran(output.Result, error.Result, process.ExitCode);
    }

    /// <summary>
    /// No command leaves anything in TMPDIR, or an unfinished file anywhere. The runtime keeps
    /// sockets for debuggers there, which it cannot remove when it is killed.
    /// </summary>
    private string[] Unfinished() =>
    [
        .. Directory.GetFileSystemEntries(_temporary).Where(path =>
            Path.GetFileName(path) is var name
            && !name.StartsWith("dotnet-diagnostic-", StringComparison.Ordinal)
            && !name.StartsWith("clr-debug-pipe-", StringComparison.Ordinal)),
        .. Directory.GetFileSystemEntries(Folder, ".*.tmp", SearchOption.AllDirectories),
    ];

    private ProcessStartInfo Info(string[] command, string[] arguments)
    {
        var info = new ProcessStartInfo(command[0])
        {
            WorkingDirectory = Folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.UTF8,
            StandardErrorEncoding = Encoding.UTF8,
        };
        info.Environment["TMPDIR"] = _temporary;
        foreach (string word in command.Skip(1).Concat(arguments))
        {
            info.ArgumentList.Add(word);
        }
        return info;
    }

    public void Dispose()
    {
        Directory.Delete(Folder, recursive: true);
        Directory.Delete(_temporary, recursive: true);
    }
}
