// Convolution 3x3 with stride 1 and its gradients by Winograd's minimal filtering F(4x4, 3x3)
// (Lavin and Gray 2015): 36 products for a 4 x 4 tile of outputs where the direct sum takes 144.
//   y tile = A' [ (G w G') * (B' x tile B) ] A,   x tile 6 x 6, the products summed over channels
// Interpolation points 0, +-sqrt(1/2), +-sqrt(2), infinity, whose rounding error is a third of that
// of 0, +-1, +-2 (Barabasz et al. 2020 on the choice of points). Processors only (FAT=1).
//   winograd                  forward; the gradient of the input is the same map from dy with
//                             turned, transposed weights (backward=1)
//   winograd_weight_gradient  partial sums over slices of the tiles
// A group does everything for its tiles and filters, so nothing between leaves the second cache.
// Scratch, every part once for each of the 36 points: v[channels / 16][tiles][16] inputs,
// u[channels][32] weights, m[filters / 32][tiles][32] products.

#if FAT

#define POINTS 36        // 6 x 6 products for a tile
#define COLUMNS 32       // filters handled together: two vectors
#define SQRT_HALF 0.70710678f
#define SQRT_TWO 1.41421356f

typedef struct {
    int batch, height, width, channels, filters;
    int out_height, out_width, pad_top, pad_left;
    int tiles_y, tiles_x, backward;
} winograd_shape;

// ---- The one-dimensional transforms -----------------------------------------------------------

// v = B' d.
#define INPUT_TRANSFORM(d, v)                                                           \
    {                                                                                   \
        V even_a = d[4] - 2.0f * d[2], odd_a = SQRT_HALF * (d[3] - 2.0f * d[1]);        \
        V even_b = d[4] - 0.5f * d[2], odd_b = SQRT_TWO * (d[3] - 0.5f * d[1]);         \
        v[0] = d[0] + d[4] - 2.5f * d[2];                                               \
        v[1] = even_a + odd_a;                                                          \
        v[2] = even_a - odd_a;                                                          \
        v[3] = even_b + odd_b;                                                          \
        v[4] = even_b - odd_b;                                                          \
        v[5] = d[1] + d[5] - 2.5f * d[3];                                               \
    }

// u = G g.
#define WEIGHT_TRANSFORM(g, u)                                                          \
    {                                                                                   \
        V even_a = (g[0] + 0.5f * g[2]) * (-2.0f / 3), odd_a = g[1] * (-2 * SQRT_HALF / 3); \
        V even_b = (g[0] + 2.0f * g[2]) * (1.0f / 6), odd_b = g[1] * (SQRT_TWO / 6);    \
        u[0] = g[0];                                                                    \
        u[1] = even_a + odd_a;                                                          \
        u[2] = even_a - odd_a;                                                          \
        u[3] = even_b + odd_b;                                                          \
        u[4] = even_b - odd_b;                                                          \
        u[5] = g[2];                                                                    \
    }

// y = A' m.
#define OUTPUT_TRANSFORM(m, y)                                                          \
    {                                                                                   \
        V sum_a = m[1] + m[2], sum_b = m[3] + m[4];                                     \
        V odd_a = SQRT_HALF * (m[1] - m[2]), odd_b = SQRT_TWO * (m[3] - m[4]);          \
        y[0] = m[0] + sum_a + sum_b;                                                    \
        y[1] = odd_a + odd_b;                                                           \
        y[2] = 0.5f * sum_a + 2.0f * sum_b;                                             \
        y[3] = 0.5f * odd_a + 2.0f * odd_b + m[5];                                      \
    }

// ---- Transforms of tiles ----------------------------------------------------------------------

typedef struct {
    int image, y, x;     // of the first output
} tile_place;

INLINE tile_place tile_at(int index, const winograd_shape *s)
{
    tile_place t;
    t.x = index % s->tiles_x * 4;
    t.y = index / s->tiles_x % s->tiles_y * 4;
    t.image = index / s->tiles_x / s->tiles_y;
    return t;
}

// part[edge][edge][16]: less than sixteen channels of a tile whose first pixel x points at, the
// (y0, x0) of a height x width image; zeros outside and behind.
INLINE void gather_part(
    __global const real *x, int height, int width, int y0, int x0, int channels, int count,
    int edge, real *part)
{
    for (int at = 0; at < edge * edge; at++) {
        int i = at / edge, j = at % edge;
        int inside = (uint)(y0 + i) < (uint)height && (uint)(x0 + j) < (uint)width;
        for (int c = 0; c < LANES; c++)
            part[at * LANES + c] = inside && c < count ? x[(i * width + j) * channels + c] : 0;
    }
}

// Sixteen channels from c of one tile to v, the 36 results `stride` apart. What lies outside the
// image is read from `zeros`, sixteen of them.
INLINE void transform_input(
    __global const real *x, __global const real *zeros, const winograd_shape *s, tile_place t,
    int c, __local real *v, long stride)
{
    int count = s->channels - c, y0 = t.y - s->pad_top, x0 = t.x - s->pad_left;
    x += (((long)t.image * s->height + y0) * s->width + x0) * s->channels + c;
    V rows[6][6];
    real part[36 * LANES];
    if (count < LANES)
        gather_part(x, s->height, s->width, y0, x0, s->channels, count, 6, part);
#pragma unroll
    for (int j = 0; j < 6; j++) {
        int inside = (uint)(x0 + j) < (uint)s->width;
        V d[6], e[6];
#pragma unroll
        for (int i = 0; i < 6; i++) {
            __global const real *p = inside && (uint)(y0 + i) < (uint)s->height
                ? x + (i * s->width + j) * s->channels : zeros;
            d[i] = count >= LANES ? vload16(0, p) : vload16(6 * i + j, part);
        }
        INPUT_TRANSFORM(d, e)
#pragma unroll
        for (int i = 0; i < 6; i++)
            rows[i][j] = e[i];
    }
#pragma unroll
    for (int i = 0; i < 6; i++) {
        V e[6];
        INPUT_TRANSFORM(rows[i], e)
#pragma unroll
        for (int j = 0; j < 6; j++)
            vstore16(e[j], 0, v + (6 * i + j) * stride);
    }
}

// Weights of sixteen channels from c and sixteen filters from f: u[36][16][COLUMNS], the points
// `stride` apart. `taps` holds 9 x 16 x 16 elements meanwhile.
INLINE void transform_weights(
    __global const real *w, const winograd_shape *s, int c, int f, __local real *taps,
    __local real *u, long stride)
{
    int depth = min(s->channels - c, 16), columns = s->filters - f;
    for (int tap = 0; tap < 9; tap++) {
        __local real *d = taps + tap * 256;
        if (s->backward) {
            // The layer's weights are [tap][filters][channels] seen from here, turned around.
            __global const real *rows[16];
            for (int i = 0; i < 16; i++)
                rows[i] = i < columns
                    ? w + ((long)(8 - tap) * s->filters + f + i) * s->channels + c : 0;
            pack_rows(rows, 16, depth, d, 16);
        } else {
            for (int k = 0; k < depth; k++)
                vstore16(
                    load_or(w + ((long)tap * s->channels + c + k) * s->filters + f, columns, 0),
                    k, d);
        }
    }
    for (int k = 0; k < depth; k++) {
        V rows[6][3];
#pragma unroll
        for (int j = 0; j < 3; j++) {
            V g[3], e[6];
#pragma unroll
            for (int i = 0; i < 3; i++)
                g[i] = vload16(k, taps + (3 * i + j) * 256);
            WEIGHT_TRANSFORM(g, e)
#pragma unroll
            for (int i = 0; i < 6; i++)
                rows[i][j] = e[i];
        }
#pragma unroll
        for (int i = 0; i < 6; i++) {
            V e[6];
            WEIGHT_TRANSFORM(rows[i], e)
#pragma unroll
            for (int j = 0; j < 6; j++)
                vstore16(e[j], 0, u + (6 * i + j) * stride + k * COLUMNS);
        }
    }
}

// One tile of sixteen filters from f: y = A' m A + bias + beta y, m's points `stride` apart.
INLINE void transform_output(
    __local const real *m, long stride, __global real *y, __global const real *bias,
    const winograd_shape *s, tile_place t, int f, int has_bias, real beta)
{
    int count = s->filters - f;
    V rows[4][6];
#pragma unroll
    for (int j = 0; j < 6; j++) {
        V d[6], e[4];
#pragma unroll
        for (int i = 0; i < 6; i++)
            d[i] = vload16(0, m + (6 * i + j) * stride);
        OUTPUT_TRANSFORM(d, e)
#pragma unroll
        for (int i = 0; i < 4; i++)
            rows[i][j] = e[i];
    }
    V shift = has_bias ? load(bias + f, count) : K(0);
    real part[16 * LANES];
#pragma unroll
    for (int i = 0; i < 4; i++) {
        V e[4];
        OUTPUT_TRANSFORM(rows[i], e)
#pragma unroll
        for (int j = 0; j < 4; j++)
            vstore16(e[j] + shift, 4 * i + j, part);
    }
    y += (((long)t.image * s->out_height + t.y) * s->out_width + t.x) * s->filters + f;
    int height = min(4, s->out_height - t.y), width = min(4, s->out_width - t.x);
    for (int i = 0; i < height; i++)
        for (int j = 0; j < width; j++)
            accumulate(y + (i * s->out_width + j) * s->filters, vload16(4 * i + j, part), beta,
                count);
}

// ---- Products ---------------------------------------------------------------------------------

#define EACH_4(X) X(0) X(1) X(2) X(3)
#define EACH_8(X) EACH_4(X) X(4) X(5) X(6) X(7)
#define EACH_12(X) EACH_8(X) X(8) X(9) X(10) X(11)

#define PANEL_LOAD(i)                                                                   \
    V c##i##_0 = add ? vload16(0, m + i * COLUMNS) : K(0);                              \
    V c##i##_1 = add && wide ? vload16(1, m + i * COLUMNS) : K(0);
#define PANEL_STEP(i)                                                                   \
    {                                                                                   \
        V value = (V)(a[i * LANES + p]);                                                \
        c##i##_0 = value * b0 + c##i##_0;                                               \
        if (wide)                                                                       \
            c##i##_1 = value * b1 + c##i##_1;                                           \
    }
#define PANEL_STORE(i)                                                                  \
    vstore16(c##i##_0, 0, m + i * COLUMNS);                                             \
    if (wide)                                                                           \
        vstore16(c##i##_1, 1, m + i * COLUMNS);

// m = (add ? m : 0) + a b for some tiles and 32 filters, 16 where not wide:
// a[channels / 16][tiles][16], its blocks of channels `step` apart, b[channels][32].
#define PANEL(NAME, EACH)                                                               \
    INLINE void NAME(                                                                   \
        __local const real *a, long step, __local const real *b, __local real *m,       \
        int depth, int add, const int wide)                                             \
    {                                                                                   \
        EACH(PANEL_LOAD)                                                                \
        for (int k = 0; k < depth; k += LANES, a += step) {                             \
            int some = min(depth - k, LANES);                                           \
            for (int p = 0; p < some; p++, b += COLUMNS) {                              \
                V b0 = *(__local const V *)b;                                           \
                V b1 = wide ? *(__local const V *)(b + LANES) : K(0);                   \
                EACH(PANEL_STEP)                                                        \
            }                                                                           \
        }                                                                               \
        EACH(PANEL_STORE)                                                               \
    }

PANEL(panel_12, EACH_12)
PANEL(panel_4, EACH_4)

// All `tiles` of one point. Rows are computed four at a time, so v and m have room for more.
INLINE void multiply(
    __local const real *v, long step, __local const real *b, __local real *m, int tiles, int depth,
    int add, const int wide)
{
    int t = 0;
    for (; t + 8 < tiles; t += 12)
        panel_12(v + t * LANES, step, b, m + t * COLUMNS, depth, add, wide);
    for (; t < tiles; t += 4)
        panel_4(v + t * LANES, step, b, m + t * COLUMNS, depth, add, wide);
}

// Elements between the points of `tiles` rows: an odd number of cache lines, so that the 36 writes
// of a transform fall into different sets.
INLINE long spread(long elements) { return (elements / LANES | 1) * LANES; }

// A group takes `tiles` tiles (in whole 4s) and `filters` filters (in whole 32s), and `depth`
// channels (in whole 16s) at a time.
// Scratch: 36 (spread(depth * tiles) + spread(32 depth) + filters / 32 * spread(32 tiles))
// + 9 x 256.
KERNEL void winograd(
    __global const real *x, __global const real *w, __global const real *bias,
    __global const real *zeros, __global real *y, winograd_shape s, int has_bias, real beta,
    int tiles, int filters, int depth, __local real *scratch)
{
    int first = get_group_id(0) * tiles, f0 = get_group_id(1) * filters;
    int count = min(tiles, s.batch * s.tiles_y * s.tiles_x - first);
    int f1 = min(s.filters, f0 + filters);
    long step = tiles * LANES, v_stride = spread(depth * tiles), u_stride = spread(depth * COLUMNS);
    long m_stride = spread(tiles * COLUMNS);
    __local real *v = scratch, *u = v + POINTS * v_stride, *taps = u + POINTS * u_stride;
    __local real *products = taps + 9 * 256;
    for (int c = 0; c < s.channels; c += depth) {
        int some = min(depth, s.channels - c);
        for (int t = 0; t < count; t++) {
            tile_place place = tile_at(first + t, &s);
            for (int k = 0; k < some; k += LANES)
                transform_input(
                    x, zeros, &s, place, c + k, v + k * tiles + t * LANES, v_stride);
        }
        for (int f = f0; f < f1; f += COLUMNS) {
            int wide = f1 - f > LANES;
            for (int k = 0; k < some; k += 16)
                for (int j = 0; j <= wide; j++)
                    transform_weights(
                        w, &s, c + k, f + j * LANES, taps, u + k * COLUMNS + j * LANES, u_stride);
            __local real *m = products + (f - f0) / COLUMNS * POINTS * m_stride;
            for (int point = 0; point < POINTS; point++) {
                __local const real *a = v + point * v_stride, *b = u + point * u_stride;
                if (wide)
                    multiply(a, step, b, m + point * m_stride, count, some, c > 0, 1);
                else
                    multiply(a, step, b, m + point * m_stride, count, some, c > 0, 0);
            }
        }
    }
    for (int t = 0; t < count; t++) {
        tile_place place = tile_at(first + t, &s);
        for (int f = f0; f < f1; f += LANES)
            transform_output(
                products + (f - f0) / COLUMNS * POINTS * m_stride + (f - f0) % COLUMNS
                    + t * COLUMNS,
                m_stride, y, bias, &s, place, f, has_bias, beta);
    }
}

// ---- Gradient of the weights ------------------------------------------------------------------
// dw = G' [ sum over tiles of (B' x B) * (A dy A') ] G, the star elementwise over the 36 points.

// e = A d: four gradients of outputs to six points.
#define GRADIENT_TRANSFORM(d, e)                                                        \
    {                                                                                   \
        V even_a = d[0] + 0.5f * d[2], odd_a = SQRT_HALF * (d[1] + 0.5f * d[3]);        \
        V even_b = d[0] + 2.0f * d[2], odd_b = SQRT_TWO * (d[1] + 2.0f * d[3]);         \
        e[0] = d[0];                                                                    \
        e[1] = even_a + odd_a;                                                          \
        e[2] = even_a - odd_a;                                                          \
        e[3] = even_b + odd_b;                                                          \
        e[4] = even_b - odd_b;                                                          \
        e[5] = d[3];                                                                    \
    }

// g = G' u.
#define WEIGHT_GRADIENT_TRANSFORM(u, g)                                                 \
    {                                                                                   \
        V sum_a = u[1] + u[2], sum_b = u[3] + u[4];                                     \
        g[0] = u[0] - (2.0f / 3) * sum_a + (1.0f / 6) * sum_b;                          \
        g[1] = (SQRT_TWO / 6) * (u[3] - u[4]) - (2 * SQRT_HALF / 3) * (u[1] - u[2]);    \
        g[2] = u[5] + (1.0f / 3) * (sum_b - sum_a);                                     \
    }

// Sixteen filters from f of one tile of dy to d, the 36 results `stride` apart.
INLINE void transform_gradient(
    __global const real *dy, __global const real *zeros, const winograd_shape *s, tile_place t,
    int f, __local real *d, long stride)
{
    int count = s->filters - f;
    dy += (((long)t.image * s->out_height + t.y) * s->out_width + t.x) * s->filters + f;
    V rows[6][4];
    real part[16 * LANES];
    if (count < LANES)
        gather_part(dy, s->out_height, s->out_width, t.y, t.x, s->filters, count, 4, part);
#pragma unroll
    for (int j = 0; j < 4; j++) {
        V from[4], e[6];
#pragma unroll
        for (int i = 0; i < 4; i++) {
            __global const real *p = t.x + j < s->out_width && t.y + i < s->out_height
                ? dy + (i * s->out_width + j) * s->filters : zeros;
            from[i] = count >= LANES ? vload16(0, p) : vload16(4 * i + j, part);
        }
        GRADIENT_TRANSFORM(from, e)
#pragma unroll
        for (int i = 0; i < 6; i++)
            rows[i][j] = e[i];
    }
#pragma unroll
    for (int i = 0; i < 6; i++) {
        V e[6];
        GRADIENT_TRANSFORM(rows[i], e)
#pragma unroll
        for (int j = 0; j < 6; j++)
            vstore16(e[j], 0, d + (6 * i + j) * stride);
    }
}

// One channel and sixteen filters: the 36 sums, `stride` apart, to nine taps of dw, `tap` apart.
INLINE void transform_weight_gradient(
    __local const real *sums, long stride, __global real *dw, long tap, int count)
{
    V rows[3][6];
#pragma unroll
    for (int j = 0; j < 6; j++) {
        V u[6], g[3];
#pragma unroll
        for (int i = 0; i < 6; i++)
            u[i] = vload16(0, sums + (6 * i + j) * stride);
        WEIGHT_GRADIENT_TRANSFORM(u, g)
#pragma unroll
        for (int i = 0; i < 3; i++)
            rows[i][j] = g[i];
    }
    real part[9 * LANES];
#pragma unroll
    for (int i = 0; i < 3; i++) {
        V g[3];
        WEIGHT_GRADIENT_TRANSFORM(rows[i], g)
#pragma unroll
        for (int j = 0; j < 3; j++)
            vstore16(g[j], 3 * i + j, part);
    }
    for (int i = 0; i < 9; i++)
        store(dw + i * tap, vload16(i, part), count);
}

// m = (add ? m : 0) + a' b for eight channels and 32 filters: a[tiles][16], b[tiles][32].
INLINE void panel_transposed(
    __local const real *a, __local const real *b, __local real *m, int tiles, int add)
{
    const int wide = 1;
    EACH_8(PANEL_LOAD)
    for (int t = 0; t < tiles; t++, b += COLUMNS) {
        V b0 = *(__local const V *)b, b1 = *(__local const V *)(b + LANES);
#define PANEL_STEP_TRANSPOSED(i)                                                        \
        {                                                                               \
            V value = (V)(a[t * LANES + i]);                                            \
            c##i##_0 = value * b0 + c##i##_0;                                           \
            c##i##_1 = value * b1 + c##i##_1;                                           \
        }
        EACH_8(PANEL_STEP_TRANSPOSED)
    }
    EACH_8(PANEL_STORE)
}

// Asks for the outputs' place of a tile of an image, elements c0 ... c1 of each pixel, while
// products keep the processor busy: tiles lie too far apart for it to guess.
INLINE void prefetch_tile(
    __global const real *x, int height, int width, int channels, int c0, int c1, tile_place t)
{
    for (int i = t.y; i < min(t.y + 4, height); i++)
        for (int j = t.x; j < min(t.x + 4, width); j++)
            for (int c = c0; c < c1; c += LANES)
                __builtin_prefetch(
                    x + (((long)t.image * height + i) * width + j) * channels + c);
}

// partial[slice][9][channels][filters]: group (x, y, z) does `channels` channels, `filters` filters
// (in whole 16s and 32s) and slice z of `slice` tiles, `tiles` of them at a time.
// Scratch: 36 (spread(channels * tiles) + spread(filters * tiles) + spread(channels * filters)).
KERNEL void winograd_weight_gradient(
    __global const real *x, __global const real *dy, __global const real *zeros,
    __global real *partial, winograd_shape s, int channels, int filters, int slice, int tiles,
    __local real *scratch)
{
    int c0 = get_group_id(0) * channels, c1 = min(s.channels, c0 + channels);
    int f0 = get_group_id(1) * filters, f1 = min(s.filters, f0 + filters);
    int t0 = get_group_id(2) * slice, t1 = min(s.batch * s.tiles_y * s.tiles_x, t0 + slice);
    long v_stride = spread(channels * tiles), d_stride = spread(filters * tiles);
    long m_stride = spread(channels * filters);
    __local real *v = scratch, *d = v + POINTS * v_stride, *m = d + POINTS * d_stride;
    for (int first = t0; first < t1; first += tiles) {
        int count = min(tiles, t1 - first);
        for (int t = 0; t < count; t++) {
            tile_place place = tile_at(first + t, &s);
            for (int c = c0; c < c1; c += LANES)
                transform_input(
                    x, zeros, &s, place, c, v + (c - c0) * tiles + t * LANES, v_stride);
            for (int f = f0; f < f1; f += LANES)
                transform_gradient(
                    dy, zeros, &s, place, f,
                    d + (f - f0) / COLUMNS * COLUMNS * tiles + t * COLUMNS + (f - f0) % COLUMNS,
                    d_stride);
        }
        for (int point = 0; point < POINTS; point++) {
            if (point < tiles && first + tiles + point < t1) {
                tile_place next = tile_at(first + tiles + point, &s);
                prefetch_tile(x, s.height, s.width, s.channels, c0, c1, next);
                prefetch_tile(dy, s.out_height, s.out_width, s.filters, f0, f1, next);
            }
            for (int f = 0; f < f1 - f0; f += COLUMNS)
                for (int c = 0; c < c1 - c0; c += 8)
                    panel_transposed(
                        v + point * v_stride + c / LANES * LANES * tiles + c % LANES,
                        d + point * d_stride + f * tiles,
                        m + point * m_stride + f * channels + c * COLUMNS, count, first > t0);
        }
    }
    long tap = (long)s.channels * s.filters;
    __global real *dw = partial + get_group_id(2) * 9 * tap;
    for (int f = f0; f < f1; f += LANES)
        for (int c = c0; c < c1; c++)
            transform_weight_gradient(
                m + (f - f0) / COLUMNS * COLUMNS * channels + (c - c0) * COLUMNS
                    + (f - f0) % COLUMNS,
                m_stride, dw + (long)c * s.filters + f, tap, s.filters - f);
}
#endif
