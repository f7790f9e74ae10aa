// `dl man TEMPLATES OUT`, hidden: writes the man pages, for the Makefile.
using Dl.Cli.Options;

namespace Dl.Cli.Commands;

internal static class ManCommand
{
    private static readonly ArgumentSpec Templates =
        new("TEMPLATES", "the folder with PAGE.SECTION.in files", 1, Many: false);

    private static readonly ArgumentSpec Out = new("OUT", "the folder to write to", 1, Many: false);

    public static readonly CommandSpec Spec = new("man", "Write the man pages")
    {
        Usage = ["TEMPLATES OUT"],
        Hidden = true,
        Arguments = [Templates, Out],
        Groups = [CommonOptions.General],
        Run = Run,
    };

    private static int Run(Session session)
    {
        ManPages.Write(session.Values.Argument(Templates), session.Values.Argument(Out));
        return 0;
    }
}
