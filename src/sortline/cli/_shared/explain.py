"""`sortline predict --explain`: a picture a photo, beside it what spoke for the answer."""

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from sortline._core.errors import UserError
from sortline._core.files import replacing
from sortline.cli._shared import places
from sortline.data.images import open_rgb, resize
from sortline.export.classifier import Classifier, Prediction

SIDE = 360  # pixels of each picture


def explainer(classifier: Classifier, options: argparse.Namespace) -> Callable[[Path, Prediction], None]:
    """Return what writes FOLDER/NAME.png for a photo and its prediction; equal names get a number.

    Raises `UserError` where the model cannot say where it looked.
    """
    from sortline.report import class_activation, contact_sheet  # matplotlib takes half a second to load

    if Path(options.explain).is_file():
        raise UserError(f"{options.explain}: a file; --explain takes a folder to write pictures into")
    evidence_of, folder, taken = _evidence(classifier), Path(options.explain), set()
    labels = [tuple(one.items()) for one in map(_plain, classifier.classes)]

    def explain(photo: Path, prediction: Prediction) -> None:
        image = open_rgb(photo)
        said = prediction.label.get("en") or prediction.label.get("code")
        evidence = evidence_of(image, labels.index(tuple(_plain(prediction.label).items())))
        tiles = [
            contact_sheet.Tile(image, f"{photo.name}\n{'' if prediction.sure else 'not sure: '}{said}"),
            contact_sheet.Tile(
                class_activation.overlay(image, evidence), f"what spoke for it ({prediction.probability:.2f})"
            ),
        ]
        name, number = photo.stem, 1
        while name in taken:
            number += 1
            name = f"{photo.stem}-{number}"
        taken.add(name)
        with replacing(folder / f"{name}.png") as temporary:
            contact_sheet.contact_sheet(tiles, 2, tile_size=SIDE).save(temporary)

    return explain


def _plain(label: dict) -> dict[str, str]:
    return {key: label.get(key) or "" for key in ("code", "en", "zh")}


def _evidence(classifier: Classifier) -> Callable[[Image.Image, int], np.ndarray]:
    if classifier.explains:
        return classifier.evidence
    from sortline.features.heads import load_head
    from sortline.features.mapper import Mapper
    from sortline.report import class_activation

    # A head that is not linear: by Grad-CAM, from what the line keeps of the task.
    task = classifier.labels["task"]
    features, head_folder = Path("data/features") / task, Path("models") / task / "head"
    if not (features / "backbone.onnx").is_file() or places.export(task).resolve() != classifier.folder.resolve():
        raise UserError(
            f"{classifier.folder}: the head of this model is not linear, so its maps need the project it comes from; "
            "run there, with --task"
        )
    head, mapper = load_head(head_folder), Mapper(features)
    return lambda image, label: class_activation.class_activation(head, mapper.map(resize(image, mapper.size)), label)
