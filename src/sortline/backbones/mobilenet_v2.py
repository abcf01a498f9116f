"""MobileNetV2 (Sandler et al. 2018, arXiv:1801.04381) in MindSpore, width multiplier and either padding."""

from collections.abc import Iterator
from dataclasses import dataclass

from mindspore import Tensor, nn

# Table 2 of the paper: expansion t, channels c, repeats n, stride s of the first.
SETTINGS = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))


def round_channels(channels: float, divisor: int = 8) -> int:
    """Round to a multiple of `divisor`, never more than 10 % below (TensorFlow's `make_divisible`)."""
    rounded = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * channels else rounded


@dataclass(frozen=True)
class Block:
    """One inverted residual: channels in, expanded, out, and the stride of its depthwise convolution."""

    inputs: int
    expanded: int
    outputs: int
    stride: int


def blocks(width: float) -> Iterator[Block]:
    """Yield the 17 inverted residuals at width multiplier `width`."""
    inputs = round_channels(32 * width)
    for expansion, channels, repeats, stride in SETTINGS:
        outputs = round_channels(channels * width)
        for repeat in range(repeats):
            yield Block(inputs, inputs * expansion, outputs, stride if repeat == 0 else 1)
            inputs = outputs


def last_channels(width: float) -> int:
    """Return the channels of the last feature map: 1280, more for widths above 1."""
    return round_channels(1280 * max(1.0, width))


class ConvNorm(nn.Cell):
    """Convolution without bias, batch norm and, if `activate`, ReLU6."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        stride: int,
        padding: str,
        bn_eps: float,
        depthwise: bool = False,
        activate: bool = True,
    ) -> None:
        super().__init__()
        # A 1x1 convolution pads nothing; at stride 2, "same" pads right and below only, "symmetric" all round.
        mode = {"pad_mode": "same"} if padding == "same" else {"pad_mode": "pad", "padding": kernel // 2}
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, group=inputs if depthwise else 1, has_bias=False, **mode)
        self.norm = nn.BatchNorm2d(outputs, eps=bn_eps)
        self.activation = nn.ReLU6() if activate else None

    def construct(self, x: Tensor) -> Tensor:
        x = self.norm(self.conv(x))
        return x if self.activation is None else self.activation(x)


class InvertedResidual(nn.Cell):
    """1x1 expansion (absent where it would not expand), 3x3 depthwise, linear 1x1 projection."""

    def __init__(self, block: Block, padding: str, bn_eps: float) -> None:
        super().__init__()
        expands = block.expanded != block.inputs
        self.expand = ConvNorm(block.inputs, block.expanded, 1, 1, padding, bn_eps) if expands else None
        self.depthwise = ConvNorm(block.expanded, block.expanded, 3, block.stride, padding, bn_eps, depthwise=True)
        self.project = ConvNorm(block.expanded, block.outputs, 1, 1, padding, bn_eps, activate=False)
        self.residual = block.stride == 1 and block.inputs == block.outputs

    def construct(self, x: Tensor) -> Tensor:
        y = x if self.expand is None else self.expand(x)
        y = self.project(self.depthwise(y))
        return x + y if self.residual else y


class MobileNetV2(nn.Cell):
    """The backbone: float32 (n, 3, S, S) to the last feature map (n, 1280, S/32, S/32)."""

    def __init__(self, width: float = 1.0, padding: str = "same", bn_eps: float = 1e-3) -> None:
        super().__init__()
        if padding not in ("same", "symmetric"):
            raise ValueError(f"padding {padding!r}: use 'same' or 'symmetric'")
        layers = list(blocks(width))
        self.channels = last_channels(width)
        self.stem = ConvNorm(3, layers[0].inputs, 3, 2, padding, bn_eps)
        self.blocks = nn.SequentialCell([InvertedResidual(block, padding, bn_eps) for block in layers])
        self.last = ConvNorm(layers[-1].outputs, self.channels, 1, 1, padding, bn_eps)

    def construct(self, x: Tensor) -> Tensor:
        return self.last(self.blocks(self.stem(x)))


class Front(nn.Cell):
    """What lies before the last `blocks` blocks: float32 (n, 3, S, S) to their input."""

    def __init__(self, backbone: MobileNetV2, blocks: int) -> None:
        super().__init__(auto_prefix=False)
        self.backbone, self.end = backbone, len(backbone.blocks) - blocks

    def construct(self, x: Tensor) -> Tensor:
        x = self.backbone.stem(x)
        # Not by a slice, which would be a new cell that renames the parameters.
        for place in range(self.end):
            x = self.backbone.blocks[place](x)
        return x


class Back(nn.Cell):
    """What lies after `Front`: to the last feature map."""

    def __init__(self, backbone: MobileNetV2, blocks: int) -> None:
        super().__init__(auto_prefix=False)
        self.backbone, self.start, self.end = backbone, len(backbone.blocks) - blocks, len(backbone.blocks)

    def construct(self, x: Tensor) -> Tensor:
        for place in range(self.start, self.end):
            x = self.backbone.blocks[place](x)
        return self.backbone.last(x)


class Pooled(nn.Cell):
    """A backbone with both global poolings: (n, 3, S, S) to mean (n, C), max (n, C) and the map (n, C, h, w).

    With `upto` also the map before a MobileNetV2's last so many blocks.
    """

    def __init__(self, backbone: nn.Cell, upto: int | None = None) -> None:
        super().__init__(auto_prefix=False)
        self.backbone = backbone
        self.front, self.back = (None, None) if upto is None else (Front(backbone, upto), Back(backbone, upto))

    def construct(self, x: Tensor) -> tuple[Tensor, ...]:
        if self.front is None:
            feature_map = self.backbone(x)
            return feature_map.mean((2, 3)), feature_map.amax((2, 3)), feature_map
        inner = self.front(x)
        feature_map = self.back(inner)
        return feature_map.mean((2, 3)), feature_map.amax((2, 3)), feature_map, inner
