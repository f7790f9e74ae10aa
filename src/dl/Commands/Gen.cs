// `dl gen`: make data.
using Dl.Cli.Options;
using Dl.Cli.Terminal;
using Dl.Data.Formats.Output;
using Dl.Generation;
using static Dl.Cli.Options.CommonOptions;

namespace Dl.Cli.Commands;

internal static class GenCommand
{
    public static readonly OptionSpec Toy = new("toy", "which toy set")
    {
        Value = "NAME", Registry = "toys",
        More = "Tables to separate or to fit, or folders of drawn images with classes, boxes or "
            + "masks; `dl info --list toys` says which is which.",
    };

    public static readonly OptionSpec Count = new("count", "how many samples")
    {
        Alias = 'n', Kind = ValueKind.Integer, Value = "N", Default = "1000", Min = 1,
        Max = 100_000_000,
    };

    public static readonly OptionSpec Output = new(
        "output", "a file for tables, a folder for images")
    {
        Alias = 'o', Kind = ValueKind.Path, Value = "PATH", Default = "-",
        More = "`-` is standard output, for tables. What ends in .gz or .br is packed.",
    };

    public static readonly OptionSpec Format = new(
        "format", "form of a table [csv, or as the output file ends]")
    {
        Value = "FORM", Allowed = OutputForm.All,
        More = "Written as it is made, so that a table of any length takes no memory: Parquet by "
            + "groups of at most 32 MiB, with Snappy.",
    };

    public static readonly OptionSpec Noise = new("noise", "factor on the noise of the set")
    {
        Kind = ValueKind.Number, Value = "X", Default = "1", Min = 0,
        More = "`0` draws the problem without any.",
    };

    public static readonly CommandSpec Spec = new("gen", "Make data to train on")
    {
        Usage = ["--toy NAME [-n N] [-o PATH] [OPTION...]"],
        Groups =
        [
            new("Data", Toy, Count, Output, Format, Noise, Seed),
            General,
        ],
        Examples =
        [
            new("dl gen --toy moons -n 500 -o moons.csv", "A table of two interleaved half-moons."),
            new("dl gen --toy linear -n 10000000 -o linear.parquet",
                "Ten million rows as Parquet; numbers are the same in every form."),
            new("dl gen --toy digits -n 2000 -o digits/", "A folder of drawn images a digit."),
            new("dl gen --toy xor | dl fit --model mlp:8 - -o xor.dlm", "Straight into training."),
        ],
        Run = Run,
    };

    private static int Run(Session session)
    {
        Values values = session.Values;
        string toy = values.Text(Toy)
            ?? throw new UsageException("gen: no --toy given; dl info --list toys has the names");
        string? form = values.Text(Format);
        string output = values.Text(Output)!;
        BinaryOutput.Check(form, output);
        using var stuck = session.EndWhenStuck(output != "-");
        Toys.Write(
            toy, values.Integer(Count)!.Value, output, (ulong)values.Long(Seed)!.Value,
            new ToyOptions { Noise = values.Number(Noise)!.Value, Form = form },
            session.OutStream, session.Token);
        return 0;
    }
}
