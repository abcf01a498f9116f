"""Make optimizers.npz: where PyTorch's optimizers are after twelve steps along given gradients.

Run by hand where PyTorch is installed (made with 2.13.0): python tests/golden/make_optimizers.py
The first number does not decay, as a bias.
"""

from pathlib import Path

import numpy as np
import torch


def end(make, start, gradients, decay, **options):
    first, others = (torch.tensor(part, dtype=torch.float64, requires_grad=True) for part in (start[:1], start[1:]))
    optimizer = make([{"params": [first], "weight_decay": 0.0}, {"params": [others], "weight_decay": decay}],
                     lr=0.05, **options)  # fmt: skip
    for gradient in gradients:
        first.grad, others.grad = torch.tensor(gradient[:1]), torch.tensor(gradient[1:])
        optimizer.step()
    return np.concatenate((first.detach().numpy(), others.detach().numpy()))


random = np.random.default_rng(8)
start, gradients = random.normal(size=24), random.normal(size=(12, 24)) * np.geomspace(0.1, 3, 24)
arrays = {"start": start, "gradients": gradients}
makers = {
    "momentum": lambda *args: end(torch.optim.SGD, *args, momentum=0.9),
    "nesterov": lambda *args: end(torch.optim.SGD, *args, momentum=0.9, nesterov=True),
    "sgd": lambda *args: end(torch.optim.SGD, *args),
    "adam": lambda *args: end(torch.optim.Adam, *args),
    "adamw": lambda *args: end(torch.optim.AdamW, *args),
    "nadam": lambda *args: end(torch.optim.NAdam, *args),
    "rmsprop": lambda *args: end(torch.optim.RMSprop, *args, momentum=0.9, alpha=0.999),
}
for name, make in makers.items():
    for decay in (0.0, 0.02):
        arrays[f"{name} {decay}"] = make(start, gradients, decay)
arrays["adam 0.8 0.95"] = end(torch.optim.Adam, start, gradients, 0.0, betas=(0.8, 0.95))
np.savez(Path(__file__).with_name("optimizers.npz"), **arrays)
