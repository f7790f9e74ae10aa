// Which label was taken for which.
using Dl.Data;

namespace Dl.Tasks;

/// <summary>Counts of rows by true label and prediction.</summary>
public sealed class Confusion
{
    private readonly Dictionary<(int Actual, int Predicted), long> _cells = [];

    private Confusion(string[] labels) => Labels = labels;

    public string[] Labels { get; }

    /// <summary>Only pairs that occur, by true label and then by prediction.</summary>
    public IEnumerable<(int Actual, int Predicted, long Count)> Cells =>
        _cells.OrderBy(c => c.Key).Select(c => (c.Key.Actual, c.Key.Predicted, c.Value));

    /// <summary>Rows of one true label that were predicted as another, or the same.</summary>
    public long this[int actual, int predicted] =>
        _cells.GetValueOrDefault((actual, predicted));

    /// <summary>Null for tasks whose rows have not one label each.</summary>
    public static Confusion? Of(Predictions predictions)
    {
        var target = predictions.Task.Target;
        if (target.Kind != TargetKind.Classes)
        {
            return null;
        }
        var confusion = new Confusion(target.Labels);
        for (int i = 0; i < predictions.Count; i++)
        {
            var cell = (predictions.Classes[i], predictions.Best[i]);
            confusion._cells[cell] = confusion._cells.GetValueOrDefault(cell) + 1;
        }
        return confusion;
    }
}
