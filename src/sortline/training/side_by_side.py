"""Small nets of dense layers, many side by side in one graph: each learns from the rows of its own mask."""

import functools
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from mindspore import Parameter, Tensor, nn, ops

from sortline.config.training import Recipe
from sortline.training import loop

Part = Callable[[str], Tensor]  # a parameter by name: (models, inputs, outputs)


class Net(Protocol):
    """A kind of net: what its parameters are, and the loss that they are trained by."""

    def __hash__(self) -> int: ...

    @property
    def noise(self) -> int:
        """How many standard normal numbers a row needs."""

    def shapes(self) -> dict[str, tuple[int, int]]:
        """Return each parameter's (inputs, outputs); names that end in `weight` are drawn, the others start at 0."""

    def losses(self, part: Part, rows: Tensor, kinds: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Return two losses (models, batch), to be added up, of `rows` (models, batch, D), their classes as `kinds`
        (1, batch, classes) of 0 and 1, and `noise` (1, batch, noise)."""


@dataclass(frozen=True)
class Layout:
    """Where the parameters of `models` nets of `shapes` lie in one flat vector, one after another."""

    shapes: Mapping[str, tuple[int, int]]
    models: int

    def places(self) -> dict[str, tuple[int, int, tuple[int, int, int]]]:
        """Return of each parameter where it starts and ends, and its shape (models, inputs, outputs)."""
        found, start = {}, 0
        for name, shape in self.shapes.items():
            end = start + self.models * shape[0] * shape[1]
            found[name] = start, end, (self.models, *shape)
            start = end
        return found

    def initial(self, seed: int) -> np.ndarray:
        """Return the start, float32, flat, of all models the same: He et al. 2015, arXiv:1502.01852."""
        generator, parts = np.random.default_rng(seed), []
        for name, (inputs, outputs) in self.shapes.items():
            scale = np.sqrt(2 / inputs) if name.endswith("weight") else 0
            parts.append(np.repeat(scale * generator.standard_normal((1, inputs, outputs)), self.models, 0).ravel())
        return np.concatenate(parts).astype(np.float32)

    def arrays(self, flat: np.ndarray, model: int) -> dict[str, np.ndarray]:
        """Return the parameters of one model, each (inputs, outputs)."""
        return {name: flat[start:end].reshape(shape)[model] for name, (start, end, shape) in self.places().items()}


class _Loss(nn.Cell):
    def __init__(self, net: Net, layout: Layout) -> None:
        super().__init__()
        self.flat, self.places = Parameter(Tensor(layout.initial(0)), name="flat"), layout.places()
        self.losses_of = net.losses

    def construct(self, rows, kinds, masks, noise):
        def part(name):
            start, end, shape = self.places[name]
            return self.flat[start:end].reshape(shape)

        first, second = self.losses_of(part, rows.swapaxes(0, 1), kinds.expand_dims(0), noise.expand_dims(0))
        shares = (masks / ops.maximum(masks.sum(0), 1)).swapaxes(0, 1)
        first, second = (first * shares).sum(1), (second * shares).sum(1)
        # The models share no parameter, so the sum's gradient is each model's own.
        return (first + second).sum(), ops.stack((first, second)), ops.ones_like(first)


class Batches:
    """Rows (n, ...) and what belongs to each (arrays of n), with `noise` fresh standard normal numbers a row."""

    def __init__(self, rows: np.ndarray, more: tuple[np.ndarray, ...], noise: int, draws: np.random.Generator) -> None:
        self.rows, self.more, self.noise, self.draws = rows, more, noise, draws
        self.count, self.bytes_each = len(rows), rows[0].nbytes

    def generator(self, number: int) -> np.random.Generator:
        return self.draws

    def take(self, rows: np.ndarray, fresh: np.ndarray, generator: np.random.Generator) -> tuple[np.ndarray, ...]:
        noise = generator.standard_normal((*rows.shape, self.noise), np.float32)
        return self.rows[rows], *(one[rows] for one in self.more), noise


@functools.cache
def _steps(net: Net, models: int, optimizer: str, even: bool) -> loop.Steps:
    """Compiling takes as long as training: a kind of net is compiled once a process."""
    return loop.Steps(_Loss(net, Layout(net.shapes(), models)), optimizer, False, even=even)


def fit(
    net: Net,
    rows: np.ndarray,
    kinds: np.ndarray,
    masks: np.ndarray,
    recipe: Recipe,
    factors: Mapping[str, float] | None = None,
    watch: Callable[[loop.Epoch], Any] = lambda epoch: None,
) -> list[dict[str, np.ndarray]]:
    """Return the parameters of one net per column of `masks` bool (n, models), trained on the rows of its mask.

    `rows` float32 (n, models, D), as each model sees them, of classes `kinds` float32 (n, classes), 0 and 1. `factors`
    multiplies the rate of the parameters whose names begin so. `watch` is shown each epoch, in which `loss` and
    `accuracy` are the net's two losses. Raises `UserError` when a loss or a weight turns NaN or Inf.
    """
    layout = Layout(net.shapes(), masks.shape[1])
    steps = _steps(net, layout.models, recipe.optimizer, factors is None)
    more = kinds, masks.astype(np.float32)
    batches = Batches(rows, more, net.noise, np.random.default_rng(recipe.seed))
    start = layout.initial(recipe.seed)
    rates = np.ones_like(start)
    for name, (begin, end, _) in layout.places().items():
        rates[begin:end] = next((rate for key, rate in (factors or {}).items() if name.startswith(key)), 1)
    trained = loop.train(
        steps, batches, recipe, start, np.zeros_like(start), None if factors is None else rates, models=masks.shape[1]
    )
    last = deque((watch(epoch), epoch)[1] for epoch in trained).pop()
    return [layout.arrays(last.parameters, model) for model in range(masks.shape[1])]


def dense(part: Part, name: str, rows: Tensor) -> Tensor:
    """Return rows (models, batch, inputs) times the weight `name`_weight, plus `name`_bias."""
    return ops.bmm(rows, part(f"{name}_weight")) + part(f"{name}_bias")


def with_kinds(rows: Tensor, kinds: Tensor) -> Tensor:
    """Return the rows (models, batch, D) with their classes (1, batch, classes) at their ends."""
    return ops.cat((rows, ops.broadcast_to(kinds, (rows.shape[0], *kinds.shape[1:]))), -1)
