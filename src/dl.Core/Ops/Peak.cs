// A primitive that does nothing but multiply and add in registers: what it reaches is the peak to
// which `dl bench` compares products.
namespace Dl.Tensors;

public abstract partial class Device
{
    /// <summary>
    /// Numbers that <see cref="MultiplyAddChain"/> keeps in registers at a time: enough chains to
    /// hide the latency of a multiply-add.
    /// </summary>
    public const int ChainBlock = 160;

    /// <summary>x[i] = x[i] * a + b, <paramref name="rounds"/> times.</summary>
    /// <param name="count">A multiple of <see cref="ChainBlock"/>.</param>
    public abstract void MultiplyAddChain(Storage x, int count, int rounds, float a, float b);
}
