"""on_maps: what a way to train on whole maps says of their photos, as they are and corrupted.

Usage: on_maps.py NAME --maps FOLDER --out FILE. Written as `way.py` writes it, of the photos that have maps; the heads
are trained on these photos alone. "mean" is trained on the same maps' means.
"""

import argparse
import time
from pathlib import Path

import numpy as np
from common import HERE, PARAMS, ROOT, mapped, note_seconds, read

from sortline._core import files, runtime
from sortline._core.errors import run
from sortline.config.base import load
from sortline.config.training import TrainHeadParams
from sortline.features.heads import MAPS
from sortline.training import calibration, heads
from sortline.training.calibration import Calibrated
from sortline.training.results import TrainingSet


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    for option in ("--maps", "--out"):
        parser.add_argument(option, type=Path, required=True)
    args = parser.parse_args(argv)
    line = load(PARAMS["task"], "train_head", TrainHeadParams, ROOT / "params.yaml")
    params = TrainHeadParams(**(line.model_dump() | PARAMS["maps"]["ways"][args.name]))
    runtime.prepare(params.seed)
    train = read()
    chosen = mapped(train)
    if params.pooling in MAPS:
        views, cells = (np.load(args.maps / f"{name}.npy", mmap_mode="r") for name in ("views", "cells"))
    else:
        views, cells = train.features[chosen][:, :, None], np.load(HERE / "features" / "cells.npy")[chosen][:, :, None]
    labels, folds, scenes = train.part.labels[chosen], train.folds[chosen], train.part.scenes[chosen]
    data = TrainingSet(views, labels, folds, train.classes, scenes)
    started, said = time.perf_counter(), []
    for seed in PARAMS["maps"]["seeds"].get(args.name, PARAMS["seeds"]):
        params = params.model_copy(update={"seed": seed})
        found = calibration.calibrate(heads.train_by_steps(data, params), labels, params)
        said.append((found.out_of_fold.astype(np.float32), corrupted(found, data, cells), str(found.threshold)))
    note_seconds(args.name, (time.perf_counter() - started) / len(said))
    clean, under, threshold = map(np.stack, zip(*said, strict=True))
    with files.replacing(args.out) as path, path.open("wb") as file:
        np.savez(file, clean=clean, corrupted=under, threshold=threshold)


def corrupted(found: Calibrated, data: TrainingSet, cells: np.ndarray) -> np.ndarray:
    """Return what the head of each photo's fold says of it in each way of `cells` (n, each, ...), float32 (n, each,
    classes)."""
    said = np.empty((*cells.shape[:2], data.classes), np.float32)
    for fold, head in found.fold_heads.items():
        for number in np.flatnonzero(data.folds == int(fold)):
            said[number] = head.probabilities(cells[number])
    return said


if __name__ == "__main__":
    run(main)
