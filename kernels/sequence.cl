// Lengths of padded sequences: one item for each sample, from its end.

// lengths[b] = 1 + last step with an element that is not padding, 0 if there is none.
KERNEL void sequence_lengths(
    __global const int *x, __global real *lengths, int batch, int steps, int features, int padding)
{
    FOR_ITEMS(b, batch) {
        long size = (long)steps * features, last = size - 1;
        __global const int *sample = x + b * size;
        while (last >= 0 && sample[last] == padding)
            last--;
        lengths[b] = last < 0 ? 0 : (int)(last / features) + 1;
    }
}
