"""Layers that families share, and the shape of their nets: a stem, blocks one after the other, a last layer."""

from collections.abc import Sequence
from typing import Any

from mindspore import Tensor, nn

ACTIVATIONS = {"relu": nn.ReLU, "relu6": nn.ReLU6}


def put(owner: nn.Cell, name: str, cell: nn.Cell) -> None:
    """Make `cell` the attribute `name` of `owner`; its parameters keep their names, which MindSpore would prefix."""
    names = [parameter.name for parameter in cell.get_parameters()]
    setattr(owner, name, cell)
    for parameter, before in zip(cell.get_parameters(), names, strict=True):
        parameter.name = before


class ConvNorm(nn.Cell):
    """Convolution without bias, batch norm and, unless `activation` is None, one of ACTIVATIONS.

    `padding`: "same" pads as TensorFlow does, at stride 2 more to the right and below; "symmetric" as PyTorch and
    MindSpore do, as much all round. `zero` starts the norm's weight (gamma) at zero.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        stride: int = 1,
        *,
        padding: str,
        bn_eps: float,
        activation: str | None = None,
        depthwise: bool = False,
        zero: bool = False,
    ) -> None:
        super().__init__()
        if padding not in ("same", "symmetric"):
            raise ValueError(f"padding {padding!r}: use 'same' or 'symmetric'")
        mode = {"pad_mode": "same"} if padding == "same" else {"pad_mode": "pad", "padding": kernel // 2}
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, group=inputs if depthwise else 1, has_bias=False, **mode)
        self.norm = nn.BatchNorm2d(outputs, eps=bn_eps, gamma_init="zeros" if zero else "ones")
        self.activation = ACTIVATIONS[activation]() if activation else None

    def construct(self, x: Tensor) -> Tensor:
        x = self.norm(self.conv(x))
        return x if self.activation is None else self.activation(x)


class InvertedResidual(nn.Cell):
    """1x1 expansion (None where it would not expand), depthwise convolution, linear 1x1 projection (MobileNetV2's).

    With `residual` the input is added.
    """

    def __init__(self, expand: ConvNorm | None, depthwise: ConvNorm, project: ConvNorm, residual: bool) -> None:
        super().__init__()
        self.expand, self.depthwise, self.project = expand, depthwise, project
        self.residual = residual

    def construct(self, x: Tensor) -> Tensor:
        y = x if self.expand is None else self.expand(x)
        y = self.project(self.depthwise(y))
        return x + y if self.residual else y


class Residual(nn.Cell):
    """Two or three convolutions and the shortcut (None: the input itself), added before the last ReLU (ResNet's v1)."""

    def __init__(self, conv1: ConvNorm, conv2: ConvNorm, conv3: ConvNorm | None, shortcut: ConvNorm | None) -> None:
        super().__init__()
        self.conv1, self.conv2, self.conv3, self.shortcut = conv1, conv2, conv3, shortcut
        self.activation = nn.ReLU()

    def construct(self, x: Tensor) -> Tensor:
        y = self.conv2(self.conv1(x))
        if self.conv3 is not None:
            y = self.conv3(y)
        return self.activation(y + (x if self.shortcut is None else self.shortcut(x)))


class BlockNet(nn.Cell):
    """A backbone: float32 (n, 3, S, S) to the last feature map (n, `channels`, S/32, S/32).

    `pool` follows the stem, `last` the blocks; either may be None.
    """

    def __init__(
        self,
        stem: nn.Cell,
        blocks: Sequence[nn.Cell],
        channels: int,
        pool: nn.Cell | None = None,
        last: nn.Cell | None = None,
    ) -> None:
        super().__init__()
        self.channels = channels
        # In network order, which is that of the parameters too.
        self.stem, self.pool, self.blocks, self.last = stem, pool, nn.SequentialCell(list(blocks)), last

    def construct(self, x: Tensor) -> Tensor:
        return self.after(self.blocks(self.before(x)))

    def before(self, x: Tensor) -> Tensor:
        """Return what the first block takes."""
        x = self.stem(x)
        return x if self.pool is None else self.pool(x)

    def after(self, x: Tensor) -> Tensor:
        """Return the last feature map, of what the last block gives."""
        return x if self.last is None else self.last(x)

    def cut(self, blocks: int) -> tuple[nn.Cell, nn.Cell]:
        """Return what lies before the last `blocks` blocks, and what from there on."""
        return Front(self, blocks), Back(self, blocks)


class Front(nn.Cell):
    """What lies before the last `blocks` blocks: float32 (n, 3, S, S) to their input."""

    def __init__(self, backbone: BlockNet, blocks: int) -> None:
        super().__init__(auto_prefix=False)
        self.backbone, self.end = backbone, len(backbone.blocks) - blocks

    def construct(self, x: Tensor) -> Tensor:
        x = self.backbone.before(x)
        # Not by a slice, which would be a new cell that renames the parameters.
        for index in range(self.end):
            x = self.backbone.blocks[index](x)
        return x


class Back(nn.Cell):
    """What lies after `Front`: to the last feature map."""

    def __init__(self, backbone: BlockNet, blocks: int) -> None:
        super().__init__(auto_prefix=False)
        self.backbone, self.start, self.end = backbone, len(backbone.blocks) - blocks, len(backbone.blocks)

    def construct(self, x: Tensor) -> Tensor:
        for index in range(self.start, self.end):
            x = self.backbone.blocks[index](x)
        return self.backbone.after(x)


class Pooled(nn.Cell):
    """A backbone with both global poolings: (n, 3, S, S) to mean (n, C), max (n, C) and the map (n, C, h, w).

    With `upto` also the map before the last so many blocks.
    """

    def __init__(self, backbone: nn.Cell, upto: int | None = None) -> None:
        super().__init__(auto_prefix=False)
        self.backbone = backbone
        self.front: Any
        self.back: Any
        self.front, self.back = (None, None) if upto is None else backbone.cut(upto)

    def construct(self, x: Tensor) -> tuple[Tensor, ...]:
        if self.front is None:
            feature_map = self.backbone(x)
            return feature_map.mean((2, 3)), feature_map.amax((2, 3)), feature_map
        inner = self.front(x)
        feature_map = self.back(inner)
        return feature_map.mean((2, 3)), feature_map.amax((2, 3)), feature_map, inner
