// The safetensors container: 8 bytes length of the header (little-endian), the header (JSON), the
// tensors (little-endian, row-major, back to back). Files are mapped, not read: what is not asked
// for never leaves the disk. Format: the README of huggingface/safetensors, "Format".
using System.Buffers.Binary;
using System.IO.MemoryMappedFiles;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Dl.Data.Formats;

namespace Dl.Files;

/// <summary>A safetensors file open for reading. Safe to read from many threads.</summary>
public sealed unsafe class SafetensorsFile : IDisposable
{
    /// <summary>The format's own limit.</summary>
    private const long MaxHeader = 100_000_000;
    private const int LengthBytes = 8;

    private readonly Dictionary<string, StoredTensor> _byName = [];
    private readonly MemoryMappedFile? _file;
    private readonly MemoryMappedViewAccessor? _view;
    private readonly byte[]? _memory;
    private byte* _data;

    private SafetensorsFile(string path, byte[] memory)
    {
        Path = path;
        _memory = memory;
        byte* start = (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(memory));
        (Tensors, Metadata) = ReadHeader(start, memory.Length);
    }

    private SafetensorsFile(string path, FileStream stream)
    {
        Path = path;
        long length = stream.Length;
        _file = MemoryMappedFile.CreateFromFile(
            stream, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, false);
        _view = _file.CreateViewAccessor(0, length, MemoryMappedFileAccess.Read);
        byte* start = null;
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
        try
        {
            (Tensors, Metadata) = ReadHeader(start, length);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>For messages; `-` is stdin.</summary>
    public string Path { get; }

    /// <summary>In the order of the header.</summary>
    public IReadOnlyList<StoredTensor> Tensors { get; }

    /// <summary>The header's `__metadata__`: text by key.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Names in the order of the header.</summary>
    public IEnumerable<string> Names => Tensors.Select(t => t.Name);

    /// <summary>
    /// Opens a file, or reads `-` (stdin) to its end, and checks all of its header.
    /// </summary>
    /// <exception cref="DataException">Missing, unreadable or damaged; names the file.</exception>
    public static SafetensorsFile Open(string path)
    {
        try
        {
            if (path == "-")
            {
                using var input = StandardFiles.OpenInput();
                return Parse(path, input);
            }
            if (Directory.Exists(path))
            {
                throw new DataException(
                    $"{path}: is a folder, expected a file; name a model that `dl fit` wrote");
            }
            var stream = new FileStream(
                path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, 1);
            if (!stream.CanSeek)
            {
                using (stream)
                {
                    return Parse(path, stream);
                }
            }
            if (stream.Length >= LengthBytes)
            {
                return new SafetensorsFile(path, stream);
            }
            using (stream)
            {
                throw TooShort(path, stream.Length);
            }
        }
        catch (Exception error) when (FileError.IsFileTrouble(error))
        {
            throw new DataException($"{path}: cannot be read: {FileError.Explain(error)}", error);
        }
    }

    /// <summary>Reads a whole stream; <paramref name="path"/> is for messages.</summary>
    /// <exception cref="DataException">Damaged.</exception>
    public static SafetensorsFile Parse(string path, Stream stream)
    {
        // The buffer grows with what arrives, never by what a header claims.
        using var buffer = new MemoryStream();
        stream.CopyTo(buffer);
        if (buffer.Length < LengthBytes)
        {
            throw TooShort(path, buffer.Length);
        }
        // Pinned, so that one pointer serves both kinds of memory.
        byte[] memory = GC.AllocateUninitializedArray<byte>((int)buffer.Length, pinned: true);
        buffer.GetBuffer().AsSpan(0, memory.Length).CopyTo(memory);
        return new SafetensorsFile(path, memory);
    }

    public bool Contains(string name) => _byName.ContainsKey(name);

    /// <exception cref="DataException">No tensor has this name.</exception>
    public StoredTensor Find(string name) =>
        _byName.TryGetValue(name, out var tensor)
            ? tensor
            : throw new DataException($"{Path}: {Nearest.Unknown("tensor", name, Names)}");

    /// <summary>All elements of a tensor as floats; integers beyond 2^24 are rounded.</summary>
    public float[] ReadFloats(string name)
    {
        var target = new float[Length(Find(name))];
        ReadFloats(name, target);
        return target;
    }

    /// <summary>As <see cref="ReadFloats(string)"/>, into memory of the right length.</summary>
    /// <exception cref="DataException">No such tensor, or its length differs.</exception>
    public void ReadFloats(string name, Span<float> target)
    {
        var tensor = Sized(name, target.Length);
        if (tensor.Type == TensorType.F32)
        {
            CopyTo(tensor, MemoryMarshal.AsBytes(target));
            return;
        }
        byte* source = Data + tensor.Offset;
        int size = tensor.Type.Size();
        for (int i = 0; i < target.Length; i++)
        {
            target[i] = (float)Number(source + ((long)i * size), tensor.Type);
        }
    }

    /// <summary>
    /// All elements of an integer tensor; <paramref name="target"/> has its length.
    /// </summary>
    /// <exception cref="DataException">
    /// No such tensor, not of integers, another length, or a value that does not fit.
    /// </exception>
    public void ReadInts(string name, Span<int> target)
    {
        var tensor = Sized(name, target.Length);
        if (tensor.Type is TensorType.F16 or TensorType.BF16 or TensorType.F32 or TensorType.F64)
        {
            throw new DataException(
                $"{Path}: tensor '{name}' is {tensor.Type.Name()}, expected whole numbers");
        }
        byte* source = Data + tensor.Offset;
        int size = tensor.Type.Size();
        for (int i = 0; i < target.Length; i++)
        {
            double value = Number(source + ((long)i * size), tensor.Type);
            target[i] = value is >= int.MinValue and <= int.MaxValue
                ? (int)value
                : throw new DataException(
                    $"{Path}: tensor '{name}' holds {value} at {i}, beyond 32 bits");
        }
    }

    /// <summary>The bytes of a tensor as they lie in the file.</summary>
    public void ReadBytes(string name, Span<byte> target)
    {
        var tensor = Find(name);
        if (tensor.Bytes != target.Length)
        {
            throw new DataException(
                $"{Path}: tensor '{name}' has {tensor.Bytes} bytes, expected {target.Length}");
        }
        CopyTo(tensor, target);
    }

    public void Dispose()
    {
        _data = null;
        if (_view is not null)
        {
            _view.SafeMemoryMappedViewHandle.ReleasePointer();
            _view.Dispose();
            _file!.Dispose();
        }
    }

    private byte* Data
    {
        get
        {
            ObjectDisposedException.ThrowIf(_data is null, this);
            return _data;
        }
    }

    private (IReadOnlyList<StoredTensor>, IReadOnlyDictionary<string, string>) ReadHeader(
        byte* start, long fileLength)
    {
        ulong claimed = BinaryPrimitives.ReadUInt64LittleEndian(
            new ReadOnlySpan<byte>(start, LengthBytes));
        if (claimed > MaxHeader)
        {
            throw new DataException(
                $"{Path}: is no model file (nor another in the safetensors format), its beginning "
                + "is none; name a model that `dl fit` wrote");
        }
        if ((long)claimed > fileLength - LengthBytes)
        {
            throw new DataException(
                $"{Path}: claims a header of {claimed} bytes, the file has {fileLength}; it is "
                + "damaged or not a safetensors file");
        }
        long dataStart = LengthBytes + (long)claimed;
        var header = SafetensorsHeader.Parse(
            new ReadOnlySpan<byte>(start + LengthBytes, (int)claimed), fileLength - dataStart,
            Path);
        foreach (var tensor in header.Tensors)
        {
            _byName.Add(tensor.Name, tensor);
        }
        if (header.Metadata.TryGetValue(Seal.Key, out string? checksum))
        {
            Seal.Check(start, fileLength, checksum, LengthBytes + header.SealAt, Path);
        }
        _data = start + dataStart;
        return (header.Tensors, header.Metadata);
    }

    private void CopyTo(StoredTensor tensor, Span<byte> target) =>
        new ReadOnlySpan<byte>(Data + tensor.Offset, target.Length).CopyTo(target);

    private StoredTensor Sized(string name, int expected)
    {
        var tensor = Find(name);
        return Length(tensor) == expected
            ? tensor
            : throw new DataException(
                $"{Path}: tensor '{name}' is {tensor.ShapeText} ({tensor.Count} elements), "
                + $"expected {expected} elements");
    }

    private int Length(StoredTensor tensor) => tensor.Bytes <= Array.MaxLength
        ? (int)tensor.Count
        : throw new DataException(
            $"{Path}: tensor '{tensor.Name}' has {tensor.Bytes} bytes, more than 2 GiB");

    private static double Number(byte* p, TensorType type) => type switch
    {
        TensorType.Bool or TensorType.U8 => *p,
        TensorType.I8 => *(sbyte*)p,
        TensorType.I16 => Unsafe.ReadUnaligned<short>(p),
        TensorType.U16 => Unsafe.ReadUnaligned<ushort>(p),
        TensorType.F16 => (double)Unsafe.ReadUnaligned<Half>(p),
        TensorType.BF16 => BitConverter.Int32BitsToSingle(Unsafe.ReadUnaligned<ushort>(p) << 16),
        TensorType.I32 => Unsafe.ReadUnaligned<int>(p),
        TensorType.U32 => Unsafe.ReadUnaligned<uint>(p),
        TensorType.F32 => Unsafe.ReadUnaligned<float>(p),
        TensorType.F64 => Unsafe.ReadUnaligned<double>(p),
        TensorType.I64 => Unsafe.ReadUnaligned<long>(p),
        _ => Unsafe.ReadUnaligned<ulong>(p),
    };

    private static DataException TooShort(string path, long length) => new(
        $"{path}: has {length} bytes; it is cut short or not a safetensors file");
}

/// <summary>A tensor to be written.</summary>
/// <param name="Write">Writes exactly the elements, little-endian.</param>
public sealed record TensorSource(
    string Name, TensorType Type, long[] Shape, Action<Stream> Write)
{
    /// <summary>A tensor of floats that are asked for when their turn comes.</summary>
    public static TensorSource Floats(string name, long[] shape, Func<float[]> values) =>
        new(name, TensorType.F32, shape, stream =>
            stream.Write(MemoryMarshal.AsBytes(values().AsSpan())));
}

/// <summary>Writes safetensors; the bytes depend on names, values and metadata alone.</summary>
public static class SafetensorsWriter
{
    /// <summary>Writes a file with a checksum in its metadata (Seal.cs).</summary>
    /// <param name="tensors">Each is asked for its elements twice.</param>
    /// <exception cref="DlException">Two tensors share a name.</exception>
    public static void WriteSealed(
        Stream stream, IReadOnlyList<(string Key, string Value)> metadata,
        IReadOnlyList<TensorSource> tensors) =>
        Write(stream, [(Seal.Key, Seal.Blank), .. metadata], tensors, isSealed: true);

    /// <param name="metadata">Text by key, in the order in which it is to stand.</param>
    /// <param name="tensors">In the order in which they are to lie.</param>
    /// <exception cref="DlException">Two tensors share a name.</exception>
    public static void Write(
        Stream stream, IReadOnlyList<(string Key, string Value)> metadata,
        IReadOnlyList<TensorSource> tensors) => Write(stream, metadata, tensors, isSealed: false);

    private static void Write(
        Stream stream, IReadOnlyList<(string Key, string Value)> metadata,
        IReadOnlyList<TensorSource> tensors, bool isSealed)
    {
        var stored = new StoredTensor[tensors.Count];
        var names = new HashSet<string>();
        long offset = 0;
        for (int i = 0; i < stored.Length; i++)
        {
            var (name, type, shape, _) = tensors[i];
            if (!names.Add(name))
            {
                throw new DlException($"safetensors: two tensors are called '{name}'");
            }
            long bytes = type.Size();
            foreach (long extent in shape)
            {
                bytes = checked(bytes * extent);
            }
            stored[i] = new StoredTensor(name, type, shape, offset, bytes);
            offset = checked(offset + bytes);
        }
        byte[] header = SafetensorsHeader.Format(stored, metadata);
        if (isSealed)
        {
            Seal.Put(header, tensors);
        }
        Span<byte> length = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, header.Length);
        stream.Write(length);
        stream.Write(header);
        foreach (var tensor in tensors)
        {
            tensor.Write(stream);
        }
    }
}
