// From a decoded picture to the floats of a model: size, channels, then (pixel / 255 - mean) / std,
// which is one multiplication and one addition a sample.
using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Dl.Data.Images;

/// <summary>Prepares pictures; the same in training and prediction.</summary>
internal sealed class ImageEncoder
{
    /// <summary>Samples after which vectors of eight meet the same channels again.</summary>
    private const int Period = 24;

    private readonly ImagePreprocessing _preprocessing;

    /// <summary>Factor and addend of each of <see cref="Period"/> samples.</summary>
    private readonly float[] _scale = new float[Period], _shift = new float[Period];

    public ImageEncoder(ImagePreprocessing preprocessing)
    {
        _preprocessing = preprocessing;
        for (int i = 0; i < Period; i++)
        {
            int channel = i % preprocessing.Channels;
            float std = preprocessing.Std[channel];
            (_scale[i], _shift[i]) = (1 / (255 * std), -preprocessing.Mean[channel] / std);
        }
    }

    /// <summary>Bytes of a picture after its resizing.</summary>
    public static int Bytes(int height, int width, int channels) =>
        checked(height * width * channels);

    /// <returns>The decoder's warning with the name of the file, or null.</returns>
    public string? Encode(ImageItem item, Span<float> features)
    {
        (int height, int width) = (_preprocessing.Height, _preprocessing.Width);
        int length = Bytes(height, width, _preprocessing.Channels);
        byte[] bytes = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            Span<byte> picture = bytes.AsSpan(0, length);
            string? warning = item.Load(height, width, _preprocessing.Channels, picture);
            Encode(picture, features);
            return warning;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }

    /// <param name="bytes">Resized, height x width x channels.</param>
    /// <param name="features">As many floats.</param>
    public void Encode(ReadOnlySpan<byte> bytes, Span<float> features)
    {
        int i = 0;
        for (; i + Period <= bytes.Length; i += Period)
        {
            for (int k = 0; k < Period; k += 8)
            {
                Vector256<float> eight = Eight(bytes[(i + k)..]);
                (eight * Of(_scale, k) + Of(_shift, k)).CopyTo(features[(i + k)..]);
            }
        }
        for (int k = 0; i < bytes.Length; i++, k++)
        {
            features[i] = (bytes[i] * _scale[k]) + _shift[k];
        }
    }

    private static Vector256<float> Of(float[] values, int at) => Vector256.LoadUnsafe(
        ref MemoryMarshal.GetArrayDataReference(values), (nuint)at);

    private static Vector256<float> Eight(ReadOnlySpan<byte> bytes)
    {
        Vector128<byte> eight = Vector128.CreateScalar(
            BinaryPrimitives.ReadUInt64LittleEndian(bytes)).AsByte();
        if (Avx2.IsSupported)
        {
            return Vector256.ConvertToSingle(Avx2.ConvertToVector256Int32(eight));
        }
        (Vector128<uint> low, Vector128<uint> high) = Vector128.Widen(Vector128.WidenLower(eight));
        return Vector256.ConvertToSingle(Vector256.Create(low, high).AsInt32());
    }
}
