"""Made digit_nets.npz: logits, a gradient step and parameter counts of independent PyTorch nets.

Run by hand (torch 2.13), not by the tests. The nets are written from the paper (LeCun et al. 1998, section II.B and
table I) and from the reports; everything runs in float64. Parameters and inputs are waves that the test draws too.
"""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

# Table I of the paper, a row a map of S2, an X where a map of C3 is connected.
TABLE = """
X . . . X X X . . X X X X . X X
X X . . . X X X . . X X X X . X
X X X . . . X X X . . X . X X X
. X X X . . X X X X . . X . X X
. . X X X . . X X X X . X X . X
. . . X X X . . X X X X . X X X
"""
CONNECTED = np.array([[mark == "X" for mark in line.split()] for line in TABLE.split("\n") if line]).T  # (16, 6)
ACTIVATIONS = {"relu": torch.relu, "tanh": torch.tanh, "sigmoid": torch.sigmoid, "elu": F.elu}


def wave(shape, k: int) -> np.ndarray:
    """Return values of a parameter, float32: the k-th wave; of several dimensions, smaller with the fan-in."""
    size = int(np.prod(shape))
    values = np.sin(0.37 * np.arange(size) * (1 + k % 3) + k)
    fan_in = int(np.prod(shape[1:])) if len(shape) > 1 else 4
    return (values.reshape(shape) / np.sqrt(fan_in)).astype(np.float32)


def images(side: int) -> np.ndarray:
    """Return four inputs, float32 (4, 1, side, side)."""
    return (1.5 * np.cos(0.011 * np.arange(4 * side * side)) ** 3).reshape(4, 1, side, side).astype(np.float32)


class LeNet(nn.Module):
    def __init__(self, pooling, activation):
        super().__init__()
        self.layers = nn.ModuleList(
            [nn.Conv2d(1, 6, 5), nn.Conv2d(6, 16, 5), nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, 10)]
        )
        self.pool = F.max_pool2d if pooling == "max" else F.avg_pool2d
        self.activation = ACTIVATIONS[activation]

    def forward(self, x):
        for i, layer in enumerate(self.layers):
            x = layer(x.flatten(1) if i == 2 else x)
            if i < 4:
                x = self.activation(x)
            if i < 2:
                x = self.pool(x, 2)
        return x


class Published(nn.Module):
    """Sub-sampling as the paper has it: the sum of four, times a coefficient, plus a bias, squashed."""

    def __init__(self, c3):
        super().__init__()
        self.c1 = nn.Conv2d(1, 6, 5)
        self.s2 = nn.ParameterList([torch.zeros(6), torch.zeros(6)])
        self.c3 = nn.Conv2d(6, 16, 5)
        self.s4 = nn.ParameterList([torch.zeros(16), torch.zeros(16)])
        self.c5 = nn.Conv2d(16, 120, 5)
        self.f6 = nn.Linear(120, 84)
        self.output = nn.Linear(84, 10)
        if c3 == "partial":
            self.register_buffer("mask", torch.from_numpy(CONNECTED)[:, :, None, None])
        else:
            self.register_buffer("mask", torch.ones(16, 6, 1, 1, dtype=torch.bool))

    def squash(self, x):
        return 1.7159 * torch.tanh(2 * x / 3)

    def sub(self, x, coefficient, bias):
        total = x[:, :, ::2, ::2] + x[:, :, 1::2, ::2] + x[:, :, ::2, 1::2] + x[:, :, 1::2, 1::2]
        return self.squash(total * coefficient[:, None, None] + bias[:, None, None])

    def forward(self, x):
        x = self.sub(self.squash(self.c1(x)), *self.s2)
        x = F.conv2d(x, self.c3.weight * self.mask, self.c3.bias)
        x = self.sub(self.squash(x), *self.s4)
        x = self.squash(self.c5(x)).flatten(1)
        return self.output(self.squash(self.f6(x)))


class CNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv2d(i, o, 3, padding=1, bias=False) for i, o in ((1, 64), (64, 128)))
        self.norms = nn.ModuleList([nn.BatchNorm2d(64, momentum=0.1), nn.BatchNorm2d(128, momentum=0.1)])
        self.dense = nn.Sequential(
            nn.Flatten(), nn.Linear(6272, 784), nn.ReLU(), nn.Linear(784, 98), nn.ReLU(), nn.Linear(98, 10)
        )

    def forward(self, x):
        for conv, norm in zip(self.convs, self.norms, strict=True):
            x = F.max_pool2d(torch.relu(norm(conv(x))), 2)
        return self.dense(x)


def fill(net) -> None:
    """Give the k-th parameter, in our order, the k-th wave; scales of batch norm and sub-sampling near 1 and 1/4."""
    if isinstance(net, Published):
        names = ["c1.weight", "c1.bias", "s2.0", "s2.1", "c3.weight", "c3.bias", "s4.0", "s4.1"]
        names += ["c5.weight", "c5.bias", "f6.weight", "f6.bias", "output.weight", "output.bias"]
    elif isinstance(net, CNN):
        layer = ("convs", "weight"), ("norms", "weight"), ("norms", "bias")
        names = [f"{part}.{i}.{what}" for i in (0, 1) for part, what in layer]
        names += [f"dense.{i}.{what}" for i in (1, 3, 5) for what in ("weight", "bias")]
    else:
        names = [name for name, _ in net.named_parameters()]
    parameters = dict(net.named_parameters())
    for k, name in enumerate(names):
        parameter = parameters[name]
        if name == "c3.weight" and not bool(net.mask.all()):
            value = np.zeros((16, 6, 25))
            value[CONNECTED] = wave((60, 25), k)
            value = value.reshape(16, 6, 5, 5)
        elif name == "c5.weight":
            value = wave((120, 400), k).reshape(120, 16, 5, 5)
        else:
            value = wave(tuple(parameter.shape), k)
        if name in ("s2.0", "s4.0"):
            value = 0.25 + 0.1 * value
        if name in ("norms.0.weight", "norms.1.weight"):
            value = 1 + 0.2 * value
        parameter.data = torch.from_numpy(np.asarray(value, np.float64))


def main() -> None:
    found = {}
    nets = {f"lenet5_{p}_{a}": (LeNet(p, a), 32) for p in ("max", "average") for a in ACTIVATIONS}
    nets |= {f"lenet5_1998_{c3}": (Published(c3), 32) for c3 in ("partial", "full")}
    nets["digits_cnn"] = (CNN(), 28)
    for name, (net, side) in nets.items():
        net.double()
        fill(net)
        x, labels = torch.from_numpy(images(side)).double(), torch.tensor([3, 1, 4, 1])
        net.train()
        logits = net(x)
        loss = F.cross_entropy(logits, labels)
        loss.backward()
        found[f"{name}_logits"] = logits.detach().numpy()
        found[f"{name}_loss"] = loss.detach().numpy()
        norms = {key: float(p.grad.norm()) for key, p in net.named_parameters()}
        found[f"{name}_gradient_norm"] = np.sqrt(sum(value**2 for value in norms.values()))
        if name == "digits_cnn":
            net.eval()
            found[f"{name}_eval_logits"] = net(x).detach().numpy()
    np.savez_compressed(Path(__file__).with_name("digit_nets.npz"), **found)


if __name__ == "__main__":
    main()
