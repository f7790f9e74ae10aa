// Reads every tensor of a safetensors file: an 8-byte little-endian length, a JSON header
// {NAME: {"dtype", "shape", "data_offsets": [from, to)}}, then the bytes.
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace Dl.Verification;

/// <summary>A reference array: floats (F32) or integers (I64, I32, BOOL), never both.</summary>
internal sealed record GoldenTensor(int[] Extents, float[]? Floats, int[]? Integers);

internal static class GoldenFile
{
    /// <exception cref="DataException">No such file, or not a safetensors file.</exception>
    public static IReadOnlyDictionary<string, GoldenTensor> Read(string path)
    {
        try
        {
            byte[] bytes = File.ReadAllBytes(path);
            int length = checked((int)BinaryPrimitives.ReadUInt64LittleEndian(bytes));
            using var header = JsonDocument.Parse(bytes.AsMemory(8, length));
            var tensors = new Dictionary<string, GoldenTensor>();
            foreach (var entry in header.RootElement.EnumerateObject())
            {
                if (entry.Name != "__metadata__")
                {
                    tensors[entry.Name] = ReadTensor(entry.Value, bytes.AsSpan(8 + length));
                }
            }
            return tensors;
        }
        catch (Exception error) when (error is not DlException and not OutOfMemoryException)
        {
            throw new DataException(
                $"{path}: not a readable safetensors file ({error.Message})", error);
        }
    }

    private static GoldenTensor ReadTensor(JsonElement entry, ReadOnlySpan<byte> data)
    {
        int[] extents = [.. entry.GetProperty("shape").EnumerateArray().Select(e => e.GetInt32())];
        var offsets = entry.GetProperty("data_offsets");
        var bytes = data[offsets[0].GetInt32()..offsets[1].GetInt32()];
        return entry.GetProperty("dtype").GetString() switch
        {
            "F32" => new(extents, MemoryMarshal.Cast<byte, float>(bytes).ToArray(), null),
            "I32" => new(extents, null, MemoryMarshal.Cast<byte, int>(bytes).ToArray()),
            "I64" => new(extents, null, Array.ConvertAll(
                MemoryMarshal.Cast<byte, long>(bytes).ToArray(), value => checked((int)value))),
            "BOOL" or "U8" => new(extents, null, Array.ConvertAll(
                bytes.ToArray(), value => (int)value)),
            var type => throw new DataException(
                $"golden: element type {type}; expected F32, I32, I64 or BOOL"),
        };
    }
}
