// Options of `dl fit` about several models in one file, and about mixtures of samples.
using Dl.Cli.Options;

namespace Dl.Cli.Commands;

internal static class FitEnsembleOptions
{
    public static readonly OptionSpec Ensemble = new(
        "ensemble", "train N members into one model file")
    {
        Kind = ValueKind.Integer, Value = "N", Min = 2, Max = 1000,
        More = "The members start from N seeds in a row; `dl predict` averages their "
            + "probabilities, or their numbers. They are trained one after the other, each into "
            + "MODEL.dlm.member1 and so on until all are joined, and `--resume` goes on with the "
            + "one that was not finished. `--time` is for all of them; other files, such as that "
            + "of `--log`, get the number of the member from the second on.",
    };

    public static readonly OptionSpec Members = new(
        "members", "join finished models into one file")
    {
        Kind = ValueKind.List, Value = "A.dlm,B.dlm",
        More = "In place of training: needs no DATA and no --model, only -o. Architectures may "
            + "differ; data, target and held-out samples have to be the same.",
    };

    public static readonly OptionSpec Mixup = new("mixup", "train on blends of two samples")
    {
        Kind = ValueKind.Number, Value = "ALPHA", Default = "0", Min = 0,
        More = "Each batch is blended with itself in another order, by a share drawn from "
            + "Beta(ALPHA, ALPHA), and the losses of both targets alike. Such as `0.2`; 0 turns "
            + "it off. Training figures are those of the blends.",
    };

    public static readonly OptionSpec Cutmix = new(
        "cutmix", "train on images with a box of another")
    {
        Kind = ValueKind.Number, Value = "ALPHA", Default = "0", Min = 0,
        More = "The box has a share of the image drawn from Beta(ALPHA, ALPHA). Such as `1`; 0 "
            + "turns it off. With --mixup too, each batch gets one of the two at random.",
    };
}
