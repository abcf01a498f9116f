"""What fine-tuned nets say of train, each of a fold whose scenes it has not seen: scores, calibration, similarity."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from mindspore import nn

from sortline._core import parameters
from sortline.config.training import TrainParams
from sortline.features import familiarity, similarity
from sortline.features.heads import softmax
from sortline.nets import fit
from sortline.nets.inputs import Feed, predictor
from sortline.nets.photo_net import Features
from sortline.training import calibration
from sortline.training.keeping import Keeper
from sortline.training.results import OutOfFold


def measure(
    data: fit.Parts,
    folds: np.ndarray,
    scenes: np.ndarray,
    final: nn.Cell,
    params: TrainParams,
    weights: Path,
    work: Path,
) -> OutOfFold:
    """Train a net a fold as `final` was trained on all of `data`; `folds`, `scenes` int (n,) of its rows.

    What a run that broke off has left in `work`, a folder a fold, goes on.
    """
    logits = np.empty((len(folds), data.classes), np.float32)
    near, distance = np.empty((2, len(folds)), np.float32)
    for fold in np.unique(folds):
        held = folds == fold
        rows, labels = data.rows, data.labels
        part = replace(data, rows=rows[~held], labels=labels[~held], val_rows=rows[held], val_labels=labels[held],
                       unlabelled=data.unlabelled.without(fold))  # fmt: skip
        own = work / f"fold-{fold}"
        net, options = fit.build(part, params, weights, own.with_name(f"{own.name}-simclr"))
        own.mkdir(exist_ok=True)
        logits[held] = fit.train(net, options, part, params, own, Keeper(own)).val_logits
        known = similarity.fit(features(net, part, part.rows))
        seen = features(net, part, part.val_rows)
        near[held], distance[held] = known.similarity(seen), known.distance(seen)
    untempered = softmax(logits)
    temperature = calibration.fit_temperature(data.labels, untempered) if params.calibrate else 1.0
    probabilities = calibration.temper(untempered, temperature)
    wanted = params.reject_accuracy
    threshold = None if wanted is None else calibration.reject_threshold(data.labels, probabilities, wanted)
    reference = similarity.fit(features(final, data, data.rows))
    unknown = familiarity.fit(logits / temperature, distance)
    told = probabilities, untempered, near, reference, temperature, threshold
    scored = unknown, unknown.score(logits / temperature, distance)
    return OutOfFold(data.labels, folds, scenes, *told, *scored)


def features(net: nn.Cell, data: fit.Parts, rows: np.ndarray) -> np.ndarray:
    """Return what the head of `net` sees of the plain view of `rows`, float32 (n, C)."""
    feed: Feed = data.inputs.feed(net, rows)
    return predictor(Features(data.inputs.part(net)))(feed)


def write(folder: Path, found: OutOfFold, net: nn.Cell) -> None:
    """Write beside the checkpoints of `net` what `predictor` reads, and put the temperature into their last layer:
    nothing after them needs to know of it."""
    np.save(folder / "out_of_fold.npy", found.out_of_fold.astype(np.float32))
    np.save(folder / "similarity.npy", found.near)
    np.save(folder / "familiarity.npy", found.familiarity.astype(np.float32))
    found.reference.write(folder / "reference.safetensors")
    last = [cell for _, cell in net.head.cells_and_names() if isinstance(cell, nn.Dense)][-1]
    names = [parameter.name for parameter in (last.weight, last.bias)]
    for path in folder.glob("*.safetensors"):
        if path.name != "reference.safetensors":
            arrays = parameters.read(path)
            scaled = {name: np.float32(1 / found.temperature) * arrays[name] for name in names}
            parameters.write(path, arrays | scaled)
