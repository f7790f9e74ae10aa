// What a training needs against what it may take. A batch that is too large is computed in parts
// whose gradients are added: the update is that of the whole batch, up to rounding. (Batch norm is
// the exception: it takes its statistics over a part.)
using Dl.Layers;
using Dl.Tensors;
using Microsoft.Extensions.Logging;

namespace Dl.Training;

internal static class MemoryPlan
{
    /// <summary>Is this how a device or the runtime says that memory is short?</summary>
    public static bool IsShortage(Exception error) =>
        error is DeviceMemoryException or OutOfMemoryException;

    /// <summary>
    /// Into how many parts batches have to be cut, by the estimate that a dry run prints.
    /// </summary>
    /// <exception cref="DeviceMemoryException">Not even what goes with the weights fits.
    /// </exception>
    public static int Parts(FitSetup setup, Device device, ILogger log)
    {
        int batch = setup.Settings.BatchSize;
        var whole = ModelMemory.Of(setup.Plan, batch, setup.Optimizer);
        if (whole.Total <= device.MemoryLimit)
        {
            return 1;
        }
        if (whole.Weights + whole.State > device.MemoryLimit)
        {
            throw TooLarge(setup, device, null);
        }
        int parts = 1;
        // An estimate does not refuse: one sample at a time is tried whatever it says.
        while (parts < batch && ModelMemory.Of(
            setup.Plan, Size(batch, parts), setup.Optimizer).Total > device.MemoryLimit)
        {
            parts = Math.Min(batch, 2 * parts);
        }
        if (parts > 1)
        {
            log.LogWarning(
                "memory: a batch of {Batch} needs about {Needed}, {Limit} may be used "
                + "(--memory says otherwise); {How}",
                batch, ModelReport.Bytes(whole.Total), ModelReport.Bytes(device.MemoryLimit),
                How(setup, parts));
        }
        return parts;
    }

    /// <summary>Says that batches are cut from now on.</summary>
    public static void Say(FitSetup setup, int parts, Exception why, ILogger log) =>
        log.LogWarning("{Why}; {How}", Short(why), How(setup, parts));

    /// <summary>For a model that cannot be trained one sample at a time.</summary>
    public static DeviceMemoryException TooLarge(FitSetup setup, Device device, Exception? why)
    {
        var least = ModelMemory.Of(setup.Plan, 1, setup.Optimizer);
        string reason = why is null ? "" : $" ({Short(why)})";
        return new DeviceMemoryException(
            $"model {setup.Options.Model}: needs about {ModelReport.Bytes(least.Total)} to train "
            + $"on one sample at a time ({ModelReport.Bytes(least.Weights)} weights, "
            + $"{ModelReport.Bytes(least.State)} gradients and optimizer state, "
            + $"{ModelReport.Bytes(least.Activations)} activations), and "
            + $"{ModelReport.Bytes(device.MemoryLimit)} may be used on {device.Name}{reason}; "
            + "take a smaller model or input, an optimizer with less state such as sgd, or give "
            + "more with --memory", why);
    }

    /// <summary>Samples of the largest part.</summary>
    public static int Size(int batch, int parts) => (batch + parts - 1) / parts;

    private static string How(FitSetup setup, int parts)
    {
        int batch = setup.Settings.BatchSize, size = Size(batch, parts);
        bool norm = setup.Plan.Steps.Any(step => step.Layer is BatchNorm);
        bool draws = setup.Plan.Steps.Any(step => step.Layer is Dropout);
        return $"batches of {batch} are computed in {parts} parts of {size}, their gradients "
            + "added, which changes results by rounding"
            + (draws ? " and by other random numbers of dropout" : "")
            + (norm ? $"; batch norm takes its statistics over {size} samples" : "");
    }

    private static string Short(Exception why) =>
        why is DeviceMemoryException ? why.Message.Split(';')[0] : "out of memory";
}
