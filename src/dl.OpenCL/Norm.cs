// Normalisation on kernels/norm.cl: columns are measured in chunks and scaled by factors. Rows are
// done one at a time, on kernels/norm_rows.cl.
using Dl.Ops;
using Dl.Tensors;

namespace Dl.OpenCl;

public sealed unsafe partial class OpenClDevice
{
    public override void Norm(
        Storage x, Storage? w, Storage? b, Storage? mean, Storage variance, Storage y,
        NormShape shape, float epsilon)
    {
        if (shape.Count == 0)
        {
            return;
        }
        if (shape.IsRows)
        {
            OverNormRows(
                Find("norm_rows", "norm_rows")
                    .Arg(x).Arg(w ?? x).Arg(b ?? x).Arg(mean ?? variance).Arg(variance).Arg(y)
                    .Arg(shape.Outer).Arg(shape.Channels).Arg(mean is null ? 0 : 1)
                    .Arg(w is null ? 0 : 1).Arg(b is null ? 0 : 1).Arg(epsilon),
                shape);
            return;
        }
        var (chunk, chunks) = NormChunks(shape.Outer, shape.N, shape.Channels);
        var partial = Rent(DType.F32, 2L * shape.Outer * chunks * shape.Channels);
        var factors = Rent(DType.F32, 3L * shape.Outer * shape.Channels);
        Find("norm", "norm_moments")
            .Arg(x).Arg(partial).Arg(factors).Arg(shape.Outer).Arg(shape.N).Arg(shape.Channels)
            .Arg(chunks).Arg(chunk)
            .Over(NormItems(shape.Outer * chunks, shape.Channels), Grain(chunk * 16L));
        Find("norm", "norm_join")
            .Arg(partial).Arg(w ?? x).Arg(b ?? x).Arg(mean!).Arg(variance).Arg(factors)
            .Arg(shape.Outer).Arg(shape.N).Arg(shape.Channels).Arg(shape.Groups).Arg(chunks)
            .Arg(chunk).Arg(w is null ? 0 : 1).Arg(b is null ? 0 : 1).Arg(epsilon)
            .Over(shape.Statistics, Grain(8L * chunks * shape.GroupChannels));
        NormScale(x, factors, y, shape);
        Return(factors);
        Return(partial);
    }

    public override void NormApply(
        Storage x, Storage? w, Storage? b, Storage mean, Storage variance, Storage y,
        NormShape shape, float epsilon)
    {
        if (shape.Count == 0)
        {
            return;
        }
        var factors = Rent(DType.F32, 3L * shape.Outer * shape.Channels);
        NormGiven(w, b, mean, variance, factors, shape, epsilon);
        NormScale(x, factors, y, shape);
        Return(factors);
    }

    public override void NormGradient(
        Storage x, Storage? w, Storage? b, Storage? mean, Storage variance, Storage dy,
        in NormGradients to, NormShape shape, float epsilon, bool given)
    {
        if (shape.Count == 0)
        {
            return;
        }
        if (shape.IsRows && !given)
        {
            NormRowsGradient(x, w, mean, variance, dy, to, shape, epsilon);
            return;
        }
        var (chunk, chunks) = NormChunks(shape.Outer, shape.N, shape.Channels);
        var partial = Rent(DType.F32, 2L * shape.Outer * chunks * shape.Channels);
        var factors = Rent(DType.F32, 5L * shape.Outer * shape.Channels);
        NormGiven(w, b, mean!, variance, factors, shape, epsilon);
        Find("norm", "norm_products")
            .Arg(x).Arg(dy).Arg(factors).Arg(partial).Arg(shape.Outer).Arg(shape.N)
            .Arg(shape.Channels).Arg(chunks).Arg(chunk).Arg(shape.Relu ? 1 : 0)
            .Over(NormItems(shape.Outer * chunks, shape.Channels), Grain(chunk * 16L));
        Find("norm", "norm_join_products")
            .Arg(partial).Arg(w ?? x).Arg(variance).Arg(factors).Arg(shape.Outer).Arg(shape.N)
            .Arg(shape.Channels).Arg(shape.Groups).Arg(chunks).Arg(w is null ? 0 : 1)
            .Arg(given ? 1 : 0).Arg(epsilon)
            .Over(shape.Statistics, Grain(4L * chunks * shape.GroupChannels));
        NormScaleGradient(partial, to, shape.Channels, shape.Outer, 2 * chunks * shape.Channels);
        if (to.Dx is { } dx)
        {
            Find("norm", "norm_gradient")
                .Arg(x).Arg(dy).Arg(factors).Arg(dx).Arg(shape.Count).Arg(shape.N)
                .Arg(shape.Channels).Arg(shape.Outer).Arg(shape.Relu ? 1 : 0).Arg(to.BetaX)
                .Over(shape.Count, ElementGrain);
        }
        Return(factors);
        Return(partial);
    }

    private void NormRowsGradient(
        Storage x, Storage? w, Storage? mean, Storage variance, Storage dy, in NormGradients to,
        NormShape shape, float epsilon)
    {
        int centered = mean is null ? 0 : 1;
        if (to.Dw is not null || to.Db is not null)
        {
            // Before dx, which may take the place of dy.
            var (chunk, chunks) = NormChunks(1, shape.Outer, shape.Channels);
            var partial = Rent(DType.F32, 2L * chunks * shape.Channels);
            Find("norm_rows", "norm_rows_products")
                .Arg(x).Arg(mean ?? variance).Arg(variance).Arg(dy).Arg(partial).Arg(shape.Outer)
                .Arg(shape.Channels).Arg(chunks).Arg(chunk).Arg(centered).Arg(epsilon)
                .Over(NormItems(chunks, shape.Channels), Grain(chunk * 16L));
            NormScaleGradient(partial, to, shape.Channels, chunks, 2 * shape.Channels);
            Return(partial);
        }
        if (to.Dx is { } dx)
        {
            OverNormRows(
                Find("norm_rows", "norm_rows_gradient")
                    .Arg(x).Arg(w ?? x).Arg(mean ?? variance).Arg(variance).Arg(dy).Arg(dx)
                    .Arg(shape.Outer).Arg(shape.Channels).Arg(centered).Arg(w is null ? 0 : 1)
                    .Arg(epsilon).Arg(to.BetaX),
                shape);
        }
    }

    private void NormGiven(
        Storage? w, Storage? b, Storage mean, Storage variance, Storage factors, NormShape shape,
        float epsilon) =>
        Find("norm", "norm_given")
            .Arg(w ?? mean).Arg(b ?? mean).Arg(mean).Arg(variance).Arg(factors).Arg(shape.Outer)
            .Arg(shape.Channels).Arg(shape.Groups).Arg(w is null ? 0 : 1).Arg(b is null ? 0 : 1)
            .Arg(epsilon).Over((long)shape.Outer * shape.Channels, ElementGrain / 8);

    private void NormScale(Storage x, Storage factors, Storage y, NormShape shape) =>
        Find("norm", "norm_scale")
            .Arg(x).Arg(factors).Arg(y).Arg(shape.Count).Arg(shape.N).Arg(shape.Channels)
            .Arg(shape.Outer).Arg(shape.Relu ? 1 : 0).Over(shape.Count, ElementGrain);

    /// <param name="stride">Elements from one part's sums to the next one's.</param>
    private void NormScaleGradient(
        Storage partial, in NormGradients to, int channels, int parts, int stride)
    {
        if (to.Dw is null && to.Db is null)
        {
            return;
        }
        Find("norm", "norm_scale_gradient")
            .Arg(partial).Arg(to.Dw ?? to.Db!).Arg(to.Db ?? to.Dw!).Arg(channels).Arg(parts)
            .Arg(stride).Arg(to.Dw is null ? 0 : 1).Arg(to.Db is null ? 0 : 1).Arg(to.BetaW)
            .Arg(to.BetaB).Over(channels, Grain(2L * parts));
    }

    /// <summary>A row for an item, or (GPU form) for a group.</summary>
    private void OverNormRows(Kernel kernel, NormShape shape)
    {
        if (IsFat)
        {
            kernel.Over(shape.Outer, Grain(4L * shape.Channels));
            return;
        }
        kernel.Groups(Math.Min(shape.Outer, GpuGroups), 1, 1, Kernel.GroupSize, 1);
    }

    private static (int Chunk, int Chunks) NormChunks(int outer, int n, int channels)
    {
        int chunk = ChunkLength(outer, n, channels);
        return (chunk, Math.Max(1, (n + chunk - 1) / chunk));
    }

    /// <summary>A vector of columns for an item.</summary>
    private long NormItems(int parts, int channels) =>
        parts * (IsFat ? (channels + (Lanes - 1L)) / Lanes : channels);
}
