"""cell: one way of fine-tuning, measured. Usage: cell.py NAME --out FILE --curves FILE --answers FILE

Out of fold: trained on the other folds, each fold in turn, and once on all of train for val. Held out: trained on all
folds but the first, scored on the first, and on val by the same net.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import mindspore
import numpy as np
from common import HERE, LINE, PARAMS, PREPARED, WEIGHTS, noted

from sortline import backbones
from sortline._core import files, parameters, runtime
from sortline._core.errors import run
from sortline.config.base import load
from sortline.config.training import TrainHeadParams, TrainParams
from sortline.data import prepared
from sortline.data.holdout import hold_out
from sortline.evaluation import metrics
from sortline.export import onnx_model
from sortline.export.network import HeadOnBackbone
from sortline.features.store import FeatureStore
from sortline.nets import fit, inputs, registry
from sortline.nets.inputs import Inputs, predictor
from sortline.training import heads as training_heads

OWN = ("features", "scored", "inner")  # the keys of a cell that are not the line's


@dataclass(frozen=True)
class Photos:
    """All photos, in split.csv's order: rows, label, "train", "val" or "dropped", fold (-1 outside train), scene."""

    split: list[dict[str, str]]
    labels: np.ndarray
    part: np.ndarray
    fold: np.ndarray
    scene: np.ndarray
    classes: prepared.Classes


@dataclass(frozen=True)
class Run:
    """One training: where it was scored (rows), with what logits, how long an epoch took, and the rest."""

    rows: np.ndarray
    logits: np.ndarray
    curve: list[dict[str, float]]
    epoch_seconds: float
    facts: dict[str, Any]


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    for option in ("--out", "--curves", "--answers"):
        parser.add_argument(option, type=Path, required=True)
    args = parser.parse_args(argv)
    cell = PARAMS["cells"][args.name]
    runtime.prepare()
    photos = read()
    with noted(f"cell@{args.name}") as seen:
        runs = list((heads if "mode" not in cell and "net" not in cell else nets)(cell, photos))
        seen |= {"seconds_per_epoch": round(float(np.mean([one.epoch_seconds for one in runs])), 3), "runs": len(runs)}
    rows = np.concatenate([one.rows for one in runs])
    answers = np.concatenate([one.logits for one in runs]).argmax(1)
    right = answers == photos.labels[rows]
    scored = photos.part[rows] == "train"
    val = metrics.share_by_scene(right[~scored], photos.scene[rows][~scored])
    result = {
        "scored": "out of fold" if cell["scored"] == "folds" else "held out: fold 0 of train",
        **metrics.share_by_scene(right[scored], photos.scene[rows][scored]),
        **{f"val_{key}": value for key, value in val.items()},
        **runs[-1].facts,
        "train_n": int((photos.part == "train").sum()) if cell["scored"] == "folds" else runs[-1].facts["train_n"],
    }
    steps = [one.facts["step0_right"] for one in runs if "step0_right" in one.facts]
    result.pop("step0_right", None)
    if steps:
        before = np.concatenate(steps)
        result["step0_accuracy"] = metrics.share(before[scored])["accuracy"]
    for path in (args.curves, args.answers):
        path.parent.mkdir(exist_ok=True)
    columns = ["image", "part", "scene", "truth", "predicted"]
    images = [photos.split[i]["image"] for i in rows]
    table = zip(images, photos.part[rows], photos.scene[rows], photos.labels[rows], answers, strict=True)
    files.write_csv(args.answers, columns, sorted(map(list, table)))
    write_curves(args.curves, [one.curve for one in runs[: 1 if cell["scored"] == "holdout" else -1]])
    files.write_metrics(args.out, result)
    print(f"{args.name}: {result['accuracy']:.2%} {result['scored']}, val {result['val_accuracy']:.2%}")


def read() -> Photos:
    split = files.read_csv(PREPARED / "split.csv")
    part = np.array([row["split"] for row in split])
    fold = np.array([int(row["fold"]) if row["fold"] != "" else -1 for row in split])
    labels, scene = (np.array([int(row[key]) for row in split]) for key in ("label", "scene"))
    classes = prepared.read_classes(PREPARED / "classes.json")
    return Photos(split, labels, part, fold, scene, classes)


def folder_of(name: str) -> Path:
    return HERE / "features" / name


def heads(cell: dict[str, Any], photos: Photos) -> Iterator[Run]:
    """Train the line's own head, by the line's own stage and parameters: all folds and the final one at once."""
    store = FeatureStore(folder_of(cell["features"]))
    train, val = (np.flatnonzero(photos.part == part) for part in ("train", "val"))
    params = load(PARAMS["task"], "train_head", TrainHeadParams, LINE / "params.yaml")
    data = replace(training_heads.read(photos.split, photos.classes, store.folder, params), photo_folds=None)
    started = time.perf_counter()
    trained = training_heads.train_by_steps(data, params)
    seconds = (time.perf_counter() - started) / params.epochs
    head = trained.heads[trained.checkpoint]
    backbone = backbones.load(WEIGHTS)
    network = HeadOnBackbone(backbone.net, head)
    network.set_train(False)
    counts, image_size = head.weight.size + head.bias.size, store.about["image_size"]
    facts = {
        "trainable": counts,
        "parameters": counts + sum(p.size for p in backbone.net.trainable_params()),
        "epochs": params.epochs,
        "image_size": image_size,
        "onnx_mb": onnx_mb(network, image_size, 3),
    }
    curve = [
        {"train_loss": row["fold_train_loss"], "held_loss": row["oof_loss"], "held_accuracy": row["oof_accuracy"]}
        for row in trained.curve
    ]
    # scikit-learn's order: out-of-fold predictions of train, then those of the head on all of train for val.
    yield Run(train, np.log(trained.out_of_fold), curve, seconds, facts)
    yield Run(val, head.logits(store.read("pooled", len(photos.split))[val, 0]), curve, seconds, facts)


def nets(cell: dict[str, Any], photos: Photos) -> Iterator[Run]:
    """Train by the line's stage `train`, once a fold and once on all, or once for a held-out fold."""
    params = TrainParams(**{key: value for key, value in cell.items() if key not in OWN})
    found = inputs.read(FeatureStore(folder_of(cell["features"])), len(photos.split))
    train, val = (np.flatnonzero(photos.part == part) for part in ("train", "val"))
    if cell["scored"] == "holdout":
        held = photos.fold == 0
        rows = np.flatnonzero((photos.part == "train") & ~held)
        scored = np.concatenate((np.flatnonzero(held), val))
        yield trained(params, found, photos, rows, scored, cell.get("inner", False))
        return
    for fold in range(photos.fold.max() + 1):
        inside = np.flatnonzero((photos.part == "train") & (photos.fold != fold))
        yield trained(params, found, photos, inside, np.flatnonzero(photos.fold == fold))
    yield trained(params, found, photos, train, val)


def trained(
    params: TrainParams, found: Inputs, photos: Photos, rows: np.ndarray, scored: np.ndarray, inner: bool = False
) -> Run:
    """Train on `rows` and answer `scored`; with `inner` a tenth of `rows`, of whole scenes, chooses the epoch."""
    watched = scored
    if inner:
        taken = hold_out(photos.labels[rows], photos.scene[rows], training_heads.INNER, params.seed)
        rows, watched = rows[~taken], rows[taken]
    data = fit.Parts(found, rows, photos.labels[rows], watched, photos.labels[watched], len(photos.classes.names))
    net, options = fit.build(data, params, WEIGHTS)
    feed = found.feed(net, scored)
    answer = predictor(found.part(net))
    started_at = answer(feed)
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as scratch:
        result = fit.train(net, options, data, params, Path(scratch))
        seconds = (time.perf_counter() - started) / len(result.curve)
        final = registry.build(params.net, len(photos.classes.names), options)
        path = Path(scratch) / f"{params.checkpoint}.safetensors"
        registry.set_values(final, parameters.read(path), path)
    final.set_train(False)
    channels = registry.preprocessing(final).scale.size
    curve = [
        {"train_loss": row["train_loss"], "held_loss": row["val_loss"], "held_accuracy": row["val_accuracy"]}
        for row in result.curve
    ]
    facts = result.counts | {
        "train_n": len(rows),
        "epochs": len(result.curve),
        "epoch": result.about["epoch"],
        "image_size": found.image_size,
        "onnx_mb": onnx_mb(final, found.image_size, channels),
        "step0_right": started_at.argmax(1) == photos.labels[scored],
    }
    return Run(scored, predictor(found.part(final))(feed), curve, seconds, facts)


def onnx_mb(network: mindspore.nn.Cell, size: int, channels: int) -> float:
    return onnx_model.network_graph(network, size, channels).ByteSize() / 1e6


def write_curves(path: Path, curves: list[list[dict[str, float]]]) -> None:
    """Write the mean over the trainings, epoch by epoch, as long as all of them ran."""
    length = min(map(len, curves))
    columns = list(curves[0][0])
    rows = [
        [epoch + 1, *(f"{np.mean([c[epoch][key] for c in curves]):.5f}" for key in columns)] for epoch in range(length)
    ]
    files.write_csv(path, ["epoch", *columns], rows)


if __name__ == "__main__":
    run(main)
