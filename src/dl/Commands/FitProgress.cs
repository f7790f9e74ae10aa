// What `dl fit` shows while it works: a line that renews itself on a terminal, and a plain line an
// epoch in the log.
using System.Globalization;
using Dl.Training;
using Microsoft.Extensions.Logging;

namespace Dl.Cli.Commands;

internal sealed class FitProgress(Session session)
{
    private int _epochs;

    public FitEvents Events => new(Show, EpochDone, session.Token);

    private void Show(TrainingProgress now)
    {
        _epochs = now.Epochs;
        if (session.Progress.Visible)
        {
            session.Progress.Show(string.Create(
                CultureInfo.InvariantCulture,
                $"epoch {now.Epoch}/{now.Epochs}  step {now.Step}/{now.StepsPerEpoch}  "
                + $"loss {now.Loss:0.0000}  {now.SamplesPerSecond:0} samples/s  "
                + $"{now.EpochSecondsLeft:0} s left in the epoch"));
        }
    }

    private void EpochDone(EpochRecord epoch, string name)
    {
        string metric = epoch.TrainMetric is { } own ? $"  {name} {Number(own)}" : "";
        string validation = epoch.ValLoss is { } loss ? $"  val loss {Number(loss)}" : "";
        validation += epoch.ValMetric is { } value ? $"  val {name} {Number(value)}" : "";
        session.Log.LogInformation(
            "epoch {Epoch}/{Epochs}  loss {Loss}{Metric}{Validation}  {Seconds} s",
            epoch.Epoch, _epochs, Number(epoch.TrainLoss), metric, validation,
            epoch.Seconds.ToString("0.0", CultureInfo.InvariantCulture));
    }

    private static string Number(double value) =>
        value.ToString(Math.Abs(value) < 1000 ? "0.0000" : "0.0", CultureInfo.InvariantCulture);
}
