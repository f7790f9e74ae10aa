// `--log FILE.csv`: one line an epoch, written out at once, so that others can watch the file.
using System.Globalization;
using System.Text;
using Dl.Files;

namespace Dl.Training;

/// <summary>Writes epochs as CSV.</summary>
internal sealed class EpochLog : IDisposable
{
    private readonly LiveFile _file;

    /// <param name="before">Epochs of an earlier run that is being resumed.</param>
    /// <exception cref="DlException">The file cannot be written.</exception>
    public EpochLog(string path, string metric, IEnumerable<EpochRecord> before)
    {
        _file = new LiveFile(path);
        var text = new StringBuilder($"epoch,loss,val_loss,{metric},val_{metric},lr,seconds\n");
        foreach (var record in before)
        {
            text.Append(Line(record));
        }
        if (!_file.Write(Encoding.UTF8.GetBytes(text.ToString())))
        {
            _file.Close();
        }
    }

    /// <returns>Why it could not be written, the first time; else null.</returns>
    public DlException? Add(EpochRecord record) =>
        _file.Write(Encoding.UTF8.GetBytes(Line(record))) ? null : _file.Failure;

    /// <exception cref="DlException">A line could not be written.</exception>
    public void Close() => _file.Close();

    public void Dispose() => _file.Dispose();

    private static string Line(EpochRecord r) => string.Create(
        CultureInfo.InvariantCulture,
        $"{r.Epoch},{r.TrainLoss:R},{r.ValLoss:R},{r.TrainMetric:R},{r.ValMetric:R},"
        + $"{r.LearningRate:R},{r.Seconds:0.###}\n");
}
