"""What diagnose shows: contact sheets of corruptions, of suspected labels and of outliers."""

from pathlib import Path

from PIL import Image

from sortline.data.datasets import open_picture
from sortline.evaluation import suspects
from sortline.evaluation.corruptions import CORRUPTIONS
from sortline.evaluation.diagnosis import Diagnosis
from sortline.predictor import Predictor
from sortline.report.contact_sheet import TILE, Tile, contact_sheet, shown


def corruptions_sheet(found: Diagnosis, predictor: Predictor, task: str) -> Image.Image:
    """Return a contact sheet of one photo in every corruption, as the model sees it, each with all photos' accuracy."""
    picture = predictor.open(found.photos[0])
    tiles = []
    for (name, severity), score in found.scores.items():
        corrupted = CORRUPTIONS[name](picture, severity) if severity else picture
        title = f"{name} {severity}" if severity else "as it is"
        interval = f"[{score['low']:.0%}, {score['high']:.0%}]"
        tiles.append(Tile(Image.fromarray(corrupted), f"{title}\n{score['accuracy']:.1%} {interval}"))
    n = len(found.photos)
    return contact_sheet(tiles, 8, f"{task}: one photo corrupted in every way; accuracy on {n:,} photos corrupted so")


def suspects_sheet(found: Diagnosis, raw: Path, limit: int, task: str) -> Image.Image:
    """Return a contact sheet of the photos whose label is most doubtful, at most `limit`."""
    part, probabilities, doubtful, names = found.unseen.part, found.unseen.probabilities, found.doubtful, found.names
    shares = suspects.agreement(doubtful, part.labels)
    tiles = [
        Tile(
            open_picture(raw / part.images[i], TILE),
            f"label: {shown(names, part.labels[i])} ({doubtful.quality[i]:.2f})\n"
            f"or: {shown(names, probabilities[i].argmax())} ({probabilities[i].max():.2f})\n"
            f"neighbours with its label: {shares[i]:.0%}\n{part.images[i]}",
        )
        for i in doubtful.labels[:limit]
    ]
    count = f"{len(doubtful.labels):,} of {len(part.labels):,}"
    return contact_sheet(tiles, 6, f"{task}: {count} photos may bear a wrong label, most doubtful first")


def outliers_sheet(found: Diagnosis, raw: Path, task: str) -> Image.Image:
    """Return a contact sheet of the photos least like their nearest neighbours, oddest first."""
    part, names = found.unseen.part, found.names
    tiles = [
        Tile(
            open_picture(raw / part.images[i], TILE),
            f"{shown(names, part.labels[i])}\ntypicality {found.doubtful.typicality[i]:.2f}\n{part.images[i]}",
        )
        for i in found.doubtful.outliers
    ]
    return contact_sheet(tiles, 6, f"{task}: the photos least like any other, oddest first")
