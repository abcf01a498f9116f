"""way: what one way says of train, out of fold. Usage: way.py NAME [--fold N] --out FILE

The file holds, by share of the trained weights, the probabilities float32 (n, classes) of the train photos; NaN of
those that are not in fold N.
"""

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from common import HERE, PARAMS, Train, note_time, out_of_fold, read, store
from scipy.special import softmax

from sortline._core import files, parameters, runtime
from sortline._core.errors import UserError, run
from sortline.backbones.loading import Backbone, join, load
from sortline.config.training import TrainParams
from sortline.nets import finetune, fit, inputs, registry
from sortline.nets.inputs import predictor

VIEWS = 4  # of the line


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=PARAMS["ways"])
    parser.add_argument("--fold", type=int, help="this one alone, of a way that trains nets")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args(argv)
    way, started, train = PARAMS["ways"][args.name], time.perf_counter(), read()
    runtime.prepare()
    heads, views = way.get("heads"), way.get("views", VIEWS)
    if args.fold is not None and (heads or args.fold not in train.folds):
        raise UserError(f"--fold {args.fold}: only with a way that trains nets, 0 to {train.folds.max()}")
    found = {"1": out_of_fold(train, heads, views)} if heads else tuned(way, train, args.fold)
    with files.replacing(args.out) as path, path.open("wb") as file:
        np.savez(file, **{share: one.astype(np.float32) for share, one in found.items()})
    part = "" if args.fold is None else f"-{args.fold}"
    note_time(f"way@{args.name}{part}", started)
    for share, one in found.items():
        known = ~np.isnan(one[:, 0])
        print(f"{args.name}{part}, share {share}: {(one.argmax(1) == train.labels)[known].mean():.2%}")


def tuned(way: dict[str, Any], train: Train, only: int | None = None) -> dict[str, np.ndarray]:
    """Train a net a fold, or for one fold alone; return what each says of its fold, by share."""
    params = TrainParams(**PARAMS["train"] | way["train"])
    said: dict[str, np.ndarray] = {}
    names = params.net.split("+")
    kept = [way["pixels"]] if "pixels" in way else names
    found = side_by_side([inputs.read(store(name), train.total) for name in kept])
    for fold in np.unique(train.folds) if only is None else [only]:
        inside, held = np.flatnonzero(train.folds != fold), np.flatnonzero(train.folds == fold)
        seen, unseen = train.rows[inside], train.rows[held]
        data = fit.Parts(found, seen, train.labels[inside], unseen, train.labels[held], train.classes)
        backbone = loaded(names)  # anew, as training changes it
        net = finetune.build(backbone, train.classes, params, found, data.rows, data.labels)
        options = finetune.options(backbone, params)
        first = registry.values(net)
        soft = targets(way, train, params, int(fold))[inside] if "teacher" in way else None
        with tempfile.TemporaryDirectory() as scratch:
            fit.train(net, options, data, params, Path(scratch), soft=soft)
            last = parameters.read(Path(scratch) / "last.safetensors")
        net = registry.build(params.net, train.classes, options)
        predict, feed = predictor(found.part(net)), found.feed(net, unseen)
        for share in PARAMS["shares"]:
            values = {name: np.float32(1 - share) * first[name] + np.float32(share) * last[name] for name in last}
            registry.set_values(net, values, HERE)
            logits = said.setdefault(f"{share:g}", np.full((len(train.rows), train.classes), np.nan))
            logits[held] = predict(feed)
    return {share: softmax(logits, axis=1) for share, logits in said.items()}


def loaded(names: list[str]) -> Backbone:
    """Return one backbone, or several joined."""
    found = [load(HERE / "weights" / name) for name in names]
    return found[0] if len(found) == 1 else join(found)


def side_by_side(found: list[inputs.Inputs]) -> inputs.Inputs:
    """Return the maps and pooled features of several backbones as a joined one's; of one, those."""
    if len(found) == 1:
        return found[0]
    maps = np.concatenate([one.array.reshape(*one.array.shape[:2], -1) for one in found], -1)
    pooled = np.concatenate([one.pooled for one in found if one.pooled is not None], -1)
    return inputs.Inputs(maps[..., None, None], found[0].blocks, max(one.image_size for one in found), pooled)


def targets(way: dict[str, Any], train: Train, params: TrainParams, fold: int) -> np.ndarray:
    """Return the labels with what the teachers say, float32 (n, classes); of the fold itself nothing (NaN).

    A teacher has seen neither the fold nor the photo that it speaks of.
    """
    said = out_of_fold(train, way["teacher"], VIEWS, held=fold)
    labels = fit.targets_of(train.labels, train.classes, params)
    return ((1 - PARAMS["soft"]) * labels + PARAMS["soft"] * said).astype(np.float32)


if __name__ == "__main__":
    run(main)
