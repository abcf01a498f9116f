"""simulate: what a head gets right as more and more photos are labelled. Usage: simulate.py WAY --out FILE

The file holds bool (seeds, numbers of labels and all, n): which train photos are right, each by a head that was trained
on labelled photos of the other four folds. All ways start with the same photos.
"""

import argparse
from pathlib import Path

import numpy as np
from tqdm import tqdm

from sortline._core import files, runtime
from sortline._core.errors import run
from sortline.config.base import read_yaml
from sortline.config.training import TrainHeadParams
from sortline.data import prepared
from sortline.features.heads import Head, dropped
from sortline.review.ranking import rank
from sortline.training import heads
from sortline.training.lbfgs import fit_head
from sortline.training.results import TrainingSet

HERE = Path(__file__).parent
PARAMS = read_yaml(HERE / "params.yaml")
LINE = HERE.parents[1] / "data"


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("way", choices=("random", "scenes", "ranked"))
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args(argv)
    runtime.prepare(1)
    params = TrainHeadParams(**PARAMS["head"])
    folder = LINE / "prepared" / PARAMS["task"]
    split, classes = files.read_csv(folder / "split.csv"), prepared.read_classes(folder / "classes.json")
    data = heads.read(split, classes, LINE / "features" / PARAMS["task"], params)
    right = np.zeros((len(PARAMS["seeds"]), len(PARAMS["labelled"]) + 1, len(data.labels)), bool)
    with tqdm(total=len(right) * len(data.fold_numbers), desc=args.way, unit="fold", disable=None) as bar:
        for place, seed in enumerate(PARAMS["seeds"]):
            for fold in data.fold_numbers:
                held = np.flatnonzero(data.folds == fold)
                right[place][:, held] = labelling(args.way, data, params, held, seed)
                bar.update()
    with files.replacing(args.out) as path, path.open("wb") as file:
        np.save(file, right)


def labelling(way: str, data: TrainingSet, params: TrainHeadParams, held: np.ndarray, seed: int) -> np.ndarray:
    """Return what is right of the photos `held` out at each number of labels, bool (numbers, len(held))."""
    plain = data.features[:, :1]
    random = np.random.default_rng([seed, int(data.folds[held[0]])])
    order = random.permutation(np.setdiff1d(np.arange(len(data.labels)), held))
    counts = [*PARAMS["labelled"], len(order)]
    labelled, right = order[: counts[0]], []
    for count, after in zip(counts, [*counts[1:], None], strict=True):
        rows = np.sort(labelled)
        head = fit_head(plain[rows, 0, 0], data.labels[rows], data.classes, params)
        right.append(head.logits(plain[held, 0]).argmax(1) == data.labels[held])
        if after:
            left = order[~np.isin(order, labelled)]
            more = choose(way, head, data, left, labelled, after - count, seed)
            labelled = np.concatenate((labelled, more))
    return np.array(right)


def choose(
    way: str, head: Head, data: TrainingSet, left: np.ndarray, labelled: np.ndarray, count: int, seed: int
) -> np.ndarray:
    """Return `count` of the photos that are `left`, in random order, to be labelled next."""
    if way == "random":
        return left[:count]
    if way == "scenes":
        scenes = data.groups[left]
        again = np.isin(scenes, data.groups[labelled])
        again[np.setdiff1d(np.arange(len(left)), np.unique(scenes, return_index=True)[1])] = True
        return left[np.argsort(again, kind="stable")[:count]]
    features = data.features[left, 0]
    return left[rank(dropped(head, features, seed=seed), features[:, 0], count, seed).chosen]


if __name__ == "__main__":
    run(main)
