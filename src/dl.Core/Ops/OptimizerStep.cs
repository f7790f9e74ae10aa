// The update of weights: one primitive over a flat run of parameters, whatever the rule. A model's
// weights lie in arenas (Models/Weights.cs), so a whole optimiser step is one or two launches.
// A rule is a row of UpdateRows.cs and of kernels/optimizer_step.cl; both devices have one loop for
// all of them. Beside it what a step needs before: the norm of the gradient, and its clipping.
using Dl.Ops;

namespace Dl.Tensors
{
    public abstract partial class Device
    {
        /// <summary>
        /// One step on n weights, in place. With the numbers k:
        /// g = k.Scale * g + k.Decay * w; w = k.Keep * w; the rule's row;
        /// w = sign(w) max(|w| - k.Threshold, 0).
        /// </summary>
        /// <param name="state">
        /// As many runs of n as the rule keeps, in its order; they start at 0 unless it says
        /// otherwise.
        /// </param>
        public abstract void Update(
            UpdateRule rule, Storage w, Storage g, ReadOnlySpan<Storage> state, int n,
            in UpdateNumbers k);

        /// <summary>norm[0] = sqrt(sum of g[i]^2), added in a fixed order.</summary>
        public abstract void GradientNorm(Storage g, Storage norm, int n);

        /// <summary>
        /// g *= min(1, limit / (norm[0] + epsilon)); a NaN of the norm goes to every element. The
        /// factor never leaves the device.
        /// </summary>
        public abstract void ClipNorm(
            Storage g, Storage norm, int n, float limit, float epsilon);

        /// <summary>g = min(max(g, -limit), limit); NaN stays.</summary>
        public abstract void ClipValue(Storage g, int n, float limit);

        /// <summary>
        /// The direction of Adafactor from second moments kept as sums of rows and columns, for
        /// batch matrices of rows x columns: u[b,i,j] = g[b,i,j] * sqrt(mean over i' of r[b,i'])
        /// / sqrt(r[b,i] c[b,j]), epsilon added to every r and c (Shazeer and Stern 2018, Algorithm
        /// 4). r has batch x rows elements, c batch x columns, mean batch: the means of the r.
        /// </summary>
        public abstract void FactoredDirection(
            Storage g, Storage r, Storage c, Storage mean, Storage u, int batch, int rows,
            int columns, float epsilon);
    }
}

namespace Dl.Ops
{
    /// <summary>
    /// The numbers of one step, the same for every weight; kernels get them as they lie here. The
    /// first four belong to every rule, the others mean what the rule's row says.
    /// </summary>
    public readonly record struct UpdateNumbers
    {
        public UpdateNumbers()
        {
        }

        /// <summary>Factor on the gradient; -1 climbs.</summary>
        public float Scale { get; init; } = 1;

        /// <summary>L2 term: so much of the weight is added to the gradient.</summary>
        public float Decay { get; init; }

        /// <summary>Decoupled decay: what is kept of the weight, 1 - rate * decay.</summary>
        public float Keep { get; init; } = 1;

        /// <summary>L1 term: by so much every weight is moved to 0 after the step.</summary>
        public float Threshold { get; init; }

        public float Rate { get; init; }

        public float Rate2 { get; init; }

        public float Beta1 { get; init; }

        /// <summary>What a new value counts beside Beta1 of the old one: often 1 - Beta1.</summary>
        public float Take1 { get; init; }

        public float Beta2 { get; init; }

        public float Take2 { get; init; }

        public float Epsilon { get; init; }

        /// <summary>Factor on a square root.</summary>
        public float Root { get; init; }
    }
}
