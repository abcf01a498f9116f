"""eight_bits: what the exported model in 8 bits says of corrupted photos and of strangers, beside the one in 32.

Usage: eight_bits.py --out FILE --table FILE
"""

import argparse
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from common import PARAMS, ROOT, SPLIT, dealt, interval

from sortline._core import files
from sortline._core.cores import on_all_cores
from sortline._core.errors import run
from sortline.data import prepared
from sortline.data.datasets import open_picture
from sortline.data.images import resize
from sortline.evaluation import comparison, metrics, strangers
from sortline.evaluation.corruptions import KINDS
from sortline.export.classifier import Classifier
from sortline.export.prediction import Prediction

MODELS = {"32 bits": "model.onnx", "8 bits": "model_int8.onnx"}
LEVELS = "90", "95"


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for option in ("--out", "--table"):
        parser.add_argument(option, type=Path, required=True)
    args = parser.parse_args(argv)
    photos, sets = prepared.read_part(SPLIT, "val"), PARAMS["eight_bits"]
    cells, deal = dealt(photos.labels, sets["each"])
    with tempfile.TemporaryDirectory() as folder:
        models = [opened(name, Path(folder)) for name in MODELS.values()]
        known = answers(models, photos, cells, deal)
        strange = of_strangers(models, sets["strangers"])
    found = scored(models[0], photos, known, strange)
    files.write_metrics(args.out, found)
    files.write_text(args.table, "\n".join(table(files.read_json(args.out))) + "\n")


def opened(name: str, folder: Path) -> Classifier:
    """Open one model of the line's export: alone in a folder, so that it is the one that is used."""
    export, alone = ROOT / "models" / PARAMS["task"] / "export", folder / name
    alone.mkdir()
    for file in (name, "labels.json"):
        shutil.copyfile(export / file, alone / file)
    return Classifier(alone, threads=1)


def side_of(model: Classifier) -> int:
    """Return the pixels a side that the model resizes a photo to."""
    assert model.labels.image_size is not None  # as in every export of a task of photos
    return model.labels.image_size


def answers(
    models: list[Classifier], photos: prepared.Part, cells: list[tuple[str, int]], deal: np.ndarray
) -> list[list[list[Prediction]]]:
    """Return of each photo, of it as it is and then of each of its ways, what the models say."""
    side, raw = side_of(models[0]), ROOT / "data" / "raw" / PARAMS["task"]

    def ask(number: int) -> list[list[Prediction]]:
        picture = resize(open_picture(raw / photos.images[number]), side)
        ways = (cells[cell] for cell in deal[number])
        pictures = [picture, *(KINDS[name].corrupt(picture, severity) for name, severity in ways)]
        return [[model.predict(one, top=1) for model in models] for one in pictures]

    return list(on_all_cores(ask, range(len(deal)), "corrupted photos"))


def of_strangers(models: list[Classifier], count: int) -> np.ndarray:
    """Return which pictures of nothing the models know each takes for familiar, bool (pictures, models)."""
    side = side_of(models[0])

    def ask(one: tuple[str, int]) -> list[bool]:
        return [model.predict(strangers.picture(*one, side), top=1).familiar for model in models]

    drawn = [(kind, number) for kind in strangers.KINDS for number in range(count)]
    return np.array(list(on_all_cores(ask, drawn, "strangers")))


def scored(
    model: Classifier, photos: prepared.Part, known: list[list[list[Prediction]]], strange: np.ndarray
) -> dict[str, Any]:
    """Return the scores of each model, and of 8 bits how they differ from 32, photo by photo."""
    codes = np.array([one["code"] for one in model.classes])[photos.labels]
    said = np.array([[[one.label["code"] for one in ways] for ways in photo] for photo in known])
    correct = said == codes[:, None, None]  # (photos, as it is and its ways, models)
    familiar = np.array([[[one.familiar for one in ways] for ways in photo] for photo in known])
    scenes = np.repeat(photos.scenes, correct.shape[1] - 1)
    rows = {}
    for place, name in enumerate(MODELS):
        clean, corrupted = correct[:, 0, place], correct[:, 1:, place].ravel()
        row: dict[str, Any] = {
            "clean": metrics.share_by_scene(clean, photos.scenes),
            "corrupted": metrics.share_by_scene(corrupted, scenes),
            "familiar": metrics.share_by_scene(familiar[:, 0, place], photos.scenes),
            "familiar_corrupted": metrics.share_by_scene(familiar[:, 1:, place].ravel(), scenes),
            "strangers_told": metrics.share(~strange[:, place]),
        }
        for level in LEVELS:
            among = [[one["code"] for one in photo[0][place].sets[level]] for photo in known]
            inside = np.array([code in one for code, one in zip(codes, among, strict=True)])
            row[f"set_{level}"] = metrics.share_by_scene(inside, photos.scenes)
            row[f"set_{level}"]["mean_size"] = float(np.mean([len(one) for one in among]))
        rows[name] = row
    against = {
        "clean": comparison.paired_by_scene(correct[:, 0, 0], correct[:, 0, 1], photos.scenes),
        "corrupted": comparison.paired_by_scene(correct[:, 1:, 0].ravel(), correct[:, 1:, 1].ravel(), scenes),
        "same_class": metrics.share_by_scene((said[..., 0] == said[..., 1])[:, 1:].ravel(), scenes),
    }
    return {"split": "val", "models": rows, "against": against}


def table(found: dict[str, Any]) -> list[str]:
    columns = {"clean": "as they are", "corrupted": "corrupted", "familiar": "real photos known", "familiar_corrupted":
               "corrupted ones known", "strangers_told": "strangers told", "set_90": "in the set of 90 %", "set_95":
               "in the set of 95 %"}  # fmt: skip
    lines = [f"| model | {', % [95 %] | '.join(columns.values())}, % [95 %] |", "|" + " --- |" * (len(columns) + 1)]
    for name, row in found["models"].items():
        cells = []
        for key in columns:
            one = row[key]
            size = f", {one['mean_size']:.2f} classes" if "mean_size" in one else ""
            cells.append(interval(one, "accuracy", "") + size)
        lines.append(f"| {name} | {' | '.join(cells)} |")
    points = [interval(found["against"][key], "difference", "+") for key in ("clean", "corrupted")]
    lines.append(f"| 8 bits less 32, points [95 %] | {' | '.join(points)} |{' |' * (len(columns) - len(points))}")
    return lines


if __name__ == "__main__":
    run(main)
