"""Mixed precision: convolutions and dense layers in float16, all else in float32 (Micikevicius et al. 2018,
arXiv:1710.03740). MindSpore's own `auto_mixed_precision` rewrites a net's source into the current folder."""

import mindspore
from mindspore import Tensor, nn, ops

from sortline.backbones.layers import put


class Half(nn.Cell):
    """A layer that computes in float16, of float32 and into float32; its parameters stay float32."""

    def __init__(self, layer: nn.Cell) -> None:
        super().__init__(auto_prefix=False)
        self.layer = layer.to_float(mindspore.float16)

    def construct(self, x: Tensor) -> Tensor:
        return ops.cast(self.layer(x), mindspore.float32)


def halve(net: nn.Cell) -> None:
    """Have every convolution and dense layer of `net` compute in float16; all parameters keep their names."""
    for _, owner in list(net.cells_and_names()):
        for name, cell in owner.name_cells().items():
            if isinstance(cell, nn.Conv2d | nn.Dense):
                put(owner, name, Half(cell))
