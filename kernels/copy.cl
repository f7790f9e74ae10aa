// Fill, and the strided copy behind transpose, slice, pad, concat and expand. The plan is
// Ops/Copy.cs's CopyPlan: six extents and the strides of both sides, in elements of four bytes. The
// host merges dimensions that lie together, so the last ones are as long as they can be.

typedef struct {
    int extents[6];
    int x_strides[6];
    int y_strides[6];
    int x_offset;
    int y_offset;
} copy_plan;

// y[i] = value.
KERNEL void fill(__global real *y, int n, real value)
{
    FOR_VECTORS(i, n)
        store(y + i, K(value), n - i);
}

#define SHORT_RUN 64     // elements of a run that are asked for ahead; the rest is guessed
#define AHEAD 16         // runs from the one being copied to the one that is asked for

// One item for each run along the last dimension (processors) or for each element (GPUs).
// Elements move as bits unless they are added: they may be indices.
KERNEL void strided_copy(
    __global const real *x, __global real *y, copy_plan plan, int items, real beta)
{
    int x_at = 0, y_at = 0, left = 0;
    FOR_ITEMS(item, items) {
        if (FAT && left > 1) {
            // The next run of the same plane: no divisions.
            left--;
            x_at += plan.x_strides[4];
            y_at += plan.y_strides[4];
        } else {
            x_at = plan.x_offset;
            y_at = plan.y_offset;
            left = plan.extents[4] - item % plan.extents[4];
            int rest = item;
            for (int d = FAT ? 4 : 5; d >= 0; d--) {
                int index = rest % plan.extents[d];
                rest /= plan.extents[d];
                x_at += index * plan.x_strides[d];
                y_at += index * plan.y_strides[d];
            }
        }
#if FAT
        int length = plan.extents[5], xs = plan.x_strides[5], ys = plan.y_strides[5];
        __global const real *p = x + x_at;
        __global real *q = y + y_at;
        for (int i = 0; i < min(length, SHORT_RUN); i += LANES) {
            PREFETCH(p + i + (long)AHEAD * plan.x_strides[4]);
            PREFETCH(q + i + (long)AHEAD * plan.y_strides[4]);
        }
        if (beta != 0) {
            for (int i = 0; i < length; i++)
                q[i * ys] = p[i * xs] + beta * q[i * ys];
        } else if (xs == 1 && ys == 1) {
            for (int i = 0; i < length; i += LANES)
                store_ints((__global int *)q + i,
                    load_ints((__global const int *)p + i, length - i), length - i);
        } else {
            for (int i = 0; i < length; i++)
                ((__global int *)q)[i * ys] = ((__global const int *)p)[i * xs];
        }
#else
        if (beta != 0)
            y[y_at] = x[x_at] + beta * y[y_at];
        else
            ((__global int *)y)[y_at] = ((__global const int *)x)[x_at];
#endif
    }
}

#if FAT
// Where x is contiguous along dimension 4 and y along dimension 5: blocks of 16 x 16 turned in
// registers. One item for each 16 of dimension 4 and index of dimensions 0 to 3; no addition.
KERNEL void strided_copy_transposed(
    __global const real *x, __global real *y, copy_plan plan, int items)
{
    int tall = plan.extents[4], wide = plan.extents[5];
    int blocks = (tall - 1) / 16 + 1;
    long xs = plan.x_strides[5], ys = plan.y_strides[4];
    FOR_ITEMS(item, items) {
        int a = item % blocks * 16, rest = item / blocks;
        long x_at = plan.x_offset + a, y_at = plan.y_offset + a * ys;
        for (int d = 3; d >= 0; d--) {
            int index = rest % plan.extents[d];
            rest /= plan.extents[d];
            x_at += (long)index * plan.x_strides[d];
            y_at += (long)index * plan.y_strides[d];
        }
        int b = 0;
        for (; tall - a >= 16 && b + 16 <= wide; b += 16) {
            __global const real *p = x + x_at + b * xs;
            __global real *q = y + y_at + b;
#define TAKE(i) real16 r##i = vload16(0, p + i * xs);
            EACH_16(TAKE)
            SHUFFLE(r, s)
            SHUFFLE(s, t)
            SHUFFLE(t, u)
            SHUFFLE(u, v)
#define GIVE(i) vstore16(v##i, 0, q + i * ys);
            EACH_16(GIVE)
        }
        for (; b < wide; b++)
            for (int i = 0; i < min(tall - a, 16); i++)
                y[y_at + i * ys + b] = x[x_at + b * xs + i];
    }
}
#endif
