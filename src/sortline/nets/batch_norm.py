"""Batch norms of a backbone: folded into the convolutions, or set to what its features show, both without effect."""

from collections.abc import Iterable

import numpy as np
from mindspore import Parameter, Tensor, nn, ops

from sortline.backbones.layers import put


def norms(net: nn.Cell) -> list[nn.Cell]:
    """Return the cells of `net` that hold a convolution `conv` and its batch norm `norm`, in network order."""
    return [cell for _, cell in net.cells_and_names() if hasattr(cell, "conv") and hasattr(cell, "norm")]


def _set(parameter: Parameter, value: np.ndarray) -> None:
    parameter.set_data(Tensor(np.ascontiguousarray(value, np.float32)))


def _statistics(norm: nn.Cell) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    named = (norm.gamma, norm.beta, norm.moving_mean, norm.moving_variance)
    return tuple(parameter.asnumpy().astype(np.float64) for parameter in named)


class _Shift(nn.Cell):
    """A folded batch norm with fixed statistics: beta is added, nothing else."""

    def __init__(self, norm: nn.Cell) -> None:
        super().__init__(auto_prefix=False)
        self.folded = norm
        self.add = ops.BiasAdd()

    def construct(self, x: Tensor) -> Tensor:
        return self.add(x, self.folded.beta)


def fold(net: nn.Cell) -> None:
    """Move each batch norm's factor into its convolution, so that it only adds beta, and its statistics stay fixed.

    Features stay the same. A step on a kernel then does the same whatever release the weights came from.
    """
    for cell in norms(net):
        gamma, beta, mean, variance = _statistics(cell.norm)
        factor = gamma / np.sqrt(variance + cell.norm.eps)
        _set(cell.conv.weight, cell.conv.weight.asnumpy() * factor[:, None, None, None])
        _set(cell.norm.beta, beta - mean * factor)
        _set(cell.norm.gamma, np.full_like(gamma, np.sqrt(1 + cell.norm.eps)))
        _set(cell.norm.moving_mean, np.zeros_like(mean))
        _set(cell.norm.moving_variance, np.ones_like(variance))
        put(cell, "norm", _Shift(cell.norm))


class _Measuring(nn.Cell):
    """A batch norm that also sums up the mean and the mean square, per channel, of what it is given."""

    def __init__(self, norm: nn.Cell) -> None:
        super().__init__(auto_prefix=False)
        self.inner = norm
        zeros = np.zeros(norm.gamma.shape, np.float32)
        # Names of their own: MindSpore renames parameters that share one.
        self.total = Parameter(Tensor(zeros), name=f"{norm.gamma.name}.total")
        self.squares = Parameter(Tensor(zeros.copy()), name=f"{norm.gamma.name}.squares")

    def construct(self, x: Tensor) -> Tensor:
        ops.assign_add(self.total, x.mean((0, 2, 3)))
        ops.assign_add(self.squares, (x * x).mean((0, 2, 3)))
        return self.inner(x)


def measure(net: nn.Cell, batches: Iterable[Tensor]) -> None:
    """Set each batch norm's mean and variance to those of what its convolution puts out on `batches`, float32 (n, 3, S,
    S) of one size, and gamma and beta so that the features stay the same.

    For weights with batch norm folded in: training with the statistics of batches would throw their features away.
    """
    cells, count = norms(net), 0
    plain = [cell.norm for cell in cells]
    measuring = [_Measuring(norm) for norm in plain]
    for cell, one in zip(cells, measuring, strict=True):
        put(cell, "norm", one)
    net.set_train(False)
    run = _Run(net)
    run.set_train(False)
    for batch in batches:
        run(batch)
        count += 1
    for cell, norm, one in zip(cells, plain, measuring, strict=True):
        put(cell, "norm", norm)
        gamma, beta, mean, variance = _statistics(norm)
        found = one.total.asnumpy().astype(np.float64) / count
        spread = np.maximum(one.squares.asnumpy().astype(np.float64) / count - found**2, 1e-6)
        factor = gamma / np.sqrt(variance + norm.eps)
        _set(norm.moving_mean, found)
        _set(norm.moving_variance, spread)
        _set(norm.gamma, factor * np.sqrt(spread + norm.eps))
        _set(norm.beta, beta + factor * (found - mean))


class _Run(nn.Cell):
    """`net` compiled apart, so that its own graph, compiled before or after, is without the measuring."""

    def __init__(self, net: nn.Cell) -> None:
        super().__init__(auto_prefix=False)
        self.net = net

    def construct(self, x: Tensor) -> Tensor:
        return self.net(x).sum()
