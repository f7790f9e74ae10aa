// The update of weights, one primitive a rule over one flat run of parameters: a model's weights
// lie in arenas (Models/Weights.cs), so a whole optimiser step is one or two launches.
// Formulas as PyTorch states them (torch.optim, 1.13); g is the gradient, t counts from 1.
using Dl.Ops;

namespace Dl.Tensors
{
    public abstract partial class Device
    {
        /// <summary>
        /// g += decay * w; v = momentum * v + g (v null: no momentum); w -= rate * (nesterov ?
        /// g + momentum * v : v).
        /// </summary>
        public abstract void SgdStep(
            Storage w, Storage g, Storage? v, int n, float rate, float momentum, float decay,
            bool nesterov);

        /// <summary>
        /// m = b1 m + (1-b1) g; v = b2 v + (1-b2) g^2;
        /// w -= rate / (1-b1^t) * m / (sqrt(v / (1-b2^t)) + eps). Decay is added to g, or
        /// (decoupled, AdamW) taken from w as rate * decay * w first.
        /// </summary>
        public abstract void AdamStep(
            Storage w, Storage g, Storage m, Storage v, int n, in AdamSettings settings);
    }
}

namespace Dl.Ops
{
    /// <summary>The numbers of one Adam step.</summary>
    /// <param name="Correction1">1 - b1^t.</param>
    /// <param name="Correction2">1 - b2^t.</param>
    public readonly record struct AdamSettings(
        float Rate, float Beta1, float Beta2, float Epsilon, float Decay, bool Decoupled,
        float Correction1, float Correction2);
}
