// From a decoded picture to the floats of a model: size, channels, then (pixel / 255 - mean) / std.
namespace Dl.Data.Images;

/// <summary>Prepares pictures; the same in training and prediction.</summary>
internal sealed class ImageEncoder
{
    private readonly ImagePreprocessing _preprocessing;

    /// <summary>Channels x 256: the float of each byte.</summary>
    private readonly float[] _table;

    public ImageEncoder(ImagePreprocessing preprocessing)
    {
        _preprocessing = preprocessing;
        _table = new float[preprocessing.Channels * 256];
        for (int i = 0; i < _table.Length; i++)
        {
            int channel = i / 256;
            _table[i] = (((i % 256) / 255f) - preprocessing.Mean[channel])
                / preprocessing.Std[channel];
        }
    }

    /// <summary>Bytes of a picture after its resizing.</summary>
    public static int Bytes(int height, int width, int channels) =>
        checked(height * width * channels);

    /// <summary>Decodes and resizes one picture into height x width x channels bytes.</summary>
    /// <returns>The decoder's warning with the name of the file, or null.</returns>
    public static string? Load(
        ImageItem item, int height, int width, int channels, Span<byte> bytes)
    {
        Image image = item.Decode(width, height);
        string? warning = image.Warning;
        Resize.To(Resize.ToChannels(image, channels), width, height, bytes);
        return warning is null ? null : $"{item.Where}: {warning}";
    }

    /// <returns>The decoder's warning with the name of the file, or null.</returns>
    public string? Encode(ImageItem item, Span<float> features)
    {
        (int height, int width) = (_preprocessing.Height, _preprocessing.Width);
        var bytes = new byte[Bytes(height, width, _preprocessing.Channels)];
        string? warning = Load(item, height, width, _preprocessing.Channels, bytes);
        Encode(bytes, features);
        return warning;
    }

    public void Encode(ReadOnlySpan<byte> bytes, Span<float> features)
    {
        int channels = _preprocessing.Channels;
        if (channels == 1)
        {
            for (int i = 0; i < bytes.Length; i++)
            {
                features[i] = _table[bytes[i]];
            }
            return;
        }
        for (int i = 0; i < bytes.Length; i += 3)
        {
            features[i] = _table[bytes[i]];
            features[i + 1] = _table[256 + bytes[i + 1]];
            features[i + 2] = _table[512 + bytes[i + 2]];
        }
    }
}
