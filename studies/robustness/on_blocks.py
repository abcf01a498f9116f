"""on_blocks: what one way through the last block says of the photos that have whole maps.

Usage: on_blocks.py NAME --before FOLDER --cells FILE --out FILE. Written as `way.py` writes it, with one seed. A net a
fold is trained on these photos alone, as the stage `train` does; photos of other scenes teach it where the way learns
without labels.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
from common import PARAMS, ROOT, mapped, note_seconds, read

from sortline._core import files, runtime
from sortline._core.errors import run
from sortline.config.base import load
from sortline.config.training import TrainHeadParams, TrainParams
from sortline.data import prepared
from sortline.features.heads import softmax
from sortline.features.store import FeatureStore
from sortline.nets import fit, inputs
from sortline.nets.inputs import Maps, predictor
from sortline.training import calibration


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    for option in ("--before", "--cells", "--out"):
        parser.add_argument(option, type=Path, required=True)
    args = parser.parse_args(argv)
    line = load(PARAMS["task"], "train_head", TrainHeadParams, ROOT / "params.yaml")
    params = TrainParams(**PARAMS["blocks"]["train"] | PARAMS["blocks"]["ways"][args.name])
    runtime.prepare(params.seed)
    started = time.perf_counter()
    clean, corrupted, labels = trained(params, FeatureStore(args.before), np.load(args.cells, mmap_mode="r"))
    note_seconds(args.name, time.perf_counter() - started)
    # As the line does for a net: of its answers out of fold.
    temperature = calibration.fit_temperature(labels, softmax(clean))
    said = [softmax(logits / temperature) for logits in (clean, corrupted)]
    assert line.reject_accuracy is not None
    threshold = str(calibration.reject_threshold(labels, said[0], line.reject_accuracy))
    clean, corrupted = (one.astype(np.float32)[None] for one in said)
    with files.replacing(args.out) as path, path.open("wb") as file:
        np.savez(file, clean=clean, corrupted=corrupted, threshold=np.array([threshold]))


def trained(params: TrainParams, before: FeatureStore, cells: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the logits of the photos as they are, float64 (n, classes), and corrupted, (n, each, classes), by the net
    of the fold that has not seen them; their labels."""
    train = read()
    chosen = mapped(train)
    rows, labels, folds = train.part.rows[chosen], train.part.labels[chosen], train.folds[chosen]
    found = inputs.read(before, train.part.total)
    others = prepared.Unlabelled(train.part.rows[~chosen], np.full((~chosen).sum(), -1))  # none shows a scene of these
    clean = np.empty((len(rows), train.classes))
    corrupted = np.empty((*cells.shape[:2], train.classes))
    for fold in np.unique(folds):
        held = folds == fold
        parts = rows[~held], labels[~held], rows[held], labels[held]
        data = fit.Parts(found, *parts, train.classes, unlabelled=others)
        net, options = fit.build(data, params, ROOT / "data" / "weights" / PARAMS["task"])
        with tempfile.TemporaryDirectory() as scratch:
            clean[held] = fit.train(net, options, data, params, Path(scratch)).val_logits
        ways = cells[held].reshape(-1, 1, *cells.shape[2:])
        corrupted[held] = predictor(found.part(net))(Maps(ways)).reshape(held.sum(), cells.shape[1], -1)
    return clean, corrupted, labels


if __name__ == "__main__":
    run(main)
