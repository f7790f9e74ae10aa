// Times training steps: inputs lie on the device, and nothing but forward, backward and update
// happens between two looks at the clock.
using System.Diagnostics;
using Dl.Layers;
using Dl.Models;
using Dl.Ops;
using Dl.Tensors;
using Dl.Training;

namespace Dl.Benchmarks;

/// <summary>What the steps of a workload took.</summary>
/// <param name="StepSeconds">Median of a step.</param>
/// <param name="LossFirst">Of the first step: an untrained model guesses.</param>
/// <param name="DeviceBytes">Most memory that the device held.</param>
public sealed record WorkloadResult(
    Workload Workload, string Device, double StepSeconds, int Steps, long Parameters,
    double LossFirst, double LossLast, long DeviceBytes)
{
    public double SamplesPerSecond => Workload.Batch / StepSeconds;
}

/// <summary>What one layer takes, in seconds of a step.</summary>
public sealed record LayerTime(string Name, string Kind, double Forward, double Backward);

/// <summary>A workload set up on a device, and its steps.</summary>
public sealed class WorkloadRun : IDisposable
{
    private const double Rate = 1e-4;
    private const int WarmSteps = 3, FewestSteps = 5;
    private readonly Workload _workload;
    private readonly Device _device;
    private readonly Model _model;
    private readonly Optimizer _optimizer;
    private readonly Tape _tape;
    private readonly Tensor _input, _labels;
    private readonly Storage _loss;
    private readonly Pass _pass;

    public WorkloadRun(Workload workload, Device device, ulong seed)
    {
        (_workload, _device) = (workload, device);
        _tape = new Tape(device) { FreesEarly = true };
        var graph = workload.Build().Resolve(workload.Input, workload.Classes);
        var rng = new Rng(seed);
        _model = new Model(graph, device);
        _model.Weights.Initialize(rng.Fork(1));
        _optimizer = new Optimizer(
            OptimizerSettings.Parse("adam"), _model.Weights, device);
        _pass = new Pass(_tape, true, rng.Fork(2));
        var values = new float[_workload.Batch * workload.Input.Count];
        var draw = rng.Fork(3);
        foreach (ref float value in values.AsSpan())
        {
            value = workload.Symbols > 0 ? draw.NextInt(workload.Symbols) : draw.NextNormal();
        }
        _input = new Tensor(
            workload.Input.Prepend(_workload.Batch), device.Rent(DType.F32, values.Length));
        device.Write(_input.Storage, values);
        var labels = new int[_workload.Batch * _model.Plan.Output.Rows];
        foreach (ref int label in labels.AsSpan())
        {
            label = draw.NextInt(workload.Classes);
        }
        _labels = new Tensor(new Shape(labels.Length), device.Rent(DType.I32, labels.Length));
        device.Write(_labels.Storage, labels);
        _loss = device.Rent(DType.F32, 1);
    }

    /// <summary>Repeats steps for a time and takes the median of one.</summary>
    public WorkloadResult Run(double seconds, CancellationToken cancel)
    {
        Step();
        float first = _device.ReadScalar(_loss);
        for (int i = 1; i < WarmSteps; i++)
        {
            Step();
        }
        _device.Finish();
        var times = new List<double>();
        var all = Stopwatch.StartNew();
        while (all.Elapsed.TotalSeconds < seconds || times.Count < FewestSteps)
        {
            cancel.ThrowIfCancellationRequested();
            long start = Stopwatch.GetTimestamp();
            Step();
            _device.Finish();
            times.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
        }
        times.Sort();
        return new WorkloadResult(
            _workload, _device.Name, times[times.Count / 2], times.Count,
            _model.Plan.ParameterCount, first, _device.ReadScalar(_loss), _device.AllocatedBytes);
    }

    /// <summary>
    /// Where the time goes: the device is waited for after each layer, so the sum is more than a
    /// step takes. The last row is the update of the weights.
    /// </summary>
    public IReadOnlyList<LayerTime> TimeLayers(int steps, CancellationToken cancel)
    {
        var plan = _model.Plan.Steps;
        var forward = new double[plan.Count + 2];
        var backward = new double[plan.Count + 2];
        for (int i = -WarmSteps; i < steps; i++)
        {
            cancel.ThrowIfCancellationRequested();
            if (i == 0)
            {
                Array.Clear(forward);
                Array.Clear(backward);
            }
            TimeStep(forward, backward);
        }
        var rows = new List<LayerTime>();
        for (int i = 0; i < plan.Count; i++)
        {
            rows.Add(new LayerTime(
                plan[i].Layer.Name!, LayerJson.KindOf(plan[i].Layer), forward[i] / steps,
                backward[i] / steps));
        }
        rows.Add(new LayerTime(
            "loss", "cross_entropy", forward[plan.Count] / steps, backward[plan.Count] / steps));
        rows.Add(new LayerTime("update", "adam", forward[plan.Count + 1] / steps, 0));
        return rows;
    }

    public void Dispose()
    {
        _tape.Dispose();
        _device.Return(_input.Storage);
        _device.Return(_labels.Storage);
        _device.Return(_loss);
        _optimizer.Dispose();
        _model.Dispose();
    }

    private void Step()
    {
        var output = _model.Forward(_pass, _input);
        var loss = Loss(output);
        _tape.Backward(loss);
        _device.Broadcast(loss.Storage, _loss, 1, 1, 1, 1, 0);
        _optimizer.Step(Rate, null);
        _tape.Reset();
    }

    private Tensor Loss(Tensor output) => _tape.SoftmaxCrossEntropy(
        output.Reshape(new Shape((int)_labels.Shape.Count, _workload.Classes)), _labels);

    private void TimeStep(double[] forward, double[] backward)
    {
        int layers = _model.Plan.Steps.Count, at = 0;
        // The layer that recorded each step of the tape.
        var owner = new List<int>();
        long start = Stopwatch.GetTimestamp();

        void Done(double[] times, int index)
        {
            _device.Finish();
            times[index] += Stopwatch.GetElapsedTime(start).TotalSeconds;
            start = Stopwatch.GetTimestamp();
        }

        void Own(int index)
        {
            while (owner.Count < _tape.Recorded)
            {
                owner.Add(index);
            }
        }

        var output = _model.Forward(_pass, _input, (_, _) =>
        {
            Done(forward, at);
            Own(at++);
        });
        var loss = Loss(output);
        Done(forward, layers);
        Own(layers);
        _tape.Backward(loss, step => Done(backward, owner[step]));
        _optimizer.Step(Rate, null);
        Done(forward, layers + 1);
        _tape.Reset();
    }
}
