// Feeds a parser damaged inputs. Whatever the input, it gives a value or a DlException, within five
// seconds, and allocates no more than a stated multiple of the input and a constant; where a
// library of C does the work, the memory of the process grows by no more than that. Input N comes
// from the number N alone: one that fails is kept as build/fuzz/PARSER-N.bin and is made again by
// `SEED=N COUNT=1 PARSERS=PARSER make fuzz`.
using System.Diagnostics;
using System.Globalization;

namespace Dl.Tests.Fuzzing;

/// <summary>A parser and good inputs for it.</summary>
/// <param name="Multiple">Bytes that it may allocate for each byte of input.</param>
/// <param name="Constant">Bytes that it may allocate for any input: buffers, tables.</param>
internal sealed record FuzzTarget(
    string Name, IReadOnlyList<byte[]> Seeds, Action<byte[]> Parse, long Multiple, long Constant)
{
    /// <summary>Pieces of text that mean something in the format.</summary>
    public IReadOnlyList<byte[]> Tokens { get; init; } = [];

    /// <summary>
    /// Makes checksums and lengths right again, so that damage reaches what lies behind them; it is
    /// done to half of the inputs.
    /// </summary>
    public Func<byte[], byte[]>? Repair { get; init; }

    /// <summary>A library allocates what the runtime does not see.</summary>
    public bool Native { get; init; }

    /// <summary>Damage that knows the format; it makes half of the inputs.</summary>
    public Func<Random, byte[]>? Rewrite { get; init; }

    public byte[] Input(int seed)
    {
        // Generators of neighbouring seeds begin alike: the seed's bits are mixed first (the end of
        // MurmurHash3, Appleby 2016).
        uint mixed = (uint)seed;
        mixed = (mixed ^ (mixed >> 16)) * 0x85EBCA6B;
        mixed = (mixed ^ (mixed >> 13)) * 0xC2B2AE35;
        var random = new Random((int)(mixed ^ (mixed >> 16)));
        if (Rewrite is not null && random.Next(2) == 0)
        {
            return Rewrite(random);
        }
        byte[] input = Mutator.Mutate(Seeds, Tokens, random);
        return Repair is not null && random.Next(2) == 0 ? Repair(input) : input;
    }
}

internal static class FuzzRun
{
    private const int MostFailures = 20;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

    private static int Count { get; } = Setting("DL_FUZZ_COUNT", 2000);

    private static int FirstSeed { get; } = Setting("DL_FUZZ_SEED", 1);

    /// <summary>Runs a parser; fails with one line for each kind of failure.</summary>
    public static void Check(FuzzTarget target)
    {
        string? only = Environment.GetEnvironmentVariable("DL_FUZZ_PARSERS");
        if (!string.IsNullOrEmpty(only) && !only.Split(' ', ',').Contains(target.Name))
        {
            return;
        }
        foreach (byte[] good in target.Seeds)
        {
            // What is not read at all would be damaged in vain. The first call loads libraries.
            target.Parse(good);
        }
        var failures = new Dictionary<string, string>();
        var clock = Stopwatch.StartNew();
        int read = 0;
        double worst = 0;
        long peak = 0;
        for (int i = 0; i < Count && failures.Count < MostFailures; i++)
        {
            int seed = unchecked(FirstSeed + i);
            byte[] input = target.Input(seed);
            string? failure = Try(target, input, seed, ref read, ref worst);
            if (target.Native && failure is null)
            {
                failure = Measure(target, input, ref peak);
            }
            if (failure is not null && !failures.ContainsKey(failure))
            {
                failures[failure] = $"{failure}: {Keep(target.Name, seed, input)}";
            }
        }
        Report(
            $"{target.Name}: {Count} inputs from seed {FirstSeed} in "
            + $"{clock.Elapsed.TotalSeconds:F1} s, {read} were read, {failures.Count} kinds of "
            + $"failure, at most {worst:F0} bytes for one of input (limit {target.Multiple} and "
            + $"{target.Constant >> 10} KiB)"
            + (target.Native ? $"; the process grew by at most {peak >> 10} KiB" : ""));
        Assert.True(failures.Count == 0, string.Join('\n', failures.Values));
    }

    /// <summary>Null, or what went wrong in words that are the same for the same cause.</summary>
    private static string? Try(
        FuzzTarget target, byte[] input, int seed, ref int read, ref double worst)
    {
        using var watch = new Timer(
            _ => GiveUp(target.Name, seed, input), null, 12 * Limit, Timeout.InfiniteTimeSpan);
        long before = GC.GetAllocatedBytesForCurrentThread();
        long started = Stopwatch.GetTimestamp();
        try
        {
            target.Parse(input);
            read++;
        }
        catch (DlException)
        {
        }
        catch (Exception error)
        {
            string place = (error.StackTrace ?? "").Split('\n')
                .FirstOrDefault(line => line.Contains(" Dl.", StringComparison.Ordinal)) ?? "";
            return $"{error.GetType().Name}{place}";
        }
        var taken = Stopwatch.GetElapsedTime(started);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        worst = Math.Max(
            worst, (allocated - target.Constant) / (double)Math.Max(input.Length, 1));
        return taken > Limit ? "takes more than 5 s"
            : allocated > (target.Multiple * input.Length) + target.Constant
                ? $"allocates more than {target.Multiple} times its input"
            : null;
    }

    /// <summary>
    /// Bytes by which the process grew at its largest while it parsed, against the same limit and
    /// room for the runtime's own heap. Others may have grown meanwhile: only what comes every
    /// time is the parser's.
    /// </summary>
    private static string? Measure(FuzzTarget target, byte[] input, ref long peak)
    {
        const long Room = 64L << 20;
        long limit = (target.Multiple * input.Length) + target.Constant + Room, least = 0;
        for (int i = 0; i < 4; i++)
        {
            if (!ProcessMemory.TryResetPeak())
            {
                return null;
            }
            long before = ProcessMemory.Resident;
            try
            {
                target.Parse(input);
            }
            catch (DlException)
            {
            }
            least = Math.Max(0, ProcessMemory.Peak - before);
            if (least <= limit)
            {
                peak = Math.Max(peak, least);
                return null;
            }
            GC.Collect();
        }
        peak = Math.Max(peak, least);
        return $"has the process grow by more than {target.Multiple} times its input";
    }

    /// <summary>Writes the input; returns how to have it again.</summary>
    private static string Keep(string parser, int seed, byte[] input)
    {
        string path = Path.Combine(Folder(), $"{parser}-{seed}.bin");
        File.WriteAllBytes(path, input);
        return $"{path} (SEED={seed} COUNT=1 PARSERS={parser} make fuzz)";
    }

    /// <summary>A parser that never returns cannot be stopped; the process can.</summary>
    private static void GiveUp(string parser, int seed, byte[] input) =>
        Environment.FailFast($"{Keep(parser, seed, input)}: does not end");

    private static void Report(string line) =>
        File.AppendAllText(Path.Combine(Folder(), "report.txt"), line + "\n");

    private static string Folder()
    {
        string? root = AppContext.BaseDirectory;
        while (root is not null && !File.Exists(Path.Combine(root, "dl.sln")))
        {
            root = Path.GetDirectoryName(root);
        }
        return Directory.CreateDirectory(
            Path.Combine(root ?? Path.GetTempPath(), "build", "fuzz")).FullName;
    }

    private static int Setting(string name, int fallback) =>
        Environment.GetEnvironmentVariable(name) is { Length: > 0 } text
            ? int.Parse(text, CultureInfo.InvariantCulture) : fallback;
}
