// `dl gen`: make data.
using Dl.Cli.Options;
using static Dl.Cli.Options.CommonOptions;

namespace Dl.Cli.Commands;

internal static class GenCommand
{
    public static readonly OptionSpec Toy = new("toy", "which toy set")
    {
        Value = "NAME", Registry = "toys",
        More = "Tables of two numbers and a class, tables for regression, or folders of drawn "
            + "images; `dl info --list toys` says which is which.",
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
        More = "`-` is standard output, for tables.",
    };

    public static readonly OptionSpec Noise = new(
        "noise", "how much chance is added [the set's own]")
    {
        Kind = ValueKind.Number, Value = "X", Min = 0,
    };

    public static readonly OptionSpec Boxes = new("boxes", "write a bounding box for each image")
    {
        Kind = ValueKind.Flag,
    };

    public static readonly OptionSpec Masks = new("masks", "write a mask for each image")
    {
        Kind = ValueKind.Flag,
    };

    public static readonly CommandSpec Spec = new("gen", "Make data to train on")
    {
        Usage = ["--toy NAME [-n N] [-o PATH] [OPTION...]"],
        Groups =
        [
            new("Data", Toy, Count, Output, Noise, Boxes, Masks, Seed),
            General,
        ],
        Examples =
        [
            new("dl gen --toy moons -n 500 -o moons.csv", "A table of two interleaved half-moons."),
            new("dl gen --toy digits -n 2000 -o digits/", "A folder of drawn images a digit."),
            new("dl gen --toy xor | dl fit --model mlp:8 - -o xor.dlm", "Straight into training."),
        ],
        Run = session => Engine.Gen(session),
    };
}
