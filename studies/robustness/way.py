"""way: what one way to train says of photos as they are, and corrupted. Usage: way.py NAME --out FILE

Written, with each of the study's seeds: `clean` float32 (seeds, n, classes) and `corrupted` float32 (seeds, n, each,
classes), probabilities by the head of the fold that has not seen the photo's scene; `threshold` (seeds,) of "not sure".
How long a seed took goes into timings.json.
"""

import argparse
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from common import HERE, PARAMS, ROOT, SPLIT, note_seconds, store

from sortline._core import files, runtime
from sortline._core.errors import run
from sortline.config.base import load
from sortline.config.training import TrainHeadParams
from sortline.data import prepared
from sortline.features.store import FeatureStore
from sortline.training import calibration, heads
from sortline.training.calibration import Calibrated
from sortline.training.results import TrainingSet


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args(argv)
    way = PARAMS["ways"][args.name]
    line = load(PARAMS["task"], "train_head", TrainHeadParams, ROOT / "params.yaml")
    params = TrainHeadParams(**(line.model_dump() | way.get("train_head", {})))
    runtime.prepare(params.seed)
    data = read(way, params)
    cells = np.load(HERE / "features" / "cells.npy")
    started, said = time.perf_counter(), []
    for seed in PARAMS["seeds"]:
        params = params.model_copy(update={"seed": seed})
        found = calibration.calibrate(heads.train_by_steps(data, params), data.labels, params)
        said.append((found.out_of_fold.astype(np.float32), corrupted(found, data, cells), str(found.threshold)))
    note_seconds(args.name, (time.perf_counter() - started) / len(said))
    clean, under, threshold = map(np.stack, zip(*said, strict=True))
    with files.replacing(args.out) as path, path.open("wb") as file:
        np.savez(file, clean=clean, corrupted=under, threshold=threshold)


def read(way: dict, params: TrainHeadParams) -> TrainingSet:
    """Return the line's train photos with the views of `way`."""
    split = files.read_csv(SPLIT)
    data = heads.read(split, prepared.read_classes(SPLIT.with_name("classes.json")), store().folder, params)
    rows = prepared.read_part(SPLIT, "train").rows
    kept = way.get("line", data.features.shape[1])
    kept_of = slice(1, 1 + way.get("take", data.features.shape[1]))
    stores = [FeatureStore(HERE / "features" / name) for name in way.get("views", [])]
    more = [one.read("pooled", len(split))[rows][:, kept_of] for one in stores]
    return replace(data, features=np.concatenate([data.features[:, :kept], *more], 1))


def corrupted(found: Calibrated, data: TrainingSet, cells: np.ndarray) -> np.ndarray:
    """Return what the head of each photo's fold says of its corrupted features, float32 (n, each, classes)."""
    said = np.empty((*cells.shape[:2], data.classes), np.float32)
    for fold, head in found.fold_heads.items():
        inside = data.folds == int(fold)
        said[inside] = head.probabilities(cells[inside][:, :, None])
    return said


if __name__ == "__main__":
    run(main)
