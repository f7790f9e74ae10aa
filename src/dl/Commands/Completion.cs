// `dl completion SHELL`, hidden: prints the completion script, for the Makefile.
using Dl.Cli.Options;

namespace Dl.Cli.Commands;

internal static class CompletionCommand
{
    private static readonly ArgumentSpec Shell = new("SHELL", "bash, zsh or fish", 1, Many: false);

    public static readonly CommandSpec Spec = new("completion", "Print a shell's completion script")
    {
        Usage = ["bash|zsh|fish"],
        Hidden = true,
        Arguments = [Shell],
        Groups = [CommonOptions.General],
        Run = Run,
    };

    private static int Run(Session session)
    {
        string shell = session.Values.Argument(Shell);
        session.Out.Write(shell switch
        {
            "bash" => Completions.Bash(),
            "zsh" => Completions.Zsh(),
            "fish" => Completions.Fish(),
            _ => throw new UsageException(
                Nearest.Unknown("shell", shell, ["bash", "zsh", "fish"])),
        });
        return 0;
    }
}
