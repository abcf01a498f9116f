"""A trained linear head on pooled features, in NumPy: kept, loaded and applied without MindSpore."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from sortline.errors import UserError
from sortline.files import read_json, write_json

POOLINGS = ("mean", "max", "mean+max")


def pool(pooled: np.ndarray, pooling: str) -> np.ndarray:
    """Select from pooled features (..., 2 [mean, max], C) what a head sees: (..., C), or (..., 2C) mean first."""
    if pooling == "mean+max":
        return pooled.reshape(*pooled.shape[:-2], -1)
    return pooled[..., POOLINGS.index(pooling), :]


def softmax(logits: np.ndarray) -> np.ndarray:
    """Return probabilities, float64, same shape, over the last axis."""
    shifted = np.exp(logits.astype(np.float64) - logits.max(-1, keepdims=True))
    return shifted / shifted.sum(-1, keepdims=True)


@dataclass(frozen=True)
class Head:
    """Linear head: weight float32 (classes, D), bias float32 (classes,), on `pooling` of the features."""

    weight: np.ndarray
    bias: np.ndarray
    pooling: str

    def logits(self, pooled: np.ndarray) -> np.ndarray:
        """Map pooled features float32 (n, 2, C) to logits float32 (n, classes)."""
        return pool(pooled, self.pooling) @ self.weight.T + self.bias

    def probabilities(self, pooled: np.ndarray) -> np.ndarray:
        """Map pooled features float32 (n, 2, C) to probabilities float64 (n, classes)."""
        return softmax(self.logits(pooled))


def save_heads(folder: Path, heads: dict[str, Head], about: dict[str, Any]) -> None:
    """Write `<name>.safetensors` per head and head.json (`about` plus the pooling) into the existing `folder`."""
    poolings = {head.pooling for head in heads.values()}
    for name, head in heads.items():
        arrays = {"weight": np.ascontiguousarray(head.weight), "bias": np.ascontiguousarray(head.bias)}
        save_file(arrays, folder / f"{name}.safetensors")
    write_json(folder / "head.json", about | {"pooling": poolings.pop()})


def load_head(folder: Path, which: str | None = None) -> Head:
    """Load the head that head.json names as `checkpoint`, or `which` ("best" or "last").

    Raises `UserError` where a file is missing or damaged, or shapes or values are wrong.
    """
    path = folder / "head.json"
    try:
        about = read_json(path)
        checkpoint, pooling = about["checkpoint"], about["pooling"]
        path = folder / f"{which or checkpoint}.safetensors"
        arrays = load_file(path)
        weight, bias = arrays["weight"], arrays["bias"]
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise UserError(f"{path}: missing or damaged ({error!r}); run `dvc repro -f train_head@TASK`") from None
    if (
        weight.ndim != 2
        or bias.shape != weight.shape[:1]
        or not (np.isfinite(weight).all() and np.isfinite(bias).all())
    ):
        raise UserError(
            f"{path}: damaged head (shapes {weight.shape} and {bias.shape}); run `dvc repro -f train_head@TASK`"
        )
    return Head(weight, bias, pooling)
