// Options that several commands share, worded once.
namespace Dl.Cli.Options;

internal static class CommonOptions
{
    public static readonly OptionSpec Device = new("device", "where to compute")
    {
        Value = "DEVICE", Default = "auto",
        More = "`auto` takes what is fastest for the model at hand and says which; `cpu` is the "
            + "managed device that is always there; `opencl` is the first OpenCL device and "
            + "`opencl:N` the one with that number in `dl info --devices`.",
    };

    public static readonly OptionSpec Threads = new("threads", "worker threads [all cores]")
    {
        Alias = 'j', Kind = ValueKind.Integer, Value = "N", Min = 1, Max = 1024,
        More = "Used by the managed device and by the threads that read data ahead.",
    };

    public static readonly OptionSpec Memory = new(
        "memory", "most memory that the device may take [what is free]")
    {
        Kind = ValueKind.Size, Value = "SIZE",
        More = "Such as `500M` or `2G`, in powers of 1024. What does not fit is computed in parts: "
            + "a batch of training in two, four, ... whose gradients are added, so that an update "
            + "is that of the whole batch up to rounding (batch norm takes its statistics over a "
            + "part); rows of a prediction in smaller batches. What not even fits one sample at "
            + "a time is refused, and the message says what it needs. The data, and what kernels "
            + "use for themselves, are not counted.",
    };

    public static readonly OptionSpec Precision = new(
        "precision", "how exactly products read their factors")
    {
        Value = "P", Default = "f32", Allowed = ["f32", "tf32", "bf16"],
        More = "`tf32` and `bf16` round the factors of matrix products and convolutions to 11 and "
            + "8 bits and use a GPU's matrix units, which are many times as fast; sums, weights "
            + "and everything else stay f32. A device is put to the proof before it is used so, "
            + "and refused where it fails. Recurrent and attention layers compute in f32.",
    };

    public static readonly OptionSpec Seed = new("seed", "start of every random number")
    {
        Kind = ValueKind.Integer, Value = "N", Default = "1", Min = 0, Max = long.MaxValue,
        More = "The same seed on the same device with the same program gives the same bits.",
    };

    public static readonly OptionSpec OnBadData = new("on-bad-data", "what to do with bad input")
    {
        Value = "WHAT", Default = "error", Allowed = ["error", "skip"],
        More = "`error` stops at the first bad row or file and names it. `skip` leaves such rows "
            + "and files out and says how many there were.",
    };

    public static readonly OptionSpec Decimal = new(
        "decimal", "how CSV writes the number 1.5")
    {
        Value = "MARK", Default = "point", Allowed = ["point", "comma"],
        More = "With `comma` it is 1,5, and points divide thousands (1.234,5); fields are then "
            + "divided by semicolons or tabs, or stand in quotes. The model remembers it. What dl "
            + "prints has points.",
    };

    public static readonly OptionSpec TableMemory = new(
        "table-memory", "MiB of a table that are kept in memory")
    {
        Kind = ValueKind.Integer, Value = "MIB", Default = "256", Min = 0, Max = 1 << 24,
        More = "At 8 bytes a cell. A larger table is kept in a scratch file, whatever its size, "
            + "and an epoch is then shuffled by blocks of rows, of which some are mixed at a time.",
    };

    public static readonly OptionSpec Scratch = new(
        "scratch", "folder for the scratch file of a large table [$TMPDIR]")
    {
        Kind = ValueKind.Path, Value = "DIR",
        More = "It takes less room than the table as CSV, mostly a half. It has no name, so "
            + "nothing is left of it, whatever ends the program.",
    };

    public static readonly OptionSpec Json = new(
        "json", "print the result as JSON, one object a line")
    {
        Kind = ValueKind.Flag,
    };

    public static readonly OptionSpec Config = new("config", "take options from a JSON file")
    {
        Alias = 'c', Kind = ValueKind.Path, Value = "FILE.json", Transient = true,
        More = "The file holds one object. Its keys are long option names without the dashes, and "
            + "argument names in lower case; lists are arrays, switches are true or false. What "
            + "the command line says counts more than the file, and the file more than the "
            + "defaults. `-` reads it from standard input.",
    };

    public static readonly OptionSpec DumpConfig = new(
        "dump-config", "print the options in effect and stop")
    {
        Kind = ValueKind.Flag, Transient = true,
        More = "The output is a file for `-c`.",
    };

    public static readonly OptionSpec Quiet = new("quiet", "only warnings and errors on stderr")
    {
        Alias = 'q', Kind = ValueKind.Flag,
    };

    public static readonly OptionSpec Verbose = new("verbose", "say more on stderr")
    {
        Alias = 'v', Kind = ValueKind.Flag,
    };

    public static readonly OptionSpec LogFormat = new(
        "log-format", "form of the messages on stderr")
    {
        Value = "FORM", Default = "text", Allowed = ["text", "json"],
    };

    public static readonly OptionSpec Debug = new(
        "debug", "show where in the program an error arose")
    {
        Kind = ValueKind.Flag,
    };

    public static readonly OptionSpec Help = new("help", "show this help and stop")
    {
        Alias = 'h', Kind = ValueKind.Flag, Transient = true,
    };

    /// <summary>The last heading of every command.</summary>
    public static readonly OptionGroup General =
        new("General", Config, DumpConfig, Quiet, Verbose, LogFormat, Debug, Help);
}
