"""The heads as MindSpore functions: many models side by side on the same rows, all parameters in one flat vector."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from mindspore import Tensor, ops

from sortline._core.errors import UserError
from sortline.features.heads import ACTIVATIONS, LEARNT, SPATIAL, Head

REDUCTION = 16  # channels for each hidden unit of a gate, as both papers have it


@dataclass(frozen=True)
class HeadNet:
    """A kind of head: rows of `dimension` features to `classes` logits.

    `pooling` is the head's; for `MAPS` a row is a feature map (positions, C), and `dimension` is C. `hidden`
    units of one hidden layer with ReLU, or None for a linear head.

    What trains of an attention is the query times the square root of C, as in scaled dot products (Vaswani et al. 2017,
    arXiv:1706.03762): its steps are then C times smaller, and it learns at the rates that suit the last layer.
    """

    dimension: int
    classes: int
    pooling: str = "mean"
    hidden: int | None = None
    activation: str = "none"

    def shapes(self) -> dict[str, tuple[int, int]]:
        """Return each parameter's (inputs, outputs), in the order of the flat vector."""
        shapes = {}
        if self.pooling == "attention":
            shapes["query"] = (self.dimension, 1)
        elif self.pooling in LEARNT:
            width = max(1, self.dimension // REDUCTION)
            shapes["squeeze_weight"], shapes["squeeze_bias"] = (self.dimension, width), (1, width)
            shapes["excite_weight"], shapes["excite_bias"] = (width, self.dimension), (1, self.dimension)
        if self.pooling == "cbam":
            shapes["spatial_weight"], shapes["spatial_bias"] = (2 * SPATIAL**2, 1), (1, 1)
        if self.hidden:
            shapes["hidden_weight"] = (self.dimension, self.hidden)
            shapes["hidden_bias"] = (1, self.hidden)
        shapes["weight"] = (self.last_width, self.classes)
        shapes["bias"] = (1, self.classes)
        return shapes

    def factor(self, name: str) -> float:
        """Return what a parameter of the flat vector is multiplied with, to be the head's."""
        return 1 / math.sqrt(self.dimension) if name == "query" else 1.0

    @property
    def linear(self) -> bool:
        return not self.hidden and self.pooling not in LEARNT

    @property
    def last_width(self) -> int:
        """How many numbers the last layer sees: what dropout acts on."""
        return self.hidden or self.dimension

    def decayed(self, models: int) -> np.ndarray:
        """Return float32, flat: 1 where weight decay applies, 0 at the biases."""
        return self._flat({name: np.full(shape, "bias" not in name) for name, shape in self.shapes().items()}, models)

    def initial(self, models: int, seed: int) -> np.ndarray:
        """Return the start, float32, flat: zero, but for layers with ReLU He et al. 2015, arXiv:1502.01852."""
        parts = {name: np.zeros(shape) for name, shape in self.shapes().items()}
        generator = np.random.default_rng(seed)
        for name in [name for name in ("hidden_weight", "squeeze_weight") if name in parts]:
            shape = parts[name].shape
            parts[name] = generator.normal(0, math.sqrt(2 / shape[0]), shape)
        return self._flat(parts, models)

    def _flat(self, parts: dict[str, np.ndarray], models: int) -> np.ndarray:
        stacked = [np.repeat(part[:, None], models, 1) for part in parts.values()]
        return np.concatenate([part.ravel() for part in stacked]).astype(np.float32)

    def head(self, flat: np.ndarray, model: int) -> Head:
        """Return the head of one of the models whose parameters `flat` holds."""
        models = len(flat) // sum(math.prod(shape) for shape in self.shapes().values())
        arrays: dict[str, Any] = {}
        for name, start, end, shape in self.parts(models):
            array = flat[start:end].reshape(shape[0], models, shape[1])[:, model].T.copy()
            array *= np.float32(self.factor(name))
            arrays[name] = array[:, 0] if "bias" in name else array
        return Head(pooling=self.pooling, activation=self.activation, **arrays)

    def parts(self, models: int) -> Iterator[tuple[str, int, int, tuple[int, int]]]:
        """Yield (name, start, end, shape) of every parameter: from start to end lies (inputs, models, outputs)."""
        start = 0
        for name, shape in self.shapes().items():
            end = start + models * math.prod(shape)
            yield name, start, end, shape
            start = end

    def rows(self, features: np.ndarray) -> np.ndarray:
        """Return what `forward` takes: a linear head's rows (..., D) get a 1 at their end, which makes the bias."""
        if not self.linear:
            return features
        return np.concatenate((features, np.ones((*features.shape[:-1], 1), np.float32)), -1)

    def from_head(self, head: Head, models: int) -> np.ndarray:
        """Return `head` for each of the models, float32, flat; raise `UserError` where it is of another kind."""
        found = {name: np.atleast_2d(array).shape for name, array in head.arrays().items()}
        wanted = {name: shape if "bias" in name else shape[::-1] for name, shape in self.shapes().items()}
        kind = (head.pooling, head.activation, head.scale)
        if found != wanted or kind != (self.pooling, self.activation, 1):
            raise UserError(
                f"init_from: a head of {found}, pooling, activation, scale {kind}; "
                f"needed: {wanted}, {(self.pooling, self.activation, 1)}"
            )
        arrays = head.arrays()
        return self._flat({name: np.atleast_2d(arrays[name].T) / self.factor(name) for name in wanted}, models)


def forward(net: HeadNet, models: int, inner: bool = False) -> Callable[..., Tensor]:
    """Return (flat parameters, `net.rows` of a batch, keep) -> logits (batch, models, classes).

    `keep` float32 (batch, `last_width`), through `net.rows` too, or None, multiplies what the last layer sees, for all
    models alike (dropout). `inner`: return (flat parameters, rows) -> what a hidden layer puts out (batch, models, H).
    """
    at = {name: (start, end, shape) for name, start, end, shape in net.parts(models)}
    activation, factor = ACTIVATIONS.index(net.activation), net.factor("query")

    def part(flat, name):
        start, end, shape = at[name]
        return flat[start:end].reshape(shape[0], models, shape[1])

    def activated(logits):
        if activation == 1:
            return ops.softmax(logits, -1)
        if activation == 2:
            return ops.sigmoid(logits)
        return logits

    def linear(flat, rows, keep):
        # Weight and bias lie behind one another: one matrix, and one wide product for all models.
        rows = rows if keep is None else rows * keep
        return activated(ops.matmul(rows, flat.reshape(-1, models * net.classes)).reshape(-1, models, net.classes))

    def last_inputs(flat, rows):
        if net.pooling == "attention":
            shares = ops.softmax(ops.matmul(rows, factor * part(flat, "query").reshape(-1, models)), 1)
            rows = ops.bmm(shares.transpose(0, 2, 1), rows)
        elif net.pooling == "se":
            rows = rows.expand_dims(1) * gates(excited(flat, rows))
        elif net.pooling == "cbam":
            rows = both_gates(flat, rows)
        else:
            rows = rows.expand_dims(1).broadcast_to((rows.shape[0], models, rows.shape[1]))
        if net.hidden:
            rows = ops.relu(per_model(rows, part(flat, "hidden_weight"), part(flat, "hidden_bias")))
        return rows

    def excited(flat, squeezed):
        hidden = ops.matmul(squeezed, part(flat, "squeeze_weight").reshape(net.dimension, -1))
        hidden = hidden.reshape(len(squeezed), models, -1) + part(flat, "squeeze_bias")
        return per_model(ops.relu(hidden), part(flat, "excite_weight"), part(flat, "excite_bias"))

    def both_gates(flat, rows):
        gate = gates(excited(flat, rows.mean(1)) + excited(flat, rows.amax(1)))
        highest = []
        for model in range(models):
            # Only the channel that is highest learns of it: the largest array is made once, and no gradient of it.
            own = gate[:, model]
            which = ops.stop_gradient(rows * own.expand_dims(1)).argmax(-1)
            highest.append(
                ops.gather_elements(rows, 2, which.expand_dims(2))[..., 0] * ops.gather_elements(own, 1, which)
            )
        mean = ops.bmm(gate, rows.transpose(0, 2, 1)) / net.dimension
        # A channel of pictures for each model's mean, and one for its maximum.
        seen = ops.stack((mean, ops.stack(highest, 1)), 2).reshape(len(rows), 2 * models, side(rows), -1)
        weight = part(flat, "spatial_weight").transpose(1, 2, 0).reshape(models, 2, SPATIAL, SPATIAL)
        scores = ops.conv2d(seen, weight, pad_mode="pad", padding=SPATIAL // 2, groups=models)
        places = gates(scores.reshape(len(rows), models, -1) + part(flat, "spatial_bias"))
        return gate * ops.bmm(places, rows) / rows.shape[1]

    def layered(flat, rows, keep):
        rows = last_inputs(flat, rows)
        if keep is not None:
            rows = rows * keep.expand_dims(1)
        return activated(per_model(rows, part(flat, "weight"), part(flat, "bias")))

    def per_model(rows, weight, bias):
        return ops.bmm(rows.transpose(1, 0, 2), weight.transpose(1, 0, 2)).transpose(1, 0, 2) + bias

    if inner:
        return last_inputs
    return linear if net.linear else layered


def gates(logits: Tensor) -> Tensor:
    return 2 * ops.sigmoid(logits)


def side(maps: Tensor) -> int:
    """Return how many positions a square map (batch, positions, C) has a side."""
    return math.isqrt(maps.shape[1])
