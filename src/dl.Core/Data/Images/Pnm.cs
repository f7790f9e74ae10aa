// PNM, the netpbm formats: P1/P4 bits, P2/P5 grey, P3/P6 RGB; text or binary after a text header
// of width, height and (but for bits) the greatest sample, up to 65535. `#` starts a comment.
namespace Dl.Data.Images;

/// <summary>Reads PBM, PGM and PPM.</summary>
internal static class Pnm
{
    public static bool Detect(byte[] bytes) =>
        bytes.Length > 3 && bytes[0] == 'P' && bytes[1] is >= (byte)'1' and <= (byte)'6'
        && (IsSpace(bytes[2]) || bytes[2] == '#');

    public static ImageInfo Identify(byte[] bytes)
    {
        var cursor = new Cursor(bytes, 2);
        (int width, int height) = (cursor.Number(), cursor.Number());
        return new ImageInfo("pnm", width, height, bytes[1] is (byte)'3' or (byte)'6' ? 3 : 1);
    }

    public static Image Decode(byte[] bytes)
    {
        int kind = bytes[1] - '0';
        var cursor = new Cursor(bytes, 2);
        (int width, int height) = (cursor.Number(), cursor.Number());
        ImageCodec.CheckSize(width, height);
        int channels = kind is 3 or 6 ? 3 : 1;
        bool bits = kind is 1 or 4;
        int max = bits ? 1 : cursor.Number();
        if (max is < 1 or > 65535)
        {
            throw new DataException($"PNM with greatest sample {max}, expected 1 to 65535");
        }
        long samples = (long)width * height * channels;
        CheckLength(bytes.Length - cursor.At, kind, width, height, samples, max);
        var pixels = new byte[samples];
        if (kind <= 3)
        {
            for (int i = 0; i < pixels.Length; i++)
            {
                pixels[i] = bits ? (byte)(255 - (255 * cursor.Bit())) : Scale(cursor.Number(), max);
            }
        }
        else
        {
            // Exactly one blank separates the header from the samples.
            ReadBinary(bytes.AsSpan(cursor.At + 1), pixels, bits ? width : 0, max);
        }
        return new Image(width, height, channels, pixels);
    }

    /// <summary>Refuses before allocating what the file cannot fill.</summary>
    private static void CheckLength(
        long left, int kind, int width, int height, long samples, int max)
    {
        long needed = kind switch
        {
            4 => ((width + 7L) / 8 * height) + 1,
            5 or 6 => (samples * (max > 255 ? 2 : 1)) + 1,
            _ => samples,
        };
        if (left < needed)
        {
            throw new DataException($"PNM with {left} bytes of pixels, expected {needed}");
        }
    }

    private static void ReadBinary(
        ReadOnlySpan<byte> data, Span<byte> pixels, int bitWidth, int max)
    {
        if (bitWidth > 0)
        {
            // Rows of bits start on a byte; 1 is black.
            int rowBytes = (bitWidth + 7) / 8;
            for (int i = 0; i < pixels.Length; i++)
            {
                (int y, int x) = Math.DivRem(i, bitWidth);
                int bit = (data[(y * rowBytes) + (x >> 3)] >> (7 - (x & 7))) & 1;
                pixels[i] = (byte)(255 - (255 * bit));
            }
        }
        else if (max > 255)
        {
            for (int i = 0; i < pixels.Length; i++)
            {
                pixels[i] = Scale((data[2 * i] << 8) | data[(2 * i) + 1], max);
            }
        }
        else
        {
            for (int i = 0; i < pixels.Length; i++)
            {
                pixels[i] = Scale(data[i], max);
            }
        }
    }

    private static byte Scale(int sample, int max) =>
        (byte)(((Math.Min(sample, max) * 255L) + (max / 2)) / max);

    private static bool IsSpace(byte b) => b is (byte)' ' or (>= 9 and <= 13);

    /// <summary>Reads numbers of a text header or text picture.</summary>
    private struct Cursor(byte[] bytes, int at)
    {
        public int At { get; private set; } = at;

        public int Number()
        {
            SkipBlanks();
            long value = 0;
            int start = At;
            while (At < bytes.Length && char.IsAsciiDigit((char)bytes[At]))
            {
                value = Math.Min((value * 10) + bytes[At++] - '0', int.MaxValue);
            }
            return At > start ? (int)value : throw new DataException("PNM with a damaged header");
        }

        /// <summary>Bits of P1 need no blanks between them.</summary>
        public int Bit()
        {
            SkipBlanks();
            return At < bytes.Length && bytes[At] is (byte)'0' or (byte)'1'
                ? bytes[At++] - '0'
                : throw new DataException("PNM with something other than 0 and 1 among its bits");
        }

        private void SkipBlanks()
        {
            while (At < bytes.Length && (IsSpace(bytes[At]) || bytes[At] == '#'))
            {
                if (bytes[At] == '#')
                {
                    while (At < bytes.Length && bytes[At] != '\n')
                    {
                        At++;
                    }
                }
                else
                {
                    At++;
                }
            }
        }
    }
}
