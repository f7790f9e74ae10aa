#!/usr/bin/python3
"""Writes reference values computed by PyTorch, in the form that `dl check --golden DIR` reads.

    make_golden.py -o DIR [--seed N] [--small]

Every seed gives other numbers, shapes and settings. --small keeps a folder to a few kilobytes, as
tests/fixtures/golden holds one. Needs PyTorch only: the safetensors container is written here.
"""
import argparse
import json
import os
import random
import struct

import torch
import torch.nn.functional as F

import attention
import norms
import optimizers
import recurrent
import schedules


class Folder:
    """Collects cases by family and writes index.json beside one safetensors file a family."""

    def __init__(self):
        self.files = {}

    def add(self, family, case, args, tensors):
        """tensors: name -> torch tensor, in PyTorch's own layout."""
        cases = self.files.setdefault(family, [])
        cases.append((case, args, {k: v.detach().contiguous() for k, v in tensors.items()}))

    def write(self, path, seed):
        os.makedirs(path, exist_ok=True)
        index = {"torch": torch.__version__, "seed": seed,
                 "layout": "PyTorch: NCHW activations, OIHW weights", "files": {}}
        for family, cases in self.files.items():
            header, blobs, at = {}, [], 0
            for case, _, tensors in cases:
                for name, tensor in tensors.items():
                    kind = {torch.float32: "F32", torch.int64: "I64"}[tensor.dtype]
                    data = tensor.numpy().tobytes()
                    header[f"{case}.{name}"] = {
                        "dtype": kind, "shape": list(tensor.shape),
                        "data_offsets": [at, at + len(data)]}
                    blobs.append(data)
                    at += len(data)
            text = json.dumps(header, separators=(",", ":")).encode()
            text += b" " * (-len(text) % 8)
            with open(os.path.join(path, family + ".safetensors"), "wb") as out:
                out.write(struct.pack("<Q", len(text)) + text + b"".join(blobs))
            index["files"][family + ".safetensors"] = [
                {"case": case, "args": args, "tensors": sorted(tensors)}
                for case, args, tensors in cases]
        with open(os.path.join(path, "index.json"), "w", encoding="utf-8") as out:
            json.dump(index, out, indent=1)
            out.write("\n")


def differentiate(folder, family, case, args, function, inputs, constants=()):
    """Adds a case: y = function(*inputs), a random dy, and the gradient of every float input."""
    leaves = {k: v.clone().requires_grad_(v.is_floating_point() and k not in constants)
              for k, v in inputs.items()}
    y = function(*leaves.values())
    tensors = dict(inputs)
    if y.dim() == 0 and "target" in inputs:
        y.backward()
        tensors["loss"] = y
    else:
        dy = torch.randn_like(y)
        y.backward(dy)
        tensors.update(y=y, dy=dy)
    tensors.update({"grad_" + k: v.grad for k, v in leaves.items() if v.grad is not None})
    folder.add(family, case, args, tensors)


def activations(folder, rows, columns):
    functions = {
        "relu": F.relu, "elu": F.elu, "selu": F.selu, "gelu": F.gelu,
        "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"), "silu": F.silu,
        "sigmoid": torch.sigmoid, "tanh": torch.tanh, "softplus": F.softplus,
        "hardswish": F.hardswish, "mish": F.mish, "softmax": lambda x: F.softmax(x, -1),
        "log_softmax": lambda x: F.log_softmax(x, -1), "exp": torch.exp, "abs": torch.abs,
        "square": torch.square}
    for name, function in functions.items():
        differentiate(folder, "activations", name, {}, function,
                      {"x": 2 * torch.randn(rows, columns)})
    # The slope is stated: frameworks differ in their default.
    for name, slope in (("leaky_relu", 0.1), ("leaky_relu_steep", 0.3)):
        differentiate(folder, "activations", name, {"negative_slope": slope},
                      lambda x, slope=slope: F.leaky_relu(x, slope),
                      {"x": torch.randn(rows, columns)})
    for name, function in (("log", torch.log), ("sqrt", torch.sqrt)):
        differentiate(folder, "activations", name, {}, function,
                      {"x": torch.rand(rows, columns) + 0.1})


def losses(folder, rows, classes):
    def add(case, function, target, args=None, **constants):
        differentiate(folder, "losses", case, args or {}, function,
                      {"x": torch.randn(rows, classes), "target": target, **constants},
                      ("target", *constants))

    numbers = torch.randn(rows, classes)
    labels = torch.randint(classes, (rows,))
    some = labels.clone()
    some[0] = -100
    signs = torch.where(torch.rand(rows, classes) < 0.5, -1.0, 1.0)
    add("mse", F.mse_loss, numbers)
    add("mae", F.l1_loss, numbers)
    add("huber", lambda x, target: F.huber_loss(x, target, delta=0.7), numbers, {"delta": 0.7})
    add("bce_with_logits", F.binary_cross_entropy_with_logits, torch.rand(rows, classes))
    add("binary_hinge", lambda x, target: torch.clamp(1 - target * x, min=0).mean(), signs)
    add("cross_entropy", F.cross_entropy, labels)
    add("cross_entropy_ignore", F.cross_entropy, some, {"ignore_index": -100})
    add("cross_entropy_weighted",
        lambda x, target, weight: F.cross_entropy(x, target, weight), labels,
        weight=torch.rand(classes) + 0.5)
    add("cross_entropy_smoothed",
        lambda x, target: F.cross_entropy(x, target, label_smoothing=0.1), labels,
        {"label_smoothing": 0.1})


def convolutions(folder, pick):
    """pick(low, high) is a random whole number, both ends included."""

    def add(case, function, x, w, filters, **args):
        differentiate(folder, "linear_conv", case, {k: v for k, v in args.items() if v is not None},
                      lambda x, w, b: function(x, w, b, **args),
                      {"x": torch.randn(x), "w": 0.3 * torch.randn(w),
                       "b": torch.randn(filters)})

    m, k, n = pick(1, 9), pick(1, 40), pick(1, 40)
    add("linear", F.linear, (m, k), (n, k), n)
    heads = pick(1, 3)
    differentiate(folder, "linear_conv", "matmul_batched", {}, torch.matmul,
                  {"a": torch.randn(2, heads, m, k), "b": torch.randn(2, heads, k, n)})
    c, f = pick(1, 5), pick(1, 6)
    h, w = pick(7, 12), pick(7, 12)
    add("conv2d_same", F.conv2d, (2, c, h, w), (f, c, 3, 3), f, padding=1)
    add("conv2d_strided", F.conv2d, (1, c, h, w), (f, c, 3, 2), f, stride=[2, 3], padding=[1, 0])
    add("conv2d_dilated", F.conv2d, (1, c, h, w), (f, c, 3, 3), f, dilation=2, padding=2)
    add("conv2d_grouped", F.conv2d, (1, 2 * c, h, w), (2 * f, c, 3, 3), 2 * f, groups=2)
    add("conv2d_depthwise", F.conv2d, (1, c + 1, h, w), (c + 1, 1, 3, 3), c + 1,
        groups=c + 1, padding=1)
    add("conv2d_1x1", F.conv2d, (2, c, 3, 4), (f, c, 1, 1), f)
    add("conv1d", F.conv1d, (2, c, w), (f, c, 3), f, stride=2, padding=1)
    add("conv_transpose2d", F.conv_transpose2d, (1, c, 4, 5), (c, f, 3, 3), f,
        stride=2, padding=1, output_padding=1)
    add("conv_transpose2d_grouped", F.conv_transpose2d, (1, 2 * c, 3, 4), (2 * c, f, 2, 3), 2 * f,
        stride=2, groups=2)


def pools(folder, pick):
    c, h, w = pick(1, 4), pick(6, 11), pick(6, 11)

    def add(case, function, x, **args):
        named = dict(args)
        kernel = named.pop("kernel")
        differentiate(folder, "pool_resize", case, args,
                      lambda x: function(x, kernel, **named), {"x": torch.randn(x)})

    add("max_pool2d", F.max_pool2d, (2, c, h, w), kernel=2, stride=2)
    add("max_pool2d_padded", F.max_pool2d, (1, c, h, w), kernel=3, stride=2, padding=1)
    add("avg_pool2d", F.avg_pool2d, (1, c, h, w), kernel=[3, 2], stride=2)
    add("avg_pool2d_nopad", F.avg_pool2d, (1, c, h, w), kernel=3, stride=2, padding=1,
        count_include_pad=False)
    add("max_pool1d", F.max_pool1d, (2, c, w), kernel=3, stride=2)
    differentiate(folder, "pool_resize", "global_avg_pool2d", {},
                  lambda x: F.adaptive_avg_pool2d(x, 1), {"x": torch.randn(2, c, h, w)})


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("-o", "--output", required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--small", action="store_true")
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    shapes = random.Random(options.seed)

    def pick(low, high):
        return shapes.randint(low, min(high, max(low, 3)) if options.small else high)

    folder = Folder()
    activations(folder, pick(2, 7), 5 if options.small else pick(5, 600))
    losses(folder, pick(3, 40), pick(2, 30))
    convolutions(folder, pick)
    pools(folder, pick)
    rows, width = pick(2, 50), pick(1, 20)
    differentiate(folder, "attention", "embedding", {}, lambda w, ids: F.embedding(ids, w),
                  {"w": torch.randn(rows, width), "ids": torch.randint(rows, (2, pick(2, 9)))})
    for family in (norms, recurrent, attention, optimizers, schedules):
        family.write(folder, differentiate, pick, options.small)
    folder.write(options.output, options.seed)


if __name__ == "__main__":
    main()
