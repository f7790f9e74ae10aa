// Gradient of the input of a convolution, which is also the forward map of a transposed one, as a
// matrix product on processors (FAT=1), for any stride, dilation, padding and groups.
//   dx[pixel, c] = sum over taps and f of dy[pixel of the tap, f] w[tap, c, f]
// With a stride, input pixels fall into stride_y x stride_x phases by their place between outputs,
// and each phase sees its own few of the taps. Within a phase a tap moves every pixel by the same
// step of dy, so rows of dy are read where they lie and nothing is multiplied with gaps.
// Program = common.cl, tile.cl, the shapes of convolution.cl, and this.

#if FAT

#define MAX_RUNS 24      // runs of filters within one tap that a block of depth block_k can touch

// One axis of a phase: pixels first, first + stride, ... (`count` of them) and taps tap, tap +
// tap_step, ... (`taps` of them). Pixel i and tap j meet output i + shift - j * shift_step.
typedef struct {
    int first, count, tap, taps, tap_step, shift, shift_step;
} phase_axis;

INLINE phase_axis phase_of(
    int phase, int extent, int kernel_extent, int stride, int pad, int dilation)
{
    phase_axis p;
    p.first = ((phase - pad) % stride + stride) % stride;
    p.count = p.first < extent ? (extent - 1 - p.first) / stride + 1 : 0;
    p.tap = 0;
    while (p.tap < kernel_extent && p.tap * dilation % stride != phase)
        p.tap++;
    p.tap_step = 1;
    while (p.tap_step * dilation % stride != 0)
        p.tap_step++;
    p.taps = p.tap < kernel_extent ? (kernel_extent - 1 - p.tap) / p.tap_step + 1 : 0;
    p.shift = (p.first + pad - p.tap * dilation) / stride;
    p.shift_step = p.tap_step * dilation / stride;
    return p;
}

#define ROW_STEP(i)                                  \
    {                                                \
        real16 v = (real16)(a##i[p]);                \
        c##i##_0 = v * b0 + c##i##_0;                \
        if (wide)                                    \
            c##i##_1 = v * b1 + c##i##_1;            \
    }

#define ROW_POINT(i) __global const real *a##i = from[i];

// part[12][32] = the product of rows where they lie, `runs` runs, run r with lengths[r] elements
// from each of the twelve pointers at from + 12 r, and b[k][32]; 16 columns where not wide.
INLINE void rows_product(
    __global const real *const *from, const int *lengths, int runs, __local const real *b,
    real *part, const int wide)
{
    EACH_ROW(START)
    for (int run = 0; run < runs; run++) {
        EACH_ROW(ROW_POINT)
        int length = lengths[run];
        for (int p = 0; p < length; p++) {
            real16 b0 = *(__local const real16 *)b;
            real16 b1 = *(__local const real16 *)(b + 16);
            EACH_ROW(ROW_STEP)
            b += TILE_N;
        }
        from += TILE_M;
    }
    EACH_ROW(SPILL)
}

// Group (x, y, z) does `rows` pixels of phase y in group z of the convolution.
// Scratch: block_k x block_n elements of weights and 16 more.
KERNEL void convolution_input_gradient_phases(
    __global const real *dy, __global const real *w, __global const real *zeros,
    __global real *dx, conv_shape s, real beta, int rows, int block_n, int block_k,
    __local real *packed)
{
    int phase = get_group_id(1), group = get_group_id(2);
    phase_axis v = phase_of(phase / s.stride_x, s.height, s.kernel_y, s.stride_y, s.pad_top,
        s.dilation_y);
    phase_axis h = phase_of(phase % s.stride_x, s.width, s.kernel_x, s.stride_x, s.pad_left,
        s.dilation_x);
    int n = s.channels / s.groups, filters = s.filters / s.groups;
    int m0 = get_group_id(0) * rows, m1 = min(s.batch * v.count * h.count, m0 + rows);
    int k = v.taps * h.taps * filters;
    dy += group * filters;
    w += group * filters;
    __global const real *from[MAX_RUNS * TILE_M];
    int lengths[MAX_RUNS];
    // Without a tap there is one empty block, which writes zeros.
    for (int kb = 0; kb < max(k, 1); kb += block_k) {
        int depth = min(k - kb, block_k);
        for (int nb = 0; nb < n; nb += block_n) {
            int wide = min(n - nb, block_n);
            for (int at = 0, length; at < depth; at += length) {
                int tap = (kb + at) / filters, f = (kb + at) % filters;
                int ky = v.tap + tap / h.taps * v.tap_step, kx = h.tap + tap % h.taps * h.tap_step;
                length = min(filters - f, depth - at);
                for (int j = 0; j < wide; j += TILE_N)
                    pack_b_rows(
                        w + ((long)(ky * s.kernel_x + kx) * n + nb + j) * s.filters + f, s.filters,
                        wide - j, length, packed + j * depth + at * TILE_N);
            }
            for (int mb = m0; mb < m1; mb += TILE_M) {
                int tall = min(m1 - mb, TILE_M), runs = 0;
                int ys[TILE_M], xs[TILE_M];
                long sources[TILE_M];
                __global real *to[TILE_M];
                pixel at = pixel_at(mb, v.count, h.count);
                for (int r = 0; r < tall; r++) {
                    ys[r] = at.y + v.shift;
                    xs[r] = at.x + h.shift;
                    sources[r] =
                        (((long)at.image * s.out_height + ys[r]) * s.out_width + xs[r]) * s.filters;
                    int iy = v.first + at.y * s.stride_y, ix = h.first + at.x * s.stride_x;
                    to[r] = dx + (((long)at.image * s.height + iy) * s.width + ix) * s.channels
                        + group * n + nb;
                    at = next_pixel(at, v.count, h.count);
                }
                for (int at = 0, length; at < depth; at += length) {
                    int tap = (kb + at) / filters, f = (kb + at) % filters;
                    int up = tap / h.taps * v.shift_step, left = tap % h.taps * h.shift_step;
                    long moved = ((long)up * s.out_width + left) * s.filters - f;
                    length = min(filters - f, depth - at);
                    lengths[runs] = length;
                    for (int r = 0; r < TILE_M; r++) {
                        int inside = r < tall
                            && (uint)(ys[r] - up) < (uint)s.out_height
                            && (uint)(xs[r] - left) < (uint)s.out_width;
                        from[runs * TILE_M + r] = inside ? dy + sources[r] - moved : zeros;
                    }
                    runs++;
                }
                for (int j = 0; j < wide; j += TILE_N) {
                    real part[TILE_M * TILE_N];
                    if (wide - j > 16)
                        rows_product(from, lengths, runs, packed + j * depth, part, 1);
                    else
                        rows_product(from, lengths, runs, packed + j * depth, part, 0);
                    for (int r = 0; r < tall; r++)
                        for (int e = 0; e < TILE_N && j + e < wide; e += 16)
                            accumulate(to[r] + j + e, vload16(0, part + r * TILE_N + e),
                                kb == 0 ? beta : 1, wide - j - e);
                }
            }
        }
    }
}
#endif
