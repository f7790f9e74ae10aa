// Matrix products on kernels/matmul.cl.
using Dl.Tensors;

namespace Dl.OpenCl;

public sealed unsafe partial class OpenClDevice
{
    private const int TileRows = 12, TileColumns = 32;

    public override void MatMul(
        Storage a, Storage b, Storage? bias, Storage c,
        int batch, int m, int n, int k, bool transposeA, bool transposeB, float beta)
    {
        if ((long)batch * m * n == 0)
        {
            return;
        }
        if (IsTiled && (long)m * n * k >= Tuning.SmallProduct)
        {
            MatMulGpu(a, b, bias, c, batch, m, n, k, transposeA, transposeB, beta);
            return;
        }
        // One or two rows of c read b once: packing it would double that.
        bool small = (long)m * n * k < Tuning.SmallProduct || (m <= 2 && !transposeB);
        if (k > 0 && !small && IsFat)
        {
            MatMulFat(a, b, bias, c, batch, m, n, k, transposeA, transposeB, beta);
            return;
        }
        Find("matmul", "matmul", "PART=0").Arg(a).Arg(b).Arg(bias ?? a).Arg(c)
            .Arg(batch).Arg(m).Arg(n).Arg(k).Arg(transposeA ? 1 : 0).Arg(transposeB ? 1 : 0)
            .Arg(bias is null ? 0 : 1).Arg(beta)
            .Over((long)batch * m * Blocks(n), Grain((long)k * Lanes));
    }

    private void MatMulFat(
        Storage a, Storage b, Storage? bias, Storage c,
        int batch, int m, int n, int k, bool transposeA, bool transposeB, float beta)
    {
        var (rows, columns) = Cut(batch, m, n);
        var blocks = FatBlocks.For(Tuning, _device.LocalBytes, rows, columns, k);
        Find("matmul", "matmul_fat", "PART=1").Arg(a).Arg(b).Arg(bias ?? a).Arg(c)
            .Arg(m).Arg(n).Arg(k).Arg(transposeA ? 1 : 0).Arg(transposeB ? 1 : 0)
            .Arg(bias is null ? 0 : 1).Arg(beta).Arg(rows).Arg(columns)
            .Arg(blocks.M).Arg(blocks.N).Arg(blocks.K).Local(blocks.Bytes)
            .Groups((n + columns - 1) / columns, (m + rows - 1) / rows, batch, 1, 1);
    }

    /// <summary>
    /// Rows and columns of c for a group: as many groups as keep all cores busy, cut so that the
    /// least is packed.
    /// </summary>
    private (int Rows, int Columns) Cut(int batch, int m, int n)
    {
        // What packing an element costs, in elements of c per step of k.
        const int PackCost = 16;
        int units = _device.ComputeUnits, most = FatGroups;
        var best = (Rows: RoundUp(m, TileRows), Columns: RoundUp(n, TileColumns));
        double bestCost = double.MaxValue;
        for (int across = 1; across <= most; across++)
        {
            for (int down = 1; down * across <= most; down++)
            {
                int rows = RoundUp((m + down - 1) / down, TileRows);
                int columns = RoundUp((n + across - 1) / across, TileColumns);
                long groups = (long)batch * ((m + rows - 1) / rows) * ((n + columns - 1) / columns);
                double rounds = Math.Ceiling(groups / (double)units);
                double cost = rounds * (((double)rows * columns) + (PackCost * (rows + columns)));
                if (cost < bestCost)
                {
                    (best, bestCost) = ((rows, columns), cost);
                }
            }
        }
        return best;
    }

    private static int RoundUp(int value, int multiple) =>
        (value + multiple - 1) / multiple * multiple;

    /// <summary>Sizes of the packed blocks, no larger than work or scratch memory.</summary>
    private readonly record struct FatBlocks(int M, int N, int K)
    {
        /// <summary>Elements between and behind the blocks: packing writes 16 wide.</summary>
        private const int Slack = 16;

        public int Bytes => sizeof(float) * (((M + N) * K) + (2 * Slack));

        public static FatBlocks For(Tuning tuning, long localBytes, int m, int n, int k)
        {
            // Equal depths: 576 is 3 x 192, not 256 + 256 + 64.
            int parts = (k + tuning.TileDepth - 1) / tuning.TileDepth;
            var blocks = new FatBlocks(
                Math.Min(RoundUp(m, TileRows), tuning.TileRows),
                Math.Min(RoundUp(n, TileColumns), tuning.TileColumns),
                RoundUp((k + parts - 1) / parts, Slack));
            while (blocks.Bytes > localBytes)
            {
                blocks = blocks.Smaller();
            }
            return blocks;
        }

        private FatBlocks Smaller()
        {
            if (N > TileColumns && N >= M)
            {
                return this with { N = RoundUp(N / 2, TileColumns) };
            }
            if (M > TileRows)
            {
                return this with { M = RoundUp(M / 2, TileRows) };
            }
            if (K > Slack)
            {
                return this with { K = RoundUp(K / 2, Slack) };
            }
            throw new DeviceException(
                $"opencl: {Bytes} bytes of local memory are needed for a tile and the device has "
                + "less; set DL_OPENCL_FORM=gpu or use --device cpu");
        }
    }
}
