"""What the study's stages share: its parameters, the train photos, their features."""

import json
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sortline._core import files
from sortline.config.base import load, read_yaml
from sortline.config.training import TrainHeadParams
from sortline.data import prepared
from sortline.features.store import FeatureStore
from sortline.training import heads
from sortline.training.results import TrainingSet

HERE = Path(__file__).parent
LINE = HERE.parents[1]
PARAMS = read_yaml(HERE / "params.yaml")
PREPARED = LINE / "data" / "prepared" / PARAMS["task"]


@dataclass(frozen=True)
class Train:
    """The train photos: their rows in split.csv and so in the features, labels, folds and scenes, int (n,)."""

    rows: np.ndarray
    labels: np.ndarray
    folds: np.ndarray
    scenes: np.ndarray
    total: int
    classes: int


def read() -> Train:
    part = prepared.read_part(PREPARED / "split.csv", "train")
    classes = len(prepared.read_classes(PREPARED / "classes.json").names)
    return Train(part.rows, part.labels, prepared.read_folds(PREPARED / "split.csv"), part.scenes, part.total, classes)


def store(name: str) -> FeatureStore:
    """Return the features of a backbone, or pictures."""
    return FeatureStore(HERE / ("pixels" if name in PARAMS["pixels"] else "features") / name)


def out_of_fold(train: Train, backbones: list[str], views: int, held: int | None = None) -> np.ndarray:
    """Return what heads on `backbones` say, each of a fold that it has not seen, float64 (n, classes).

    They are trained as the line trains its own head. `held`: no head sees that fold, of which nothing is said (NaN).
    """
    params = load(PARAMS["task"], "train_head", TrainHeadParams, LINE / "params.yaml").model_copy(
        update={"views": views}
    )
    kept = np.concatenate([store(name).read("pooled", train.total)[train.rows, :views] for name in backbones], -1)
    inside = np.flatnonzero(train.folds != held) if held is not None else np.arange(len(train.rows))
    data = TrainingSet(kept[inside], train.labels[inside], train.folds[inside], train.classes, train.scenes[inside])
    found = np.full((len(train.rows), train.classes), np.nan)
    found[inside] = heads.train_by_steps(data, params).out_of_fold
    return found


def note_time(name: str, started: float) -> None:
    """Note the seconds a stage took in timings.json, which is no output of the stage."""
    path = HERE / "timings.json"
    timings = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    files.write_json(path, timings | {name: round(time.perf_counter() - started, 1)})
