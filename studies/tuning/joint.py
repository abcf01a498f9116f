"""joint: every combination of a few knobs; heads and views averaged. Usage: joint.py --out FILE"""

import argparse
import itertools
import time
from pathlib import Path
from typing import Any

import numpy as np
from common import HERE, PARAMS, correct, note_time, score, trained
from tqdm import tqdm

from sortline._core import files, runtime
from sortline._core.errors import run


def averaged(members: list[dict[str, Any]]) -> np.ndarray:
    """Return which photos the mean of several heads' out-of-fold probabilities gets right, bool (seeds, n)."""
    right = []
    for seed in PARAMS["seeds"]:
        results = [trained(changes, seed) for changes in members]
        labels = results[0][1].labels
        right.append(np.mean([result.out_of_fold for result, _ in results], 0).argmax(1) == labels)
    return np.array(right)


def view_averaged() -> np.ndarray:
    """Return which photos are right when a photo's probabilities are the mean over all its views, bool (seeds, n)."""
    right = []
    for seed in PARAMS["seeds"]:
        result, data = trained({}, seed)
        answers = np.empty(len(data.labels), int)
        for fold, head in zip(data.fold_numbers, result.fold_heads, strict=True):
            mask = data.folds == fold
            views = np.moveaxis(data.features[mask], 1, 0)
            answers[mask] = np.mean([head.probabilities(view) for view in views], 0).argmax(1)
        right.append(answers == data.labels)
    return np.array(right)


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args(argv)
    started = time.perf_counter()
    runtime.prepare(1)
    base, grid = np.load(HERE / "base.npy"), PARAMS["joint"]
    combinations = [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]
    rows = [{**one, **score(correct(one), base)} for one in tqdm(combinations, desc="joint", disable=None)]
    together = {
        "the mean over the four views": view_averaged(),
        "heads at 224 and 288 pixels": averaged([{}, {"features": "288px"}]),
        "heads on the mean and on the maximum": averaged([{}, {"pooling": "max", "lr": 0.01}]),
    }
    scores = {name: score(right, base) for name, right in together.items()}
    files.write_metrics(args.out, {"combinations": rows, "together": scores, "base": score(base, base)})
    note_time("joint", started)


if __name__ == "__main__":
    run(main)
