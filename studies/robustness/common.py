"""What the stages of the study share: the line's photos, folds and features, and how photos are corrupted."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sortline._core import files
from sortline.data import prepared
from sortline.data.datasets import open_picture
from sortline.data.images import resize
from sortline.evaluation import robustness
from sortline.evaluation.corruptions import KINDS, grid
from sortline.features.store import FeatureStore

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PARAMS: dict[str, Any] = files.read_yaml(HERE / "params.yaml")
SPLIT = ROOT / "data" / "prepared" / PARAMS["task"] / "split.csv"


@dataclass(frozen=True)
class Train:
    """The line's train photos: `part`, `folds` int (n,), mean-pooled `features` float32 (n, K views, C)."""

    part: prepared.Part
    folds: np.ndarray
    features: np.ndarray
    classes: int


def store() -> FeatureStore:
    return FeatureStore(ROOT / "data" / "features" / PARAMS["task"])


def read() -> Train:
    part = prepared.read_part(SPLIT, "train")
    pooled = store().read("pooled", part.total)[part.rows][:, :, 0]
    classes = prepared.read_classes(SPLIT.with_name("classes.json"))
    return Train(part, prepared.read_folds(SPLIT), np.ascontiguousarray(pooled), len(classes.names))


def plan(train: Train) -> tuple[list[tuple[str, int]], np.ndarray]:
    """Return the (corruption, severity) cells, and which of them each photo is tried in, int (n, each)."""
    return dealt(train.part.labels, PARAMS["each"])


def dealt(labels: np.ndarray, each: int) -> tuple[list[tuple[str, int]], np.ndarray]:
    """Return the same of any photos, of labels int (n,)."""
    cells = sorted(grid(PARAMS["severities"], tuple(KINDS)), key=lambda cell: cell[1])
    return cells, robustness.dealt(labels, len(cells), each)


def corrupted(path: Path, side: int, ways: Iterable[tuple[str, int]]) -> np.ndarray:
    """Return a photo of `side` pixels, corrupted in these ways, uint8 (ways, side, side, 3)."""
    picture = resize(open_picture(path), side)
    return np.stack([KINDS[name].corrupt(picture, severity) for name, severity in ways])


def mapped(train: Train) -> np.ndarray:
    """Return whether each train photo has whole maps, bool (n,): those of every so manieth scene."""
    scenes = np.unique(train.part.scenes)
    return np.isin(train.part.scenes, scenes[:: PARAMS["maps"]["every"]])


def interval(score: dict[str, Any], key: str, sign: str) -> str:
    """Return a share, or a difference of two, with its 95 % interval, in percent."""
    low, high = (score[f"{key}_{end}" if f"{key}_{end}" in score else end] for end in ("low", "high"))
    return f"{100 * score[key]:{sign}.1f} [{100 * low:{sign}.1f}, {100 * high:{sign}.1f}]"


def note_seconds(name: str, seconds: float) -> None:
    """Note the seconds that a seed of a way took in timings.json, which is no output of a stage."""
    path = HERE / "timings.json"
    timings = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    files.write_json(path, timings | {name: round(seconds, 1)})
