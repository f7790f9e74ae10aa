// What looks on while a model trains: watchdogs, statistics, reports. Observers see every step at
// three moments and change nothing but what their own device calls write.
using Dl.Data;
using Dl.Models;
using Dl.Tensors;

namespace Dl.Training;

/// <summary>One step of training, as far as it has come.</summary>
/// <param name="Epoch">Counts from 1, as does <paramref name="Step"/> within it.</param>
/// <param name="Order">Sample indices of the epoch; the batch begins at Batch.First.</param>
/// <param name="Rate">Learning rate of the update that this step belongs to.</param>
public readonly record struct TrainingMoment(
    Model Model, Tape Tape, Batch Batch, int[] Order, int Epoch, int Step, double Rate);

/// <summary>Methods that an observer does not care about need not be there.</summary>
public interface ITrainingObserver
{
    /// <summary>
    /// The loss is known, finite or not; its gradients are not yet used. An exception ends the
    /// training before a loss that is not finite does.
    /// </summary>
    void LossKnown(in TrainingMoment moment, Tensor output, float loss)
    {
    }

    /// <summary>Gradients are complete and the weights still those that made them.</summary>
    void GradientsReady(in TrainingMoment moment)
    {
    }

    /// <summary>The optimiser has moved the weights.</summary>
    void Updated(in TrainingMoment moment)
    {
    }

    /// <summary>An epoch has ended, its validation included.</summary>
    void EpochEnded(Model model, EpochRecord record)
    {
    }
}
