"""scores: what every value is worth, and how much choosing flatters. Usage: scores.py --right FOLDER --out FOLDER"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from common import HERE, PARAMS, training_set

from sortline._core import files
from sortline._core.errors import run
from sortline.config.training import TrainHeadParams
from sortline.evaluation import comparison, metrics


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for option in ("--right", "--out"):
        parser.add_argument(option, type=Path, required=True)
    args = parser.parse_args(argv)
    base = np.load(HERE / "base.npy")
    sets = [training_set(None, seed, TrainHeadParams()) for seed in PARAMS["seeds"]]
    scenes, folds = sets[0].groups, np.array([data.folds for data in sets])
    knobs = {}
    for knob in PARAMS["knobs"]:
        with np.load(args.right / f"{knob}.npz") as found:
            knobs[knob] = {value: found[value] for value in PARAMS[knob]}
    scores = {
        knob: {value: score(right, base, scenes) for value, right in rows.items()} for knob, rows in knobs.items()
    }
    tried = [row for knob, rows in scores.items() for value, row in rows.items() if PARAMS[knob][value]]
    for row, p in zip(tried, comparison.holm([row["p"] for row in tried]), strict=True):
        row["p_holm"] = p
    others = [knobs[knob][value] for knob in knobs for value, changes in PARAMS[knob].items() if changes]
    with files.replacing(args.out) as out:
        out.mkdir()
        for knob, rows in scores.items():
            (default,) = [value for value, changes in PARAMS[knob].items() if not changes]
            content = {"knob": knob, "default": default, "values": rows, "order": list(rows), "tried": len(tried)}
            files.write_metrics(out / f"{knob}.json", content)
        files.write_metrics(out / "nested.json", nested(np.array([base, *others]), folds, scenes))


def score(right: np.ndarray, base: np.ndarray, scenes: np.ndarray) -> dict[str, Any]:
    """Return the accuracy over the seeds with its interval by scene, and the paired difference from `base`.

    The difference is of each photo's share of right answers over the seeds; its 95 % interval and p are by scene.
    """
    share = metrics.share_by_scene(right.mean(0), scenes)
    return {
        **metrics.named(share, "accuracy", "n"),
        "by_seed": [float(one.mean()) for one in right], "std_over_seeds": float(right.mean(1).std(ddof=1)),
        **comparison.paired_by_scene(base.mean(0), right.mean(0), scenes),
    }  # fmt: skip


def nested(right: np.ndarray, folds: np.ndarray, scenes: np.ndarray) -> dict[str, Any]:
    """Return the accuracy when the best setting of the other folds is scored on each fold, and that of the best of all.

    `right` bool (settings, seeds, n), `folds` int (seeds, n). `flattered` is how much better the best looks, on the
    folds that it was chosen on, than a setting chosen without the fold that it is scored on.
    """
    settings, seeds, n = right.shape
    taken, best = np.zeros((seeds, n), bool), np.zeros((seeds, n), bool)
    for seed in range(seeds):
        best[seed] = right[right[:, seed].mean(1).argmax(), seed]
        for fold in np.unique(folds[seed]):
            held = folds[seed] == fold
            taken[seed, held] = right[right[:, seed][:, ~held].mean(1).argmax(), seed][held]
    return {
        "settings": settings,
        **metrics.named(metrics.share_by_scene(taken.mean(0), scenes), "accuracy", "n"),
        **metrics.named(metrics.share_by_scene(best.mean(0), scenes), "best_accuracy"),
        "flattered": float(best.mean() - taken.mean()),
    }


if __name__ == "__main__":
    run(main)
