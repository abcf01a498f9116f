"""Pictures of nothing that a model was trained on, made here, and how well it tells them from its photos."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from PIL import Image

from sortline._core.cores import on_all_cores
from sortline.data.images import resize
from sortline.data.sources import toy
from sortline.features.familiarity import UNKNOWN
from sortline.predictor import Predictor

EACH = 50  # pictures of a kind


def _plain(draws: np.random.Generator, side: int) -> np.ndarray:
    return np.broadcast_to(draws.integers(0, 256, 3), (side, side, 3))


def _gradient(draws: np.random.Generator, side: int) -> np.ndarray:
    """From one colour to another, downwards or to the right."""
    first, last = draws.integers(0, 256, (2, 3))
    rows = first + (last - first) * np.linspace(0, 1, side)[:, None, None]
    found = np.broadcast_to(rows, (side, side, 3))
    return found if draws.integers(2) else found.swapaxes(0, 1)


def _noise(draws: np.random.Generator, side: int) -> np.ndarray:
    return draws.integers(0, 256, (side, side, 3))


def _clouds(draws: np.random.Generator, side: int) -> np.ndarray:
    """Noise of 4 to 29 pixels, enlarged."""
    few = int(draws.integers(4, 30))
    return resize(Image.fromarray(draws.integers(0, 256, (few, few, 3), np.uint8)), side)


def _texture(draws: np.random.Generator, side: int) -> np.ndarray:
    """Four waves, each in a colour and a direction."""
    along = np.mgrid[:side, :side] / side
    found = np.full((side, side, 3), 128.0)
    for _ in range(4):
        waves = np.tensordot(draws.uniform(-30, 30, 2), along, 1) + draws.uniform()
        found += 40 * np.sin(2 * np.pi * waves)[..., None] * draws.normal(size=3)
    return found.clip(0, 255)


def _checks(draws: np.random.Generator, side: int) -> np.ndarray:
    size, colours = int(draws.integers(4, 40)), draws.integers(0, 256, (2, 3))
    rows, columns = np.mgrid[:side, :side] // size
    return colours[(rows + columns) % 2]


def _digit(draws: np.random.Generator, side: int) -> np.ndarray:
    digits = _digits()
    image = Image.fromarray((digits[draws.integers(len(digits))] * 255 / 16).astype(np.uint8))
    return np.array(image.resize((side, side), Image.Resampling.BICUBIC).convert("RGB"))


@cache
def _digits() -> np.ndarray:
    from sklearn.datasets import load_digits  # it takes a second to load

    return load_digits().images


def _shape(draws: np.random.Generator, side: int) -> np.ndarray:
    """A drawing of the task `sample`."""
    return np.array(toy.picture(str(draws.choice(list(toy.SHAPES))), int(draws.integers(1000)), side, 1))


KINDS: dict[str, Callable[[np.random.Generator, int], np.ndarray]] = {
    "plain colours": _plain, "gradients": _gradient, "noise": _noise, "clouds": _clouds, "textures": _texture,
    "checks": _checks, "digits": _digit, "drawn shapes": _shape,
}  # fmt: skip


def picture(kind: str, number: int, side: int) -> np.ndarray:
    """Return picture `number` of a kind, uint8 RGB (side, side, 3)."""
    found = KINDS[kind](np.random.default_rng([list(KINDS).index(kind), number]), side)
    return np.ascontiguousarray(np.rint(found), dtype=np.uint8)


def told_apart(predictor: Predictor) -> dict[str, Any] | None:
    """Return by kind, and as their `mean` and `worst`, `auroc`: how often a photo of a scene not seen is better known
    than a stranger; and the share of strangers that is `told`, by the limit that all such photos but UNKNOWN pass.

    None where the model has no score of that.
    """
    tells = predictor.tells
    if tells is None:
        return None
    own = predictor.familiarity_out_of_fold()

    def score(one: tuple[str, int]) -> float:
        return float(tells.score(*predictor.seen(picture(*one, predictor.size)[None]))[0])

    drawn = [(kind, number) for kind in KINDS for number in range(EACH)]
    scores = np.array(list(on_all_cores(score, drawn, "strangers"))).reshape(len(KINDS), EACH)
    kinds = {
        kind: {"auroc": auroc(own, one), "told": float((one < tells.below).mean()), "n": EACH}
        for kind, one in zip(KINDS, scores, strict=True)
    }
    every = [one["auroc"] for one in kinds.values()]
    told = float((scores < tells.below).mean())
    return {"kinds": kinds, "mean": float(np.mean(every)), "worst": min(every), "told": told, "kept": 1 - UNKNOWN}


def auroc(known: np.ndarray, strange: np.ndarray) -> float:
    """Return the area under the ROC curve: how often one of `known` (n,) is above one of `strange` (m,)."""
    from sklearn import metrics

    truth = np.repeat([1, 0], [len(known), len(strange)])
    return float(metrics.roc_auc_score(truth, np.concatenate([known, strange])))
