"""Losses: reference cases for make_golden.py."""
import random

import torch
import torch.nn.functional as F


def write(folder, differentiate, pick, small):
    """Adds the cases; pick(low, high) is a random whole number, small keeps them few."""
    rows, classes = pick(3, 40), pick(2, 30)
    draw = random.Random(torch.initial_seed())

    def add(case, function, args=None, constants=(), x=None, **inputs):
        x = torch.randn(rows, classes) if x is None else x
        differentiate(folder, "losses", case, args or {}, function, {"x": x, **inputs},
                      ("target", *constants))

    pointwise(add, rows, classes, draw)
    of_classes(add, rows, classes, draw)
    of_embeddings(add, folder, rows, classes, draw)
    for case in range(1 if small else 4):
        ctc(folder, "ctc" if case == 0 else f"ctc_{case}", pick, draw, small)


def pointwise(add, rows, classes, draw):
    numbers = torch.randn(rows, classes)
    shares = torch.rand(rows, classes)
    counts = torch.poisson(3 * shares)
    delta, q = round(draw.uniform(0.2, 2), 2), round(draw.uniform(0.05, 0.95), 2)
    add("mse", F.mse_loss, target=numbers)
    add("mse_sum", lambda x, target: F.mse_loss(x, target, reduction="sum"),
        {"reduction": "sum"}, target=numbers)
    add("mae", F.l1_loss, target=numbers)
    add("huber", lambda x, target: F.huber_loss(x, target, delta=delta), {"delta": delta},
        target=numbers)
    add("smooth_l1", lambda x, target: F.smooth_l1_loss(x, target, beta=delta), {"beta": delta},
        target=numbers)
    add("log_cosh", lambda x, target: torch.log(torch.cosh(x - target)).mean(), target=numbers)
    add("quantile",
        lambda x, target: torch.maximum(q * (target - x), (q - 1) * (target - x)).mean(),
        {"q": q}, target=numbers)
    add("poisson_nll", F.poisson_nll_loss, {"log_input": True}, target=counts)
    add("poisson_nll_full", lambda x, target: F.poisson_nll_loss(x, target, full=True),
        {"log_input": True, "full": True}, target=counts)
    add("poisson_nll_rate", lambda x, target: F.poisson_nll_loss(x, target, log_input=False),
        {"log_input": False}, x=torch.rand(rows, classes) + 0.1, target=counts)
    variance = {"target": numbers, "var": torch.rand(rows, classes) + 0.1}
    add("gaussian_nll", F.gaussian_nll_loss, **variance)
    add("gaussian_nll_full", lambda x, target, var: F.gaussian_nll_loss(x, target, var, full=True),
        {"full": True}, **variance)
    add("bce_with_logits", F.binary_cross_entropy_with_logits, target=shares)
    add("bce_with_logits_pos_weight",
        lambda x, target, pos_weight: F.binary_cross_entropy_with_logits(
            x, target, pos_weight=pos_weight),
        constants=("pos_weight",), target=shares, pos_weight=3 * torch.rand(classes))
    add("bce", F.binary_cross_entropy, x=0.98 * torch.rand(rows, classes) + 0.01, target=shares)
    signs = torch.where(shares < 0.5, -1.0, 1.0)
    add("binary_hinge", lambda x, target: torch.clamp(1 - target * x, min=0).mean(), target=signs)
    gamma, alpha = round(draw.uniform(0.5, 4), 2), round(draw.uniform(0.1, 0.9), 2)

    def focal(x, target):
        p = torch.sigmoid(x)
        loss = F.binary_cross_entropy_with_logits(x, target, reduction="none")
        loss = loss * (1 - (p * target + (1 - p) * (1 - target))) ** gamma
        return (loss * (alpha * target + (1 - alpha) * (1 - target))).mean()

    add("sigmoid_focal", focal, {"gamma": gamma, "alpha": alpha}, target=shares.round())

    def dice(x, target):
        above, below = 2 * (x * target).sum(0) + 1, x.sum(0) + target.sum(0) + 1
        return 1 - (above / below).mean()

    add("dice", dice, {"smooth": 1}, x=torch.rand(rows, classes), target=shares.round())


def of_classes(add, rows, classes, draw):
    labels = torch.randint(classes, (rows,))
    some = labels.clone()
    some[0] = -100
    weight = torch.rand(classes) + 0.5
    smoothing = round(draw.uniform(0.05, 0.4), 2)
    add("cross_entropy", F.cross_entropy, target=labels)
    add("cross_entropy_ignore", F.cross_entropy, {"ignore_index": -100}, target=some)
    add("cross_entropy_weighted", F.cross_entropy, constants=("weight",), target=labels,
        weight=weight)
    add("cross_entropy_smoothed",
        lambda x, target: F.cross_entropy(x, target, label_smoothing=smoothing),
        {"label_smoothing": smoothing}, target=labels)
    shares = torch.softmax(torch.randn(rows, classes), 1)
    add("soft_cross_entropy", F.cross_entropy, target=shares)
    add("soft_cross_entropy_weighted",
        lambda x, target, weight: F.cross_entropy(
            x, target, weight, label_smoothing=smoothing),
        {"label_smoothing": smoothing}, ("weight",), target=shares, weight=weight)
    log_p = torch.log_softmax(torch.randn(rows, classes), 1)
    add("kl_div_batchmean",
        lambda x, target: F.kl_div(torch.log_softmax(x, 1), target, reduction="batchmean"),
        {"input": "log-probabilities"}, target=shares)
    add("kl_div_log_target",
        lambda x, target: F.kl_div(
            torch.log_softmax(x, 1), target, reduction="batchmean", log_target=True),
        {"reduction": "batchmean", "log_target": True}, target=shares.log())
    add("nll", F.nll_loss, constants=("weight",), x=log_p, target=some, weight=weight)
    margin, power = round(draw.uniform(0.3, 2), 2), draw.choice([1, 2])
    add("multi_margin_hinge", F.multi_margin_loss, {"margin": 1}, target=labels)
    add("multi_margin_weighted",
        lambda x, target, weight: F.multi_margin_loss(x, target, power, margin, weight),
        {"margin": margin, "p": power}, ("weight",), target=labels, weight=weight)
    gamma = round(draw.uniform(0.5, 4), 2)

    def focal(x, target):
        log_p = torch.log_softmax(x, 1).gather(1, target[:, None])[:, 0]
        return (-(1 - log_p.exp()) ** gamma * log_p).mean()

    add("softmax_focal", focal, {"gamma": gamma}, target=labels)


def of_embeddings(add, folder, rows, width, draw):
    margin = round(draw.uniform(0.3, 2), 2)

    def triplet(case, args, **named):
        leaves = [torch.randn(rows, width, requires_grad=True) for _ in range(3)]
        loss = F.triplet_margin_loss(*leaves, **named)
        loss.backward()
        tensors = {"loss": loss}
        for name, leaf in zip(("x", "positive", "negative"), leaves):
            tensors.update({name: leaf, "grad_" + name: leaf.grad})
        folder.add("losses", case, args, tensors)

    triplet("triplet", {"margin": 1})
    triplet("triplet_swap", {"margin": margin, "swap": True}, margin=margin, swap=True)
    triplet("triplet_manhattan", {"margin": margin, "p": 1}, margin=margin, p=1)
    triplet("triplet_cubic", {"margin": margin, "p": 3}, margin=margin, p=3)
    alike = torch.where(torch.rand(rows) < 0.5, -1.0, 1.0)
    cosine = round(draw.uniform(-0.5, 0.5), 2)
    add("cosine_embedding",
        lambda x, other, target: F.cosine_embedding_loss(x, other, target, cosine),
        {"margin": cosine}, other=torch.randn(rows, width), target=alike)

    def contrastive(x, other, target):
        d = F.pairwise_distance(x, other)
        far = torch.clamp(margin - d, min=0) ** 2
        return (0.5 * ((1 - target) * d ** 2 + target * far)).mean()

    add("contrastive", contrastive, {"margin": margin}, other=torch.randn(rows, width),
        target=(alike + 1) / 2)


def ctc(folder, case, pick, draw, small):
    """Repeated labels, lengths from 1 up, and a sample or two without any alignment."""
    frames, batch = pick(1, 6 if small else 60), pick(1, 8)
    classes, most = pick(2, 5 if small else 40), pick(1, 4 if small else 12)
    blank = draw.randrange(classes)
    labels = [c for c in range(classes) if c != blank]
    target = torch.tensor([[draw.choice(labels) for _ in range(most)] for _ in range(batch)])
    input_lengths = torch.tensor([draw.randint(1, frames) for _ in range(batch)])
    target_lengths = torch.tensor([draw.randint(0, most) for _ in range(batch)])
    x = torch.randn(frames, batch, classes, requires_grad=True)
    loss = F.ctc_loss(torch.log_softmax(x, 2), target, input_lengths, target_lengths, blank,
                      zero_infinity=True)
    loss.backward()
    folder.add("losses", case, {"blank": blank, "zero_infinity": True, "layout": "T,N,C logits"}, {
        "x": x, "target": target, "input_lengths": input_lengths,
        "target_lengths": target_lengths, "loss": loss, "grad_x": x.grad})
