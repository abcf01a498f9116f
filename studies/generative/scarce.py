"""scarce: what features that are made up are worth where half of the classes have few photos.

Usage: scarce.py WAY --out FILE. Written: bool (seeds, n), which train photos are right, each by a head that was trained
on the photos of the other folds; of every other class it had a few of them, the same in every way.
"""

import argparse
from collections import deque
from pathlib import Path

import numpy as np
from common import PARAMS, ROOT, scarce

from sortline._core import files, runtime
from sortline._core.errors import run
from sortline.config.base import load
from sortline.config.training import TrainHeadParams
from sortline.data import prepared
from sortline.training import heads
from sortline.training.generated import with_generated
from sortline.training.head_graph import HeadNet
from sortline.training.results import TrainingSet

OURS = PARAMS["scarce"]


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("way", choices=OURS["ways"])
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args(argv)
    line = load(OURS["task"], "train_head", TrainHeadParams, ROOT / "params.yaml").model_dump() | OURS["head"]
    params = TrainHeadParams(**line | {"generated": line["generated"] | {"by": args.way}})
    runtime.prepare(params.seed)
    folder = ROOT / "data" / "prepared" / OURS["task"]
    split, classes = files.read_csv(folder / "split.csv"), prepared.read_classes(folder / "classes.json")
    data = heads.read(split, classes, ROOT / "data" / "features" / OURS["task"], params)
    right = np.stack([right_of(data, params.model_copy(update={"seed": seed})) for seed in OURS["seeds"]])
    print(f"{args.way}: {right.mean():.2%}, of the scarce classes {right[:, scarce(data.labels)].mean():.2%}")
    with files.replacing(args.out) as path, path.open("wb") as file:
        np.save(file, right)


def right_of(data: TrainingSet, params: TrainHeadParams) -> np.ndarray:
    folds = data.fold_numbers
    masks = np.stack([kept(data, fold, params.seed) for fold in folds], 1)
    features, photo = heads.training_rows(data, params)
    net = HeadNet(features.shape[-1], data.classes, params.pooling)
    rows, photo, seen, recipe = with_generated(features, photo, masks, data.labels, params)
    targets = heads.targets_of(data, params)[photo]
    (last,) = deque(heads.epochs(rows, targets, seen, net, recipe), maxlen=1)
    right = np.empty(len(data.labels), bool)
    for model, fold in enumerate(folds):
        held = data.folds == fold
        right[held] = net.head(last.parameters, model).logits(data.features[held, 0]).argmax(1) == data.labels[held]
    return right


def kept(data: TrainingSet, fold: int, seed: int) -> np.ndarray:
    """Return the photos that the head of a fold learns from, bool (n,)."""
    random = np.random.default_rng([seed, fold])
    mask = (data.folds != fold) & ~scarce(data.labels)
    for label in np.unique(data.labels[scarce(data.labels)]):
        rows = np.flatnonzero((data.folds != fold) & (data.labels == label))
        mask[random.choice(rows, OURS["kept"], replace=False)] = True
    return mask


if __name__ == "__main__":
    run(main)
