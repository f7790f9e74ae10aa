// `--log FILE.csv`: one line an epoch, flushed as it is written, so that others can watch the file.
using System.Globalization;
using System.Text;

namespace Dl.Training;

/// <summary>Writes epochs as CSV.</summary>
internal sealed class EpochLog : IDisposable
{
    private readonly StreamWriter _writer;

    /// <param name="before">Epochs of an earlier run that is being resumed.</param>
    /// <exception cref="DlException">The file cannot be written.</exception>
    public EpochLog(string path, string metric, IEnumerable<EpochRecord> before)
    {
        try
        {
            _writer = new StreamWriter(path, false, new UTF8Encoding(false)) { AutoFlush = true };
            _writer.Write($"epoch,loss,val_loss,{metric},val_{metric},lr,seconds\n");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DlException($"{path}: the log cannot be written: {e.Message}", e);
        }
        foreach (var record in before)
        {
            Add(record);
        }
    }

    public void Add(EpochRecord r) => _writer.Write(string.Create(
        CultureInfo.InvariantCulture,
        $"{r.Epoch},{r.TrainLoss:R},{r.ValLoss:R},{r.TrainMetric:R},{r.ValMetric:R},"
        + $"{r.LearningRate:R},{r.Seconds:0.###}\n"));

    public void Dispose() => _writer.Dispose();
}
