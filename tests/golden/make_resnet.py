"""Made resnet.npz, logits and features of an independent PyTorch ResNet. Run by hand (torch 2.13), not by the tests.

The networks are written from table 1 of the paper (He et al. 2015, arXiv:1512.03385), the stride of a bottleneck in its
3x3 convolution, and TensorFlow's definition of SAME padding; they run in float64. Weights (float32) and inputs are
drawn with NumPy, as described at `draw`, `waves` and `images`. Kept: 10 logits, and the mean and maximum of every 8th
channel of the last map.
"""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

SEED = 7
EPS = {"symmetric": 1e-5, "same": 1e-4}
COUNTS = {18: [2, 2, 2, 2], 34: [3, 4, 6, 3], 50: [3, 4, 6, 3], 101: [3, 4, 23, 3]}
SIZES = (64, 96)
CLASSES = 10


def pad(x, kernel, stride, how, value=0.0):
    """All round by half the kernel, or as little as makes ceil(size / stride) outputs, the odd one right and below."""
    sides = []
    for size in (x.shape[3], x.shape[2]):
        total = kernel // 2 * 2 if how == "symmetric" else max(0, (-(-size // stride) - 1) * stride + kernel - size)
        sides += [total // 2, total - total // 2]
    return F.pad(x, sides, value=value)


def draw(shape, generator):
    """One standard normal draw a kernel, in the order of the layers, times sqrt(2 / fan-in)."""
    kernel = generator.standard_normal(shape) * np.sqrt(2 / np.prod(shape[1:]))
    return torch.from_numpy(kernel.astype(np.float32)).double()


def waves(k, channels):
    """Gamma, beta, mean and variance of the k-th norm: waves over the channel number, no two alike, none trivial."""
    i = np.arange(channels)
    values = (
        0.6 + 0.25 * np.sin(i + k),
        0.2 * np.cos(2 * i + k),
        0.1 * np.sin(3 * i + 2 * k),
        1 + 0.6 * np.cos(5 * i + 3 * k),
    )
    return [torch.from_numpy(value.astype(np.float32)).double() for value in values]


class Network:
    """Layers are numbered as they are reached; in a block the shortcut comes last."""

    def __init__(self, depth, how):
        self.depth, self.how = depth, how
        self.kernels, self.generator = [], np.random.default_rng(SEED)

    def layer(self, x, outputs, kernel, stride, relu=True):
        weight = draw((outputs, x.shape[1], kernel, kernel), self.generator)
        gamma, beta, mean, variance = waves(len(self.kernels), outputs)
        self.kernels.append(weight)
        x = F.conv2d(pad(x, kernel, stride, self.how), weight, stride=stride)
        shape = (1, -1, 1, 1)
        scale = gamma / torch.sqrt(variance + EPS[self.how])
        x = (x - mean.view(shape)) * scale.view(shape) + beta.view(shape)
        return x.clamp(min=0) if relu else x

    def block(self, x, narrow, stride):
        if self.depth >= 50:
            y = self.layer(x, narrow, 1, 1)
            y = self.layer(y, narrow, 3, stride)
            y = self.layer(y, 4 * narrow, 1, 1, relu=False)
        else:
            y = self.layer(x, narrow, 3, stride)
            y = self.layer(y, narrow, 3, 1, relu=False)
        if y.shape != x.shape:
            x = self.layer(x, y.shape[1], 1, stride, relu=False)
        return (x + y).clamp(min=0)

    def __call__(self, x):
        x = self.layer(x, 64, 7, 2)
        x = F.max_pool2d(pad(x, 3, 2, "same", -torch.inf), 3, 2)
        for stage, count in enumerate(COUNTS[self.depth]):
            for number in range(count):
                x = self.block(x, 64 * 2**stage, 2 if stage and not number else 1)
        return x


def images(size):
    return np.random.default_rng(size).uniform(-1, 1, (2, 3, size, size)).astype(np.float32)


def head(channels):
    return np.random.default_rng(1).standard_normal((CLASSES, channels)).astype(np.float32) / np.sqrt(channels)


def main():
    golden = {}
    for depth in COUNTS:
        for how in ("symmetric", "same"):
            for size in SIZES if depth in (18, 50) else SIZES[:1]:
                network = Network(depth, how)
                last = network(torch.from_numpy(images(size)).double())
                mean, maximum = last.mean((2, 3)), last.amax((2, 3))
                assert last.std() > 0.05 and maximum.max() < 1e3, "a net that says nothing"
                logits = mean @ torch.from_numpy(head(last.shape[1]).astype(np.float64)).T
                key = f"{depth}_{how}_{size}"
                golden |= {f"{key}_mean": mean[:, ::8], f"{key}_max": maximum[:, ::8], f"{key}_logits": logits}
                print(key, sum(kernel.numel() for kernel in network.kernels), float(maximum.max()), float(logits.std()))
    path = Path(__file__).with_name("resnet.npz")
    np.savez(path, **{name: values.float().numpy() for name, values in golden.items()})
    print(path, path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
