// Rotary positions (formulas: Ops/Rotary.cs): within the first `heads` runs of `size` numbers of
// each row, pairs are turned by their angle; the rest is copied.
//   fat: one item for each row, eight pairs at a time; GPU form: one item for each number

#if FAT
INLINE void turn(
    __global const real *x, __global const real *angles, __global real *y, int count, real side,
    real beta)
{
    V value = load(x, count), angle = load(angles, count);
    V cosines = angle.s0022446688aaccee, sines = angle.s1133557799bbddff;
    V other = value.s1032547698badcfe;
    // The first of a pair takes the other with a minus, the second with a plus.
    V signs = side * (V)(-1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1);
    accumulate(y, value * cosines + other * (sines * signs), beta, count);
}
#endif

KERNEL void rotate_pairs(
    __global const real *x, __global const real *table, __global real *y, int rows, int time,
    int width, int heads, int size, int inverse, real beta)
{
    int even = size / 2 * 2, turned = heads * size;
    real side = inverse ? -1 : 1;
#if FAT
    FOR_ITEMS(row, rows) {
        __global const real *px = x + (long)row * width;
        __global real *py = y + (long)row * width;
        __global const real *angles = table + (long)(row % time) * even;
        for (int h = 0; h < turned; h += size) {
            for (int c = 0; c < even; c += LANES)
                turn(px + h + c, angles + c, py + h + c, min(even - c, LANES), side, beta);
            if (even < size)
                accumulate(py + h + even, K(px[h + even]), beta, 1);
        }
        for (int c = turned; c < width; c += LANES)
            accumulate(py + c, load(px + c, width - c), beta, width - c);
    }
#else
    FOR_ITEMS(i, (long)rows * width) {
        int column = i % width, c = column % size;
        real value = x[i];
        if (column < turned && c < even) {
            __global const real *angle = table + i / width % time * even + c / 2 * 2;
            real sine = side * angle[1];
            value = c % 2 == 0 ? value * angle[0] - x[i + 1] * sine
                               : value * angle[0] + x[i - 1] * sine;
        }
        accumulate(y + i, value, beta, 1);
    }
#endif
}
