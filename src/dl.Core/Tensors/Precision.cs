namespace Dl.Tensors;

/// <summary>
/// How exactly the factors of matrix products and convolutions are read. Weights, sums and
/// everything else are f32 in each.
/// </summary>
public enum Precision
{
    /// <summary>24 bits: what every device has.</summary>
    F32,

    /// <summary>11 bits of fraction, the range of f32.</summary>
    Tf32,

    /// <summary>8 bits of fraction, the range of f32.</summary>
    Bf16,
}

public static class Precisions
{
    /// <summary>`f32`, `tf32`, `bf16`.</summary>
    public static IReadOnlyList<string> Names { get; } = ["f32", "tf32", "bf16"];

    public static string Name(this Precision precision) => Names[(int)precision];

    /// <summary>The reverse of <see cref="Name"/>.</summary>
    /// <exception cref="UsageException">No such precision.</exception>
    public static Precision Parse(string name)
    {
        for (int i = 0; i < Names.Count; i++)
        {
            if (Names[i] == name)
            {
                return (Precision)i;
            }
        }
        throw new UsageException(Nearest.Unknown("precision", name, Names));
    }

    /// <summary>
    /// Largest relative error of one factor: half the distance between neighbouring numbers.
    /// </summary>
    public static double RoundOff(this Precision precision) => precision switch
    {
        Precision.Tf32 => 1.0 / (1 << 11),
        Precision.Bf16 => 1.0 / (1 << 8),
        _ => 1.0 / (1 << 24),
    };
}

/// <summary>What a device is opened with.</summary>
/// <param name="Threads">Worker threads where it is the processor; null: all cores.</param>
public readonly record struct DeviceOptions(int? Threads, Precision Precision = Precision.F32);
