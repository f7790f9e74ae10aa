// Looks at the weights and gradients of a model at the end of each epoch, for the report and for
// event files. Gradients are those of the epoch's last step.
using Dl.Models;

namespace Dl.Training.Watching;

/// <summary>A weight as it stood at the end of an epoch.</summary>
/// <param name="Gradient">Null where nothing flows back: running statistics.</param>
public sealed record WeightView(string Name, Histogram Values, Histogram? Gradient);

/// <summary>Collects histograms, and writes events where a folder is given.</summary>
internal sealed class TrainingWatch : ITrainingObserver, IDisposable
{
    private readonly EventFile? _events;
    private readonly string _metric;
    private readonly List<string> _names = [];
    private readonly List<List<double>> _norms = [];

    /// <param name="folder">For event files; null: none are written.</param>
    /// <param name="metric">Name of the metric in the epochs' records.</param>
    /// <exception cref="DlException">The folder cannot be written.</exception>
    public TrainingWatch(string? folder, string metric)
    {
        _events = folder is null ? null : new EventFile(folder);
        _metric = metric;
    }

    /// <summary>The weights at the end of the last epoch, in graph order.</summary>
    public IReadOnlyList<WeightView> Weights { get; private set; } = [];

    /// <summary>The norm of each weight's gradient by epoch.</summary>
    public IReadOnlyList<(string Name, IReadOnlyList<double> Values)> GradientNorms =>
        [.. _names.Zip(_norms, (name, norms) => (name, (IReadOnlyList<double>)norms))];

    /// <summary>What the run is, for the text tab.</summary>
    public void Describe(string markdown) => _events?.Text("run", 0, markdown);

    public void EpochEnded(Model model, EpochRecord record)
    {
        Weights = [.. model.Weights.All.Select(Look)];
        int trained = 0;
        foreach (var weight in Weights)
        {
            if (weight.Gradient is { } gradient)
            {
                if (trained == _names.Count)
                {
                    _names.Add(weight.Name);
                    _norms.Add([]);
                }
                _norms[trained++].Add(Math.Sqrt(gradient.SumOfSquares));
            }
        }
        if (_events is not null)
        {
            Write(_events, record);
        }
    }

    /// <exception cref="DlException">An event could not be written.</exception>
    public void Close() => _events?.Close();

    public void Dispose() => _events?.Dispose();

    private static WeightView Look(Parameter parameter)
    {
        var values = new float[parameter.Spec.Shape.Count];
        parameter.Tensor.Device.Read(parameter.Tensor.Storage, values);
        var histogram = Histogram.Of(values);
        if (!parameter.Spec.Trains)
        {
            return new WeightView(parameter.Name, histogram, null);
        }
        // The arena keeps the last gradients until the next backward pass overwrites them.
        parameter.Tensor.Device.Read(parameter.Tensor.Cell.Gradient!, values);
        return new WeightView(parameter.Name, histogram, Histogram.Of(values));
    }

    private void Write(EventFile events, EpochRecord record)
    {
        events.Scalar("loss/train", record.Epoch, record.TrainLoss);
        Optional(events, "loss/validation", record.Epoch, record.ValLoss);
        Optional(events, $"{_metric}/train", record.Epoch, record.TrainMetric);
        Optional(events, $"{_metric}/validation", record.Epoch, record.ValMetric);
        events.Scalar("learning_rate", record.Epoch, record.LearningRate);
        foreach (var weight in Weights)
        {
            events.Histogram($"weights/{weight.Name}", record.Epoch, weight.Values);
            if (weight.Gradient is { } gradient)
            {
                events.Histogram($"gradients/{weight.Name}", record.Epoch, gradient);
            }
        }
    }

    private static void Optional(EventFile events, string tag, int epoch, double? value)
    {
        if (value is { } number)
        {
            events.Scalar(tag, epoch, number);
        }
    }
}
