"""train_head: train a linear head on the cached features; score it out of fold.

Reads the pooled features and `split.csv`; writes `best.safetensors`, `last.safetensors` and `head.json`, the curves,
and `train.json`. Params: `<task>.train_head`.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from sortline import calibration, figures, files, measure, runtime
from sortline.errors import UserError, run
from sortline.heads import save_heads
from sortline.params.base import load
from sortline.params.train_head import TrainHeadParams
from sortline.smoothing import smoothing_floor
from sortline.training import MOMENTUM_KEYS, SOLVERS, Trained, TrainingSet


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("task")
    for option in ("--prepared", "--features", "--out", "--plots", "--metrics"):
        parser.add_argument(option, type=Path, required=True)
    args = parser.parse_args(argv)
    params = load(args.task, "train_head", TrainHeadParams)
    runtime.prepare(params.seed)
    data, about = read(args.prepared, args.features, params)
    trained = SOLVERS[params.solver](data, params)
    temperature = calibration.fit_temperature(data.labels, trained.out_of_fold) if params.calibrate else 1.0
    heads = {name: calibration.tempered(head, temperature) for name, head in trained.heads.items()}

    with files.replacing(args.out) as out:
        out.mkdir()
        save_heads(out, heads, {"checkpoint": trained.checkpoint, "solver": params.solver, "dataset": about["dataset"]})
    with files.replacing(args.plots) as plots:
        plots.mkdir()
        draw(trained, data, params, plots)
    files.write_metrics(args.metrics, metrics(trained, data, params, temperature) | {"dataset": about["dataset"]})


def read(prepared: Path, features: Path, params: TrainHeadParams) -> tuple[TrainingSet, dict[str, Any]]:
    """Return the train rows of the features; refuse lengths that disagree and views that were not extracted."""
    split = files.read_csv(prepared / "split.csv")
    pooled = np.load(features / "pooled.npy", mmap_mode="r", allow_pickle=False)
    if len(split) != len(pooled):
        raise UserError(
            f"{features}: {len(pooled)} photos, but {prepared}/split.csv has {len(split)}; run `dvc repro` again"
        )
    if (params.views or 0) > pooled.shape[1]:
        raise UserError(
            f"params.yaml: train_head.views is {params.views}, but prepare.views.count is {pooled.shape[1]}"
        )
    rows = np.flatnonzero([row["split"] == "train" for row in split])
    labels, folds = (np.array([int(split[i][key]) for i in rows]) for key in ("label", "fold"))
    classes = len(files.read_json(prepared / "classes.json")["classes"])
    return TrainingSet(pooled[rows], labels, folds, classes), files.read_json(features / "features.json")


def metrics(trained: Trained, data: TrainingSet, params: TrainHeadParams, temperature: float) -> dict[str, Any]:
    correct = trained.out_of_fold.argmax(1) == data.labels
    score = measure.share(correct)
    per_fold = [correct[data.folds == fold].mean() for fold in data.fold_numbers]
    chosen = set(params.chosen_on_folds) - (set() if params.solver == "momentum" else set(MOMENTUM_KEYS))
    return trained.facts | {
        "split": "out of fold, folds of train grouped by duplicates",
        "solver": params.solver,
        "checkpoint": trained.checkpoint,
        "cv_accuracy": score["accuracy"],
        "cv_accuracy_low": score["low"],
        "cv_accuracy_high": score["high"],
        "cv_n": score["n"],
        "cv_std": float(np.std(per_fold, ddof=1)),
        "folds": len(per_fold),
        "cv_log_loss": measure.log_loss(data.labels, trained.out_of_fold),
        # The temperature was fitted on these very predictions.
        "cv_log_loss_tempered": measure.log_loss(data.labels, calibration.temper(trained.out_of_fold, temperature)),
        "temperature": temperature,
        "selected_on_folds": sorted({*trained.selected, *chosen}),
        "views": params.views or data.pooled.shape[1],
    }


def draw(trained: Trained, data: TrainingSet, params: TrainHeadParams, plots: Path) -> None:
    curve, n = trained.curve, len(data.labels)
    columns = list(curve[0])
    files.write_csv(plots / "curves.csv", columns, ([f"{row[key]:.6g}" for key in columns] for row in curve))
    scores = [row["oof_accuracy"] for row in curve]
    if trained.curve_x == "c":
        intervals = [measure.wilson(round(score * n), n) for score in scores]
        errors = [(high - low) / 2 for low, high in intervals]
        figures.selection(
            [row["c"] for row in curve],
            scores,
            errors,
            trained.facts["c"],
            plots / "curves.png",
            title=f"L-BFGS head: C against out-of-fold accuracy, n = {n:,}",
        )
        return
    floor = None
    if params.label_smoothing:
        floor = ("least for smoothed targets", smoothing_floor(data.classes, params.label_smoothing))
    series = {
        "train (smoothed targets)": [row["train_loss"] for row in curve],
        "out of fold (log-loss)": [row["oof_loss"] for row in curve],
    }
    figures.curves(series, "epoch", "cross-entropy, nats", plots / "loss.png", f"Loss, n = {n:,} photos", floor)
    title = f"Out-of-fold accuracy, n = {n:,} photos"
    figures.curves({"out of fold": scores}, "epoch", "accuracy", plots / "accuracy.png", title)


if __name__ == "__main__":
    run(main)
