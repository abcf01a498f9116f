"""`sortline predict`: classify photos, for people (table) and for programs (JSON, CSV)."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sortline._core.errors import UserError
from sortline._core.files import expanded
from sortline._core.text import printable
from sortline.cli._shared import own_files, paths
from sortline.cli._shared.numbers import whole
from sortline.cli._shared.prediction_table import show, values
from sortline.cli._shared.tasks import model_folder

if TYPE_CHECKING:
    from PIL import Image

    from sortline.export.classifier import Classifier, Prediction

SUMMARY = "say what is on photos and which bin it goes in"
EPILOG = """examples:
  sortline predict photo.jpg
  sortline predict photos/ --top 1
  sortline predict photos/ --json > predictions.json
  sortline predict photo.jpg --model some/folder/export
  sortline predict photos/ --explain why/

"not sure" stands where the best guess is less probable than the threshold that was chosen out of fold, before the
classes that it may be: the right one is among them for 95 in 100 photos of new scenes. "nothing I know" stands where
neither the classes nor the train photos account for the photo, as for 5 in 100 of new scenes.
A bad file is named on stderr and the rest go on.
exit code: 0 all done, 1 some files failed, 2 nothing could be done"""

SIDE = 360  # pixels of each picture of --explain


def add(command: argparse.ArgumentParser) -> None:
    command.add_argument("photos", nargs="+", metavar="PHOTO|FOLDER", help="photos, or folders to walk through")
    model = command.add_mutually_exclusive_group()
    model.add_argument("--task", help="use the model of this task (default: the first task that has one)")
    model.add_argument("--model", metavar="FOLDER", help="use the model in this folder, of any format")
    command.add_argument("--verify", metavar="KEY.pub", help="only a model that the owner of this key has signed")
    form = command.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print one JSON list, for programs")
    form.add_argument("--csv", action="store_true", help="print CSV with a header, for spreadsheets")
    explained = "also write a picture a photo there: what spoke for the prediction, and where"
    command.add_argument("--explain", metavar="FOLDER", help=explained)
    command.add_argument("--top", type=whole(1), default=5, metavar="N", help="guesses for each photo (default 5)")


def main(options: argparse.Namespace) -> int:
    """Return 0 if every photo was classified, 1 if some were, 2 if none was."""
    from sortline.data.layout import find_photos
    from sortline.export import trial
    from sortline.export.classifier import Classifier, Prediction, predict_files

    folder = model_folder(options.model, options.task)
    if options.verify:
        from sortline.export import signature

        signature.verify(folder, expanded(options.verify))
    if options.model:
        trial.check(folder)
    classifier = Classifier(folder)
    if classifier.note:
        say(f"note: {classifier.note}")
    found = find_photos(options.photos)
    for problem in found.problems:
        say(f"error: {problem}")
    if found.skipped:
        say(f"note: {found.skipped} other file{'s' * (found.skipped > 1)} skipped (not named like a photo)")
    if found.junk:
        say(f"note: {found.junk} skipped (hidden, or left behind by systems and cameras)")
    failed = len(found.problems)
    explain = explainer(classifier, Path(options.explain), found.photos) if options.explain else None
    results: list[tuple[Path, Prediction]] = []
    for photo, outcome in predict_files(classifier, found.photos, options.top):
        if isinstance(outcome, Prediction):
            results.append((photo, outcome))
            if explain:
                explain(photo, outcome)
        else:
            say(f"error: {outcome}")
            failed += 1
    show(results, options)
    if failed and results:
        say(f"{len(results)} classified, {failed} failed")
    return (1 if results else 2) if failed else 0


def say(line: str) -> None:
    """Print a line on stderr without breaking a progress bar; stdout is for results alone."""
    from tqdm import tqdm

    tqdm.write(printable(line), file=sys.stderr)


def explainer(classifier: Classifier, folder: Path, photos: Sequence[Path]) -> Callable[[Path, Prediction], None]:
    """Return what writes `folder`/NAME.png for a photo and its prediction; equal names get a number.

    Raises `UserError` where the model cannot say where it looked, or a file that is not ours has one of these names.
    """
    from sortline.data.images import frame, open_rgb
    from sortline.report.contact_sheet import Tile, contact_sheet
    from sortline.report.overlay import overlay

    if folder.is_file():
        raise UserError(f"{folder}: a file; --explain takes a folder to write pictures into")
    places: dict[Path, Path] = {}
    for photo in photos:
        names = chain([photo.stem], (f"{photo.stem}-{number}" for number in count(2)))
        places[photo] = next(place for name in names if (place := folder / f"{name}.png") not in places.values())
        own_files.check(places[photo])
    evidence_of, side = _evidence(classifier), classifier.side and max(SIDE, classifier.side)
    labels = [values(label) for label in classifier.classes]

    def explain(photo: Path, prediction: Prediction) -> None:
        image, label = open_rgb(photo, side=side), prediction.label
        evidence = evidence_of(image, labels.index(values(label)))
        doubt = f"{prediction.doubt}: " if prediction.doubt else ""
        predicted = f"{doubt}{label.get('en') or label.get('code')}"
        shown = frame(image, classifier.labels.framed)
        seen = Tile(overlay(shown, evidence), f"what spoke for it ({prediction.probability:.2f})")
        tiles = [Tile(image, f"{photo.name}\n{predicted}"), seen]
        with own_files.own_png(places[photo]) as temporary:
            contact_sheet(tiles, 2, tile_size=SIDE).save(temporary)

    return explain


def _evidence(classifier: Classifier) -> Callable[[Image.Image, int], Any]:
    if classifier.explains:
        return classifier.evidence
    from sortline import predictor

    # A head that is not linear: by Grad-CAM, from what the line keeps of the task.
    task = classifier.labels.task
    features = Path("data/features") / task
    if not (features / "backbone.onnx").is_file() or paths.export(task).resolve() != classifier.folder.resolve():
        raise UserError(
            f"{classifier.folder}: the head of this model is not linear, so its maps need the project it comes from; "
            "run there, with --task"
        )
    model = predictor.load(Path("models") / task / "head", features)
    return lambda image, label: model.evidence(model.picture(image), label)
