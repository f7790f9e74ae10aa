#!/usr/bin/env python3
"""The parts of `dl bench` in PyTorch, for scripts/bench-gpu.sh: the same sizes, timed the same way.

usage: gpu_torch.py matmul|conv50|elementwise|resnet50 [--precision f32|tf32|bf16] [--device cuda]
                    [--sizes N,...] [--seconds S] [--batch N]
Prints a JSON line for each measurement, with the keys that `dl bench` prints: part, name, ms, and
gflops or gb_per_s; resnet50 prints those of a workload. bf16 means tensors of bf16 for the parts
and autocast for training; dl keeps its tensors in f32 and rounds factors only.
"""
import argparse
import json
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

# Extent, channels, filters, kernel, stride: as in src/dl.Core/Benchmarks/Parts.cs.
RESNET50 = [
    (224, 3, 64, 7, 2), (56, 64, 64, 1, 1), (56, 64, 64, 3, 1), (56, 64, 256, 1, 1),
    (56, 256, 128, 1, 1), (56, 128, 128, 3, 2), (28, 128, 512, 1, 1), (28, 128, 128, 3, 1),
    (28, 256, 256, 3, 2), (14, 256, 256, 3, 1), (14, 256, 1024, 1, 1), (14, 512, 512, 3, 2),
    (7, 512, 512, 3, 1), (7, 512, 2048, 1, 1),
]
MANY = 1 << 24


class Bottleneck(nn.Module):
    """1x1, 3x3 (with the stride), 1x1 times four, and the shortcut."""

    def __init__(self, inputs, width, stride):
        super().__init__()
        outputs = 4 * width

        def part(i, o, k, s=1):
            return nn.Sequential(nn.Conv2d(i, o, k, s, k // 2, bias=False), nn.BatchNorm2d(o))

        self.a, self.b = part(inputs, width, 1), part(width, width, 3, stride)
        self.c = part(width, outputs, 1)
        same = stride == 1 and inputs == outputs
        self.shortcut = nn.Identity() if same else part(inputs, outputs, 1, stride)

    def forward(self, x):
        return F.relu(self.c(F.relu(self.b(F.relu(self.a(x))))) + self.shortcut(x))


def resnet50():
    layers = [
        nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1),
    ]
    inputs = 64
    for width, count, stride in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
        for i in range(count):
            layers.append(Bottleneck(inputs, width, stride if i == 0 else 1))
            inputs = 4 * width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, 1000))


class Bench:
    def __init__(self, args):
        self.args, self.device = args, torch.device(args.device)
        self.type = torch.bfloat16 if args.precision == "bf16" else torch.float32
        torch.backends.cuda.matmul.allow_tf32 = args.precision == "tf32"
        torch.backends.cudnn.allow_tf32 = args.precision == "tf32"
        torch.backends.cudnn.benchmark = True

    def wait(self):
        if self.device.type == "cuda":
            torch.cuda.synchronize()

    def seconds(self, call):
        """Median of seven samples, each of as many calls as fill its share of the time."""
        def sample(repeats):
            self.wait()
            start = time.perf_counter()
            for _ in range(repeats):
                call()
            self.wait()
            return (time.perf_counter() - start) / repeats

        sample(3)
        repeats = max(1, min(100_000, int(self.args.seconds / 7 / max(sample(1), 1e-7))))
        return sorted(sample(repeats) for _ in range(7))[3]

    def report(self, part, name, call, flops=0.0, size=0.0):
        s = self.seconds(call)
        speed = round((flops or size) / s / 1e9, 2)
        row = {"part": part, "name": name, "ms": round(s * 1e3, 4)}
        print(json.dumps({**row, "gflops" if flops else "gb_per_s": speed}), flush=True)

    def tensor(self, *shape):
        return torch.randn(*shape, device=self.device).to(self.type)

    def matmul(self):
        for n in self.args.sizes:
            a, b = self.tensor(n, n), self.tensor(n, n)
            c = torch.empty_like(a)
            self.report("matmul", str(n), lambda: torch.mm(a, b, out=c), 2.0 * n ** 3)

    def conv50(self):
        batch = self.args.batch
        for extent, channels, filters, kernel, stride in RESNET50:
            x = self.tensor(batch, channels, extent, extent).to(memory_format=torch.channels_last)
            w = self.tensor(filters, channels, kernel, kernel).to(memory_format=torch.channels_last)
            y = F.conv2d(x, w, None, stride, kernel // 2)
            dy = torch.randn_like(y)
            flops = 2.0 * y.numel() * channels * kernel * kernel
            name = f"{kernel}x{kernel} {channels}-{filters} on {extent}x{extent}"
            name += f" step {stride}" if stride > 1 else ""

            def forward():
                return F.conv2d(x, w, None, stride, kernel // 2)

            def back(*which):
                return torch.ops.aten.convolution_backward(
                    dy, x, w, None, [stride] * 2, [kernel // 2] * 2, [1, 1], False, [0, 0], 1,
                    which)

            self.report("conv50", f"{name} forward", forward, flops)
            self.report("conv50", f"{name} input gradient",
                        lambda: back(True, False, False), flops)
            self.report("conv50", f"{name} weight gradient",
                        lambda: back(False, True, False), flops)

    def elementwise(self):
        a, b = self.tensor(MANY), self.tensor(MANY)
        c, floats = torch.empty_like(a), float(a.element_size() * MANY)
        self.report("peak", "copy", lambda: c.copy_(a), size=2 * floats)
        self.report("elementwise", "relu", lambda: torch.clamp_min(a, 0, out=c), size=2 * floats)
        self.report("elementwise", "gelu", lambda: F.gelu(a), size=2 * floats)
        self.report("elementwise", "add", lambda: torch.add(a, b, out=c), size=3 * floats)
        rows = a.view(-1, 1024)
        self.report("elementwise", "softmax", lambda: torch.softmax(rows, 1), size=2 * floats)
        self.report("elementwise", "layer norm",
                    lambda: F.layer_norm(rows, (1024,)), size=2 * floats)

    def resnet50(self):
        torch.manual_seed(0)
        batch = self.args.batch
        net = resnet50().to(self.device, memory_format=torch.channels_last)
        x = torch.randn(batch, 3, 224, 224, device=self.device)
        x = x.to(memory_format=torch.channels_last)
        y = torch.randint(0, 1000, (batch,), device=self.device)
        optimizer, losses = torch.optim.Adam(net.parameters(), 1e-4), []

        def step():
            optimizer.zero_grad(set_to_none=True)
            bf16 = self.args.precision == "bf16"
            with torch.autocast(self.device.type, torch.bfloat16, enabled=bf16):
                loss = F.cross_entropy(net(x), y)
            loss.backward()
            optimizer.step()
            losses.append(loss.detach())

        s = self.seconds(step)
        print(json.dumps({
            "workload": "resnet50", "samples_per_s": round(batch / s, 1),
            "step_ms": round(s * 1e3, 4), "batch": batch,
            "params": sum(p.numel() for p in net.parameters()),
            "loss_first": round(losses[0].item(), 4),
            "loss_last": round(losses[-1].item(), 4)}), flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["matmul", "conv50", "elementwise", "resnet50"])
    parser.add_argument("--precision", choices=["f32", "tf32", "bf16"], default="f32")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--sizes", type=lambda text: [int(n) for n in text.split(",")],
                        default=[1024, 2048, 4096, 8192])
    parser.add_argument("--seconds", type=float, default=0.3)
    parser.add_argument("--batch", type=int, default=64)
    args = parser.parse_args()
    getattr(Bench(args), args.what)()


if __name__ == "__main__":
    main()
