// Recurrence on the managed device. Samples do not depend on each other, so a thread takes some of
// them through all steps and never waits for another; the hidden weights are packed once for all.
// The arithmetic of single steps is in RecurrentCells.cs.
using System.Runtime.CompilerServices;
using Dl.Ops;
using Dl.Tensors;

namespace Dl.Cpu;

/// <summary>Where everything of a recurrence lies; unused pointers are null.</summary>
internal unsafe struct RecurrentMemory
{
    public RecurrentShape Shape;
    public float* Gates;
    public float* Bias;
    public float* Lengths;
    public float* H0;
    public float* C0;
    public float* Y;
    public float* States;
    public float* Memory;
    public float* Hn;
    public float* Cn;
    public float* Dy;
    public float* Products;

    /// <summary>First element of a step, in elements of (B,T,1).</summary>
    public readonly long Row(int sample, int step) => ((long)sample * Shape.Steps) + step;

    /// <summary>Time of the i-th step.</summary>
    public readonly int Time(int i) => Shape.Reverse ? Shape.Steps - 1 - i : i;

    public readonly bool Counts(int sample, int time) =>
        Lengths == null || time < Lengths[sample];
}

public sealed unsafe partial class CpuDevice
{
    /// <summary>Samples that a thread takes through time together, at most.</summary>
    private const int MostSamples = 48;

    public override void Recurrent(
        in RecurrentShape shape, Storage gates, Storage weight, Storage? bias, Storage? lengths,
        Storage? h0, Storage? c0, Storage y, Storage states, Storage? memory, Storage hn,
        Storage? cn)
    {
        var all = new RecurrentMemory
        {
            Shape = shape,
            Gates = Floats(gates),
            Bias = Optional(bias),
            Lengths = Optional(lengths),
            H0 = Optional(h0),
            C0 = Optional(c0),
            Y = Floats(y),
            States = Floats(states),
            Memory = Optional(memory),
            Hn = Floats(hn),
            Cn = Optional(cn),
        };
        int units = shape.Units, width = shape.Width;
        var plan = new RecurrentPlan(shape, _pool.Threads, units, width);
        float* scratch = Shared(plan.Floats(_pool.Threads));
        var product = new StepProduct(scratch, units, width);
        product.Pack(new RightMatrix(Floats(weight), 0, width, false));
        _pool.Run(plan.Pieces, new RecurrentWork(all, plan, product, scratch));
    }

    public override void RecurrentGradient(
        in RecurrentShape shape, Storage gates, Storage weight, Storage? lengths, Storage states,
        Storage? memory, Storage dy, Storage? dhn, Storage? dcn, Storage? products, Storage dh0,
        Storage? dc0)
    {
        var all = new RecurrentMemory
        {
            Shape = shape,
            Gates = Floats(gates),
            Lengths = Optional(lengths),
            H0 = Floats(dh0),
            C0 = Optional(dc0),
            States = Floats(states),
            Memory = Optional(memory),
            Hn = Optional(dhn),
            Cn = Optional(dcn),
            Dy = Floats(dy),
            Products = Optional(products),
        };
        int units = shape.Units, width = shape.Width;
        var plan = new RecurrentPlan(shape, _pool.Threads, width, units);
        float* scratch = Shared(plan.Floats(_pool.Threads));
        var product = new StepProduct(scratch, width, units);
        product.Pack(new RightMatrix(Floats(weight), 0, width, true));
        _pool.Run(plan.Pieces, new RecurrentGradientWork(all, plan, product, scratch));
    }

    private static float* Optional(Storage? storage) => storage is null ? null : Floats(storage);

    /// <summary>How samples are cut and what memory that takes.</summary>
    private readonly struct RecurrentPlan
    {
        private readonly int _batch, _depth, _columns;

        public RecurrentPlan(in RecurrentShape shape, int threads, int depth, int columns)
        {
            (_batch, _depth, _columns) = (shape.Batch, depth, columns);
            int pieces = threads;
            while ((_batch + pieces - 1) / pieces > MostSamples)
            {
                pieces += threads;
            }
            // Half a tile: the arithmetic of the cells is worth a thread of its own.
            Samples = ((_batch + pieces - 1) / pieces + 3) & ~3;
            Pieces = Samples == 0 ? 0 : (_batch + Samples - 1) / Samples;
        }

        /// <summary>Samples of a piece; the last one may have fewer.</summary>
        public int Samples { get; }

        public int Pieces { get; }

        private long Packed => Align(StepProduct.Floats(_depth, _columns));

        private long Rows => Align(StepProduct.RowFloats(Samples, _depth));

        private long Result => Align(StepProduct.ResultFloats(Samples, _columns));

        /// <summary>A row of zeros behind rows and result, as wide as a's.</summary>
        private long Each => Rows + Result + Align(_depth);

        public long Floats(int threads) => Packed + (threads * Each);

        public (int From, int To) Range(int piece) =>
            (piece * Samples, Math.Min(_batch, (piece + 1) * Samples));

        public void Scratch(float* all, int worker, out float* copies, out float* result)
        {
            copies = all + Packed + (worker * Each);
            result = copies + Rows;
        }

        /// <summary>Zeros, for steps that do not count.</summary>
        public float* Zeros(float* result)
        {
            float* zeros = result + Result;
            new Span<float>(zeros, _depth).Clear();
            return zeros;
        }

        private static long Align(long floats) => (floats + Lane.Count - 1) & ~(Lane.Count - 1L);
    }

    private readonly struct RecurrentWork(
        RecurrentMemory all, RecurrentPlan plan, StepProduct product, float* scratch) : IWork
    {
        [SkipLocalsInit]
        public void Run(int piece, int worker)
        {
            var (from, to) = plan.Range(piece);
            plan.Scratch(scratch, worker, out float* copies, out float* z);
            float** rows = stackalloc float*[MostSamples];
            int units = all.Shape.Units, steps = all.Shape.Steps;
            bool lstm = all.Shape.Cell == RecurrentCell.Lstm;
            for (int b = from; b < to; b++)
            {
                long first = steps == 0 ? 0 : all.Row(b, all.Time(0)) * units;
                Put(steps == 0 ? all.Hn + ((long)b * units) : all.States + first,
                    all.H0 == null ? null : all.H0 + ((long)b * units), units);
                if (lstm)
                {
                    Put(steps == 0 ? all.Cn + ((long)b * units) : all.Memory + first,
                        all.C0 == null ? null : all.C0 + ((long)b * units), units);
                }
            }
            for (int i = 0; i < steps; i++)
            {
                int time = all.Time(i), live = 0;
                for (int b = from; b < to; b++)
                {
                    live += all.Counts(b, time) ? 1 : 0;
                    rows[b - from] = all.States + (all.Row(b, time) * units);
                }
                if (live > 0)
                {
                    product.Multiply(rows, to - from, copies, z);
                }
                for (int b = from; b < to; b++)
                {
                    Step(b, i, z + ((long)(b - from) * product.Padded));
                }
            }
        }

        /// <param name="z">h'U of this sample.</param>
        private void Step(int b, int i, float* z)
        {
            int units = all.Shape.Units, time = all.Time(i);
            bool last = i == all.Shape.Steps - 1, lstm = all.Shape.Cell == RecurrentCell.Lstm;
            long row = all.Row(b, time), next = last ? 0 : all.Row(b, all.Time(i + 1)) * units;
            float* h = all.States + (row * units), y = all.Y + (row * units);
            float* memory = all.Memory == null ? null : all.Memory + (row * units);
            float* nextH = last ? all.Hn + ((long)b * units) : all.States + next;
            float* nextC = !lstm ? null : last ? all.Cn + ((long)b * units) : all.Memory + next;
            if (!all.Counts(b, time))
            {
                Put(y, null, units);
                Put(nextH, h, units);
                if (lstm)
                {
                    Put(nextC, memory, units);
                }
                else if (memory != null)
                {
                    Put(memory, null, units);
                }
                return;
            }
            float* gates = all.Gates + (row * all.Shape.Width);
            switch (all.Shape.Cell)
            {
                case RecurrentCell.Lstm:
                    RecurrentCells.Lstm(gates, z, memory, nextC, nextH, y, units);
                    break;
                case RecurrentCell.Gru:
                    RecurrentCells.Gru(gates, z, all.Bias, memory, h, nextH, y, units);
                    break;
                default:
                    RecurrentCells.Plain(
                        gates, z, nextH, y, units, all.Shape.Cell == RecurrentCell.Relu);
                    break;
            }
        }
    }

    private readonly struct RecurrentGradientWork(
        RecurrentMemory all, RecurrentPlan plan, StepProduct product, float* scratch) : IWork
    {
        /// <remarks>
        /// d(state) lies where d(h0) will be at the end: after the first step it is just that.
        /// </remarks>
        [SkipLocalsInit]
        public void Run(int piece, int worker)
        {
            var (from, to) = plan.Range(piece);
            plan.Scratch(scratch, worker, out float* copies, out float* z);
            float* zeros = plan.Zeros(z);
            float** rows = stackalloc float*[MostSamples];
            int units = all.Shape.Units, width = all.Shape.Width;
            int offset = from * units, count = (to - from) * units;
            Put(all.H0 + offset, all.Hn == null ? null : all.Hn + offset, count);
            if (all.C0 != null)
            {
                Put(all.C0 + offset, all.Cn == null ? null : all.Cn + offset, count);
            }
            for (int i = all.Shape.Steps - 1; i >= 0; i--)
            {
                int time = all.Time(i), live = 0;
                for (int b = from; b < to; b++)
                {
                    float* products = Step(b, time);
                    live += products == null ? 0 : 1;
                    rows[b - from] = products == null ? zeros : products;
                }
                if (live == 0)
                {
                    continue;
                }
                product.Multiply(rows, to - from, copies, z);
                for (int b = from; b < to; b++)
                {
                    if (rows[b - from] != zeros)
                    {
                        // What the cell left of d(state) itself, and what came through U.
                        RecurrentCells.Join(all.H0 + ((long)b * units),
                            z + ((long)(b - from) * product.Padded), units,
                            all.Shape.Cell == RecurrentCell.Gru);
                    }
                }
            }
        }

        /// <summary>d(h'U) of a sample, or null where the step does not count.</summary>
        private float* Step(int b, int time)
        {
            int units = all.Shape.Units, width = all.Shape.Width;
            long row = all.Row(b, time);
            float* gates = all.Gates + (row * width);
            float* products = all.Products == null ? gates : all.Products + (row * width);
            if (!all.Counts(b, time))
            {
                Put(gates, null, width);
                Put(products, null, width);
                return null;
            }
            float* dy = all.Dy + (row * units), dh = all.H0 + ((long)b * units);
            float* memory = all.Memory == null ? null : all.Memory + (row * units);
            switch (all.Shape.Cell)
            {
                case RecurrentCell.Lstm:
                    RecurrentCells.LstmGradient(
                        gates, memory, dy, dh, all.C0 + ((long)b * units), units);
                    break;
                case RecurrentCell.Gru:
                    RecurrentCells.GruGradient(
                        gates, products, memory, all.States + (row * units), dy, dh, units);
                    break;
                default:
                    RecurrentCells.PlainGradient(
                        gates, dy, dh, units, all.Shape.Cell == RecurrentCell.Relu);
                    break;
            }
            return products;
        }
    }

    /// <summary>Copies, or clears where there is no source.</summary>
    private static void Put(float* target, float* source, int count)
    {
        if (source == null)
        {
            new Span<float>(target, count).Clear();
        }
        else
        {
            new ReadOnlySpan<float>(source, count).CopyTo(new Span<float>(target, count));
        }
    }
}
