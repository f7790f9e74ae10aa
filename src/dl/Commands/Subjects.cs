// What stands on the command line of `dl info` and `dl check`: a model file or data.
using System.Buffers.Binary;
using Dl.Cli.Options;
using Dl.Data;
using Dl.Data.Tables.Storage;
using Dl.Files;

namespace Dl.Cli.Commands;

internal static class Subjects
{
    /// <summary>
    /// By its name, or by its first bytes: the length of a header that fits into the file, and the
    /// brace that opens it.
    /// </summary>
    public static bool IsModel(string path)
    {
        if (path.EndsWith(".dlm", StringComparison.OrdinalIgnoreCase)
            || path.EndsWith(".dlm.checkpoint", StringComparison.OrdinalIgnoreCase))
        {
            return true;
        }
        if (!File.Exists(path))
        {
            return false;
        }
        using FileStream file = File.OpenRead(path);
        Span<byte> start = stackalloc byte[9];
        return file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false) == start.Length
            && BinaryPrimitives.ReadUInt64LittleEndian(start) < (ulong)file.Length
            && start[8] == (byte)'{';
    }

    /// <summary>One model, or null when the subjects are data.</summary>
    /// <exception cref="UsageException">More than one model.</exception>
    public static LoadedModel? Model(string[] subjects)
    {
        if (!IsModel(subjects[0]))
        {
            return null;
        }
        return subjects.Length == 1
            ? ModelFile.Load(subjects[0])
            : throw new UsageException(
                $"'{subjects[1]}': given behind a model file; one model at a time");
    }

    public static TrainingData Data(Session session, string[] subjects, bool skipBad) =>
        TrainingData.Open(
            new DataOptions
            {
                Inputs = subjects,
                SkipBad = skipBad,
                DecimalComma = session.Values.Text(CommonOptions.Decimal) == "comma",
                Storage = Storage(session.Values),
            },
            session.Log, session.Token);

    /// <summary>Where tables are kept; commands without the options have the defaults.</summary>
    public static TableStorage Storage(Values values)
    {
        var usual = new TableStorage();
        return usual with
        {
            Memory = values.Integer(CommonOptions.TableMemory) is int mib
                ? (long)mib << 20
                : usual.Memory,
            Folder = values.Text(CommonOptions.Scratch),
        };
    }
}
