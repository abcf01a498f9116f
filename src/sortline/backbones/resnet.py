"""ResNet 18, 34, 50 and 101 (He et al. 2015, arXiv:1512.03385) in MindSpore, with either padding."""

from dataclasses import dataclass

import numpy as np
from mindspore import Tensor, nn

STAGES = ((64, 1), (128, 2), (256, 2), (512, 2))  # narrow channels of a stage, stride of its first block


@dataclass(frozen=True)
class Depth:
    """A row of the paper's table 1: blocks in each stage, and whether they are bottlenecks (1x1, 3x3, 1x1)."""

    blocks: tuple[int, int, int, int]
    bottleneck: bool

    @property
    def expansion(self) -> int:
        """Channels that a block puts out, per narrow channel."""
        return 4 if self.bottleneck else 1


DEPTHS = {
    18: Depth((2, 2, 2, 2), False),
    34: Depth((3, 4, 6, 3), False),
    50: Depth((3, 4, 6, 3), True),
    101: Depth((3, 4, 23, 3), True),
}


class ConvNorm(nn.Cell):
    """Convolution without bias, batch norm and, if `activate`, ReLU; the norm starts at zero if `zero`."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        stride: int,
        padding: str,
        bn_eps: float,
        activate: bool = True,
        zero: bool = False,
    ) -> None:
        super().__init__()
        # At stride 2, "same" pads more to the right and below; "symmetric" as much all round.
        mode = {"pad_mode": "same"} if padding == "same" else {"pad_mode": "pad", "padding": kernel // 2}
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, has_bias=False, **mode)
        self.norm = nn.BatchNorm2d(outputs, eps=bn_eps, gamma_init="zeros" if zero else "ones")
        self.activation = nn.ReLU() if activate else None

    def construct(self, x: Tensor) -> Tensor:
        x = self.norm(self.conv(x))
        return x if self.activation is None else self.activation(x)


class Residual(nn.Cell):
    """A v1 block: two 3x3 convolutions or a bottleneck, the shortcut added before the last ReLU.

    A bottleneck strides in its 3x3 convolution, as torchvision, MindCV and MindSpore's model zoo do ("v1.5"); the
    paper's strides in the first 1x1.
    """

    def __init__(
        self, inputs: int, narrow: int, stride: int, bottleneck: bool, padding: str, bn_eps: float, zero_last: bool
    ) -> None:
        super().__init__()
        outputs = narrow * (4 if bottleneck else 1)
        common = {"padding": padding, "bn_eps": bn_eps}
        last = common | {"activate": False, "zero": zero_last}
        if bottleneck:
            self.conv1 = ConvNorm(inputs, narrow, 1, 1, **common)
            self.conv2 = ConvNorm(narrow, narrow, 3, stride, **common)
            self.conv3 = ConvNorm(narrow, outputs, 1, 1, **last)
        else:
            self.conv1 = ConvNorm(inputs, narrow, 3, stride, **common)
            self.conv2 = ConvNorm(narrow, outputs, 3, 1, **last)
            self.conv3 = None
        changes = stride != 1 or inputs != outputs
        self.shortcut = ConvNorm(inputs, outputs, 1, stride, **common, activate=False) if changes else None
        self.activation = nn.ReLU()

    def construct(self, x: Tensor) -> Tensor:
        y = self.conv2(self.conv1(x))
        if self.conv3 is not None:
            y = self.conv3(y)
        return self.activation(y + (x if self.shortcut is None else self.shortcut(x)))


class ResNet(nn.Cell):
    """The backbone: float32 (n, 3, S, S) to the last feature map (n, `channels`, S/32, S/32).

    `channels` are 512 (18, 34) or 2048 (50, 101). `padding` is that of the convolutions; the pooling after the stem
    pads as "same" in both, which is how MindCV and MindSpore's model zoo have it. `zero_last` starts the last norm of
    each block at zero, so that the block starts as its shortcut (Goyal et al. 2017, arXiv:1706.02677, section 5.1).
    """

    def __init__(
        self, depth: int = 50, padding: str = "symmetric", bn_eps: float = 1e-5, zero_last: bool = False
    ) -> None:
        super().__init__()
        if padding not in ("same", "symmetric"):
            raise ValueError(f"padding {padding!r}: use 'same' or 'symmetric'")
        shape = DEPTHS[depth]
        self.depth = depth
        self.stem = ConvNorm(3, 64, 7, 2, padding, bn_eps)
        self.pool = nn.MaxPool2d(3, 2, pad_mode="same")
        inputs, stages = 64, []
        for (narrow, stride), count in zip(STAGES, shape.blocks, strict=True):
            blocks = []
            for number in range(count):
                first = stride if number == 0 else 1
                blocks.append(Residual(inputs, narrow, first, shape.bottleneck, padding, bn_eps, zero_last))
                inputs = narrow * shape.expansion
            stages.append(nn.SequentialCell(blocks))
        self.stages = nn.SequentialCell(stages)
        self.channels = inputs

    def construct(self, x: Tensor) -> Tensor:
        return self.stages(self.pool(self.stem(x)))

    def scale_residuals(self, factor: float) -> None:
        """Set the weight (gamma) of each block's last norm to `factor`."""
        for stage in self.stages:
            for block in stage:
                gamma = (block.conv2 if block.conv3 is None else block.conv3).norm.gamma
                gamma.set_data(Tensor(np.full(gamma.shape, factor, np.float32)))
