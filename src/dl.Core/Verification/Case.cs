// A case of a primitive: its buffers, how a device runs it, and what the result must be. The
// reference works on doubles in plain loops, shares no code with any device, and adds to outputs
// that start at zero (or, for beta = 1, at given values), so it never mentions beta.
using Dl.Tensors;

namespace Dl.Verification;

internal enum Role
{
    /// <summary>Read only: must come back bit for bit.</summary>
    Input,

    /// <summary>Never read before written: starts as NaN, in the reference as 0.</summary>
    Output,

    /// <summary>Read and written.</summary>
    Both,
}

/// <summary>One buffer of a case.</summary>
/// <param name="Draw">Draws one element; F32 elements are rounded to float.</param>
internal sealed record Operand(DType Type, int Length, Role Role, Func<Rng, double> Draw)
{
    /// <summary>Uniform numbers in [low, high).</summary>
    public static Operand In(int length, double low = -1, double high = 1) =>
        new(DType.F32, length, Role.Input, Uniform(low, high));

    /// <summary>Whole numbers in [0, bound) as i32.</summary>
    public static Operand Ids(int length, int bound) =>
        new(DType.I32, length, Role.Input, rng => rng.NextInt(bound));

    /// <summary>A gradient: overwritten when beta is 0, added to when it is 1.</summary>
    public static Operand Out(int length, float beta = 0) =>
        new(DType.F32, length, beta == 0 ? Role.Output : Role.Both, Uniform(-1, 1));

    public static Operand OutIds(int length) =>
        new(DType.I32, length, Role.Output, _ => 0);

    /// <summary>State that a primitive updates, or an input that is also the output.</summary>
    public static Operand Both(int length, double low = -1, double high = 1) =>
        new(DType.F32, length, Role.Both, Uniform(low, high));

    private static Func<Rng, double> Uniform(double low, double high) =>
        rng => low + ((high - low) * rng.NextFloat());
}

/// <summary>One call of a primitive with everything needed to judge it.</summary>
/// <param name="Primitive">The method of <see cref="Device"/>.</param>
/// <param name="Sizes">What distinguishes this case, for messages.</param>
/// <param name="Bound">Largest norm(difference) / norm(reference) of an output.</param>
/// <param name="Run">Calls the primitive on storages in the order of the operands.</param>
/// <param name="Reference">The same on doubles, in place.</param>
internal sealed record Case(
    string Primitive, string Sizes, double Bound, Operand[] Operands,
    Action<Device, Storage[]> Run, Action<double[][]> Reference)
{
    /// <summary>Floating-point operations where they are the limit; marks the timed case.</summary>
    public double Flops { get; init; }

    /// <summary>Bytes read and written, where memory is the limit; marks the timed case.</summary>
    public double Bytes { get; init; }

    /// <summary>
    /// The bound on a device, which may round the factors of products: two of them, each by at most
    /// its round-off.
    /// </summary>
    public double BoundOn(Device device) =>
        device.Precision != Precision.F32 && RoundsFactors
            ? Bound + (2 * device.Precision.RoundOff()) : Bound;

    private bool RoundsFactors =>
        Primitive == "MatMul" || Primitive.StartsWith("Convolution", StringComparison.Ordinal);

    public bool IsTimed => Flops > 0 || Bytes > 0;

    /// <summary>This case as the one whose speed is printed, by the bytes it moves.</summary>
    public Case TimedByBytes()
    {
        double bytes = 0;
        foreach (var operand in Operands)
        {
            bytes += operand.Length * (double)operand.Type.Size()
                * (operand.Role == Role.Both ? 2 : 1);
        }
        return this with { Bytes = bytes };
    }
}
