"""Normalisation: reference cases for make_golden.py."""
import torch
import torch.nn.functional as F


def write(folder, differentiate, pick, small):
    """Adds the cases; pick(low, high) is a random whole number, small keeps them few."""

    def add(case, args, function, x, w=None, b=None, offset=0.0):
        inputs = {"x": offset + 1.5 * torch.randn(x)}
        if w is not None:
            inputs["w"] = torch.rand(w) + 0.5
        if b is not None:
            inputs["b"] = torch.randn(b)
        differentiate(folder, "norm", case, args, function, inputs)

    def batch(case, x, momentum=0.1, eps=1e-5, training=True):
        """Running statistics before (in use) or after (in training) stand beside the case."""
        c = x[1]
        mean, var = torch.randn(c), torch.rand(c) + 0.5
        if training:
            mean, var = torch.zeros(c), torch.ones(c)
        add(case, {"momentum": momentum, "eps": eps},
            lambda x, w, b: F.batch_norm(x, mean, var, w, b, training, momentum, eps), x, c, c)
        after = "_after" if training else ""
        tensors = folder.files["norm"][-1][2]
        tensors.update({"running_mean" + after: mean, "running_var" + after: var})

    n, c, h, w = pick(2, 5), pick(1, 7), pick(2, 6), pick(2, 6)
    batch("batch_norm1d_train", (pick(4, 20), c))
    batch("batch_norm1d_eval", (pick(1, 5), c, pick(2, 9)), training=False)
    batch("batch_norm2d_train", (n, c, h, w), momentum=0.3, eps=1e-3)
    batch("batch_norm2d_eval", (n, c, h, w), training=False)
    d = pick(3, 40)
    add("layer_norm", {"eps": 1e-5}, lambda x, w, b: F.layer_norm(x, (d,), w, b),
        (n, pick(1, 6), d), (d,), (d,))
    add("layer_norm_2d", {"eps": 1e-4},
        lambda x, w, b: F.layer_norm(x, (h, d), w, b, 1e-4), (n, h, d), (h, d), (h, d))
    groups, width = pick(1, 4), pick(1, 4)
    add("group_norm", {"groups": groups, "eps": 1e-5},
        lambda x, w, b: F.group_norm(x, groups, w, b), (n, groups * width, h, w),
        groups * width, groups * width)
    add("instance_norm", {"eps": 1e-5}, F.instance_norm, (n, c, h, w))
    add("rms_norm", {"eps": 1e-6},
        lambda x, w: x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-6) * w,
        (n, pick(1, 6), d), (d,))
    if small:
        return
    batch("batch_norm3d_train", (n, c, 2, h, w))
    batch("batch_norm2d_train_large", (8, 70, 17, 19))
    add("layer_norm_far", {"eps": 1e-5}, lambda x, w, b: F.layer_norm(x, (d,), w, b),
        (n, pick(20, 90), d), (d,), (d,), offset=30.0)
    add("layer_norm_plain", {"eps": 1e-5, "normalized_shape": [h, d]},
        lambda x: F.layer_norm(x, (h, d)), (n, h, d))
    add("group_norm_1d", {"groups": groups, "eps": 1e-5},
        lambda x, w, b: F.group_norm(x, groups, w, b), (n, groups * width, pick(3, 30)),
        groups * width, groups * width)
    add("group_norm_flat", {"groups": groups, "eps": 1e-5},
        lambda x, w, b: F.group_norm(x, groups, w, b), (n, groups * (width + 4)),
        groups * (width + 4), groups * (width + 4))
    add("instance_norm_affine", {"eps": 1e-5},
        lambda x, w, b: F.instance_norm(x, weight=w, bias=b), (n, c, h + 3, w), c, c)
