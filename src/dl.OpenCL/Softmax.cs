// Softmax, log-softmax and cross-entropy on kernels/softmax.cl.
using Dl.Tensors;

namespace Dl.OpenCl;

public sealed unsafe partial class OpenClDevice
{
    /// <summary>Columns from which (GPU form) a group for each row beats an item.</summary>
    private const int TiledColumns = 32;

    public override void Softmax(Storage x, Storage y, int rows, int columns) =>
        OverRows(Row("softmax", "softmax_tiled", columns).Arg(x).Arg(y), rows, columns);

    public override void SoftmaxGradient(
        Storage y, Storage dy, Storage dx, int rows, int columns, float beta) =>
        OverRows(
            Row("softmax_gradient", "softmax_gradient_tiled", columns).Arg(y).Arg(dy).Arg(dx),
            rows, columns, beta);

    public override void LogSoftmax(Storage x, Storage y, int rows, int columns) =>
        OverRows(Row("log_softmax", "log_softmax_tiled", columns).Arg(x).Arg(y), rows, columns);

    public override void LogSoftmaxGradient(
        Storage y, Storage dy, Storage dx, int rows, int columns, float beta) =>
        OverRows(
            Row("log_softmax_gradient", "log_softmax_gradient_tiled", columns)
                .Arg(y).Arg(dy).Arg(dx),
            rows, columns, beta);

    public override void SoftmaxCrossEntropy(
        Storage x, Storage target, Storage? weight, Storage loss, Storage total,
        int rows, int columns, float smoothing, int ignoreIndex)
    {
        var losses = Rent(DType.F32, rows);
        var weights = Rent(DType.F32, rows);
        if (rows > 0)
        {
            (IsShortRow(columns)
                ? Find("softmax_short", "softmax_cross_entropy_short")
                : Find("softmax", "softmax_cross_entropy"))
                .Arg(x).Arg(target).Arg(weight ?? x).Arg(losses).Arg(weights).Arg(rows)
                .Arg(columns).Arg(smoothing).Arg(ignoreIndex).Arg(weight is null ? 0 : 1)
                .Over(rows, Grain(columns));
        }
        Find("softmax", "softmax_cross_entropy_mean")
            .Arg(losses).Arg(weights).Arg(loss).Arg(total).Arg(rows).Groups(1, 1, 1, 1, 1);
        Return(weights);
        Return(losses);
    }

    public override void SoftmaxCrossEntropyGradient(
        Storage x, Storage target, Storage? weight, Storage dloss, Storage total, Storage dx,
        int rows, int columns, float smoothing, int ignoreIndex, float beta)
    {
        if (rows > 0)
        {
            (IsShortRow(columns)
                ? Find("softmax_short", "softmax_cross_entropy_gradient_short")
                : Find("softmax", "softmax_cross_entropy_gradient"))
                .Arg(x).Arg(target).Arg(weight ?? x).Arg(dloss).Arg(total).Arg(dx).Arg(rows)
                .Arg(columns).Arg(smoothing).Arg(ignoreIndex).Arg(weight is null ? 0 : 1).Arg(beta)
                .Over(rows, Grain(columns));
        }
    }

    /// <summary>Rows that leave most of a vector empty are done together.</summary>
    private bool IsShortRow(int columns) => IsFat && columns <= Lanes;

    private Kernel Row(string general, string tiled, int columns) => IsRowTiled(columns)
        ? Find("softmax", tiled, RowGroup.Of(columns).Define) : Find("softmax", general);

    private bool IsRowTiled(int columns) => !IsFat && columns >= TiledColumns;

    private void OverRows(Kernel kernel, int rows, int columns, float? beta = null)
    {
        if ((long)rows * columns == 0)
        {
            kernel.Cancel();
            return;
        }
        kernel.Arg(rows).Arg(columns);
        if (beta is { } b)
        {
            kernel.Arg(b);
        }
        if (IsRowTiled(columns))
        {
            RowGroup.Of(columns).Launch(kernel, rows, GpuGroups);
            return;
        }
        kernel.Over(rows, Grain(columns));
    }
}
