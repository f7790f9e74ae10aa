// Table row of each sample: rows without a target are no samples, but mostly all rows have one. So
// the few that are left out are kept, not the many that are not.
namespace Dl.Data.Tables;

/// <summary>Rows of a table but some.</summary>
/// <param name="rows">Rows of the table.</param>
/// <param name="leftOut">Ascending.</param>
internal sealed class SampleRows(int rows, int[] leftOut)
{
    public int Count => rows - leftOut.Length;

    /// <summary>Row of a sample.</summary>
    public int this[int sample]
    {
        get
        {
            // The i-th row left out has leftOut[i] - i samples before it.
            int low = 0, high = leftOut.Length;
            while (low < high)
            {
                int middle = (low + high) >>> 1;
                (low, high) = leftOut[middle] - middle <= sample
                    ? (middle + 1, high)
                    : (low, middle);
            }
            return sample + low;
        }
    }

    /// <summary>Rows of samples; the same array where all rows are samples.</summary>
    public int[] Of(int[] samples) => leftOut.Length == 0
        ? samples
        : Array.ConvertAll(samples, sample => this[sample]);
}
