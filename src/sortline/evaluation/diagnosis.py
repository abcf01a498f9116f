"""How the model takes spoilt photos, and the sheets that `diagnose` draws."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from sortline.data.datasets import open_picture
from sortline.data.images import resize
from sortline.evaluation import metrics
from sortline.evaluation.corruptions import CORRUPTIONS, severities
from sortline.evaluation.suspects import Suspects, agreement
from sortline.features.heads import Head
from sortline.features.mapper import Mapper, on_all_cores
from sortline.report.contact_sheet import Tile, contact_sheet, shown


def grid(wanted: Sequence[int]) -> list[tuple[str, int]]:
    """Return every (corruption, severity) to be tried."""
    return [(name, severity) for name in CORRUPTIONS for severity in severities(name, list(wanted))]


def corrupted_accuracy(
    photos: Sequence[Path], labels: np.ndarray, head: Head, mapper: Mapper, wanted: Sequence[int]
) -> dict[tuple[str, int], dict[str, Any]]:
    """Return `measure.share` of right answers on `photos`, spoilt after their resizing, by (corruption, severity).

    ("none", 0) is the photos as they are.
    """
    kinds = grid(wanted)

    def answer(photo: Path) -> np.ndarray:
        picture = resize(open_picture(photo), mapper.size)
        spoilt = [picture, *(CORRUPTIONS[name](picture, severity) for name, severity in kinds)]
        return head.logits(mapper.features(np.stack(spoilt), head.pooling)).argmax(1)

    answers = np.stack(list(on_all_cores(answer, photos, "spoilt photos")))
    return {kind: metrics.share(answers[:, place] == labels) for place, kind in enumerate([("none", 0), *kinds])}


def corruption_sheet(photo: Image.Image, size: int, scores: dict[tuple[str, int], dict[str, Any]], task: str):
    """Return a sheet of one photo in every corruption, captioned with the accuracy of all val photos so spoilt."""
    picture = resize(photo, size)
    tiles = []
    for (name, severity), score in scores.items():
        spoilt = CORRUPTIONS[name](picture, severity) if severity else picture
        title = f"{name} {severity}" if severity else "as it is"
        interval = f"[{score['low']:.0%}, {score['high']:.0%}]"
        tiles.append(Tile(Image.fromarray(spoilt), f"{title}\n{score['accuracy']:.1%} {interval}"))
    n = next(iter(scores.values()))["n"]
    return contact_sheet(tiles, 8, f"{task}: one photo spoilt in every way; accuracy on {n:,} photos spoilt so")


def suspects_sheet(
    found: Suspects, raw: Path, images: Sequence[str], labels: np.ndarray, out_of_fold: np.ndarray,
    names: Sequence[str], limit: int, task: str,
) -> Image.Image:  # fmt: skip
    """Return a sheet of the train photos whose label is most doubtful."""
    shares = agreement(found, labels)
    tiles = [
        Tile(
            open_picture(raw / images[i]),
            f"label: {shown(names, labels[i])} ({found.quality[i]:.2f})\n"
            f"or: {shown(names, out_of_fold[i].argmax())} ({out_of_fold[i].max():.2f})\n"
            f"neighbours with its label: {shares[i]:.0%}\n{images[i]}",
        )
        for i in found.labels[:limit]
    ]
    title = f"{task}: {len(found.labels):,} of {len(labels):,} photos may bear a wrong label, most doubtful first"
    return contact_sheet(tiles, 6, title)


def outliers_sheet(
    found: Suspects, raw: Path, images: Sequence[str], labels: np.ndarray, names: Sequence[str], task: str
) -> Image.Image:
    """Return a sheet of the train photos least like their nearest neighbours, oddest first."""
    tiles = [
        Tile(
            open_picture(raw / images[i]),
            f"{shown(names, labels[i])}\ntypicality {found.typicality[i]:.2f}\n{images[i]}",
        )
        for i in found.outliers
    ]
    return contact_sheet(tiles, 6, f"{task}: the photos least like any other, oddest first")
