// What a model is for: how targets become tensors, how outputs become what people read, and which
// metrics count. (`Task` alone is taken by the runtime's threads.)
using Dl.Data;
using Dl.Layers;
using Dl.Tensors;

namespace Dl.Tasks;

/// <summary>One kind of learning problem over one set of targets.</summary>
public abstract class LearningTask(TargetSpec target, Loss loss)
{
    /// <summary>Every kind of task, in the order in which they are listed to people.</summary>
    public static IReadOnlyList<(string Kind, string Description)> All { get; } =
    [
        ("classification", "one of several labels, or yes and no"),
        ("multilabel", "any of several labels"),
        ("regression", "one number or several"),
    ];

    public TargetSpec Target { get; } = target;

    public Loss Loss { get; } = loss;

    /// <summary>`classification`, `multilabel` or `regression`: stored in the model file.</summary>
    public abstract string Kind { get; }

    /// <summary>Numbers that the model has to give for one sample.</summary>
    public abstract int Outputs { get; }

    /// <summary>Each number comes with the deviation that the model expects around it.</summary>
    public virtual bool HasDeviations => false;

    /// <summary>Floats that <see cref="Interpret"/> gives for a row.</summary>
    public int InterpretedWidth => HasDeviations ? 2 * Target.Width : Target.Width;

    /// <summary>What the loss learns beside the model, for the model's weights.</summary>
    public IReadOnlyList<ParameterSpec> LossParameters => Loss.Parameters(Target.Width);

    /// <summary>
    /// Few and cheap, for every epoch and for tables: the first decides which epoch is the best.
    /// </summary>
    public IReadOnlyList<Metric> Metrics { get; private set; } = [];

    /// <summary>Everything that a score tells, the task's usual metrics in front.</summary>
    /// <param name="top">With classes: top-k accuracy for this k; null: for 5 where there are
    /// more than 5 labels.</param>
    public abstract IReadOnlyList<Metric> Scoring(int? top = null);

    private protected abstract IReadOnlyList<Metric> Usual { get; }

    /// <summary>The task that a target spec calls for.</summary>
    /// <param name="loss">Loss by name; null: the task's own.</param>
    /// <param name="metric">What decides which epoch is the best; null: the task's own.</param>
    /// <exception cref="UsageException">A name is unknown or does not suit the task.</exception>
    public static LearningTask Create(TargetSpec target, string? loss, string? metric = null)
    {
        LearningTask task = target.Kind switch
        {
            TargetKind.Classes => new Classification(target, loss),
            TargetKind.MultiLabel => new MultiLabel(target, loss),
            _ => new Regression(target, loss),
        };
        task.Metrics = task.Usual;
        if (metric is not null)
        {
            var chosen = Tasks.Metrics.Find(task, metric);
            task.Metrics = [chosen, .. task.Usual.Where(m => m.Name != chosen.Name)];
        }
        return task;
    }

    /// <summary>Puts a batch of targets on the device in the form that the loss wants.</summary>
    /// <param name="targets">rows x TargetWidth floats as the dataset gives them.</param>
    public abstract Tensor Encode(
        Tape tape, ReadOnlySpan<float> targets, int rows, LossSettings settings);

    /// <summary>
    /// One raw output row (<see cref="Outputs"/> floats) as people read it: the probability of each
    /// label, or numbers in the target's own units and behind them their deviations.
    /// <paramref name="values"/> has <see cref="InterpretedWidth"/>.
    /// </summary>
    public abstract void Interpret(ReadOnlySpan<float> output, Span<float> values);

    /// <summary>Mean loss of a batch, a scalar; settings may weigh the samples by class.</summary>
    /// <param name="targets">As for <see cref="Encode"/>.</param>
    public Tensor BatchLoss(
        Tape tape, Tensor output, ReadOnlySpan<float> targets, int rows, LossSettings settings)
    {
        var encoded = Encode(tape, targets, rows, settings);
        if (Loss.WeighsClasses || settings.ClassWeights is not { } weights)
        {
            return Loss.Apply(tape, output, encoded, settings);
        }
        // Weigh each sample by its class, and divide by the sum of the weights.
        var sampleWeights = new float[rows];
        double sum = 0;
        for (int i = 0; i < rows; i++)
        {
            sampleWeights[i] = weights[(int)targets[i]];
            sum += sampleWeights[i];
        }
        for (int i = 0; i < rows; i++)
        {
            sampleWeights[i] = sum > 0 ? (float)(sampleWeights[i] * rows / sum) : 0;
        }
        return Loss.Apply(tape, output, encoded, settings with
        {
            SampleWeights = tape.Input(new Shape(rows, 1), sampleWeights),
        });
    }

    /// <param name="manyClasses">One of more than two labels is right.</param>
    private protected static Loss FindLoss(
        string text, string kind, string[] suitable, bool manyClasses = false)
    {
        var loss = Losses.Find(text);
        if (Array.IndexOf(suitable, loss.Name) >= 0)
        {
            return manyClasses ? loss.ManyClasses ?? loss : loss;
        }
        string expected = string.Join(", ", suitable);
        if (loss.Needs is { } needs)
        {
            throw new UsageException(
                $"loss '{text}': needs {needs}; this is {kind}, expected {expected}");
        }
        (string Task, string[] Losses)[] tasks =
        [
            ("regression", Regression.Suitable), ("classification", Classification.Suitable),
            ("multilabel", MultiLabel.Suitable),
        ];
        string other = Array.Find(tasks, t => Array.IndexOf(t.Losses, loss.Name) >= 0).Task;
        string hint = other is null || other == kind ? "" : $", or --task {other}";
        throw new UsageException(
            $"loss '{text}': does not suit {kind}; expected {expected}{hint}");
    }
}
