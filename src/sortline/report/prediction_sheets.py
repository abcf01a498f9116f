"""The contact sheets of photos answered wrongly, beside each what spoke for the answer, and of some photos of all."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from sortline.data.datasets import open_picture
from sortline.data.images import resize
from sortline.evaluation.predictions import Answers
from sortline.features.heads import Head
from sortline.features.mapper import Mapper
from sortline.report import class_activation
from sortline.report.contact_sheet import Tile, contact_sheet, shown

RIGHT, WRONG = "#0072b2", "#d62728"


def wrong_sheet(
    answers: Answers,
    raw: Path,
    task: str,
    columns: int,
    limit: int,
    head: Head | None = None,
    mapper: Mapper | None = None,
) -> Image.Image:
    """Return a contact sheet of the photos answered wrongly, at most `limit`, the most confident error first.

    Each photo is framed in the colour of the predicted bin; the picture at its right shows where `head` saw evidence
    for its answer (`cam.class_activation`), where there is a head. Raises `BadImage` if a photo under `raw` cannot be
    read.
    """
    n, wrong, split = len(answers.val.images), answers.wrong, answers.val.split
    if not len(wrong):
        return contact_sheet([], columns, f"{task}: none of the {n:,} {split} photos is wrong")
    shown = f", the first {limit:,} shown" if len(wrong) > limit else ""
    frame = "; the frame is the predicted bin's" if answers.classes.bins else ""
    title = f"{task}: {len(wrong):,} of {n:,} {split} photos wrong, most confident first{shown}{frame}"
    if mapper is None:
        return contact_sheet([_tile(answers, raw, i) for i in wrong[:limit]], columns, title)
    title += ". At the right of each: what spoke for the answer"
    pairs = [_pair(answers, raw, i, head, mapper) for i in wrong[:limit]]
    return contact_sheet([tile for pair in pairs for tile in pair], max(2, columns // 2 * 2), title)


def predictions_sheet(answers: Answers, raw: Path, task: str, columns: int, limit: int) -> Image.Image:
    """Return a contact sheet of at most `limit` photos, evenly spread, framed blue where right and red where wrong.

    Raises `BadImage` if a photo under `raw` cannot be read.
    """
    n = len(answers.val.images)
    places = np.unique(np.linspace(0, n - 1, min(n, limit)).round().astype(int))
    right = answers.predicted == answers.val.labels
    tiles = [replace(_tile(answers, raw, i), colour=RIGHT if right[i] else WRONG) for i in places]
    title = f"{task}: {len(places):,} of {n:,} {answers.val.split} photos; blue right, red wrong"
    return contact_sheet(tiles, columns, title)


def _pair(answers: Answers, raw: Path, i: int, head: Head, mapper: Mapper) -> tuple[Tile, Tile]:
    tile, predicted = _tile(answers, raw, i), int(answers.predicted[i])
    evidence = class_activation.class_activation(head, mapper.map(resize(tile.image, mapper.size)), predicted)
    why = Tile(class_activation.overlay(tile.image, evidence), f"why {shown(answers.classes.names, predicted)}?")
    return tile, why


def _tile(answers: Answers, raw: Path, i: int) -> Tile:
    names, bins, bin_of = answers.classes.names, answers.classes.bins, answers.classes.bin_of
    truth, predicted = answers.val.labels[i], answers.predicted[i]
    lines = [
        f"truth: {shown(names, truth)}",
        f"predicted: {shown(names, predicted)}",
        f"probability: {answers.probabilities[i, predicted]:.2f}",
    ]
    colour = None
    if bin_of is not None:
        said = bins[bin_of[predicted]]
        colour = said["colour"]
        lines.append(f"{'right' if bin_of[predicted] == bin_of[truth] else 'wrong'} bin: {said['en']}")
    image = answers.val.images[i]
    return Tile(open_picture(raw / image), "\n".join([*lines, image]), colour)
