// From the values of a target to what a model is to give for them.
namespace Dl.Data.Tables;

/// <summary>Targets as a model learns them: numbers standardised.</summary>
internal sealed class TargetReader(Targets targets, TargetSpec spec)
{
    /// <summary>Are classes, which are kept, so that no cells are needed?</summary>
    public bool InMemory => spec.Kind == TargetKind.Classes;

    /// <summary>Of a table in memory.</summary>
    public void Read(int row, Span<float> target)
    {
        if (spec.Kind == TargetKind.Classes)
        {
            target[0] = targets.ClassOf(row);
            return;
        }
        Span<double> values = targets.Width <= 64
            ? stackalloc double[targets.Width]
            : new double[targets.Width];
        targets.Read(row, values);
        Standardise(values, target);
    }

    /// <param name="cells">Of the target columns.</param>
    public void Read(int row, ReadOnlySpan<double> cells, Span<float> target)
    {
        if (spec.Kind == TargetKind.Classes)
        {
            target[0] = targets.ClassOf(row);
            return;
        }
        Span<double> values = targets.Width <= 64
            ? stackalloc double[targets.Width]
            : new double[targets.Width];
        targets.Read(cells, values);
        Standardise(values, target);
    }

    private void Standardise(ReadOnlySpan<double> values, Span<float> target)
    {
        for (int i = 0; i < values.Length; i++)
        {
            target[i] = spec.Kind == TargetKind.Numeric
                ? (float)((values[i] - spec.Mean[i]) / spec.Std[i])
                : (float)values[i];
        }
    }
}
