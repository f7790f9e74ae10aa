// An average of the weights that is kept beside them and takes their place wherever the model is
// judged or saved: after each epoch's validation the weights themselves go on training.
//   ema   average += (1 - d) (w - average) after each update, d = min(decay, (1 + t) / (10 + t)):
//         the first updates are forgotten quickly, which takes the place of a bias correction
//   swa   the plain mean over the updates of the last part of training, at a constant rate
//         (Izmailov et al. 2018); the running statistics of batch normalisation are then measured
//         again by a pass over the training data
// What does not train lies in the same arena: with ema, running statistics are averaged as weights
// are.
using Dl.Models;
using Dl.Tensors;

namespace Dl.Training;

/// <summary>Which average, if any.</summary>
/// <param name="Decay">Of the exponential average; 0: none.</param>
/// <param name="SwaShare">Share of training that is averaged evenly at its end; 0: none.</param>
/// <param name="SwaRate">Learning rate of that part; null: where the schedule has come to.</param>
public sealed record AveragingSettings(double Decay, double SwaShare, double? SwaRate)
{
    public static readonly AveragingSettings None = new(0, 0, null);

    public bool Any => Decay > 0 || SwaShare > 0;
}

/// <summary>The average of one model's weights.</summary>
internal sealed class WeightAverage : IDisposable
{
    private readonly Weights _weights;
    private readonly Device _device;
    private readonly Storage _average;
    private readonly Storage _aside;
    private readonly AveragingSettings _settings;

    public WeightAverage(Model model, AveragingSettings settings)
    {
        (_weights, _device, _settings) = (model.Weights, model.Device, settings);
        var arenas = _device.RentAll(DType.F32, [_weights.Length, _weights.Length]);
        (_average, _aside) = (arenas[0], arenas[1]);
    }

    /// <summary>Takes the weights in.</summary>
    /// <param name="taken">How often before; the first makes the average equal to them.</param>
    public void Add(long taken)
    {
        if (taken == 0)
        {
            _weights.CopyTo(_average);
            return;
        }
        double share = _settings.Decay > 0
            ? 1 - Math.Min(_settings.Decay, (1 + taken) / (10.0 + taken))
            : 1.0 / (taken + 1);
        _weights.BlendInto(_average, (float)share);
    }

    /// <summary>The average stands in the model until <see cref="PutBack"/>.</summary>
    public void PutIn()
    {
        _weights.CopyTo(_aside);
        _weights.CopyFrom(_average);
    }

    public void PutBack() => _weights.CopyFrom(_aside);

    public float[] Snapshot()
    {
        var values = new float[_weights.Length];
        _device.Read(_average, values);
        return values;
    }

    public void Restore(float[] values) => _device.Write(_average, values);

    public void Dispose()
    {
        _device.Return(_average);
        _device.Return(_aside);
    }
}
