"""Low-rank updates of dense layers and 1x1 convolutions (LoRA; Hu et al. 2021, arXiv:2106.09685)."""

import numpy as np
from mindspore import Parameter, Tensor, nn, ops

from sortline.backbones.layers import put


class LowRank(nn.Cell):
    """`layer` with the weight W + alpha / rank * up down: W (outputs, inputs) stays, up and down train.

    `up` (outputs, rank) starts at zero, so that nothing changes at first; `down` (rank, inputs) is drawn.
    """

    def __init__(self, layer: nn.Dense | nn.Conv2d, rank: int, alpha: float, generator: np.random.Generator) -> None:
        super().__init__(auto_prefix=False)
        self.weight, self.bias = layer.weight, layer.bias if layer.has_bias else None
        outputs, inputs = self.weight.shape[:2]
        drawn = generator.standard_normal((rank, inputs)) / np.sqrt(inputs)
        stem = self.weight.name.removesuffix("weight")
        self.down = Parameter(Tensor(drawn.astype(np.float32)), name=f"{stem}down")
        self.up = Parameter(Tensor(np.zeros((outputs, rank), np.float32)), name=f"{stem}up")
        self.scale = alpha / rank
        self.conv = ops.Conv2D(outputs, 1) if self.weight.ndim == 4 else None

    def construct(self, x: Tensor) -> Tensor:
        # One product of the sum: what is trained is what is exported.
        weight = self.weight + (self.scale * ops.matmul(self.up, self.down)).reshape(self.weight.shape)
        x = ops.matmul(x, weight.T) if self.conv is None else self.conv(x, weight)
        return x if self.bias is None else x + self.bias

    def merged(self) -> np.ndarray:
        """Return the sum, float32, in the weight's shape."""
        update = self.scale * (self.up.asnumpy() @ self.down.asnumpy())
        return self.weight.asnumpy() + update.reshape(self.weight.shape)


def adapt(owner: nn.Cell, name: str, rank: int, alpha: float, generator: np.random.Generator) -> None:
    """Put a LowRank in place of the layer `owner.name`; all parameters keep their names."""
    put(owner, name, LowRank(getattr(owner, name), rank, alpha, generator))


def merged_weights(net: nn.Cell) -> dict[str, np.ndarray]:
    """Return {name of the weight: its merged value} of every LowRank in `net`."""
    cells = (cell for _, cell in net.cells_and_names() if isinstance(cell, LowRank))
    return {cell.weight.name: cell.merged() for cell in cells}
