namespace Dl.Tensors;

/// <summary>
/// Element types. Arithmetic is F32; I32 holds indices; U8 holds images and masks.
/// </summary>
public enum DType
{
    F32,
    I32,
    U8,
}

public static class DTypes
{
    /// <summary>Bytes of one element.</summary>
    public static int Size(this DType type) => type == DType.U8 ? 1 : 4;
}
