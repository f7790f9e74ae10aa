// Rows of Ops/Elementwise.cs on kernels/elementwise.cl: a program for each op.
using Dl.Ops;
using Dl.Tensors;

namespace Dl.OpenCl;

public sealed unsafe partial class OpenClDevice
{
    /// <summary>Elements below which a fat group is not worth waking another core for.</summary>
    private const int ElementGrain = 4096;

    // A define is a string; building one for each call would allocate.
    private readonly Dictionary<string, string> _opDefines = [];

    /// <summary>For programs that take several elements an item in the GPU form.</summary>
    private string WidthDefine { get; }

    /// <summary>What an item of such a program counts as one.</summary>
    private long Vectors(int n) => IsFat ? n : ((long)n + Tuning.Width - 1) / Tuning.Width;

    public override void Unary(UnaryOp op, Storage x, Storage y, int n, float alpha)
    {
        if (n > 0)
        {
            Find("elementwise", "unary", Define("UNARY_OP=op_", op.Name))
                .Arg(x).Arg(y).Arg(n).Arg(alpha).Over(Vectors(n), ElementGrain);
        }
    }

    public override void UnaryGradient(
        UnaryOp op, Storage x, Storage y, Storage dy, Storage dx, int n, float alpha, float beta)
    {
        if (n > 0)
        {
            Find("elementwise", "unary_gradient", Define("UNARY_OP=op_", op.Name))
                .Arg(x).Arg(y).Arg(dy).Arg(dx).Arg(n).Arg(alpha).Arg(beta)
                .Over(Vectors(n), ElementGrain);
        }
    }

    public override void Binary(
        BinaryOp op, Storage a, Storage b, Storage y, int outer, int n, int inner, float alpha)
    {
        int total = outer * n * inner;
        if (total > 0)
        {
            Find("elementwise", "binary", Define("BINARY_OP=op_", op.Name))
                .Arg(a).Arg(b).Arg(y).Arg(total).Arg(n).Arg(inner).Arg(alpha)
                .Over(Vectors(total), ElementGrain);
        }
    }

    public override void BinaryGradient(
        BinaryOp op, bool second, Storage a, Storage b, Storage dy, Storage d,
        int outer, int n, int inner, float alpha, float beta)
    {
        int total = outer * n * inner;
        if (total > 0)
        {
            Find("elementwise", "binary_gradient", Define("BINARY_OP=op_", op.Name))
                .Arg(a).Arg(b).Arg(dy).Arg(d).Arg(total).Arg(n).Arg(inner).Arg(second ? 1 : 0)
                .Arg(alpha).Arg(beta).Over(Vectors(total), ElementGrain);
        }
    }

    private string Define(string name, string op)
    {
        // Names of unary and binary ops differ, so the op alone is the key.
        if (!_opDefines.TryGetValue(op, out string? define))
        {
            _opDefines.Add(op, define = IsFat ? name + op : $"{name}{op} -D {WidthDefine}");
        }
        return define;
    }
}
