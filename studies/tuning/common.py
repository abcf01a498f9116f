"""What the study's stages share: its features, its folds, and one measured setting."""

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
from sortline.evaluation import metrics
from sortline.training import heads
from sortline.training.results import Trained, TrainingSet

HERE = Path(__file__).parent
LINE = HERE.parents[1]
PARAMS = read_yaml(HERE / "params.yaml")
PREPARED = LINE / "data" / "prepared" / PARAMS["task"]


def training_set(extracted: str | None, seed: int, params: TrainHeadParams) -> TrainingSet:
    """Return the train photos with the features of that name (None: the line's own) and the folds of `seed`."""
    line = LINE / "data" / "features" / PARAMS["task"]
    split, classes = files.read_csv(PREPARED / "split.csv"), prepared.read_classes(PREPARED / "classes.json")
    data = heads.read(split, classes, line if extracted is None else HERE / "features" / extracted, params)
    if not seed:
        return data
    return replace(data, folds=deal_folds(data.labels, data.groups, len(data.fold_numbers), seed))


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


def score(right: np.ndarray, base: np.ndarray) -> dict[str, Any]:
    """Return the accuracy over the seeds with Wilson's interval for n photos, and the paired difference from `base`.

    The difference is of each photo's share of right answers over the seeds; its 95 % interval is over the photos.
    """
    n, mean = right.shape[1], float(right.mean())
    low, high = metrics.wilson(round(mean * n), n)
    paired = right.mean(0) - base.mean(0)
    half = 1.96 * float(paired.std(ddof=1)) / n**0.5
    return {
        "accuracy": mean, "accuracy_low": low, "accuracy_high": high, "n": n,
        "by_seed": [float(one.mean()) for one in right], "std_over_seeds": float(right.mean(1).std(ddof=1)),
        "difference": float(paired.mean()), "difference_low": float(paired.mean() - half),
        "difference_high": float(paired.mean() + half),
    }  # fmt: skip


def note_time(name: str, started: float) -> None:
    """Note the seconds a stage took in timings.json, which is no output of the stage."""
    path = HERE / "timings.json"
    timings = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    files.write_json(path, timings | {name: round(time.perf_counter() - started, 1)})
