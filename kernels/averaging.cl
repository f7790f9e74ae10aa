// Running averages of weights: y += t (x - y) (Ops/Averaging.cs).

KERNEL void blend(__global const real *x, __global real *y, int n, real t)
{
    FOR_VECTORS(i, n) {
        V old = load(y + i, n - i);
        store(y + i, old + t * (load(x + i, n - i) - old), n - i);
    }
}
