// Programs = defines + common.cl + the family's file, built when first needed. Binaries are kept on
// disk so that a second process starts in milliseconds; a damaged, foreign or missing entry is
// rebuilt without a word. Entry: SHA-256 of the rest, then the launches that the binary has
// specialisations for (one a line, ended by an empty line), then the binary.
using System.Security.Cryptography;
using System.Text;
using Dl.OpenCl.Native;
using Microsoft.Extensions.Logging;

namespace Dl.OpenCl;

/// <summary>Builds programs and remembers their binaries.</summary>
internal sealed class ProgramCache(
    ContextHandle context, ClDevice device, string deviceName, string folder, ILogger log)
    : IDisposable
{
    private readonly Dictionary<(string, string), ClProgram> _programs = [];
    private bool _noted;

    /// <summary>Programs compiled from source, and loaded from disk, by this object.</summary>
    public int Built { get; private set; }

    public int Loaded { get; private set; }

    /// <summary>$XDG_CACHE_HOME/dl, or dl in the user's cache.</summary>
    public static string DefaultFolder()
    {
        string? cache = Environment.GetEnvironmentVariable("XDG_CACHE_HOME");
        if (string.IsNullOrEmpty(cache))
        {
            cache = OperatingSystem.IsWindows()
                ? Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData)
                : Path.Combine(
                    Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache");
        }
        return Path.Combine(cache, "dl");
    }

    /// <exception cref="DeviceException">The kernels do not compile on this device.</exception>
    public ClProgram Get(string family, string defines)
    {
        if (!_programs.TryGetValue((family, defines), out var program))
        {
            program = Open(family, defines);
            _programs.Add((family, defines), program);
        }
        return program;
    }

    /// <summary>Writes the binaries of programs that learnt new launches.</summary>
    public void SaveNew()
    {
        foreach (var program in _programs.Values)
        {
            if (!program.IsDirty)
            {
                continue;
            }
            try
            {
                Save(program);
            }
            catch (DlException e)
            {
                Note(e);
                return;
            }
        }
    }

    public void Dispose()
    {
        foreach (var program in _programs.Values)
        {
            program.Handle.Dispose();
        }
    }

    private ClProgram Open(string family, string defines)
    {
        byte[] source = KernelSource.Read(family);
        string path = Path.Combine(folder, Key(source, defines) + ".clbin");
        var launches = new SortedSet<string>(StringComparer.Ordinal);
        if (TryRead(path, launches, out var binary))
        {
            var loaded = ClProgram.TryLoad(context, device, binary);
            if (loaded is not null)
            {
                Loaded++;
                return new ClProgram(family, path, loaded, launches);
            }
            launches.Clear();
        }
        Built++;
        var handle = ClProgram.Build(context, device, deviceName, family, source, defines);
        // Emulated, the program is whole as it was built.
        if (family.EndsWith("_wgmma", StringComparison.Ordinal)
            && !defines.Contains("EMULATE_MMA=1", StringComparison.Ordinal))
        {
            using var unspliced = handle;
            handle = ClProgram.Splice(context, device, unspliced)
                ?? throw new DeviceException(
                    $"kernels/{family}: {device.Name} ({device.Driver}) does not take its PTX back "
                    + "for sm_90a; expected a Hopper GPU");
        }
        return new ClProgram(family, path, handle, launches);
    }

    private string Key(byte[] source, string defines)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(source);
        string version = typeof(ProgramCache).Assembly.GetName().Version?.ToString() ?? "";
        foreach (string part in (ReadOnlySpan<string>)
            [defines, device.Name, device.Platform, device.Driver, device.Version, version])
        {
            hash.AppendData(Encoding.UTF8.GetBytes(part));
            hash.AppendData([0]);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private bool TryRead(string path, SortedSet<string> launches, out ReadOnlySpan<byte> binary)
    {
        binary = default;
        byte[] entry;
        try
        {
            if (!File.Exists(path))
            {
                return false;
            }
            entry = File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Note(e);
            return false;
        }
        // A driver may crash on a damaged binary, so the sum is checked before it sees one.
        if (entry.Length <= SHA256.HashSizeInBytes
            || !SHA256.HashData(entry.AsSpan(SHA256.HashSizeInBytes))
                .AsSpan().SequenceEqual(entry.AsSpan(0, SHA256.HashSizeInBytes)))
        {
            return false;
        }
        ReadOnlySpan<byte> rest = entry.AsSpan(SHA256.HashSizeInBytes);
        for (int end = rest.IndexOf((byte)'\n'); end > 0; end = rest.IndexOf((byte)'\n'))
        {
            launches.Add(Encoding.UTF8.GetString(rest[..end]));
            rest = rest[(end + 1)..];
        }
        binary = rest.Length > 0 ? rest[1..] : rest;
        return binary.Length > 0;
    }

    private void Save(ClProgram program)
    {
        byte[]? binary = program.Binary();
        if (binary is null)
        {
            return;
        }
        var head = new StringBuilder();
        foreach (string launch in program.Launches)
        {
            head.Append(launch).Append('\n');
        }
        byte[] lines = Encoding.UTF8.GetBytes(head.Append('\n').ToString());
        byte[] entry = new byte[SHA256.HashSizeInBytes + lines.Length + binary.Length];
        lines.CopyTo(entry.AsSpan(SHA256.HashSizeInBytes));
        binary.CopyTo(entry.AsSpan(SHA256.HashSizeInBytes + lines.Length));
        SHA256.HashData(entry.AsSpan(SHA256.HashSizeInBytes), entry);
        SharedFile.Write(program.Path, entry);
        program.IsDirty = false;
    }

    private void Note(Exception e)
    {
        if (!_noted)
        {
            _noted = true;
            log.LogDebug("opencl: binaries are not kept in {Folder}: {Why}", folder, e.Message);
        }
    }
}
