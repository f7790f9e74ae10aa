namespace Dl.Training;

/// <summary>What one epoch of training gave.</summary>
/// <param name="Epoch">Counts from 1.</param>
/// <param name="TrainLoss">Mean over the epoch's batches, dropout on.</param>
/// <param name="TrainMetric">The task's first metric over the same batches.</param>
/// <param name="Seconds">Of this epoch, validation included.</param>
public sealed record EpochRecord(
    int Epoch, double TrainLoss, double? ValLoss, double? TrainMetric, double? ValMetric,
    double Seconds, double LearningRate);
