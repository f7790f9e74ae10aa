// The two inner loops of resizing: a row of bytes to a shorter or longer row of 16-bit samples, and
// some of those rows to one row of bytes. Each has a general form; with SSSE3 both take four taps
// at once (multiply pairs of 16 bits, add neighbours), to the same numbers.
using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Dl.Data.Images;

/// <summary>Along a row. Samples come out with 7 bits behind the point.</summary>
internal static class RowKernel
{
    /// <summary>Bits behind the point of what comes out: 255 of them just fit into 16.</summary>
    public const int Bits = 7;

    private const int Shift = ResampleAxis.Bits - Bits;
    private const int Half = 1 << (Shift - 1);

    /// <summary>Taps that the kernel for this many channels takes at once.</summary>
    public static int Group(int channels) => channels == 1 ? 8 : 4;

    /// <param name="pixels">The row, and behind it whatever follows in the picture.</param>
    /// <param name="axis">Weights in groups of <see cref="Group"/>.</param>
    /// <param name="channels">Samples a pixel.</param>
    /// <param name="row">Outputs x channels samples, and room for eight more.</param>
    public static void Narrow(
        ReadOnlySpan<byte> pixels, ResampleAxis axis, int channels, Span<short> row)
    {
        int done = 0;
        if (Ssse3.IsSupported && channels is 1 or 3)
        {
            int reach = (axis.Stride * channels) + 4;
            // The last outputs of a picture's last row would read behind its end.
            done = axis.Starts.Length;
            while (done > 0 && (axis.Starts[done - 1] * channels) + reach > pixels.Length)
            {
                done--;
            }
            if (channels == 3)
            {
                NarrowColor(pixels, axis, row, done);
            }
            else
            {
                NarrowGrey(pixels, axis, row, done);
            }
        }
        for (int x = done; x < axis.Starts.Length; x++)
        {
            ReadOnlySpan<short> weights = axis.Weights.AsSpan(x * axis.Stride, axis.Counts[x]);
            for (int c = 0; c < channels; c++)
            {
                int sum = Half;
                for (int k = 0, at = (axis.Starts[x] * channels) + c; k < weights.Length;
                    k++, at += channels)
                {
                    sum += weights[k] * pixels[at];
                }
                row[(x * channels) + c] = (short)(sum >> Shift);
            }
        }
    }

    /// <summary>Four pixels of three bytes a step: red, green and blue of two at a time.</summary>
    private static void NarrowColor(
        ReadOnlySpan<byte> pixels, ResampleAxis axis, Span<short> row, int count)
    {
        const byte no = 0x80;
        Vector128<byte> firstTwo = Vector128.Create(
            0, no, 3, no, 1, no, 4, no, 2, no, 5, no, no, no, no, no);
        Vector128<byte> lastTwo = Vector128.Create(
            6, no, 9, no, 7, no, 10, no, 8, no, 11, no, no, no, no, no);
        ref byte source = ref MemoryMarshal.GetReference(pixels);
        ref short weights = ref MemoryMarshal.GetArrayDataReference(axis.Weights);
        ref short target = ref MemoryMarshal.GetReference(row);
        ReadOnlySpan<int> starts = axis.Starts;
        int x = 0;
        if (Avx2.IsSupported && axis.Stride == 4)
        {
            // The usual case, less than two to one: two outputs of four taps at once.
            Vector256<byte> first = Vector256.Create(firstTwo, firstTwo);
            Vector256<byte> last = Vector256.Create(lastTwo, lastTwo);
            for (; x + 2 <= count; x += 2)
            {
                Vector256<byte> four = Vector256.Create(
                    Vector128.LoadUnsafe(ref source, (nuint)(starts[x] * 3)),
                    Vector128.LoadUnsafe(ref source, (nuint)(starts[x + 1] * 3)));
                Vector256<int> pairs = Vector256.Create(
                    Vector128.LoadUnsafe(ref weights, (nuint)(x * 4)),
                    Vector128.LoadUnsafe(ref weights, (nuint)(x * 4))).AsInt32();
                Vector256<int> sum = Vector256.Create(Half)
                    + Avx2.MultiplyAddAdjacent(
                        Avx2.Shuffle(four, first).AsInt16(),
                        Vector256.Shuffle(
                            pairs, Vector256.Create(0, 0, 0, 0, 6, 6, 6, 6)).AsInt16())
                    + Avx2.MultiplyAddAdjacent(
                        Avx2.Shuffle(four, last).AsInt16(),
                        Vector256.Shuffle(
                            pairs, Vector256.Create(1, 1, 1, 1, 7, 7, 7, 7)).AsInt16());
                sum >>= Shift;
                Vector256<long> both = Avx2.PackSignedSaturate(sum, sum).AsInt64();
                Store(both.ToScalar(), ref target, x * 3);
                Store(both.GetElement(2), ref target, (x * 3) + 3);
            }
        }
        for (; x < count; x++)
        {
            Vector128<int> sum = Vector128.Create(Half);
            ref byte from = ref Unsafe.Add(ref source, starts[x] * 3);
            ref short weight = ref Unsafe.Add(ref weights, x * axis.Stride);
            for (int k = 0; k < axis.Stride; k += 4)
            {
                Vector128<byte> four = Vector128.LoadUnsafe(ref from, (nuint)(k * 3));
                ref int pairs = ref Unsafe.As<short, int>(ref Unsafe.Add(ref weight, k));
                sum += Sse2.MultiplyAddAdjacent(
                    Ssse3.Shuffle(four, firstTwo).AsInt16(), Vector128.Create(pairs).AsInt16());
                sum += Sse2.MultiplyAddAdjacent(
                    Ssse3.Shuffle(four, lastTwo).AsInt16(),
                    Vector128.Create(Unsafe.Add(ref pairs, 1)).AsInt16());
            }
            sum >>= Shift;
            Store(Sse2.PackSignedSaturate(sum, sum).AsInt64().ToScalar(), ref target, x * 3);
        }
    }

    /// <summary>
    /// Four samples; the last is overwritten by the next pixel, or lies in the spare room.
    /// </summary>
    private static void Store(long samples, ref short target, int at) => Unsafe.WriteUnaligned(
        ref Unsafe.As<short, byte>(ref Unsafe.Add(ref target, at)), samples);

    private static void NarrowGrey(
        ReadOnlySpan<byte> pixels, ResampleAxis axis, Span<short> row, int count)
    {
        for (int x = 0; x < count; x++)
        {
            Vector128<int> sum = Vector128<int>.Zero;
            for (int k = 0; k < axis.Stride; k += 8)
            {
                long eight = BinaryPrimitives.ReadInt64LittleEndian(pixels[(axis.Starts[x] + k)..]);
                sum += Sse2.MultiplyAddAdjacent(
                    Sse2.UnpackLow(
                        Vector128.CreateScalar(eight).AsByte(), Vector128<byte>.Zero).AsInt16(),
                    Vector128.LoadUnsafe(
                        ref MemoryMarshal.GetArrayDataReference(axis.Weights),
                        (nuint)((x * axis.Stride) + k)));
            }
            row[x] = (short)((Vector128.Sum(sum) + Half) >> Shift);
        }
    }
}

/// <summary>Down the columns, eight of them at once.</summary>
internal static class ColumnKernel
{
    private const int Shift = ResampleAxis.Bits + RowKernel.Bits;
    private const int Half = 1 << (Shift - 1);

    /// <param name="rows">Samples of all rows that are held.</param>
    /// <param name="places">
    /// Where the row of each weight begins; the last may stand twice, its second weight nothing.
    /// </param>
    /// <param name="weights">One for each place, an even number.</param>
    /// <param name="output">Samples of one row.</param>
    public static void Combine(
        ReadOnlySpan<short> rows, ReadOnlySpan<int> places, ReadOnlySpan<short> weights,
        Span<byte> output)
    {
        int done = 0;
        if (Avx2.IsSupported)
        {
            done = CombineSixteen(rows, places, weights, output);
        }
        if (Sse2.IsSupported)
        {
            for (; done + 8 <= output.Length; done += 8)
            {
                Vector128<int> low = Vector128.Create(Half), high = low;
                for (int k = 0; k < places.Length; k += 2)
                {
                    Vector128<short> pair = Vector128.Create(Pair(weights, k)).AsInt16();
                    Vector128<short> first = At(rows, places[k] + done);
                    Vector128<short> second = At(rows, places[k + 1] + done);
                    low += Sse2.MultiplyAddAdjacent(Sse2.UnpackLow(first, second), pair);
                    high += Sse2.MultiplyAddAdjacent(Sse2.UnpackHigh(first, second), pair);
                }
                Vector128<short> sums = Sse2.PackSignedSaturate(low >> Shift, high >> Shift);
                BinaryPrimitives.WriteInt64LittleEndian(
                    output[done..], Sse2.PackUnsignedSaturate(sums, sums).AsInt64().ToScalar());
            }
        }
        for (int i = done; i < output.Length; i++)
        {
            int sum = Half;
            for (int k = 0; k < places.Length; k++)
            {
                sum += weights[k] * rows[places[k] + i];
            }
            output[i] = (byte)(sum >> Shift);
        }
    }

    /// <returns>Samples that are done, a multiple of 16.</returns>
    private static int CombineSixteen(
        ReadOnlySpan<short> rows, ReadOnlySpan<int> places, ReadOnlySpan<short> weights,
        Span<byte> output)
    {
        ref short source = ref MemoryMarshal.GetReference(rows);
        ref byte target = ref MemoryMarshal.GetReference(output);
        // Few rows, as most pictures have: their weights stay in registers.
        int count = Math.Min(places.Length, 4), i = 0;
        Vector256<short> pair = Vector256.Create(Pair(weights, 0)).AsInt16();
        Vector256<short> next = Vector256.Create(
            count == 4 ? Pair(weights, 2) : 0).AsInt16();
        (int a, int b) = (places[0], places[1]);
        (int c, int d) = count == 4 ? (places[2], places[3]) : (a, b);
        for (; i + 16 <= output.Length; i += 16)
        {
            Vector256<int> low = Vector256.Create(Half), high = low;
            Add(ref low, ref high, ref source, a + i, b + i, pair);
            if (count == 4)
            {
                Add(ref low, ref high, ref source, c + i, d + i, next);
            }
            for (int k = 4; k < places.Length; k += 2)
            {
                Add(ref low, ref high, ref source, places[k] + i, places[k + 1] + i,
                    Vector256.Create(Pair(weights, k)).AsInt16());
            }
            // Unpacking and packing both stay within halves, so the order comes out right.
            Vector256<short> sums = Avx2.PackSignedSaturate(low >> Shift, high >> Shift);
            Sse2.PackUnsignedSaturate(sums.GetLower(), sums.GetUpper())
                .StoreUnsafe(ref target, (nuint)i);
        }
        return i;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(
        ref Vector256<int> low, ref Vector256<int> high, ref short source, int at, int other,
        Vector256<short> weights)
    {
        Vector256<short> first = Vector256.LoadUnsafe(ref source, (nuint)at);
        Vector256<short> second = Vector256.LoadUnsafe(ref source, (nuint)other);
        low += Avx2.MultiplyAddAdjacent(Avx2.UnpackLow(first, second), weights);
        high += Avx2.MultiplyAddAdjacent(Avx2.UnpackHigh(first, second), weights);
    }

    private static int Pair(ReadOnlySpan<short> weights, int at) =>
        (ushort)weights[at] | (weights[at + 1] << 16);

    private static Vector128<short> At(ReadOnlySpan<short> rows, int at) =>
        Vector128.LoadUnsafe(ref MemoryMarshal.GetReference(rows), (nuint)at);
}
