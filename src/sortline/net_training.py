"""Training a net on pictures that are held in memory, its epoch chosen on the validation part; checkpoints, curves."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from mindspore import nn
from tqdm import tqdm

from sortline import figures, files, fit_net, measure
from sortline.data.augment import Distortion
from sortline.data.crops import Crops
from sortline.errors import UserError
from sortline.heads import softmax
from sortline.nets import small
from sortline.nets.photo_net import PhotoNet
from sortline.params.train import TrainParams
from sortline.smoothing import smoothing_floor

RECIPE = (
    "optimizer", "lr", "schedule", "warmup_epochs", "lr_end", "decay_rate", "decay_epochs", "momentum", "beta2",
    "weight_decay", "clip_norm", "label_smoothing", "batch_size", "epochs", "seed",
)  # fmt: skip


@dataclass(frozen=True)
class Pictures:
    """Pictures uint8 (n, S, S), in colour (n, S, S, 3), and labels int (n,) to train on; those to validate with."""

    images: np.ndarray
    labels: np.ndarray
    val_images: np.ndarray
    val_labels: np.ndarray
    classes: int


@dataclass(frozen=True)
class TrainedNet:
    """What a training left: head.json's content, a row of the curves an epoch, the used checkpoint's answers on val.

    `floor`: the least training loss that smoothed targets allow, None without smoothing.
    """

    about: dict[str, Any]
    curve: list[dict[str, float]]
    val_logits: np.ndarray
    floor: float | None = None


def read(split: Sequence[dict[str, str]], pictures: np.ndarray, classes: int) -> Pictures:
    """Take the train and the val rows of split.csv; `pictures` as in `Pictures`."""
    labels = np.array([int(row["label"]) for row in split])
    train, val = (np.flatnonzero([row["split"] == part for row in split]) for part in ("train", "val"))
    return Pictures(pictures[train], labels[train], pictures[val], labels[val], classes)


def train(data: Pictures, params: TrainParams, out: Path) -> TrainedNet:
    """Train the net; write best, last, and the latest `keep` of every `every` epochs as safetensors into folder `out`.

    The best epoch is that of the highest accuracy on the validation part, then of the lowest log-loss there. Raises
    `UserError` where the pictures' size is not the net's, and where the training diverges.
    """
    net = small.build(params.net, data.classes, params.net_options())
    side = data.images.shape[1]
    _check_pictures(net, data.images, params.net)
    small.initialise(net, params.seed)
    answer = small.predictor(net)
    recipe = fit_net.Recipe(**{key: getattr(params, key) for key in RECIPE})
    change = Crops(**params.crops.model_dump()) if data.images.ndim == 4 else Distortion(**params.augment.model_dump())
    curve: list[dict[str, float]] = []
    used, best = {}, 0
    epochs = fit_net.train(net, data.images, data.labels, data.classes, recipe, change)
    bar = tqdm(epochs, total=params.epochs, desc=f"train {params.net}", unit="epoch", disable=None)
    for epoch in bar:
        logits = answer(data.val_images)
        curve.append(_row(epoch, logits, data.val_labels))
        best = min(range(len(curve)), key=lambda i: (-curve[i]["val_accuracy"], curve[i]["val_loss"]))
        arrays = small.values(net)
        if epoch.number % params.every == 0:
            small.write(out / checkpoint_file(epoch.number), arrays)
            (out / checkpoint_file(epoch.number - params.keep * params.every)).unlink(missing_ok=True)
        for name in ("last", "best") if best == len(curve) - 1 else ("last",):
            small.write(out / f"{name}.safetensors", arrays)
            used[name] = epoch.number, logits
        bar.set_postfix_str(f"val {curve[-1]['val_accuracy']:.2%}")
        if params.patience and len(curve) - 1 - best >= params.patience:
            break
    number, logits = used[params.checkpoint]
    about = {
        "net": params.net,
        "options": params.net_options(),
        "classes": data.classes,
        "image_size": side,
        "checkpoint": params.checkpoint,
        "epoch": number,
        "threshold": None,
    }
    floor = smoothing_floor(data.classes, params.label_smoothing) if params.label_smoothing else None
    return TrainedNet(about, curve, logits, floor)


def _check_pictures(net: nn.Cell, images: np.ndarray, name: str) -> None:
    photos, side = isinstance(net, PhotoNet), images.shape[1]
    if photos != (images.ndim == 4):
        raise UserError(f"params.yaml: train.net {name} needs extract.colour: {str(photos).lower()}")
    if photos and side % 32:
        raise UserError(
            f"params.yaml: train.net {name} takes pictures of 32 pixels or a multiple, extract.image_size is {side}"
        )
    if not photos and side != net.image_size:
        raise UserError(
            f"params.yaml: train.net {name} takes pictures of {net.image_size} x {net.image_size} pixels, "
            f"extract.image_size is {side}"
        )


def checkpoint_file(epoch: int) -> str:
    return f"epoch-{epoch:05d}.safetensors"


def _row(epoch: fit_net.Epoch, logits: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    return {
        "epoch": epoch.number,
        "lr": epoch.lr,
        "train_loss": epoch.loss,
        "val_loss": measure.log_loss(labels, softmax(logits)),
        "val_accuracy": float((logits.argmax(1) == labels).mean()),
    }


def metrics(trained: TrainedNet, data: Pictures, params: TrainParams) -> dict[str, Any]:
    """Return the content of metrics/<task>/train.json."""
    score = measure.share(trained.val_logits.argmax(1) == data.val_labels)
    net = small.build(params.net, data.classes, params.net_options())
    return {
        "split": "validation part" + ("; the epoch was chosen on it" if params.checkpoint == "best" else ""),
        "net": params.net,
        "parameters": sum(small.layer_parameters(net).values()),
        "optimizer": params.optimizer,
        "schedule": params.schedule,
        "checkpoint": params.checkpoint,
        "epoch": trained.about["epoch"],
        "epochs_run": len(trained.curve),
        "train_n": len(data.labels),
        "val_accuracy": score["accuracy"],
        "val_accuracy_low": score["low"],
        "val_accuracy_high": score["high"],
        "val_n": score["n"],
        "val_log_loss": measure.log_loss(data.val_labels, softmax(trained.val_logits)),
        "threshold": None,
        "selected_on_val": ["epoch"] if params.checkpoint == "best" else [],
    }


def draw(trained: TrainedNet, data: Pictures, plots: Path) -> None:
    """Write curves.csv, loss.png, accuracy.png and lr.png into the existing folder `plots`."""
    columns = list(trained.curve[0])
    files.write_csv(plots / "curves.csv", columns, ([f"{row[key]:.6g}" for key in columns] for row in trained.curve))

    def series(key: str) -> list[float]:
        return [row[key] for row in trained.curve]

    n, held = len(data.labels), len(data.val_labels)
    floor = trained.floor and ("least for smoothed targets", trained.floor)
    loss = {"train (as augmented)": series("train_loss"), "validation": series("val_loss")}
    title = f"Loss, n = {n:,} train, {held:,} validation"
    figures.curves(loss, "epoch", "cross-entropy, nats", plots / "loss.png", title, floor)
    accuracy = {"validation": series("val_accuracy")}
    figures.curves(accuracy, "epoch", "accuracy", plots / "accuracy.png", f"Validation accuracy, n = {held:,}")
    figures.curves({"last of the epoch": series("lr")}, "epoch", "learning rate", plots / "lr.png", "Learning rate")
