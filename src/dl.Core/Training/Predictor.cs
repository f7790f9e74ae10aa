// From prepared features to raw outputs: the members of a model file on a device, their answers
// joined (Tasks/Consensus.cs), with dropout on where Monte Carlo dropout asks for it.
// Gal and Ghahramani, "Dropout as a Bayesian approximation", ICML 2016: N passes, each with units
// left out, are N draws from an approximate posterior.
using Dl.Files;
using Dl.Layers;
using Dl.Models;
using Dl.Tasks;
using Dl.Tensors;

namespace Dl.Training;

/// <summary>A model file made ready to answer.</summary>
internal sealed class Predictor : IDisposable
{
    private const ulong DropoutStream = 0x4D43_4472;

    /// <summary>Floats of input in one pass over copies of a row, about.</summary>
    private const int CopyFloats = 1 << 20;

    private readonly List<Model> _models = [];
    private readonly LearningTask _task;
    private readonly Consensus _consensus;
    private readonly int? _passes;
    private readonly Rng _rng;
    private float[] _answers = [];
    private float[] _copies = [];

    /// <summary>Most rows of a batch, for what memory there has been.</summary>
    private int _most = int.MaxValue;

    /// <param name="loaded">One file, or finished members that are not joined yet.</param>
    /// <param name="passes">Passes with dropout on, for each member; null: it stays off.</param>
    /// <exception cref="UsageException">Passes, but no dropout in the model.</exception>
    public Predictor(
        IReadOnlyList<LoadedModel> loaded, LearningTask task, Device device, int? passes,
        ulong seed)
    {
        (_task, _passes, _consensus) = (task, passes, new Consensus(task));
        _rng = new Rng(seed, DropoutStream);
        if (passes is not null && !loaded.Any(file => file.Plans.Any(HasDropout)))
        {
            throw new UsageException(
                $"--mc-dropout: {loaded[0].File.Path} has no dropout, so every pass would be the "
                + "same; train with --dropout, or an ensemble with --ensemble N");
        }
        try
        {
            foreach (var file in loaded)
            {
                for (int i = 0; i < file.Plans.Count; i++)
                {
                    _models.Add(file.CreateModel(device, i));
                }
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public Device Device => _models[0].Device;

    /// <summary>What the loss of the first member has learnt.</summary>
    public IReadOnlyList<Tensor> LossWeights => _models[0].LossWeights;

    public Shape Input => _models[0].Plan.Input;

    /// <summary>Names of the columns of uncertainty; none for one answer a row.</summary>
    public static string[] UncertaintyColumns(LoadedModel loaded, LearningTask task, int? passes) =>
        loaded.Plans.Count > 1 || passes is not null ? Consensus.Columns(task) : [];

    /// <summary>Runs rows in order.</summary>
    /// <param name="features">rows x Input, prepared.</param>
    /// <param name="first">Number of the first row; with dropout on, a row's answer depends on its
    /// number and the seed, whatever rows are run beside it.</param>
    /// <param name="outputs">rows x Task.Outputs, raw.</param>
    /// <param name="uncertainty">rows x columns; empty: not wanted.</param>
    public void Run(
        Tape tape, ReadOnlySpan<float> features, int rows, long first, Span<float> outputs,
        Span<float> uncertainty)
    {
        if (_passes is { } passes)
        {
            RunWithDropout(tape, features, rows, first, passes, outputs, uncertainty);
            return;
        }
        int n = rows * _task.Outputs;
        if (_models.Count == 1)
        {
            Forward(_models[0], new Pass(tape, false, _rng), features, rows, outputs[..n]);
            return;
        }
        Grow(ref _answers, _models.Count * n);
        for (int m = 0; m < _models.Count; m++)
        {
            // [row][member][output], so that the answers of a row lie together.
            Forward(_models[m], new Pass(tape, false, _rng), features, rows, outputs[..n]);
            for (int row = 0; row < rows; row++)
            {
                Output(outputs, row).CopyTo(Answers(row, _models.Count, m));
            }
            tape.Reset();
        }
        for (int row = 0; row < rows; row++)
        {
            Join(_answers.AsSpan(row * _models.Count * _task.Outputs,
                _models.Count * _task.Outputs), row, outputs, uncertainty);
        }
    }

    /// <summary>A batch on the device to raw outputs there, as a model does it.</summary>
    public Tensor Forward(Pass pass, Tensor input)
    {
        int rows = input.Shape[0];
        var outputs = new float[rows * _task.Outputs];
        using var tape = new Tape(Device, recording: false);
        Run(tape, input.ToArray(), rows, 0, outputs, []);
        return pass.Tape.Input(_models[0].Plan.Output.Prepend(rows), outputs);
    }

    public void Dispose()
    {
        foreach (var model in _models)
        {
            model.Dispose();
        }
        _models.Clear();
    }

    /// <summary>Each row by itself, in a batch of copies: one pass a copy.</summary>
    private void RunWithDropout(
        Tape tape, ReadOnlySpan<float> features, int rows, long first, int passes,
        Span<float> outputs, Span<float> uncertainty)
    {
        int width = (int)Input.Count, n = _task.Outputs;
        int copies = Math.Clamp(CopyFloats / width, 1, passes);
        Grow(ref _answers, _models.Count * passes * n);
        Grow(ref _copies, copies * width);
        for (int row = 0; row < rows; row++)
        {
            for (int i = 0; i < copies; i++)
            {
                features.Slice(row * width, width).CopyTo(_copies.AsSpan(i * width));
            }
            // The passes of one row are drawn one after the other, member by member.
            var pass = new Pass(tape, false, _rng.Fork((ulong)(first + row))) { Dropping = true };
            int done = 0;
            foreach (var model in _models)
            {
                for (int at = 0; at < passes; at += copies)
                {
                    int now = Math.Min(copies, passes - at);
                    Forward(model, pass, _copies.AsSpan(0, now * width), now,
                        _answers.AsSpan(done * n, now * n));
                    tape.Reset();
                    done += now;
                }
            }
            Join(_answers.AsSpan(0, done * n), row, outputs, uncertainty);
        }
    }

    private void Join(
        ReadOnlySpan<float> answers, int row, Span<float> outputs, Span<float> uncertainty)
    {
        _consensus.Join(answers, Output(outputs, row));
        if (uncertainty.Length > 0)
        {
            int columns = Consensus.Columns(_task).Length;
            _consensus.Uncertainty(
                answers, _task.Outputs, uncertainty.Slice(row * columns, columns));
        }
    }

    /// <summary>Rows do not know of each other: where memory is short, fewer at a time.</summary>
    private void Forward(
        Model model, Pass pass, ReadOnlySpan<float> features, int rows, Span<float> outputs)
    {
        for (int from = 0; from < rows;)
        {
            int now = Math.Min(rows - from, _most);
            int each = features.Length / rows, answers = outputs.Length / rows;
            try
            {
                ForwardBatch(
                    model, pass, features.Slice(from * each, now * each), now,
                    outputs.Slice(from * answers, now * answers));
                from += now;
            }
            catch (Exception error) when (MemoryPlan.IsShortage(error) && now > 2)
            {
                // One row is run as two, so two are the least.
                _most = now / 2;
                pass.Tape.Reset();
                Device.Trim();
            }
            if (from < rows)
            {
                pass.Tape.Reset();
            }
        }
    }

    private void ForwardBatch(
        Model model, Pass pass, ReadOnlySpan<float> features, int rows, Span<float> outputs)
    {
        if (rows == 1)
        {
            // A matrix of one row is multiplied by another rule, whose sums round differently. On
            // a pipe a row may come alone or not: its answer must not tell.
            Grow(ref _copies, 2 * features.Length);
            features.CopyTo(_copies);
            features.CopyTo(_copies.AsSpan(features.Length));
            features = _copies.AsSpan(0, 2 * features.Length);
        }
        var shape = Input.Prepend(Math.Max(2, rows));
        var output = model.Forward(pass, pass.Tape.Input(shape, features));
        model.Device.Read(output.Storage, outputs);
    }

    private Span<float> Output(Span<float> outputs, int row) =>
        outputs.Slice(row * _task.Outputs, _task.Outputs);

    private Span<float> Answers(int row, int answers, int answer) => _answers.AsSpan(
        ((row * answers) + answer) * _task.Outputs, _task.Outputs);

    private static bool HasDropout(GraphPlan plan)
    {
        foreach (var step in plan.Steps)
        {
            if (step.Layer.Drops)
            {
                return true;
            }
        }
        return false;
    }

    private static void Grow(ref float[] buffer, int length)
    {
        if (buffer.Length < length)
        {
            buffer = new float[length];
        }
    }
}
