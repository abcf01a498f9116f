"""What evaluate shows: charts, and contact sheets of wrong photos, with what spoke for them, and of some of all."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from sortline._core.arrays import spread
from sortline.data.datasets import open_picture
from sortline.data.images import frame as framed
from sortline.evaluation import metrics
from sortline.evaluation.predictions import Predictions
from sortline.predictor import Predictor
from sortline.report import figures
from sortline.report.contact_sheet import TILE, Tile, contact_sheet, shown
from sortline.report.overlay import overlay

CORRECT, WRONG = "#0072b2", "#d62728"


def draw_charts(folder: Path, predictions: Predictions, ece_bins: int, task: str, note: str) -> None:
    """Draw confusion.png, per_class.png and reliability.png; a `note` stands under every title."""
    labels, classes, split = predictions.val.labels, predictions.classes, predictions.val.split
    n, correct = len(labels), int(np.sum(predictions.correct))
    rows = metrics.calibration(labels, predictions.probabilities, ece_bins)
    under, groups = f"\n{note}" if note else "", None
    if classes.bin_of is not None:
        names, colours = ([row[key] for row in classes.bins] for key in ("en", "colour"))
        groups = figures.Groups(classes.bin_of.tolist(), names, colours)
    matrix = metrics.confusion(labels, predictions.labels, len(classes.names))
    title = f"{task}: {correct:,} of {n:,} {split} photos correct{under}"
    figures.confusion(matrix, classes.names, folder / "confusion.png", title=title, groups=groups)
    shares = metrics.shares_by(predictions.correct, labels, classes.names)
    title = f"{task}: accuracy per class on {split} (n = {n:,}){under}"
    figures.per_class(shares, folder / "per_class.png", title=title, groups=groups)
    title = f"{task}: calibration on {split}, ECE {metrics.ece(rows):.3f} (n = {n:,}){under}"
    figures.reliability(rows, folder / "reliability.png", title=title)


def wrong_sheet(
    predictions: Predictions, raw: Path, task: str, columns: int, limit: int, predictor: Predictor
) -> Image.Image:
    """Return a contact sheet of the photos predicted wrongly, at most `limit`, the most confident error first.

    Each photo is framed in the colour of the predicted bin; the picture at its right shows where `predictor` saw
    evidence for its prediction, if it can tell. Raises `BadImage` if a photo under `raw` cannot be read.
    """
    n, wrong, split = len(predictions.val.images), predictions.wrong, predictions.val.split
    if not len(wrong):
        return contact_sheet([], columns, f"{task}: none of the {n:,} {split} photos is wrong")
    some = f", the first {limit:,} shown" if len(wrong) > limit else ""
    frame = "; the frame is the predicted bin's" if predictions.classes.bins else ""
    title = f"{task}: {len(wrong):,} of {n:,} {split} photos wrong, most confident first{some}{frame}"
    tiles = []
    for i in wrong[:limit]:
        tile, label = _tile(predictions, raw, i, max(TILE, predictor.size)), int(predictions.labels[i])
        tiles.append(tile)
        evidence = predictor.evidence(predictor.picture(tile.image), label)
        if evidence is not None:
            seen = overlay(framed(tile.image, predictor.framed), evidence)
            tiles.append(Tile(seen, f"why {shown(predictions.classes.names, label)}?"))
    if len(tiles) == len(wrong[:limit]):
        return contact_sheet(tiles, columns, title)
    title += ". At the right of each: what spoke for the prediction"
    return contact_sheet(tiles, max(2, columns // 2 * 2), title)  # a photo and its evidence stay in one row


def predictions_sheet(predictions: Predictions, raw: Path, task: str, columns: int, limit: int) -> Image.Image:
    """Return a contact sheet of at most `limit` photos, evenly spread, framed blue if correct and red if wrong."""
    n = len(predictions.val.images)
    some = spread(n, limit)
    colours = np.where(predictions.correct, CORRECT, WRONG)
    tiles = [replace(_tile(predictions, raw, i, TILE), colour=str(colours[i])) for i in some]
    title = f"{task}: {len(some):,} of {n:,} {predictions.val.split} photos; blue correct, red wrong"
    return contact_sheet(tiles, columns, title)


def _tile(predictions: Predictions, raw: Path, i: int, side: int) -> Tile:
    """Return photo `i` with what is said of it; `side` as in `open_rgb`."""
    names, bins, bin_of = predictions.classes.names, predictions.classes.bins, predictions.classes.bin_of
    truth, predicted = predictions.val.labels[i], predictions.labels[i]
    lines = [
        f"truth: {shown(names, truth)}",
        f"predicted: {shown(names, predicted)}",
        f"probability: {predictions.probabilities[i, predicted]:.2f}",
    ]
    colour = None
    if bin_of is not None:
        chosen = bins[bin_of[predicted]]
        colour = chosen["colour"]
        lines.append(f"{'correct' if bin_of[predicted] == bin_of[truth] else 'wrong'} bin: {chosen['en']}")
    image = predictions.val.images[i]
    return Tile(open_picture(raw / image, side), "\n".join([*lines, image]), colour)
