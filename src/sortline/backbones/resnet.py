"""ResNet 18, 34, 50 and 101 (He et al. 2015, arXiv:1512.03385): the net, its releases, their names."""

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from sortline.backbones.registry import Arrays, Network, Release, Shapes, he_normal

if TYPE_CHECKING:
    from sortline.backbones.layers import BlockNet, Residual

STAGES = ((64, 1), (128, 2), (256, 2), (512, 2))  # narrow channels of a stage, stride of its first block
# A row of the paper's table 1: blocks in each stage. From 50 on they are bottlenecks (1x1, 3x3, 1x1).
DEPTHS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3)}
MINDCV_FILES = {18: "1e65cd21", 34: "f297d27e", 50: "e0733ab8", 101: "689c5e77"}  # a part of their names


def build(depth: int = 50, padding: str = "symmetric", bn_eps: float = 1e-5, zero_last: bool = False) -> "BlockNet":
    """Return the backbone; its last feature map has 512 (18, 34) or 2048 channels (50, 101).

    `padding` is that of the convolutions; the pooling after the stem pads as "same" in both, which is how MindCV and
    MindSpore's model zoo have it. `zero_last` starts the last norm of each block at zero, so that the block starts as
    its shortcut (Goyal et al. 2017, arXiv:1706.02677, section 5.1).
    """
    from mindspore import nn

    from sortline.backbones.layers import BlockNet, ConvNorm

    linear = partial(ConvNorm, padding=padding, bn_eps=bn_eps)
    inputs, blocks = 64, []
    for (narrow, first), count in zip(STAGES, DEPTHS[depth], strict=True):
        outputs = narrow * (4 if depth >= 50 else 1)
        for number in range(count):
            stride = first if number == 0 else 1
            blocks.append(_block(inputs, narrow, outputs, stride, linear, zero_last))
            inputs = outputs
    stem = linear(3, 64, 7, 2, activation="relu")
    return BlockNet(stem, blocks, inputs, pool=nn.MaxPool2d(3, 2, pad_mode="same"))


def _block(inputs: int, narrow: int, outputs: int, stride: int, linear: partial, zero_last: bool) -> "Residual":
    """Return two 3x3 convolutions, or a bottleneck, with their shortcut.

    A bottleneck strides in its 3x3 convolution, as torchvision, MindCV and MindSpore's model zoo do ("v1.5"); the
    paper's strides in the first 1x1.
    """
    from sortline.backbones.layers import Residual

    conv = partial(linear, activation="relu")
    shortcut = linear(inputs, outputs, 1, stride) if stride != 1 or inputs != outputs else None
    if narrow == outputs:
        return Residual(conv(inputs, narrow, 3, stride), linear(narrow, outputs, 3, zero=zero_last), None, shortcut)
    convs = conv(inputs, narrow, 1), conv(narrow, narrow, 3, stride), linear(narrow, outputs, 1, zero=zero_last)
    return Residual(*convs, shortcut)


def draw(depth: int, shapes: Shapes, seed: int) -> Arrays:
    """Draw He-normal kernels, the residuals halved so that the sums do not grow from block to block."""
    last = f"conv{3 if depth >= 50 else 2}.norm.gamma"
    halved = {name: np.full(shape, 0.5) for name, shape in shapes.items() if name.endswith(last)}
    return he_normal(shapes, seed) | halved


def names(depth: int, shortcut: str, name: str) -> tuple[str, str]:
    """`layer1.0.conv1` and `layer1.0.bn1`; the `shortcut` of a block is a sequence, of another name in each house."""
    if name == "stem":
        return "conv1", "bn1"
    _, block, layer = name.split(".")
    cells = [f"layer{stage}.{i}" for stage, count in enumerate(DEPTHS[depth], start=1) for i in range(count)]
    cell = cells[int(block)]
    if layer == "shortcut":
        return f"{cell}.{shortcut}.0", f"{cell}.{shortcut}.1"
    return f"{cell}.{layer}", f"{cell}.{layer.replace('conv', 'bn')}"


def releases(depth: int) -> dict[str, Release]:
    """Return MindCV's release (mindcv/models/resnet.py), and that of MindSpore's model zoo and the courses' copies of
    it (official/cv/resnet/src/resnet.py).

    Both stride in the 3x3 convolution and pool with "same" padding; the zoo pads everything so, with epsilon 1e-4. Its
    18 and 34 differ from its 50 and 101 in names and padding, and nothing public uses them.
    """
    file = f"resnet{depth}-{MINDCV_FILES[depth]}.ckpt"
    mindcv = Release(
        title=f"ResNet-{depth}, MindCV (ImageNet-1k)",
        licence="Apache-2.0",
        names=partial(names, depth, "down_sample"),
        path=f"weights/{file}",
        url=f"https://download.mindspore.cn/toolkits/mindcv/resnet/{file}",
    )
    of_course = "https://ascend-tutorials.obs.cn-north-4.myhuaweicloud.com/resnet-50/ckpt_files/resnet-50_209.ckpt"
    course = Release(
        title=f"ResNet-{depth}, trained by MindSpore's model zoo or a course's copy of it",
        padding="same",
        bn_eps=1e-4,
        licence="not stated",
        names=partial(names, depth, "down_sample_layer"),
        page="https://gitee.com/mindspore/models/tree/master/official/cv/ResNet",
        url=of_course if depth == 50 else None,
        by_name=True,
        saw="the course trained it on all photos of its mushrooms: no accuracy on these is of photos held out",
    )
    return {"mindcv": mindcv, "course": course} if depth >= 50 else {"mindcv": mindcv}


CITATION = "He et al. 2015, Deep Residual Learning for Image Recognition, arXiv:1512.03385"
NETWORKS = [
    Network(f"resnet{depth}", f"ResNet-{depth}", CITATION, partial(build, depth), releases(depth), partial(draw, depth))
    for depth in DEPTHS
]
