"""way: what one way to train says of photos as they are, and corrupted. Usage: way.py NAME --out FILE

Written: `clean` float32 (n, classes) and `corrupted` float32 (n, each, classes), probabilities by the head of the fold
that has not seen the photo's scene; `threshold` of "not sure".
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
from common import HERE, PARAMS, ROOT, SPLIT, store

from sortline._core import files, runtime
from sortline._core.errors import run
from sortline.config.base import load
from sortline.config.training import TrainHeadParams
from sortline.data import prepared
from sortline.features.store import FeatureStore
from sortline.training import calibration, heads


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args(argv)
    way = PARAMS["ways"][args.name]
    params = load(PARAMS["task"], "train_head", TrainHeadParams, ROOT / "params.yaml")
    runtime.prepare(params.seed)
    split = files.read_csv(SPLIT)
    data = heads.read(split, prepared.read_classes(SPLIT.with_name("classes.json")), store().folder, params)
    rows = prepared.read_part(SPLIT, "train").rows
    kept = way.get("line", data.features.shape[1])
    kept_of = slice(1, 1 + way.get("take", data.features.shape[1]))
    stores = [FeatureStore(HERE / "features" / name) for name in way["views"]]
    more = [one.read("pooled", len(split))[rows][:, kept_of] for one in stores]
    data = replace(data, features=np.concatenate([data.features[:, :kept], *more], 1))
    found = calibration.calibrate(heads.train_by_steps(data, params), data.labels, params)
    cells = np.load(HERE / "features" / "cells.npy")
    corrupted = np.empty((*cells.shape[:2], data.classes), np.float32)
    for fold, head in found.fold_heads.items():
        inside = data.folds == int(fold)
        corrupted[inside] = head.probabilities(cells[inside][:, :, None])
    with files.replacing(args.out) as path, path.open("wb") as file:
        clean = found.out_of_fold.astype(np.float32)
        np.savez(file, clean=clean, corrupted=corrupted, threshold=np.array(str(found.threshold)))


if __name__ == "__main__":
    run(main)
