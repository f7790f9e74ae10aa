// The update of weights over one flat run of parameters (formulas: Ops/OptimizerStep.cs).

// v may be absent (momentum 0): then it is not touched.
KERNEL void sgd_step(
    __global real *w, __global const real *g, __global real *v, int n, real rate, real momentum,
    real decay, int nesterov, int has_velocity)
{
    FOR_VECTORS(i, n) {
        V weight = load(w + i, n - i);
        V d = load(g + i, n - i) + decay * weight;
        if (has_velocity) {
            V velocity = momentum * load(v + i, n - i) + d;
            store(v + i, velocity, n - i);
            d = nesterov ? d + momentum * velocity : velocity;
        }
        store(w + i, weight - rate * d, n - i);
    }
}

// step = rate / (1 - b1^t); inverse2 = 1 / (1 - b2^t).
KERNEL void adam_step(
    __global real *w, __global const real *g, __global real *m, __global real *v, int n, real rate,
    real beta1, real beta2, real epsilon, real decay, int decoupled, real step, real inverse2)
{
    FOR_VECTORS(i, n) {
        V weight = load(w + i, n - i);
        V d = load(g + i, n - i);
        if (decoupled)
            weight = weight - rate * decay * weight;
        else
            d = d + decay * weight;
        V mean = beta1 * load(m + i, n - i) + (1 - beta1) * d;
        V square = beta2 * load(v + i, n - i) + (1 - beta2) * d * d;
        store(m + i, mean, n - i);
        store(v + i, square, n - i);
        store(w + i, weight - step * mean / (sqrt(square * inverse2) + epsilon), n - i);
    }
}
