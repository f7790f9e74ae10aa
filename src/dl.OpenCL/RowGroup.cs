// The size of a GPU work-group that shares a row, by the row's length alone, so that sums keep
// their order on every device: a short row would leave most of a large group waiting at its
// barriers.
namespace Dl.OpenCl;

/// <summary>Work-items that share a row.</summary>
/// <param name="Size">A power of two.</param>
/// <param name="Define">The same for the kernels.</param>
internal sealed record RowGroup(int Size, string Define)
{
    /// <summary>Elements of an item from which more items pay.</summary>
    private const int MostElements = 8;

    private static readonly RowGroup[] Sizes =
        [new(32, "GROUP=32"), new(64, "GROUP=64"), new(128, "GROUP=128"), new(256, "GROUP=256")];

    /// <summary>The group for rows of <paramref name="length"/> elements.</summary>
    public static RowGroup Of(int length)
    {
        foreach (var group in Sizes)
        {
            if (length <= group.Size * MostElements)
            {
                return group;
            }
        }
        return Sizes[^1];
    }

    /// <summary>A group for each row, up to what fills the device.</summary>
    /// <param name="most">Groups of <see cref="Kernel.GroupSize"/> that do.</param>
    public void Launch(Kernel kernel, int rows, int most) =>
        kernel.Groups(
            (int)Math.Min(rows, (long)most * Kernel.GroupSize / Size), 1, 1, Size, 1);
}
