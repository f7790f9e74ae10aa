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
import spatial


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
        "hardswish": F.hardswish, "hardsigmoid": F.hardsigmoid,
        "hardtanh": F.hardtanh, "relu6": F.relu6, "mish": F.mish,
        "softmax": lambda x: F.softmax(x, -1),
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
    rows, width = pick(2, 50), pick(1, 20)
    differentiate(folder, "attention", "embedding", {}, lambda w, ids: F.embedding(ids, w),
                  {"w": torch.randn(rows, width), "ids": torch.randint(rows, (2, pick(2, 9)))})
    for family in (spatial, norms, recurrent, attention, optimizers, schedules):
        family.write(folder, differentiate, pick, options.small)
    folder.write(options.output, options.seed)


if __name__ == "__main__":
    main()
