// Recurrence over time (formulas: Ops/Recurrent.cs). Samples do not depend on each other, so a
// work-group takes some of them through all steps and one launch does a whole direction.
//   processors  one item; hidden weights packed so that a tile of ROWS samples x NV vectors stays
//               in registers: forward the gates of 16 units, back 64 units
//   GPUs        an item for each unit, ROWS samples a group, barriers within the group after steps
// recurrent_pack: weights as [block of units][k][vector][16], for processors only.

#ifndef CELL
#define CELL 2           // 0: tanh, 1: relu, 2: lstm, 3: gru
#endif

#if CELL == 2
#define GATES 4
#elif CELL == 3
#define GATES 3
#else
#define GATES 1
#endif

#define HAS_BIAS 1       // bits of `has`: which optional buffers are there
#define HAS_LENGTHS 2
#define HAS_H 4
#define HAS_C 8

#if FAT
#define ROWS 4           // samples of a register tile
#define NV 4             // vectors of a tile going back
#define EACH_ROW(X) X(0) X(1) X(2) X(3)
#define EACH_BACK(X, r) X(r, 0) X(r, 1) X(r, 2) X(r, 3)
#define FOR_UNITS(j, units, step) for (int j = 0; j < units; j += step)
#define NEXT_STEP
// Whole tiles of samples, equal shares.
#define FOR_SAMPLES(first, end, batch)                                                     \
    int tiles = ((batch) + ROWS - 1) / ROWS, share = get_group_id(0);                      \
    int first = tiles * share / (int)get_num_groups(0) * ROWS;                             \
    int end = min(batch, tiles * (share + 1) / (int)get_num_groups(0) * ROWS);
#else
#define ROWS 2
#define NV 1
#define EACH_ROW(X) X(0) X(1)
#define EACH_BACK(X, r) X(r, 0)
#define FOR_UNITS(j, units, step) \
    for (int j = get_local_id(0); j < units; j += get_local_size(0))
#define NEXT_STEP barrier(CLK_GLOBAL_MEM_FENCE);
#define FOR_SAMPLES(first, end, batch) \
    int first = get_group_id(0) * ROWS, end = min(batch, first + ROWS);
#endif

#if GATES == 4
#define EACH_GATE(X, r) X(r, 0) X(r, 1) X(r, 2) X(r, 3)
#define ALL_GATES(r) z##r##_0, z##r##_1, z##r##_2, z##r##_3
#elif GATES == 3
#define EACH_GATE(X, r) X(r, 0) X(r, 1) X(r, 2)
#define ALL_GATES(r) z##r##_0, z##r##_1, z##r##_2, K(0)
#else
#define EACH_GATE(X, r) X(r, 0)
#define ALL_GATES(r) z##r##_0, K(0), K(0), K(0)
#endif

// Vector q of row k of the weights, for units from j.
#if FAT
#define FORWARD_AT(q) vload16(q, weight + ((long)j / LANES * units * LANES + k * LANES) * GATES)
#define BACK_AT(q) vload16(q, turned + ((long)j / (NV * LANES) * width + k) * NV * LANES)
#else
#define FORWARD_AT(q) weight[(long)k * width + (q) * units + j]
#define BACK_AT(q) turned[(long)k * units + j]
#endif

// z[r][q] += row[r][k] * weight[k][q], every accumulator a variable of its own.
#define START(r, q) V z##r##_##q = K(0);
#define FORWARD_LOAD(r, q) V w##q = FORWARD_AT(q);
#define BACK_LOAD(r, q) V w##q = BACK_AT(q);
#define TERM(r, q) z##r##_##q = v * w##q + z##r##_##q;

typedef struct {
    __global real *gates, *y, *states, *memory, *hn, *cn;
    __global const real *bias, *lengths;
    int steps, units, reverse, has;
} Walk;

INLINE int time_of(const Walk *w, int i) { return w->reverse ? w->steps - 1 - i : i; }

INLINE int counts(const Walk *w, int b, int time)
{
    return !(w->has & HAS_LENGTHS) || time < w->lengths[b];
}

INLINE int any_counts(const Walk *w, int first, int end, int time)
{
    for (int b = first; b < end; b++)
        if (counts(w, b, time))
            return 1;
    return 0;
}

#if FAT
// packed[block][k][q][lane] = source[k][block * span + q * apart + lane]. Vector q holds units from
// block * span + q * skip; beyond the last unit there are zeros.
KERNEL void recurrent_pack(
    __global const real *source, __global real *packed, int depth, int columns, int units,
    int vectors, int span, int apart, int skip)
{
    FOR_ITEMS(item, (units + span - 1) / span * depth) {
        int unit = item / depth * span;
        __global const real *row = source + (long)(item % depth) * columns + unit;
        for (int q = 0; q < vectors; q++)
            vstore16(load_or(row + q * apart, units - unit - q * skip, 0),
                (long)item * vectors + q, packed);
    }
}
#endif

// The state before the first step: a copy, or zeros.
INLINE void begin(
    __global real *to, __global const real *from, int given, int j, int units)
{
    store(to + j, given ? load(from + j, units - j) : K(0), units - j);
}

// ---- Forward ----------------------------------------------------------------------------------

// Units from j of sample b at step i; z0 ...: h'U.
INLINE void step_sample(const Walk *w, int b, int i, int j, V z0, V z1, V z2, V z3)
{
    int time = time_of(w, i), units = w->units, last = i == w->steps - 1, n = units - j;
    long row = (long)b * w->steps + time, at = row * units + j;
    long next = ((long)b * w->steps + time_of(w, i + 1)) * units + j, state = (long)b * units + j;
    __global real *next_h = last ? w->hn + state : w->states + next;
#if CELL == 2
    __global real *next_c = last ? w->cn + state : w->memory + next;
#endif
    if (!counts(w, b, time)) {
        store(w->y + at, K(0), n);
        store(next_h, load(w->states + at, n), n);
#if CELL == 2
        store(next_c, load(w->memory + at, n), n);
#elif CELL == 3
        store(w->memory + at, K(0), n);
#endif
        return;
    }
    __global real *gates = w->gates + row * GATES * units + j;
#if CELL == 2
    V in = sigmoid_v(load(gates, n) + z0);
    V forget = sigmoid_v(load(gates + units, n) + z1);
    V candidate = tanh_v(load(gates + 2 * units, n) + z2);
    V out = sigmoid_v(load(gates + 3 * units, n) + z3);
    V c = forget * load(w->memory + at, n) + in * candidate;
    V h = out * tanh_v(c);
    store(gates, in, n);
    store(gates + units, forget, n);
    store(gates + 2 * units, candidate, n);
    store(gates + 3 * units, out, n);
    store(next_c, c, n);
#elif CELL == 3
    V reset = sigmoid_v(load(gates, n) + z0);
    V update = sigmoid_v(load(gates + units, n) + z1);
    V hidden = w->has & HAS_BIAS ? z2 + load(w->bias + j, n) : z2;
    V candidate = tanh_v(reset * hidden + load(gates + 2 * units, n));
    V h = update * (load(w->states + at, n) - candidate) + candidate;
    store(gates, reset, n);
    store(gates + units, update, n);
    store(gates + 2 * units, candidate, n);
    store(w->memory + at, hidden, n);
#else
    V a = load(gates, n) + z0;
    V h = CELL == 1 ? (a < K(0) ? K(0) : a) : tanh_v(a);
    store(gates, h, n);
#endif
    store(next_h, h, n);
    store(w->y + at, h, n);
}

KERNEL void recurrent(
    __global real *gates, __global const real *weight, __global const real *bias,
    __global const real *lengths, __global const real *h0, __global const real *c0,
    __global real *y, __global real *states, __global real *memory, __global real *hn,
    __global real *cn, int batch, int steps, int units, int reverse, int has)
{
    Walk w = {gates, y, states, memory, hn, cn, bias, lengths, steps, units, reverse, has};
    int width = GATES * units;
    FOR_SAMPLES(first, end, batch)
    for (int b = first; b < end; b++) {
        long state = (long)b * units, row = ((long)b * steps + time_of(&w, 0)) * units;
        FOR_UNITS(j, units, LANES) {
            begin(steps ? states + row : hn + state, h0 + state, has & HAS_H, j, units);
#if CELL == 2
            begin(steps ? memory + row : cn + state, c0 + state, has & HAS_C, j, units);
#endif
        }
    }
    for (int i = 0; i < steps; i++) {
        NEXT_STEP
        int time = time_of(&w, i);
        FOR_UNITS(j, units, LANES) {
            for (int b = first; b < end; b += ROWS) {
                int depth = any_counts(&w, b, min(end, b + ROWS), time) ? units : 0;
                // Beyond the last sample any will do: its result is not stored.
#define POINT(r)                                                                                \
    __global const real *p##r = states + ((long)min(b + r, end - 1) * steps + time) * units;    \
    EACH_GATE(START, r)
                EACH_ROW(POINT)
                for (int k = 0; k < depth; k++) {
                    EACH_GATE(FORWARD_LOAD, 0)
#define FORWARD_TERM(r) { V v = K(p##r[k]); EACH_GATE(TERM, r) }
                    EACH_ROW(FORWARD_TERM)
                }
#define FORWARD_END(r) if (b + r < end) step_sample(&w, b + r, i, j, ALL_GATES(r));
                EACH_ROW(FORWARD_END)
            }
        }
    }
}

// ---- Backward ---------------------------------------------------------------------------------

// Units from j of sample b: d(gates), and what reaches the state before without passing U.
INLINE void step_back(
    const Walk *w, __global const real *dy, __global real *dh, __global real *dc,
    __global real *products, int b, int time, int j)
{
    int units = w->units, n = units - j;
    long row = (long)b * w->steps + time, at = row * units + j, wide = row * GATES * units + j;
    __global real *gates = w->gates + wide;
    dh += (long)b * units + j;
    if (!counts(w, b, time)) {
        for (int g = 0; g < GATES; g++) {
            store(gates + g * units, K(0), n);
#if CELL == 3
            store(products + wide + g * units, K(0), n);
#endif
        }
        return;
    }
    V d = load(dy + at, n) + load(dh, n);
#if CELL == 2
    dc += (long)b * units + j;
    V in = load(gates, n), forget = load(gates + units, n);
    V candidate = load(gates + 2 * units, n), out = load(gates + 3 * units, n);
    V before = load(w->memory + at, n);
    V squashed = tanh_v(forget * before + in * candidate);
    V cell = d * out * (1.0f - squashed * squashed) + load(dc, n);
    store(gates, cell * candidate * in * (1.0f - in), n);
    store(gates + units, cell * before * forget * (1.0f - forget), n);
    store(gates + 2 * units, cell * in * (1.0f - candidate * candidate), n);
    store(gates + 3 * units, d * squashed * out * (1.0f - out), n);
    store(dc, cell * forget, n);
#elif CELL == 3
    V reset = load(gates, n), update = load(gates + units, n);
    V candidate = load(gates + 2 * units, n);
    V da = d * (1.0f - update) * (1.0f - candidate * candidate);
    V du = d * (load(w->states + at, n) - candidate) * update * (1.0f - update);
    V dr = da * load(w->memory + at, n) * reset * (1.0f - reset);
    store(gates, dr, n);
    store(gates + units, du, n);
    store(gates + 2 * units, da, n);
    products += wide;
    store(products, dr, n);
    store(products + units, du, n);
    store(products + 2 * units, da * reset, n);
    store(dh, d * update, n);
#else
    V h = load(gates, n);
    V slope = CELL == 1 ? (h > K(0) ? K(1) : K(0)) : 1.0f - h * h;
    store(gates, d * slope, n);
#endif
}

// dh = z; what a gru left there is added.
INLINE void join(__global real *dh, V z, int count)
{
    if (count > 0)
        store(dh, CELL == 3 ? z + load(dh, count) : z, count);
}

// turned: the weights as (GATES * units) x units; packed for processors.
KERNEL void recurrent_gradient(
    __global real *gates, __global const real *turned, __global const real *lengths,
    __global real *states, __global real *memory, __global const real *dy,
    __global const real *dhn, __global const real *dcn, __global real *products,
    __global real *dh0, __global real *dc0, int batch, int steps, int units, int reverse, int has)
{
    Walk w = {gates, 0, states, memory, 0, 0, 0, lengths, steps, units, reverse, has};
    __global real *from = CELL == 3 ? products : gates;
    int width = GATES * units;
    FOR_SAMPLES(first, end, batch)
    for (int b = first; b < end; b++) {
        long state = (long)b * units;
        FOR_UNITS(j, units, LANES) {
            begin(dh0 + state, dhn + state, has & HAS_H, j, units);
#if CELL == 2
            begin(dc0 + state, dcn + state, has & HAS_C, j, units);
#endif
        }
    }
    for (int i = steps - 1; i >= 0; i--) {
        int time = time_of(&w, i);
        NEXT_STEP
        for (int b = first; b < end; b++)
            FOR_UNITS(j, units, LANES)
                step_back(&w, dy, dh0, dc0, products, b, time, j);
        NEXT_STEP
        FOR_UNITS(j, units, NV * LANES) {
            for (int b = first; b < end; b += ROWS) {
                int depth = any_counts(&w, b, min(end, b + ROWS), time) ? width : 0;
#define BACK_POINT(r)                                                                           \
    __global const real *p##r = from + ((long)min(b + r, end - 1) * steps + time) * width;      \
    EACH_BACK(START, r)
                EACH_ROW(BACK_POINT)
                for (int k = 0; k < depth; k++) {
                    EACH_BACK(BACK_LOAD, 0)
#define BACK_TERM(r) { V v = K(p##r[k]); EACH_BACK(TERM, r) }
                    EACH_ROW(BACK_TERM)
                }
#define BACK_JOIN(r, q) join(dh0 + (long)(b + r) * units + j + q * LANES, z##r##_##q,           \
                             units - j - q * LANES);
#define BACK_END(r) if (b + r < end && counts(&w, b + r, time)) { EACH_BACK(BACK_JOIN, r) }
                EACH_ROW(BACK_END)
            }
        }
    }
}
