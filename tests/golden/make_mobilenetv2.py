"""Made mobilenetv2_*.npz, features of an independent PyTorch MobileNetV2. Run by hand (torch 2.13), not by the tests.

The network is written from the paper (Sandler et al. 2018, arXiv:1801.04381, tables 1 and 2) and TensorFlow's
definition of SAME padding, and runs in float64. Weights (float32) and inputs are drawn with NumPy, as described at
`draw_convolutions`, `batch_norm` and `images`. Kept: the mean and maximum of every 8th channel, every 80th map.
"""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

SEED = 5
SIZES = (32, 64, 65, 96)
EPS = {"same": 1e-3, "symmetric": 1e-5}
STAGES = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]


def divisible(value: float) -> int:
    candidates = [multiple for multiple in range(8, 8000, 8) if multiple >= 0.9 * value]
    # The nearest multiple of 8 that keeps at least 90 %; halves go up.
    return min(candidates, key=lambda multiple: (abs(multiple - value), -multiple))


class Layer(nn.Module):
    """Padded convolution, batch norm with given statistics, ReLU6 or nothing."""

    def __init__(self, inputs, outputs, kernel, stride, groups, relu, padding):
        super().__init__()
        self.kernel, self.stride, self.relu, self.padding = kernel, stride, relu, padding
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(outputs, eps=EPS[padding])

    def pads(self, size):
        if self.padding == "symmetric":
            return [self.kernel // 2] * 2
        total = max(0, (-(-size // self.stride) - 1) * self.stride + self.kernel - size)
        return [total // 2, total - total // 2]

    def forward(self, x):
        x = F.pad(x, self.pads(x.shape[3]) + self.pads(x.shape[2]))
        x = self.norm(self.conv(x))
        return torch.clamp(x, 0, 6) if self.relu else x


class Bottleneck(nn.Module):
    def __init__(self, inputs, outputs, expansion, stride, padding):
        super().__init__()
        hidden = inputs * expansion
        layers = [Layer(inputs, hidden, 1, 1, 1, True, padding)] if expansion != 1 else []
        layers.append(Layer(hidden, hidden, 3, stride, hidden, True, padding))
        layers.append(Layer(hidden, outputs, 1, 1, 1, False, padding))
        self.layers = nn.Sequential(*layers)
        self.shortcut = inputs == outputs and stride == 1

    def forward(self, x):
        return self.layers(x) + x if self.shortcut else self.layers(x)


def mobilenet_v2(width, padding):
    channels = divisible(32 * width)
    parts = [Layer(3, channels, 3, 2, 1, True, padding)]
    for expansion, outputs, repeats, stride in STAGES:
        for number in range(repeats):
            parts.append(Bottleneck(channels, divisible(outputs * width), expansion, 1 if number else stride, padding))
            channels = divisible(outputs * width)
    return nn.Sequential(*parts, Layer(channels, divisible(1280 * max(width, 1)), 1, 1, 1, True, padding)).eval()


def draw_convolutions(net):
    """One standard normal draw a kernel, in network order, from default_rng(SEED), times sqrt(2 / fan-in)."""
    generator = np.random.default_rng(SEED)
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            shape = tuple(module.weight.shape)
            kernel = generator.standard_normal(shape) * np.sqrt(2 / (shape[1] * shape[2] * shape[3]))
            module.weight.data = torch.from_numpy(kernel.astype(np.float32))


def batch_norm(net):
    """Waves over the channel number i, another for each norm k, in network order: no two alike, none trivial.

    Gamma below 1 keeps rounding errors from growing from layer to layer.
    """
    for k, module in enumerate(module for module in net.modules() if isinstance(module, nn.BatchNorm2d)):
        i = np.arange(module.num_features)
        for tensor, values in (
            (module.weight.data, 0.8 + 0.25 * np.sin(i + k)),
            (module.bias.data, 0.2 * np.cos(2 * i + k)),
            (module.running_mean, 0.1 * np.sin(3 * i + 2 * k)),
            (module.running_var, 1 + 0.6 * np.cos(5 * i + 3 * k)),
        ):
            tensor.copy_(torch.from_numpy(values.astype(np.float32)))


def images(size):
    return np.random.default_rng(size).uniform(-1, 1, (2, 3, size, size)).astype(np.float32)


def maps(net, size):
    return net.double()(torch.from_numpy(images(size)).double()).float()


def main():
    torch.set_grad_enabled(False)
    for width in (0.35, 1.0):
        golden = {}
        for padding in ("same", "symmetric"):
            net = mobilenet_v2(width, padding)
            draw_convolutions(net)
            golden[f"{padding}_32_identity_mean"] = maps(net, 32).mean((2, 3))[:, ::8]
            batch_norm(net)
            for size in SIZES:
                last = maps(net, size)
                mean, maximum = last.mean((2, 3)), last.amax((2, 3))
                assert ((mean > 0.05) & (maximum < 6)).float().mean() > 0.3, "a net that says nothing"
                golden[f"{padding}_{size}_mean"] = mean[:, ::8]
                golden[f"{padding}_{size}_max"] = maximum[:, ::8]
                golden[f"{padding}_{size}_map"] = last[:, ::80]
            print(width, padding, sum(parameter.numel() for parameter in net.parameters()), "parameters")
        path = Path(__file__).with_name(f"mobilenetv2_{width}.npz")
        np.savez(path, **{name: values.numpy() for name, values in golden.items()})
        print(path, path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
