// Running averages of weights. One form serves all of them: y moves towards x by the share t, so
// equal values stay equal to the last bit.
//   exponential (Polyak, EMA)   t = 1 - decay
//   equal weights (SWA)         t = 1 / n for the n-th value (Izmailov et al. 2018)
namespace Dl.Tensors;

public abstract partial class Device
{
    /// <summary>y[i] += t * (x[i] - y[i]).</summary>
    public abstract void Blend(Storage x, Storage y, int n, float t);
}
