"""A trained head on Feature Maps, in NumPy: kept, loaded and applied without MindSpore."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy import special

from sortline._core import parameters
from sortline._core.errors import UserError
from sortline._core.files import read_json, write_json

POOLED = ("mean", "max", "mean+max")
LEARNT = ("attention", "se", "cbam")  # poolings that have parameters of their own
MAPS = ("attention", "cbam")  # those that need whole maps; the others do with pooled features
POOLINGS = (*POOLED, *LEARNT)
GATES = ("squeeze_weight", "squeeze_bias", "excite_weight", "excite_bias", "spatial_weight", "spatial_bias")
SPATIAL = 7  # positions a side that the convolution of a cbam sees
ACTIVATIONS = ("none", "softmax", "sigmoid")


def pool(pooled: np.ndarray, pooling: str) -> np.ndarray:
    """Select from pooled features (..., 2 [mean, max], C) what a head sees: (..., C), or (..., 2C) mean first."""
    if pooling == "mean+max":
        return pooled.reshape(*pooled.shape[:-2], -1)
    return pooled[..., POOLED.index("mean" if pooling == "se" else pooling), :]


def softmax(logits: np.ndarray) -> np.ndarray:
    """Return probabilities, float64, same shape, over the last axis."""
    return special.softmax(logits.astype(np.float64), axis=-1)


def twice_sigmoid(logits: np.ndarray) -> np.ndarray:
    """Return what a gate multiplies with, between 0 and 2."""
    return 2 * special.expit(logits)


@dataclass(frozen=True)
class Head:
    """A head on `pooling` of the features, all arrays float32: logits = scale * activation(W h + b).

    `weight` (classes, D) and `bias` (classes,) act on the pooled features, or on one hidden layer with ReLU
    (`hidden_weight` (H, D), `hidden_bias` (H,)). With `pooling` "attention", `query` (1, C) says how much each
    position of a feature map counts: softmax over the positions of its product with the map.

    With "se" (squeeze-and-excitation, Hu et al. 2018, arXiv:1709.01507) each channel is multiplied with a gate, twice
    the sigmoid of a small net of the channels' means (`squeeze_weight` (R, C), `squeeze_bias` (R,), ReLU,
    `excite_weight` (C, R), `excite_bias` (C,)); the mean of a map so gated is its mean, gated. With "cbam" (Woo et al.
    2018, arXiv:1807.06521) the gate of a channel is by what the net says of means and maxima in sum; then each position
    has one, by a 7 x 7 convolution of the channels' mean and maximum there (`spatial_weight` (1, 2 * 49),
    `spatial_bias` (1,)). Twice the sigmoid, so that a gate that knows nothing leaves all as it is.
    """

    weight: np.ndarray
    bias: np.ndarray
    pooling: str
    hidden_weight: np.ndarray | None = None
    hidden_bias: np.ndarray | None = None
    query: np.ndarray | None = None
    squeeze_weight: np.ndarray | None = None
    squeeze_bias: np.ndarray | None = None
    excite_weight: np.ndarray | None = None
    excite_bias: np.ndarray | None = None
    spatial_weight: np.ndarray | None = None
    spatial_bias: np.ndarray | None = None
    activation: str = "none"
    scale: float = 1.0

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the parameters that there are, by name."""
        named = {
            name: getattr(self, name) for name in (*GATES, "query", "hidden_weight", "hidden_bias", "weight", "bias")
        }
        return {name: array for name, array in named.items() if array is not None}

    @property
    def linear(self) -> bool:
        """Is a logit a weighted sum of mean- or max-pooled features?"""
        return self.hidden_weight is None and self.pooling not in LEARNT and self.activation == "none"

    def features(self, features: np.ndarray) -> np.ndarray:
        """Pool: float32 (n, 2, C), or for `MAPS` maps (n, C, h, w), to what the first layer sees, (n, D)."""
        if self.pooling == "cbam":
            return self.gated(features).mean((2, 3))
        if self.query is None:
            pooled = pool(features, self.pooling)
            return pooled * self.excited(pooled) if self.pooling == "se" else pooled
        maps = features.reshape(*features.shape[:2], -1).astype(np.float32)
        return (maps * softmax(np.einsum("ncp,c->np", maps, self.query[0]))[:, None]).sum(-1, dtype=np.float32)

    def excited(self, *squeezed: np.ndarray) -> np.ndarray:
        """Return how much each channel counts, float32 (n, C), by what is `squeezed` of the maps, each (n, C)."""
        arrays = self.arrays()
        first, bias = arrays["squeeze_weight"].T, arrays["squeeze_bias"]
        hidden = sum(np.maximum(one @ first + bias, 0) for one in squeezed)
        return twice_sigmoid(hidden @ arrays["excite_weight"].T + len(squeezed) * arrays["excite_bias"])

    def gated(self, maps: np.ndarray) -> np.ndarray:
        """Return maps (n, C, h, w) as their gates leave them, float32, of the same shape."""
        maps = maps.astype(np.float32)
        mean = maps.mean((2, 3))
        if self.pooling == "se":
            return maps * self.excited(mean)[:, :, None, None]
        maps = maps * self.excited(mean, maps.max((2, 3)))[:, :, None, None]
        seen = np.stack((maps.mean(1), maps.max(1)), 1)
        window: dict[str, Any] = {"window_shape": (SPATIAL, SPATIAL), "axis": (2, 3)}
        around = sliding_window_view(np.pad(seen, ((0, 0), (0, 0), (3, 3), (3, 3))), **window)
        kernels = self.arrays()["spatial_weight"].reshape(2, SPATIAL, SPATIAL)
        scores = np.einsum("nkhwij,kij->nhw", around, kernels)
        return maps * twice_sigmoid(scores + self.spatial_bias)[:, None]

    def logits(self, features: np.ndarray) -> np.ndarray:
        """Map features as in `features` to logits float32 (n, classes)."""
        rows = self.features(features)
        if self.hidden_weight is not None:
            rows = np.maximum(rows @ self.hidden_weight.T + self.hidden_bias, 0)
        logits = rows @ self.weight.T + self.bias
        if self.activation == "softmax":
            logits = softmax(logits).astype(np.float32)
        elif self.activation == "sigmoid":
            logits = special.expit(logits)
        return logits * np.float32(self.scale) if self.scale != 1 else logits

    def probabilities(self, features: np.ndarray) -> np.ndarray:
        """Map features as in `features` to probabilities float64 (n, classes)."""
        return softmax(self.logits(features))


def dropped(head: Head, features: np.ndarray, draws: int = 16, share: float = 0.1, seed: int = 0) -> np.ndarray:
    """Return what `head` says where a random `share` of the channels is left out, and the others made up for it:
    float64 (draws, n, classes), of features as in `Head.features`."""
    channels = features.shape[1 if head.pooling in MAPS else 2]
    shape = (channels, 1, 1) if head.pooling in MAPS else (channels,)
    kept = np.random.default_rng(seed).random((draws, channels)) >= share
    return np.stack([head.probabilities(features * (one.reshape(shape) / np.float32(1 - share))) for one in kept])


def save_heads(folder: Path, heads: dict[str, Head], about: dict[str, Any]) -> None:
    """Write `<name>.safetensors` per head and head.json (`about` plus what the heads share) into `folder`."""
    (kind,) = {(head.pooling, head.activation, head.scale) for head in heads.values()}
    for name, head in heads.items():
        parameters.write(folder / f"{name}.safetensors", head.arrays())
    write_json(folder / "head.json", about | dict(zip(("pooling", "activation", "scale"), kind, strict=True)))


def load_head(folder: Path, which: str | None = None) -> Head:
    """Load the head that head.json names as `checkpoint`, or `which`; raise `UserError` where it is not whole."""
    path = folder / "head.json"
    try:
        about = read_json(path)
        shared: dict[str, Any] = {key: about[key] for key in ("pooling", "activation", "scale")}
        if shared["pooling"] not in POOLINGS or shared["activation"] not in ACTIVATIONS:
            raise ValueError(f"unknown kind {shared}")
        path = folder / f"{which or about['checkpoint']}.safetensors"
        arrays: dict[str, Any] = parameters.read(path)
        head = Head(**arrays, **shared)
        if not _fits(head):
            raise ValueError(f"arrays of {', '.join(str(array.shape) for array in head.arrays().values())}")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path}: missing or damaged ({error!r}); run `dvc repro -f train_head@TASK`") from None
    return head


def _fits(head: Head) -> bool:
    """Whether there are the arrays that belong together, of matching shapes."""
    if head.weight.ndim != 2:
        return False
    expected, inputs = {"weight": head.weight.shape, "bias": head.weight.shape[:1]}, head.weight.shape[1:]
    if head.hidden_weight is not None:
        width, inputs = inputs, head.hidden_weight.shape[1:]
        expected |= {"hidden_weight": (*width, *inputs[:1]), "hidden_bias": width}
    if head.pooling == "attention":
        expected["query"] = (1, *inputs)
    elif head.squeeze_weight is not None and head.pooling in LEARNT:
        width = head.squeeze_weight.shape[:1]
        expected |= {"squeeze_weight": (*width, *inputs), "squeeze_bias": width}
        expected |= {"excite_weight": (*inputs, *width), "excite_bias": inputs}
        if head.pooling == "cbam":
            expected |= {"spatial_weight": (1, 2 * SPATIAL**2), "spatial_bias": (1,)}
    elif head.pooling in LEARNT:
        return False
    return {name: array.shape for name, array in head.arrays().items()} == expected
