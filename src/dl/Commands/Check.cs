// `dl check`: find what is wrong before it costs a night.
using Dl.Cli.Options;
using static Dl.Cli.Options.CommonOptions;

namespace Dl.Cli.Commands;

internal static class CheckCommand
{
    public static readonly ArgumentSpec Subject =
        new("WHAT", "a model file, or data as dl-data(5) describes", 0, Many: true);

    public static readonly OptionSpec SelfTest = new(
        "selftest", "prove a device against the reference")
    {
        Kind = ValueKind.Flag,
        More = "Runs every primitive on the device of `--device` and prints how far it is from "
            + "the reference and how fast it is.",
    };

    public static readonly CommandSpec Spec = new(
        "check", "Find what is wrong with data, models or devices")
    {
        Usage = ["DATA... [OPTION...]", "MODEL.dlm [OPTION...]", "--selftest [--device DEVICE]"],
        Arguments = [Subject],
        Groups = [new("What", SelfTest, Device, Threads, Json), General],
        Examples =
        [
            new("dl check photos/", "Reads every image and names those that cannot be read."),
            new("dl check iris.dlm", "Reads a model file and looks for damage."),
            new("dl check --selftest --device opencl:0", "Is this device to be trusted?"),
        ],
        Run = Run,
    };

    private static int Run(Session session)
    {
        bool subjects = session.Values.Arguments(Subject).Length > 0;
        if (subjects == session.Values.Flag(SelfTest))
        {
            throw new UsageException("check: give either DATA, MODEL.dlm or --selftest");
        }
        return Engine.Check(session);
    }
}
