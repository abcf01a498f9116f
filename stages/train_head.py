"""train_head: train a head on the cached features; score it out of fold.

Reads the features and `split.csv`; writes `best.safetensors`, `last.safetensors`, `head.json`, a line an epoch for
people (`log.txt`) and the out-of-fold probabilities, the curves, and `train.json`. Params: `<task>.train_head`.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from sortline._core import files, runtime
from sortline._core.errors import UserError, run
from sortline.config.base import load
from sortline.config.training import FOR_LBFGS, TrainHeadParams
from sortline.data import prepared
from sortline.evaluation import metrics
from sortline.features import store
from sortline.features.heads import save_heads
from sortline.report import figures
from sortline.training import calibration
from sortline.training.fit_heads import Trained, TrainingSet, train_by_steps


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("task")
    for option in ("--prepared", "--features", "--out", "--plots", "--metrics"):
        parser.add_argument(option, type=Path, required=True)
    args = parser.parse_args(argv)
    params = load(args.task, "train_head", TrainHeadParams)
    runtime.prepare(params.seed)
    data = read(args.prepared, args.features, params)
    trained = train(data, params)
    temperature = calibration.fit_temperature(data.labels, trained.out_of_fold) if params.calibrate else 1.0
    heads = {name: calibration.tempered(head, temperature) for name, head in trained.heads.items()}
    tempered = calibration.temper(trained.out_of_fold, temperature)
    threshold = params.reject_accuracy and calibration.reject_threshold(data.labels, tempered, params.reject_accuracy)

    with files.replacing(args.out) as out:
        out.mkdir()
        about = {"checkpoint": trained.checkpoint, "solver": params.optimizer, "dataset": data.dataset}
        save_heads(out, heads, about | {"threshold": threshold})
        np.save(out / "out_of_fold.npy", tempered.astype(np.float32))
        if trained.curve_x == "epoch":
            rows = (line(row, len(trained.curve), trained.floor) for row in trained.curve)
            files.write_text(out / "log.txt", "".join(f"{row}\n" for row in rows))
    with files.replacing(args.plots) as plots:
        plots.mkdir()
        draw(trained, data, plots)
    result = summary(trained, data, params, temperature) | metrics.answered(data.labels, tempered, threshold)
    files.write_metrics(args.metrics, result | {"dataset": data.dataset})


def train(data: TrainingSet, params: TrainHeadParams) -> Trained:
    if params.optimizer != "lbfgs":
        return train_by_steps(data, params)
    from sortline.training.lbfgs import train_lbfgs  # scikit-learn takes a second to load

    return train_lbfgs(data, params)


def read(folder: Path, features: Path, params: TrainHeadParams) -> TrainingSet:
    """Return the train rows of the features; refuse views that were not extracted."""
    split = files.read_csv(folder / "split.csv")
    stored = store.read(features, len(split), what="maps" if params.pooling == "attention" else "pooled")
    if (params.views or 0) > stored.shape[1]:
        raise UserError(
            f"params.yaml: train_head.views is {params.views}, but the features hold {stored.shape[1]} "
            "(prepare.views.count; one with extract.pool: none)"
        )
    rows = np.flatnonzero([row["split"] == "train" for row in split])
    labels, folds, groups = (np.array([int(split[i][key]) for i in rows]) for key in ("label", "fold", "group"))
    classes = prepared.read_classes(folder / "classes.json")
    dataset = files.read_json(features / "features.json")["dataset"]
    return TrainingSet(stored[rows], labels, folds, len(classes.names), groups, classes.bin_of, dataset)


def summary(trained: Trained, data: TrainingSet, params: TrainHeadParams, temperature: float) -> dict[str, Any]:
    correct = trained.out_of_fold.argmax(1) == data.labels
    score = metrics.share(correct)
    per_fold = [correct[data.folds == fold].mean() for fold in data.fold_numbers]
    chosen = {key for key in params.chosen_on_folds if params.optimizer != "lbfgs" or key in FOR_LBFGS}
    return trained.facts | {
        "split": "out of fold, folds of train grouped by duplicates",
        "solver": params.optimizer,
        "head": (f"one hidden layer of {params.hidden}" if params.hidden else "linear") + f", on the {params.pooling}",
        "checkpoint": trained.checkpoint,
        "cv_accuracy": score["accuracy"],
        "cv_accuracy_low": score["low"],
        "cv_accuracy_high": score["high"],
        "cv_n": score["n"],
        "cv_std": float(np.std(per_fold, ddof=1)),
        "folds": len(per_fold),
        "cv_log_loss": metrics.log_loss(data.labels, trained.out_of_fold),
        # The temperature was fitted on these very predictions.
        "cv_log_loss_tempered": metrics.log_loss(data.labels, calibration.temper(trained.out_of_fold, temperature)),
        "temperature": temperature,
        "selected_on_folds": sorted({*trained.selected, *chosen}),
        "views": params.views or data.features.shape[1],
    }


def line(row: dict[str, float], epochs: int, floor: float | None) -> str:
    """Return what a person wants to see of an epoch."""
    least = f" (least {floor:.3f})" if floor else ""
    return (
        f"epoch {row['epoch']:3.0f}/{epochs}  rate {row['lr']:<9.3g}  loss {row['train_loss']:.4f}{least}  "
        f"out of fold: loss {row['oof_loss']:.4f}, {100 * row['oof_accuracy']:.2f} % right"
    )


def draw(trained: Trained, data: TrainingSet, plots: Path) -> None:
    curve, n = trained.curve, len(data.labels)
    columns = list(curve[0])
    files.write_csv(plots / "curves.csv", columns, ([f"{row[key]:.6g}" for key in columns] for row in curve))
    scores = [row["oof_accuracy"] for row in curve]
    if trained.curve_x == "c":
        intervals = [metrics.wilson(round(score * n), n) for score in scores]
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
    floor = ("least for these targets", trained.floor) if trained.floor else None
    series = {
        "train (smoothed targets)" if trained.floor else "train": [row["train_loss"] for row in curve],
        "out of fold (log-loss)": [row["oof_loss"] for row in curve],
    }
    figures.curves(series, "epoch", "cross-entropy, nats", plots / "loss.png", f"Loss, n = {n:,} photos", floor)
    title = f"Out-of-fold accuracy, n = {n:,} photos"
    figures.curves({"out of fold": scores}, "epoch", "accuracy", plots / "accuracy.png", title)


if __name__ == "__main__":
    run(main)
