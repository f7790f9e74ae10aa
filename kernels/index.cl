// Rows by number. Additions happen in the order of the ids on every device. The id -1 stands for no
// row: it reads zeros and adds nothing.
//   gather:      y[i,:] = table[ids[i],:]
//   scatter_add: dtable[r,:] = sum over i with ids[i] = r of dy[i,:] + beta * dtable[r,:]
// scatter_add has a form for processors (each group owns rows of the table and reads all ids once)
// and one for GPUs (equal ids are linked into chains first, then each chain is walked).

// y[i] = x[i] rounded, or -1 where that is outside [0, bound), is `padding`, or x[i] is NaN.
KERNEL void to_indices(__global const real *x, __global int *y, int n, int bound, int padding)
{
    FOR_VECTORS(i, n) {
        V whole = load(x + i, n - i) + 0.5f;
        // For what is not negative, cutting off the fraction is rounding down.
        VI inside = (whole >= K(0)) & (whole < K(bound));
        VI id = TO_VI(inside ? whole : K(0));
        id = inside && id != padding ? id : -1;
        store_ints(y + i, id, n - i);
    }
}

KERNEL void gather(
    __global const real *table, __global const int *ids, __global real *y, int rows, int width)
{
#if FAT
    FOR_ITEMS(row, rows) {
        int id = ids[row];
        __global const real *p = table + (long)max(id, 0) * width;
        __global real *q = y + (long)row * width;
        for (int i = 0; i < width; i += LANES)
            store(q + i, id < 0 ? K(0) : load(p + i, width - i), width - i);
    }
#else
    FOR_ITEMS(i, (long)rows * width)
        y[i] = ids[i / width] < 0 ? 0 : table[(long)ids[i / width] * width + i % width];
#endif
}

#if FAT
KERNEL void scatter_add_fat(
    __global const real *dy, __global const int *ids, __global real *dtable, int rows, int width,
    int table_rows, real beta)
{
    int first = (long)table_rows * get_group_id(0) / get_num_groups(0);
    int end = (long)table_rows * (get_group_id(0) + 1) / get_num_groups(0);
    __global real *own = dtable + (long)first * width;
    long own_size = (long)(end - first) * width;
    for (long i = 0; i < own_size; i += LANES) {
        int count = (int)min(own_size - i, (long)LANES);
        store(own + i, beta == 0 ? K(0) : beta * load(own + i, count), count);
    }
    for (int row = 0; row < rows; row++) {
        int id = ids[row];
        if (id < first || id >= end)
            continue;
        __global const real *p = dy + (long)row * width;
        __global real *q = dtable + (long)id * width;
        for (int i = 0; i < width; i += LANES)
            store(q + i, load(q + i, width - i) + load(p + i, width - i), width - i);
    }
}
#else
KERNEL void scatter_add_scale(__global real *dtable, int n, real beta)
{
    FOR_VECTORS(i, n)
        dtable[i] = beta == 0 ? 0 : beta * dtable[i];
}

// links[i] = next row with the same id, or rows; firsts[i] = 1 where no earlier row has it.
KERNEL void scatter_add_links(
    __global const int *ids, __global int *links, __global int *firsts, int rows)
{
    FOR_ITEMS(row, rows) {
        int id = ids[row], before = row - 1, next = row + 1;
        while (before >= 0 && ids[before] != id)
            before--;
        while (next < rows && ids[next] != id)
            next++;
        firsts[row] = before < 0;
        links[row] = next;
    }
}

KERNEL void scatter_add_chains(
    __global const real *dy, __global const int *ids, __global const int *links,
    __global const int *firsts, __global real *dtable, int rows, int width)
{
    FOR_ITEMS(i, (long)rows * width) {
        int row = i / width, column = i % width;
        if (!firsts[row] || ids[row] < 0)
            continue;
        long at = (long)ids[row] * width + column;
        real sum = dtable[at];
        for (; row < rows; row = links[row])
            sum += dy[(long)row * width + column];
        dtable[at] = sum;
    }
}
#endif

// y[r] = index of the first largest element of a row.
KERNEL void arg_max(__global const real *x, __global int *y, int rows, int columns)
{
    FOR_ITEMS(row, rows) {
        __global const real *p = x + (long)row * columns;
        int best = 0;
        real value = p[0];
        for (int i = 1; i < columns; i++) {
            if (p[i] > value) {
                value = p[i];
                best = i;
            }
        }
        y[row] = best;
    }
}
