"""The curves of a training, of a head or a net: as a table, as charts, and as lines for people."""

from collections.abc import Sequence
from pathlib import Path

from sortline._core import files
from sortline.evaluation import metrics
from sortline.report import figures

Curve = Sequence[dict[str, float]]
HELD = {"oof": "out of fold", "val": "validation"}  # columns begin so: the photos that were not trained on
TRAINED_BY = {"mse": "squared error", "gce": "generalised cross-entropy", "bootstrapped": "bootstrapped cross-entropy"}
TRAIN = {"oof": "train, mean of the folds'", "val": "train (as augmented)"}


def draw(
    curve: Curve, plots: Path, train_n: int, held_n: int, minimum: float | None, trained_by: str = "cross_entropy"
) -> None:
    """Write curves.csv, loss.png, accuracy.png and, of a net, lr.png into the existing folder `plots`.

    `minimum`: the lowest loss that the targets of training allow; 0 or None: nothing worth a line. `trained_by`: the
    loss of training; the held-out one is a log-loss either way.
    """
    write(curve, plots)
    held = "oof" if "oof_loss" in curve[0] else "val"
    column = {key: [row[key] for row in curve] for key in curve[0]}
    name = {"oof": "train (smoothed targets)" if minimum else "train", "val": "train (as augmented)"}[held]
    loss = {name: column["train_loss"], f"{HELD[held]} (log-loss)": column[f"{held}_loss"]}
    title = f"Loss, n = {train_n:,} photos" if held == "oof" else f"Loss, n = {train_n:,} train, {held_n:,} validation"
    level = ("minimum for these targets", minimum) if minimum else None
    unit = (
        "cross-entropy, nats" if trained_by == "cross_entropy" else f"train: {TRAINED_BY[trained_by]}; log-loss, nats"
    )
    figures.curves(loss, "epoch", unit, plots / "loss.png", title, level)
    accuracy = {HELD[held]: column[f"{held}_accuracy"], TRAIN[held]: column["train_accuracy"]}
    title = f"Accuracy, n = {held_n:,} photos {'out of fold' if held == 'oof' else 'of validation'}"
    figures.curves(accuracy, "epoch", "accuracy", plots / "accuracy.png", title, gap=True)
    if held == "val":
        figures.curves({"last of the epoch": column["lr"]}, "epoch", "learning rate", plots / "lr.png", "Learning rate")


def draw_selection(curve: Curve, plots: Path, n: int, chosen: float) -> None:
    """Write curves.csv and curves.png, the out-of-fold accuracy of each C of L-BFGS, into the folder `plots`."""
    write(curve, plots)
    scores = [row["oof_accuracy"] for row in curve]
    errors = [(high - low) / 2 for low, high in (metrics.wilson(round(score * n), n) for score in scores)]
    title = f"L-BFGS head: C against out-of-fold accuracy, n = {n:,}"
    figures.selection([row["c"] for row in curve], scores, errors, chosen, plots / "curves.png", title=title)


def write(curve: Curve, plots: Path) -> None:
    columns = list(curve[0])
    files.write_csv(plots / "curves.csv", columns, ([f"{row[key]:.6g}" for key in columns] for row in curve))


def log_text(curve: Curve, minimum: float | None) -> str:
    """Return a line an epoch of a head's training."""
    lowest = f" (minimum {minimum:.3f})" if minimum else ""
    return "".join(
        f"epoch {row['epoch']:3.0f}/{len(curve)}  rate {row['lr']:<9.3g}  loss {row['train_loss']:.4f}{lowest}  "
        f"out of fold: loss {row['oof_loss']:.4f}, {100 * row['oof_accuracy']:.2f} % correct  "
        f"train: {100 * row['train_accuracy']:.2f} %\n"
        for row in curve
    )
