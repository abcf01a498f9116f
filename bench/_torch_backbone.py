"""The frozen backbone in PyTorch, channels_last, batch norm folded by nobody: as one would write it there."""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from sortline import backbones
from sortline.backbones.mobilenet_v2 import SETTINGS, round_channels


class Unit(nn.Module):
    """Padded convolution, batch norm, ReLU6 or nothing."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, groups: int, relu: bool, same: bool):
        super().__init__()
        self.same, self.stride, self.kernel, self.relu = same, stride, kernel, relu
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, 0 if same else kernel // 2, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x):
        if self.same:
            total = [max(0, (-(-n // self.stride) - 1) * self.stride + self.kernel - n) for n in x.shape[:1:-1]]
            x = F.pad(x, [part for n in total for part in (n // 2, n - n // 2)])
        x = self.norm(self.conv(x))
        return F.relu6(x) if self.relu else x


class Block(nn.Module):
    def __init__(self, inputs: int, outputs: int, expansion: int, stride: int, same: bool):
        super().__init__()
        hidden = inputs * expansion
        units = [Unit(inputs, hidden, 1, 1, 1, True, same)] if expansion != 1 else []
        units += [Unit(hidden, hidden, 3, stride, hidden, True, same), Unit(hidden, outputs, 1, 1, 1, False, same)]
        self.units, self.shortcut = nn.Sequential(*units), inputs == outputs and stride == 1

    def forward(self, x):
        return x + self.units(x) if self.shortcut else self.units(x)


def mobilenet_v2(folder: Path) -> nn.Module:
    """Return the backbone of `folder` (data/weights/<task>) with its weights, in eval mode and channels_last."""
    ours = backbones.load(folder)
    width, same = ours.info["width"], ours.info["padding"] == "same"
    channels = round_channels(32 * width)
    parts: list[nn.Module] = [Unit(3, channels, 3, 2, 1, True, same)]
    for expansion, outputs, repeats, stride in SETTINGS:
        for number in range(repeats):
            parts.append(Block(channels, round_channels(outputs * width), expansion, 1 if number else stride, same))
            channels = round_channels(outputs * width)
    net = nn.Sequential(*parts, Unit(channels, ours.net.channels, 1, 1, 1, True, same))
    # Both name their convolutions and norms in the order of the layers.
    convolutions = [p.asnumpy() for p in ours.net.get_parameters() if p.asnumpy().ndim == 4]
    norms = [p.asnumpy() for p in ours.net.get_parameters() if p.asnumpy().ndim == 1]
    units = [module for module in net.modules() if isinstance(module, Unit)]
    if len(units) != len(convolutions) or 4 * len(units) != len(norms):
        raise RuntimeError("the two networks have different layers")
    eps = [cell.eps for _, cell in ours.net.cells_and_names() if hasattr(cell, "moving_mean")]
    named = {p.name: p.asnumpy() for p in ours.net.get_parameters()}
    quartets = [
        (named[f"{name}.gamma"], named[f"{name}.beta"], named[f"{name}.moving_mean"], named[f"{name}.moving_variance"])
        for name in dict.fromkeys(key.rsplit(".", 1)[0] for key in named if key.endswith(".gamma"))
    ]
    for unit, kernel, (gamma, beta, mean, variance), one in zip(units, convolutions, quartets, eps, strict=True):
        unit.conv.weight.data = torch.from_numpy(np.array(kernel).reshape(unit.conv.weight.shape))
        unit.norm.weight.data, unit.norm.bias.data = torch.from_numpy(gamma), torch.from_numpy(beta)
        unit.norm.running_mean, unit.norm.running_var = torch.from_numpy(mean), torch.from_numpy(variance)
        unit.norm.eps = float(one)
    return net.eval().to(memory_format=torch.channels_last)
