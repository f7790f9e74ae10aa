// Connectionist temporal classification: formulas in Ops/Ctc.cs, the layout of rows in Cpu/Ctc.cs.
// A sample is one item (processors) or one work-group (GPUs); frames follow one another, the
// states of a frame are computed LANES or GROUP at a time.

#define GROUP 64         // work-items of a group in the GPU form, a power of two

#if FAT
#define CTC KERNEL
#define FOR_SAMPLES(n, batch) FOR_ITEMS(n, batch)
#define STEP LANES
#define MEMBER 0
#define MEMBERS 1
#define SYNC
#define PART
#define ALL_MAX(v) max_lanes(v)
#define ALL_SUM(v) sum_lanes(v)
#else
#define CTC __kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
#define FOR_SAMPLES(n, batch) for (int n = get_group_id(0); n < batch; n += get_num_groups(0))
#define STEP GROUP
#define MEMBER ((int)get_local_id(0))
#define MEMBERS GROUP
#define SYNC barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE)
#define PART __local real part[GROUP];
#define ALL_MAX(v) reduce_group(part, v, 1)
#define ALL_SUM(v) reduce_group(part, v, 0)

INLINE real reduce_group(__local real *part, real value, int largest)
{
    int id = get_local_id(0);
    SYNC;
    part[id] = value;
    SYNC;
    for (int half_size = GROUP / 2; half_size > 0; half_size /= 2) {
        if (id < half_size) {
            real other = part[id + half_size];
            part[id] = largest ? (other > part[id] ? other : part[id]) : part[id] + other;
        }
        SYNC;
    }
    return part[0];
}
#endif

// States s ... of a row; those behind its end are impossible.
INLINE V load_states(__global const real *row, int s, int states)
{
#if FAT
    return load_or(row + s, states - s, -INFINITY);
#else
    return s < states ? row[s] : -INFINITY;
#endif
}

INLINE void store_states(__global real *row, int s, int states, V value)
{
#if FAT
    store(row + s, value, states - s);
#else
    if (s < states)
        row[s] = value;
#endif
}

// The log-probability of one state's label; NaN for a label that is no class, or the blank.
INLINE real emission(
    __global const real *frame, __global const int *labels, int s, int states, int classes,
    int blank)
{
    if (s >= states)
        return -INFINITY;
    if (s % 2 == 0)
        return frame[blank];
    int label = labels[s / 2];
    return label < 0 || label >= classes || label == blank ? NAN : frame[label];
}

// 0 where the blank between a state's label and the one before (or ahead) may be left out.
INLINE real step_over(__global const int *labels, int s, int states, int ahead)
{
    if (s % 2 == 0)
        return -INFINITY;
    int k = s / 2, other = ahead ? k + 1 : k - 1;
    return s >= states || other < 0 || 2 * other + 1 >= states || labels[other] != labels[k]
        ? 0 : -INFINITY;
}

INLINE V emissions(
    __global const real *frame, __global const int *labels, int s, int states, int classes,
    int blank)
{
#if FAT
    real lanes[LANES];
    for (int lane = 0; lane < LANES; lane++)
        lanes[lane] = emission(frame, labels, s + lane, states, classes, blank);
    return vload16(0, lanes);
#else
    return emission(frame, labels, s, states, classes, blank);
#endif
}

INLINE V steps_over(__global const int *labels, int s, int states, int ahead)
{
#if FAT
    real lanes[LANES];
    for (int lane = 0; lane < LANES; lane++)
        lanes[lane] = step_over(labels, s + lane, states, ahead);
    return vload16(0, lanes);
#else
    return step_over(labels, s, states, ahead);
#endif
}

INLINE V larger(V a, V b) { return a > b ? a : b; }

// log(e^a + e^b + e^c); -infinity where all are.
INLINE V log_sum_exp(V a, V b, V c)
{
    V most = larger(larger(a, b), c);
    V sum = exp_v(a - most) + exp_v(b - most) + exp_v(c - most);
    return most == K(-INFINITY) ? K(-INFINITY) : most + log_v(sum);
}

// Takes a finite maximum out of a row; each member has the states that it wrote.
INLINE void take_out(__global real *row, int states, real most)
{
    if (most > -INFINITY && most < INFINITY)
        for (int s = MEMBER; s < states; s += STEP)
            store_states(row, s, states, load_states(row, s, states) - most);
}

// losses[n] = -log probability of the labels; alpha holds a row for each frame and one before.
CTC void ctc(
    __global const real *log_p, __global const int *target, __global const int *input_lengths,
    __global const int *target_lengths, __global real *losses, __global real *alpha, int batch,
    int time, int classes, int label_count, int blank, int zero_infinity)
{
    PART
    int width = 2 * label_count + 3;
    FOR_SAMPLES(n, batch) {
        int frames = input_lengths[n], states = 2 * target_lengths[n] + 1;
        if (frames < 0 || frames > time || states < 1 || states > width - 2) {
            losses[n] = NAN;
            continue;
        }
        __global const int *labels = target + (long)n * label_count;
        __global real *row = alpha + (long)n * (time + 1) * width;
        for (int i = MEMBER; i < width; i += MEMBERS)
            row[i] = i == 1 ? 0 : -INFINITY;
        SYNC;
        // Compensated: thousands of frames add up.
        real total = 0, rest = 0;
        int possible = 1;
        for (int t = 0; t < frames; t++) {
            __global const real *before = row;
            __global const real *frame = log_p + ((long)n * time + t) * classes;
            row += width;
            if (MEMBER == 0)
                row[0] = row[1] = -INFINITY;
            V top = K(-INFINITY);
            for (int s = MEMBER; s < states; s += STEP) {
                V e = emissions(frame, labels, s, states, classes, blank);
                V skip = steps_over(labels, s, states, 0);
                V v = e + log_sum_exp(
                    load_states(before + 2, s, states), load_states(before + 1, s, states),
                    load_states(before, s, states) + skip);
                store_states(row + 2, s, states, v);
                top = larger(v == v ? v : K(INFINITY), top);
            }
            real most = ALL_MAX(top);
            take_out(row + 2, states, most);
            possible = possible && most > -INFINITY;
            real add = possible ? most - rest : 0;
            real sum = total + add;
            rest = (sum - total) - add;
            total = sum;
            SYNC;
        }
        if (MEMBER == 0) {
            real last = row[states + 1], second = row[states];
            real ending = FIRST(log_sum_exp(K(last), K(second), K(-INFINITY)));
            real loss = possible && ending > -INFINITY ? -(total + ending) : INFINITY;
            loss = total == INFINITY ? NAN : loss;
            losses[n] = zero_infinity && loss == INFINITY ? 0 : loss;
        }
        SYNC;
    }
}

// Adds the shares of a frame's states to the classes that they stand for, in a fixed order.
INLINE void scatter_shares(
    __global real *q, __global const real *shares, __global const int *labels, int states,
    int blank, real factor)
{
    if (MEMBER == 0) {
        real sum = 0;
        for (int s = 0; s < states; s += 2)
            sum += shares[s];
        q[blank] -= factor * sum;
    }
#if FAT
    for (int s = 1; s < states; s += 2)
        q[labels[s / 2]] -= factor * shares[s];
#else
    // The first state of a label adds up all of its label.
    for (int k = MEMBER; 2 * k + 1 < states; k += MEMBERS) {
        int first = 0;
        while (labels[first] != labels[k])
            first++;
        if (first < k)
            continue;
        real sum = 0;
        for (int s = 2 * k + 1; s < states; s += 2)
            sum += labels[s / 2] == labels[k] ? shares[s] : 0;
        q[labels[k]] -= factor * sum;
    }
#endif
}

// dlog_p = dlosses[n] * gradient + beta * dlog_p; rows: a row of beta and one of shares a sample.
CTC void ctc_gradient(
    __global const real *log_p, __global const int *target, __global const int *input_lengths,
    __global const int *target_lengths, __global const real *alpha, __global const real *dlosses,
    __global real *dlog_p, __global real *rows, int batch, int time, int classes,
    int label_count, int blank, real old)
{
    PART
    int width = 2 * label_count + 3;
    FOR_SAMPLES(n, batch) {
        int states = 2 * target_lengths[n] + 1;
        int valid = states >= 1 && states <= width - 2 && input_lengths[n] >= 0
            && input_lengths[n] <= time;
        int frames = valid ? input_lengths[n] : 0;
        __global const int *labels = target + (long)n * label_count;
        for (int k = 0; k < states / 2 && valid; k++)
            valid = labels[k] >= 0 && labels[k] < classes && labels[k] != blank;
        __global real *d = dlog_p + (long)n * time * classes;
        for (int i = MEMBER; i < time * classes; i += MEMBERS)
            d[i] = !valid ? NAN : old == 0 ? 0 : old * d[i];
        __global real *b = rows + 2 * (long)n * width;
        __global real *shares = b + width;
        for (int i = MEMBER; i < width && valid; i += MEMBERS)
            b[i] = i == states ? 0 : -INFINITY;
        SYNC;
        for (int t = valid ? frames - 1 : -1; t >= 0; t--) {
            __global const real *frame = log_p + ((long)n * time + t) * classes;
            __global const real *a = alpha + ((long)n * (time + 1) + t + 1) * width + 2;
            V top = K(-INFINITY), high = K(-INFINITY);
            // In place: all members read before any of them writes.
            for (int first = 0; first < states; first += STEP) {
                int s = first + MEMBER;
                V e = emissions(frame, labels, s, states, classes, blank);
                V skip = steps_over(labels, s, states, 1);
                V v = log_sum_exp(
                    load_states(b, s, states), load_states(b + 1, s, states),
                    load_states(b + 2, s, states) + skip);
                V share = load_states(a, s, states) + v;
                SYNC;
                store_states(shares, s, states, share);
                store_states(b, s, states, v + e);
                high = larger(share, high);
                top = larger(load_states(b, s, states), top);
            }
            real most = ALL_MAX(top), best = ALL_MAX(high);
            if (MEMBER == 0)
                b[states] = -INFINITY;
            take_out(b, states, most);
            V sum = K(0);
            for (int s = MEMBER; s < states; s += STEP) {
                V e = exp_v(load_states(shares, s, states) - best);
                store_states(shares, s, states, e);
#if FAT
                sum += load_or(shares + s, states - s, 0);
#else
                sum += e;
#endif
            }
            real total = ALL_SUM(sum);
            SYNC;
            if (best > -INFINITY)
                scatter_shares(
                    d + (long)t * classes, shares, labels, states, blank, dlosses[n] / total);
            SYNC;
        }
    }
}
