"""What the study's stages share: its features, its folds, and which photos a setting gets right."""

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from sortline._core import files
from sortline.config.base import read_yaml
from sortline.config.training import TrainHeadParams
from sortline.data import prepared
from sortline.data.split import deal_folds
from sortline.training import heads
from sortline.training.results import Trained, TrainingSet

HERE = Path(__file__).parent
LINE = HERE.parents[1]
PARAMS = read_yaml(HERE / "params.yaml")
PREPARED = LINE / "data" / "prepared" / PARAMS["task"]


def training_set(extracted: str | None, seed: int, params: TrainHeadParams) -> TrainingSet:
    """Return the train photos with the features of that name (None: the line's own) and the folds of `seed`.

    No scene is in two folds; there are no folds by photo, which would cost time here.
    """
    line = LINE / "data" / "features" / PARAMS["task"]
    split, classes = files.read_csv(PREPARED / "split.csv"), prepared.read_classes(PREPARED / "classes.json")
    data = heads.read(split, classes, line if extracted is None else HERE / "features" / extracted, params)
    folds = deal_folds(data.labels, data.groups, len(data.fold_numbers), seed) if seed else data.folds
    return replace(data, folds=folds, photo_folds=None)


def trained(changes: dict[str, Any], seed: int) -> tuple[Trained, TrainingSet]:
    """Train with `base` and `changes`; of these, `features` names what the study's extract made."""
    params = PARAMS["base"] | {"seed": seed + 1} | changes
    extracted = params.pop("features", None)
    params = TrainHeadParams(**params)
    data = training_set(extracted, seed, params)
    if params.optimizer == "lbfgs":
        from sortline.training.lbfgs import train_lbfgs

        return train_lbfgs(data, params), data
    return heads.train_by_steps(data, params), data


def correct(changes: dict[str, Any]) -> np.ndarray:
    """Return which train photos are right out of fold, bool (seeds, n)."""
    right = []
    for seed in PARAMS["seeds"]:
        result, data = trained(changes, seed)
        right.append(result.out_of_fold.argmax(1) == data.labels)
    return np.array(right)


def note_time(name: str, started: float) -> None:
    """Note the seconds a stage took in timings.json, which is no output of the stage."""
    path = HERE / "timings.json"
    timings = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    files.write_json(path, timings | {name: round(time.perf_counter() - started, 1)})
