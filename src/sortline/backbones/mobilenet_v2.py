"""MobileNetV2 (Sandler et al. 2018, arXiv:1801.04381): the net, its releases, and the names in their checkpoints."""

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from sortline.backbones.preprocessing import HALF
from sortline.backbones.registry import Arrays, Network, Release, Shapes

if TYPE_CHECKING:
    from sortline.backbones.layers import BlockNet

# Table 2 of the paper: expansion t, channels c, repeats n, stride s of the first.
SETTINGS = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))


def round_channels(channels: float) -> int:
    """Round to a multiple of 8, never more than 10 % below (TensorFlow's `make_divisible`)."""
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * channels else rounded


def build(width: float = 1.0, padding: str = "same", bn_eps: float = 1e-3) -> "BlockNet":
    """Return the backbone; its last feature map has 1280 channels, more for widths above 1."""
    from sortline.backbones.layers import BlockNet, ConvNorm, InvertedResidual

    linear = partial(ConvNorm, padding=padding, bn_eps=bn_eps)
    conv = partial(linear, activation="relu6")
    inputs = first = round_channels(32 * width)
    blocks = []
    for expansion, channels, repeats, stride in SETTINGS:
        outputs = round_channels(channels * width)
        for number in range(repeats):
            step, expanded = stride if number == 0 else 1, inputs * expansion
            expand = conv(inputs, expanded, 1) if expansion > 1 else None
            depthwise = conv(expanded, expanded, 3, step, depthwise=True)
            project = linear(expanded, outputs, 1)
            blocks.append(InvertedResidual(expand, depthwise, project, residual=step == 1 and inputs == outputs))
            inputs = outputs
    channels = round_channels(1280 * max(1.0, width))
    return BlockNet(conv(3, first, 3, 2), blocks, channels, last=conv(inputs, channels, 1))


def draw(shapes: Shapes, seed: int) -> Arrays:
    """Draw weights whose features still tell pictures apart, the same on any machine.

    Through 52 layers of He-normal kernels every picture would come to nearly the same direction. So pointwise
    convolutions are orthogonal (Saxe et al. 2014, arXiv:1312.6120), depthwise ones the identity plus noise, and biases
    spread the ReLU6 thresholds. Untrained all the same: it proves a pipeline, not an accuracy.
    """
    generator, drawn = np.random.default_rng(seed), {}
    for name, shape in shapes.items():
        if name.endswith("conv.weight"):
            drawn[name] = _kernel(name, generator.standard_normal(shape))
        elif name.endswith("norm.beta") and ".project." not in name:
            drawn[name] = 0.5 * generator.standard_normal(shape)
    return drawn


def _kernel(name: str, noise: np.ndarray) -> np.ndarray:
    outputs, inputs = noise.shape[:2]
    if ".depthwise." in name:
        kernel, middle = 0.2 * noise, noise.shape[2] // 2
        kernel[:, :, middle, middle] += 1
        return kernel
    if name.startswith("stem."):
        return noise * np.sqrt(2 / np.prod(noise.shape[1:]))
    tall = outputs >= inputs
    basis, _ = np.linalg.qr(noise[:, :, 0, 0] if tall else noise[:, :, 0, 0].T)
    gain = 0.7 if ".project." in name else np.sqrt(2 * max(1, outputs / inputs))
    return gain * (basis if tall else basis.T)[:, :, None, None]


def _position(name: str) -> tuple[int, int]:
    """Return a layer's block and its place there: expand, which the first block lacks, depthwise, project."""
    _, block, layer = name.split(".")
    return int(block), ("expand", "depthwise", "project").index(layer) - (block == "0")


def tensorflow_names(name: str) -> tuple[str, str]:
    """The data sheet's: `stem`, `blocks.00.expand`, `last`; the batch norm is folded in."""
    if name in ("stem", "last"):
        return name, name
    _, block, layer = name.split(".")
    return (f"blocks.{int(block):02d}.{layer}",) * 2


def mindcv_names(name: str) -> tuple[str, str]:
    """MindCV's: `features.{i}` flat for stem and last, `features.{i}.layers.{j}` inside a block."""
    if name in ("stem", "last"):
        return ("features.0", "features.1") if name == "stem" else ("features.20", "features.21")
    block, place = _position(name)
    cell = f"features.{block + 3}.layers"
    return f"{cell}.{3 * place}", f"{cell}.{3 * place + 1}"


def course_names(name: str) -> tuple[str, str]:
    """The MindSpore model zoo's: ConvBNReLU cells hold `features`, a block's cells are `conv.{j}`."""
    if name in ("stem", "last"):
        cell = f"features.{0 if name == 'stem' else 18}"
    else:
        block, place = _position(name)
        cell = f"features.{block + 1}.conv.{place}"
        if name.endswith("project"):
            return cell, f"features.{block + 1}.conv.{place + 1}"
    return f"{cell}.features.0", f"{cell}.features.1"


NETWORKS = [
    Network(
        "mobilenet_v2",
        "MobileNetV2",
        "Sandler et al. 2018, MobileNetV2: Inverted Residuals and Linear Bottlenecks, arXiv:1801.04381",
        build,
        {
            "tensorflow": Release(
                title="MobileNetV2 1.0 224, TensorFlow model garden (8-bit release restored to float32)",
                padding="same",
                preprocessing=HALF,
                bn_eps=1e-3,
                licence="Apache-2.0",
                names=tensorflow_names,
                page="https://github.com/tensorflow/models/tree/master/research/slim/nets/mobilenet",
                folded=True,
                path="weights/mobilenet_v2_1.0_224_imagenet.safetensors",
                sha256="f4117e490ceba804734a70d9fa6200eeae98280decc46baab32253e89072c76b",
            ),
            "mindcv": Release(
                title="MobileNetV2 1.0 224, MindCV",
                licence="Apache-2.0",
                names=mindcv_names,
                url="https://download.mindspore.cn/toolkits/mindcv/mobilenet/mobilenetv2/mobilenet_v2_100-d5532038.ckpt",
            ),
            "course": Release(
                title="MobileNetV2 1.0 224, MindSpore course checkpoint (200 epochs)",
                licence="not stated",
                names=course_names,
                url=(
                    "https://ascend-professional-construction-dataset.obs.cn-north-4.myhuaweicloud.com/ComputerVision/"
                    "mobilenetV2-200_1067.zip"
                ),
                member="mobilenetV2-200_1067.ckpt",
            ),
        },
        draw,
        widths=True,
    )
]
