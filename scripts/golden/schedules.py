"""Learning-rate schedules: reference cases for make_golden.py."""
import random

import torch
from torch.optim import lr_scheduler as rates

STEPS = 21


def curve(base, make):
    """The learning rate before each step."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=base)
    schedule, values = make(optimizer), []
    for _ in range(STEPS):
        values.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if len(values) < STEPS:
            schedule.step()
    return torch.tensor(values, dtype=torch.float32)


def write(folder, differentiate, pick, small):
    """Adds the cases; pick(low, high) is a random whole number, small keeps them few."""
    del differentiate, small
    draw = random.Random(pick(0, 10**9) * 31 + int(torch.randint(10**9, ())))
    base = draw.choice([0.1, 1e-3, draw.uniform(1e-4, 2)])
    floor = draw.choice([0, draw.uniform(0, 0.3) * base])
    milestones = sorted(draw.choices(range(1, STEPS), k=draw.randint(1, 4)))
    total = draw.choice([STEPS - 1, draw.randint(3, 60)])
    first, mult = draw.choice([(draw.randint(3, 25), 1), (draw.randint(1, 8), draw.randint(2, 3))])
    schedules = {
        "exponential": lambda o: rates.ExponentialLR(o, draw.uniform(0.5, 0.99)),
        "step": lambda o: rates.StepLR(o, draw.randint(1, 24), draw.uniform(0.1, 0.9)),
        "multistep": lambda o: rates.MultiStepLR(o, milestones, draw.uniform(0.1, 0.9)),
        "cosine": lambda o: rates.CosineAnnealingLR(
            o, draw.choice([STEPS - 1, draw.randint(2, 40)]), floor),
        "cosine_restarts": lambda o: rates.CosineAnnealingWarmRestarts(o, first, mult, floor),
        "one_cycle": lambda o: rates.OneCycleLR(
            o, base, total_steps=STEPS, pct_start=draw.uniform(0.1, 0.9),
            div_factor=draw.uniform(2, 100), final_div_factor=draw.uniform(2, 1e5)),
        "linear_warmup": lambda o: rates.LinearLR(
            o, draw.uniform(0.01, 0.9), total_iters=draw.randint(1, STEPS - 3)),
        "polynomial": lambda o: rates.PolynomialLR(o, total, draw.uniform(0.3, 4)),
    }
    for case, make in schedules.items():
        args = {"base_lr": base, "note": f"learning rate before each of {STEPS} steps"}
        folder.add("schedules", case, args, {"lr": curve(base, make)})
