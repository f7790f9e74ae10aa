"""Optimisers: reference trajectories for make_golden.py, and clipping.

Rules that torch.optim has are run by it, with random hyper-parameters; adafactor, ftrl and lion are
written out here from their papers, in double.
"""
import random

import torch


def torch_rules(rng):
    """Case -> (class, arguments): a plain form of every rule, and a form with all it can do."""
    lr = round(rng.uniform(0.003, 0.1), 4)
    decay = round(rng.uniform(0.01, 0.2), 3)
    betas = [round(rng.uniform(0.7, 0.95), 3), round(rng.uniform(0.9, 0.9995), 4)]
    rho = round(rng.uniform(0.8, 0.99), 3)
    mu = round(rng.uniform(0.5, 0.99), 3)
    eps = 10 ** rng.uniform(-9, -3)
    sgd, rmsprop, adam = torch.optim.SGD, torch.optim.RMSprop, torch.optim.Adam
    full = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": decay}
    return {
        "sgd": (sgd, {"lr": lr}),
        "sgd_weight_decay": (sgd, {"lr": lr, "weight_decay": decay, "maximize": True}),
        "momentum": (sgd, {"lr": lr, "momentum": mu}),
        "momentum_dampened": (sgd, {"lr": lr, "momentum": mu, "dampening": 0.3,
                                    "weight_decay": decay}),
        "nesterov": (sgd, {"lr": lr, "momentum": mu, "nesterov": True, "weight_decay": decay}),
        "adagrad": (torch.optim.Adagrad, {"lr": lr}),
        "adagrad_decaying": (torch.optim.Adagrad, {
            "lr": lr, "lr_decay": 0.1, "weight_decay": decay, "initial_accumulator_value": 0.3,
            "eps": eps, "maximize": True}),
        "adadelta": (torch.optim.Adadelta, {"lr": 10 * lr, "rho": rho, "eps": eps,
                                            "weight_decay": decay}),
        "rmsprop": (rmsprop, {"lr": lr, "alpha": rho}),
        "rmsprop_momentum": (rmsprop, {"lr": lr, "alpha": rho, "momentum": mu, "eps": eps}),
        "rmsprop_centered": (rmsprop, {"lr": lr, "alpha": rho, "centered": True, "eps": 1e-3}),
        "rmsprop_momentum_centered": (rmsprop, {
            "lr": lr, "alpha": rho, "momentum": mu, "centered": True, "eps": 1e-3,
            "weight_decay": decay, "maximize": True}),
        "adam": (adam, {"lr": lr}),
        "adam_full": (adam, {**full, "maximize": True}),
        "amsgrad": (adam, {**full, "amsgrad": True}),
        "adamw": (torch.optim.AdamW, full),
        "adamw_amsgrad": (torch.optim.AdamW, {**full, "amsgrad": True, "maximize": True}),
        "adamax": (torch.optim.Adamax, full),
        "nadam": (torch.optim.NAdam, {**full, "momentum_decay": 0.02}),
        "radam": (torch.optim.RAdam, full),
    }


class Lion:
    """Chen et al. 2023, Algorithm 2."""

    def __init__(self, w, args):
        self.w, self.args, self.m = w, args, torch.zeros_like(w)

    def step(self, g):
        lr, (b1, b2) = self.args["lr"], self.args["betas"]
        direction = torch.sign(b1 * self.m + (1 - b1) * g)
        self.m = b2 * self.m + (1 - b2) * g
        self.w -= lr * (direction + self.args["weight_decay"] * self.w)


class Ftrl:
    """McMahan et al. 2013, Algorithm 1, with the z for which the first weights are a minimum."""

    def __init__(self, w, args):
        self.w, self.args = w, args
        self.n = torch.full_like(w, args["initial_accumulator_value"])
        self.z = -w * (args["beta"] + self.n.sqrt()) / args["lr"]

    def step(self, g):
        lr, l1 = self.args["lr"], self.args["l1"]
        sigma = ((self.n + g * g).sqrt() - self.n.sqrt()) / lr
        self.z += g - sigma * self.w
        self.n += g * g
        curvature = (self.args["beta"] + self.n.sqrt()) / lr + self.args["l2"]
        shrunk = self.z - self.z.sign() * l1
        self.w = torch.where(self.z.abs() <= l1, torch.zeros_like(g), -shrunk / curvature)


class Adafactor:
    """Shazeer and Stern 2018, Algorithms 4 (matrices) and 5 (vectors)."""

    def __init__(self, w, args):
        self.w, self.args, self.t = w, args, 0
        self.v = torch.zeros_like(w)
        self.r, self.c = (w.mean(-1) * 0, w.mean(-2) * 0) if w.dim() > 1 else (None, None)

    def step(self, g):
        self.t += 1
        beta = 1 - self.t ** -self.args["decay_rate"]
        square = g * g + self.args["epsilon"]
        if g.dim() > 1:
            self.r = beta * self.r + (1 - beta) * square.mean(-1)
            self.c = beta * self.c + (1 - beta) * square.mean(-2)
            v = (self.r.unsqueeze(-1) * self.c.unsqueeze(-2)
                 / self.r.mean(-1, keepdim=True).unsqueeze(-1))
        else:
            v = self.v = beta * self.v + (1 - beta) * square
        u = g / v.sqrt()
        u /= max(1.0, u.square().mean().sqrt().item() / self.args["clip_threshold"])
        lr = self.args["lr"]
        if self.args["scale_parameter"]:
            lr *= max(self.args["epsilon2"], self.w.square().mean().sqrt().item())
        # Decay is by the rate itself, as torch.optim.Adafactor has it.
        self.w = self.w - self.args["lr"] * self.args["weight_decay"] * self.w - lr * u


def written_rules(rng):
    """Case -> (class, shape of the weight or None for a vector, arguments)."""
    lr = round(rng.uniform(0.005, 0.1), 4)
    factored = {"lr": lr, "decay_rate": round(rng.uniform(0.5, 0.9), 2), "epsilon": 1e-30,
                "epsilon2": 1e-3, "clip_threshold": round(rng.uniform(0.5, 1.2), 2),
                "scale_parameter": False, "weight_decay": round(rng.uniform(0, 0.1), 3)}
    rows, columns = rng.randint(2, 7), rng.randint(2, 9)
    return {
        "lion": (Lion, None, {"lr": lr, "betas": [0.9, round(rng.uniform(0.95, 0.99), 3)],
                              "weight_decay": round(rng.uniform(0, 0.1), 3)}),
        "ftrl": (Ftrl, None, {"lr": lr, "beta": round(rng.uniform(0.5, 2), 2),
                              "l1": round(rng.uniform(0, 3), 2), "l2": round(rng.uniform(0, 1), 2),
                              "initial_accumulator_value": 0.1}),
        "adafactor": (Adafactor, (rows, columns), factored),
        "adafactor_vector": (Adafactor, None, {**factored, "scale_parameter": True}),
        "adafactor_stack": (Adafactor, (3, rows, columns), {**factored, "scale_parameter": True}),
    }


def trajectory(folder, case, args, start, gradients, step):
    """step(gradient) -> weights after it."""
    after = [step(gradient).float() for gradient in gradients]
    folder.add("optimizers", case, args, {
        "w0": start, "gradients": gradients, "w_after_each_step": torch.stack(after)})


def run_torch(folder, case, rule, args, n, steps):
    start = torch.randn(n)
    w = start.clone().requires_grad_(True)
    optimizer = rule([w], **args)

    def step(gradient):
        w.grad = gradient.clone()
        optimizer.step()
        return w.detach().clone()

    trajectory(folder, case, args, start, torch.randn(steps, n), step)


def run_written(folder, case, rule, args, shape, steps):
    start = torch.randn(shape)
    state = rule(start.double(), args)

    def step(gradient):
        state.step(gradient.double())
        return state.w.clone()

    trajectory(folder, case, args, start, torch.randn(steps, *shape), step)


def clipping(folder, pick, rng):
    gradients = [torch.randn(pick(1, 40), pick(1, 9)) for _ in range(pick(2, 4))]
    for case, limit in (("clip_grad_norm", 0.5), ("clip_grad_norm_short", 1e3)):
        weights = [torch.zeros_like(g) for g in gradients]
        for weight, gradient in zip(weights, gradients):
            weight.grad = gradient.clone()
        norm = torch.nn.utils.clip_grad_norm_(weights, limit)
        tensors = {f"g{i}": g for i, g in enumerate(gradients)}
        tensors.update({f"clipped{i}": w.grad for i, w in enumerate(weights)})
        folder.add("optimizers", case, {"max_norm": limit}, {**tensors, "norm": norm.reshape(())})
    limit = round(rng.uniform(0.3, 1.5), 2)
    clipped = gradients[0].clone().clamp(-limit, limit)
    folder.add("optimizers", "clip_grad_value", {"clip_value": limit},
               {"g0": gradients[0], "clipped0": clipped})


def write(folder, differentiate, pick, small):
    """Adds the cases; pick(low, high) is a random whole number, small keeps them few."""
    rng = random.Random(pick(0, 1 << 30) if not small else torch.initial_seed())
    n, steps = pick(2, 60), 4 if small else 12
    for case, (rule, args) in torch_rules(rng).items():
        run_torch(folder, case, rule, args, n, steps)
    for case, (rule, shape, args) in written_rules(rng).items():
        run_written(folder, case, rule, args, shape or (n,), steps)
    clipping(folder, pick, rng)
