// Gather, scatter-add and argmax on kernels/index.cl.
using Dl.Tensors;

namespace Dl.OpenCl;

public sealed unsafe partial class OpenClDevice
{
    public override void ToIndices(Storage x, Storage y, int n, int bound, int padding)
    {
        if (n > 0)
        {
            Find("index", "to_indices").Arg(x).Arg(y).Arg(n).Arg(bound).Arg(padding)
                .Over(n, ElementGrain);
        }
    }

    public override void Gather(Storage table, Storage ids, Storage y, int rows, int width)
    {
        if ((long)rows * width == 0)
        {
            return;
        }
        Find("index", "gather").Arg(table).Arg(ids).Arg(y).Arg(rows).Arg(width)
            .Over(IsFat ? rows : (long)rows * width, Grain(width));
    }

    public override void ScatterAdd(
        Storage dy, Storage ids, Storage dtable, int rows, int width, int tableRows, float beta)
    {
        long cells = (long)tableRows * width;
        if (cells == 0)
        {
            return;
        }
        if (IsFat)
        {
            Find("index", "scatter_add_fat").Arg(dy).Arg(ids).Arg(dtable)
                .Arg(rows).Arg(width).Arg(tableRows).Arg(beta).Over(tableRows, Grain(width));
            return;
        }
        Find("index", "scatter_add_scale").Arg(dtable).Arg(checked((int)cells)).Arg(beta)
            .Over(cells, 1);
        if (rows == 0)
        {
            return;
        }
        var links = Rent(DType.I32, rows);
        var firsts = Rent(DType.I32, rows);
        Find("index", "scatter_add_links").Arg(ids).Arg(links).Arg(firsts).Arg(rows).Over(rows, 1);
        Find("index", "scatter_add_chains").Arg(dy).Arg(ids).Arg(links).Arg(firsts).Arg(dtable)
            .Arg(rows).Arg(width).Over((long)rows * width, 1);
        Return(firsts);
        Return(links);
    }

    public override void ArgMax(Storage x, Storage y, int rows, int columns)
    {
        if (rows > 0 && columns > 0)
        {
            Find("index", "arg_max").Arg(x).Arg(y).Arg(rows).Arg(columns)
                .Over(rows, Grain(columns));
        }
    }
}
