"""noisy: what losses are worth where labels of train are wrong, scored by the true ones, out of fold.

Usage: noisy.py --out FILE --table FILE --figure FILE
"""

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from common import PARAMS, ROOT, interval
from matplotlib.ticker import PercentFormatter
from way import read

from sortline._core import files, runtime
from sortline._core.errors import run
from sortline.config.base import load
from sortline.config.training import TrainHeadParams
from sortline.evaluation import comparison, metrics
from sortline.report.figures.style import SERIES, figure_at
from sortline.training import heads
from sortline.training.results import TrainingSet

BASE = "cross_entropy"


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for option in ("--out", "--table", "--figure"):
        parser.add_argument(option, type=Path, required=True)
    args = parser.parse_args(argv)
    line = load(PARAMS["task"], "train_head", TrainHeadParams, ROOT / "params.yaml")
    runtime.prepare(line.seed)
    data = replace(read({}, line), photo_folds=None)  # nothing is asked of folds that part scenes
    right = dict(answers(data, line))
    files.write_metrics(args.out, {"losses": scored(right, data.groups), "tried": len(PARAMS["losses"]) - 1})
    rows = files.read_json(args.out)["losses"]
    files.write_text(args.table, "\n".join(table(rows)) + "\n")
    draw(rows, args.figure)


def answers(data: TrainingSet, line: TrainHeadParams) -> Iterator[tuple[tuple[str, float], np.ndarray]]:
    """Yield (loss, share flipped) with which photos are answered correctly, bool (seeds, n)."""
    for name, changes in PARAMS["losses"].items():
        for share in PARAMS["flipped"]:
            found = []
            for seed in PARAMS["seeds"]:
                params = TrainHeadParams(**(line.model_dump() | changes | {"seed": seed}))
                wrong = replace(data, labels=flipped(data.labels, data.groups, share, data.classes, seed))
                found.append(heads.train_by_steps(wrong, params).out_of_fold.argmax(1) == data.labels)
            yield (name, share), np.stack(found)


def flipped(labels: np.ndarray, scenes: np.ndarray, share: float, classes: int, seed: int) -> np.ndarray:
    """Return `labels` of which at most `share` are another class's: all photos of a scene, as copies come with the
    label of what they are copied from."""
    random = np.random.default_rng(seed)
    _, scene, sizes = np.unique(scenes, return_inverse=True, return_counts=True)
    order = random.permutation(len(sizes))
    chosen = np.zeros(len(sizes), bool)
    chosen[order] = np.cumsum(sizes[order]) <= share * len(labels)
    shift = np.where(chosen, random.integers(1, classes, len(sizes)), 0)
    return (labels + shift[scene]) % classes


def scored(right: dict[tuple[str, float], np.ndarray], scenes: np.ndarray) -> dict[str, dict[str, Any]]:
    """Return each loss's accuracy on the true labels by the share flipped, and how it differs from cross-entropy's."""
    rows: dict[str, dict[str, Any]] = {name: {} for name, _ in right}
    for (name, share), seeds in right.items():
        row = metrics.share_by_scene(seeds.mean(0), scenes) | {"accuracy_seeds": seeds.mean(1).tolist()}
        if name != BASE:
            row["against"] = comparison.paired_by_scene(right[BASE, share].mean(0), seeds.mean(0), scenes)
        rows[name][f"{share:g}"] = row
    every = [row["against"] for some in rows.values() for row in some.values() if "against" in row]
    for row, p in zip(every, comparison.holm([row["p"] for row in every]), strict=True):
        row["p_holm"] = p
    return rows


def table(rows: dict[str, dict[str, Any]]) -> list[str]:
    shares = [f"{share:g}" for share in PARAMS["flipped"]]
    titles = [f"{100 * float(share):g} % wrong" for share in shares]
    columns = ["loss", *(cell for title in titles for cell in (f"{title}, % [95 %]", "points [95 %]", "p, Holm"))]
    lines = [f"| {' | '.join(columns)} |", "|" + " --- |" * len(columns)]
    for name in PARAMS["losses"]:
        cells = [name]
        for row in (rows[name][share] for share in shares):
            cells += [interval(row, "accuracy", ""), "", ""]
            if against := row.get("against"):
                cells[-2:] = [interval(against, "difference", "+"), comparison.show_p(against["p_holm"])]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def draw(rows: dict[str, dict[str, Any]], path: Path) -> None:
    """Draw each loss's accuracy with its interval against the share of wrong labels."""
    with figure_at(path, 5.2, 3.2) as figure:
        axes = figure.subplots()
        for number, name in enumerate(PARAMS["losses"]):
            x = np.array([float(share) for share in rows[name]]) + 0.0015 * (number - (len(rows) - 1) / 2)
            low, high = ([row[end] for row in rows[name].values()] for end in ("low", "high"))
            axes.vlines(x, low, high, color=SERIES[number], linewidth=1.2)
            scores = [row["accuracy"] for row in rows[name].values()]
            axes.plot(x, scores, "o-", color=SERIES[number], markersize=4, label=name)
        axes.set(xlabel="train labels that are wrong", ylabel="accuracy on scenes not seen")
        axes.set_xticks(PARAMS["flipped"])
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(PercentFormatter(1))
        axes.grid(axis="y")
        axes.legend(loc="lower left")


if __name__ == "__main__":
    run(main)
