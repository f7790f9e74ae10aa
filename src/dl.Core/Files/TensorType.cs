// Element types of the safetensors format, by the names that stand in its headers.
namespace Dl.Files;

/// <summary>How one element of a stored tensor is written.</summary>
public enum TensorType
{
    Bool,
    U8,
    I8,
    I16,
    U16,
    F16,
    BF16,
    I32,
    U32,
    F32,
    F64,
    I64,
    U64,
}

public static class TensorTypes
{
    /// <summary>Name in the header: `F32`, `BOOL`.</summary>
    public static string Name(this TensorType type) =>
        type == TensorType.Bool ? "BOOL" : type.ToString();

    /// <summary>Bytes of one element.</summary>
    public static int Size(this TensorType type) => type switch
    {
        TensorType.Bool or TensorType.U8 or TensorType.I8 => 1,
        TensorType.I16 or TensorType.U16 or TensorType.F16 or TensorType.BF16 => 2,
        TensorType.I32 or TensorType.U32 or TensorType.F32 => 4,
        _ => 8,
    };

    /// <summary>Null: no such type.</summary>
    internal static TensorType? Find(string name)
    {
        foreach (var type in Enum.GetValues<TensorType>())
        {
            if (type.Name() == name)
            {
                return type;
            }
        }
        return null;
    }
}
