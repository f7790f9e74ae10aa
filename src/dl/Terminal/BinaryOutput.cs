// Parquet belongs into files and pipes: on a terminal it would ring bells and switch fonts.
using Dl.Data.Formats.Output;

namespace Dl.Cli.Terminal;

internal static class BinaryOutput
{
    /// <param name="form">One of <see cref="OutputForm.All"/>, or null.</param>
    /// <param name="output">A path; `-` is stdout.</param>
    /// <exception cref="UsageException">It would go to a terminal.</exception>
    public static void Check(string? form, string output)
    {
        if (form == OutputForm.Parquet && output == "-" && !Console.IsOutputRedirected)
        {
            throw new UsageException(
                "--format parquet: would fill the terminal with binary data; give -o "
                + "FILE.parquet, or lead stdout into a file or pipe");
        }
    }
}
