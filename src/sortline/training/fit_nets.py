"""Training a net on inputs that are held in memory, its epoch chosen on the validation part; checkpoints, curves."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from mindspore import nn
from tqdm import tqdm

from sortline._core import files, graphs
from sortline._core.errors import UserError
from sortline.config.training import TrainParams
from sortline.evaluation import metrics
from sortline.features.heads import softmax
from sortline.nets import registry
from sortline.nets.photo_net import PhotoNet
from sortline.report import figures
from sortline.training import net_loop
from sortline.training.inputs import Inputs
from sortline.training.targets import smoothing_floor

RECIPE = (
    "optimizer", "lr", "schedule", "warmup_epochs", "lr_end", "decay_rate", "decay_epochs", "momentum", "beta2",
    "weight_decay", "clip_norm", "label_smoothing", "batch_size", "epochs", "seed",
)  # fmt: skip
STATISTICS = (".moving_mean", ".moving_variance")  # of batch norms: no parameters


@dataclass(frozen=True)
class Parts:
    """What there is to train on and to validate with: rows int (n,) of `inputs`, their labels int (n,)."""

    inputs: Inputs
    rows: np.ndarray
    labels: np.ndarray
    val_rows: np.ndarray
    val_labels: np.ndarray
    classes: int


@dataclass(frozen=True)
class TrainedNet:
    """What a training left: head.json's content, a row of the curves an epoch, the used checkpoint's answers on val.

    `counts`: of all parameters and of those that trained. `floor`: the least training loss that smoothed targets
    allow, None without smoothing.
    """

    about: dict[str, Any]
    curve: list[dict[str, float]]
    val_logits: np.ndarray
    counts: dict[str, int]
    floor: float | None = None


def read(split: Sequence[dict[str, str]], inputs: Inputs, classes: int) -> Parts:
    """Take the train and the val rows of split.csv."""
    labels = np.array([int(row["label"]) for row in split])
    train, val = (np.flatnonzero([row["split"] == part for row in split]) for part in ("train", "val"))
    return Parts(inputs, train, labels[train], val, labels[val], classes)


def build(data: Parts, params: TrainParams, weights: Path) -> tuple[nn.Cell, dict[str, Any]]:
    """Return the net at its start, and the options that `small.build` needs to make it again.

    `weights`: the folder of the backbone that a mode of fine-tuning starts from. Raises `UserError` where net and
    inputs do not go together.
    """
    if params.mode is not None:
        from sortline import backbones
        from sortline.training import finetune  # what most nets can do without

        pretrained = backbones.load(weights)
        net = finetune.build(pretrained, data.classes, params, data.inputs, data.rows, data.labels)
        return net, finetune.options(pretrained, params)
    net = registry.build(params.net, data.classes, params.net_options())
    check_pictures(net, data.inputs, params.net)
    registry.initialise(net, params.seed)
    return net, params.net_options()


def train(net: nn.Cell, options: dict[str, Any], data: Parts, params: TrainParams, out: Path) -> TrainedNet:
    """Train what `build` returned; write best, last, and the latest `keep` of every `every` epochs as safetensors into
    folder `out`: the whole net each time, whatever part of it trains.

    The best epoch is that of the highest accuracy on the validation part, then of the lowest log-loss there. Raises
    `UserError` where the training diverges.
    """
    cell, inputs = data.inputs.part(net), data.inputs
    change = params.crops if params.on_photos else params.augment
    feed, held = inputs.feed(net, data.rows, change), inputs.feed(net, data.val_rows)
    answer = registry.predictor(cell)
    recipe = net_loop.Recipe(**{key: getattr(params, key) for key in RECIPE})
    curve: list[dict[str, float]] = []
    used, best = {}, 0
    factors = layer_rates(net, params.layer_decay)
    epochs = net_loop.train(cell, feed, data.labels, data.classes, recipe, factors)
    bar = tqdm(epochs, total=params.epochs, desc=f"train {params.mode or params.net}", unit="epoch", disable=None)
    for epoch in bar:
        logits = answer(held)
        curve.append(_row(epoch, logits, data.val_labels))
        best = min(range(len(curve)), key=lambda i: (-curve[i]["val_accuracy"], curve[i]["val_loss"]))
        arrays = registry.values(net)
        if epoch.number % params.every == 0:
            registry.write(out / checkpoint_file(epoch.number), arrays)
            (out / checkpoint_file(epoch.number - params.keep * params.every)).unlink(missing_ok=True)
        for name in ("last", "best") if best == len(curve) - 1 else ("last",):
            registry.write(out / f"{name}.safetensors", arrays)
            used[name] = epoch.number, logits
        bar.set_postfix_str(f"val {curve[-1]['val_accuracy']:.2%}")
        if params.patience and len(curve) - 1 - best >= params.patience:
            break
    number, logits = used[params.checkpoint]
    preprocessing = registry.preprocessing(net)
    about = {
        "net": params.net,
        "options": options,
        "classes": data.classes,
        "image_size": inputs.image_size,
        "checkpoint": params.checkpoint,
        "epoch": number,
        "threshold": None,
        "mean": list(preprocessing.mean),
        "std": list(preprocessing.std),
    }
    floor = smoothing_floor(data.classes, params.label_smoothing) if params.label_smoothing else None
    counts = {
        "parameters": sum(array.size for name, array in arrays.items() if not name.endswith(STATISTICS)),
        "trainable": sum(parameter.size for parameter in net.trainable_params()),
    }
    return TrainedNet(about, curve, logits, counts, floor)


def write_graphs(folder: Path, about: dict[str, Any], inputs: Inputs) -> None:
    """Write the used checkpoint of `folder` as graphs that run without this package's nets.

    net.onnx: float32 `x` (n, channels, S, S), preprocessed, to `logits`; where the inputs are cached maps or pooled
    features also tail.onnx, from those; net.mindir as net.onnx. Initializers bear the parameters' names, so another
    checkpoint is the same graph with its values.
    """
    net = registry.build(about["net"], about["classes"], about["options"])
    path = folder / f"{about['checkpoint']}.safetensors"
    registry.set_values(net, registry.read(path), path)
    net.set_train(False)
    channels, side = len(about["mean"]), about["image_size"]
    onnx.save(graphs.to_onnx(net, (1, channels, side, side), ("logits",)), folder / "net.onnx")
    graphs.write_mindir(net, side, folder / "net.mindir", channels)
    if inputs.blocks is not None:
        tail = inputs.part(net)
        tail.set_train(False)
        onnx.save(graphs.to_onnx(tail, (1, *inputs.array.shape[2:]), ("logits",)), folder / "tail.onnx")


def layer_rates(net: nn.Cell, decay: float) -> dict[str, float] | None:
    """Return each parameter's factor of the rate: `decay` to the power of its layer's distance from the head.

    A MobileNetV2's head has distance 0, its last convolution 1, the last block 2, and so on. None where all are 1.
    """
    if decay == 1:
        return None
    found, blocks = {}, len(net.backbone.blocks)
    for parameter in net.trainable_params():
        part, layer, *inner = parameter.name.split(".")
        distance = 0
        if part == "backbone":
            distance = {"last": 1, "stem": blocks + 2}.get(layer) or blocks + 1 - int(inner[0])
        found[parameter.name] = decay**distance
    return found


def check_pictures(net: nn.Cell, inputs: Inputs, name: str) -> None:
    """Raise `UserError` where a net that starts from its first weights cannot take these inputs."""
    photos, side, where = isinstance(net, PhotoNet), inputs.image_size, f"params.yaml: train.net {name}"
    if inputs.blocks is not None:
        raise UserError(f"{where} trains from pictures; set extract.pixels to true")
    if photos != (inputs.array.ndim == 4):
        raise UserError(f"{where} needs extract.colour: {str(photos).lower()}")
    if photos and side % 32:
        raise UserError(f"{where} takes pictures of 32 pixels or a multiple, extract.image_size is {side}")
    if not photos and side != net.image_size:
        raise UserError(
            f"{where} takes pictures of {net.image_size} x {net.image_size} pixels, extract.image_size is {side}"
        )


def checkpoint_file(epoch: int) -> str:
    return f"epoch-{epoch:05d}.safetensors"


def _row(epoch: net_loop.Epoch, logits: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    return {
        "epoch": epoch.number,
        "lr": epoch.lr,
        "train_loss": epoch.loss,
        "val_loss": metrics.log_loss(labels, softmax(logits)),
        "val_accuracy": float((logits.argmax(1) == labels).mean()),
    }


def summary(trained: TrainedNet, data: Parts, params: TrainParams) -> dict[str, Any]:
    """Return the content of metrics/<task>/train.json."""
    score = metrics.share(trained.val_logits.argmax(1) == data.val_labels)
    return {
        "split": "validation part" + ("; the epoch was chosen on it" if params.checkpoint == "best" else ""),
        "net": params.net,
        "parameters": trained.counts["parameters"],
        **({"mode": params.mode, "trainable_parameters": trained.counts["trainable"]} if params.mode else {}),
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
        "val_log_loss": metrics.log_loss(data.val_labels, softmax(trained.val_logits)),
        "threshold": None,
        "selected_on_val": ["epoch"] if params.checkpoint == "best" else [],
    }


def draw(trained: TrainedNet, data: Parts, plots: Path) -> None:
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
