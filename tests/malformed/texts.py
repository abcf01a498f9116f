"""Texts: good params.yaml, class tables and training logs, and how they are read."""

from pathlib import Path
from typing import Any

from malformed.formats import sound

CLASSES = "code,en,zh,bin,family\na,Apple,苹果,,Rose\nb,Bread,面包,,Grass\n"
PARAMS = """tasks: [toy]
head_tasks: [toy]
toy:
  fetch:
    sources:
      - {kind: folder, path: photos}
      - {kind: archive, url: "https://example.org/a.zip", max_mb: 10}
  prepare:
    split: {val_fraction: 0.2, folds: 5, seed: 1}
  train_head:
    optimizer: adam  # of all
    lr: 4e-05
    epochs: 30
    lbfgs_c: [0.3, 1.0]
"""
DECISIONS = (
    f'sha256,photo,old,new,why\n{"a" * 64},train/a/1.png,Apple,Bread,\n{"b" * 64},val/b/2.png,Bread,drop,"torn, wet"\n'
)
SAVED = """{"task": "toy", "version": "01234567", "photos": [
  {"file": "001.jpg", "sure": false, "familiar": true, "corrected": "Bread", "guesses": [
    {"name": "Apple", "probability": 0.5}, {"name": "Bread", "probability": 0.25}]},
  {"file": "002.jpg", "sure": true, "corrected": null, "guesses": [{"name": "Bread", "probability": 1}]}]}
"""
LOG = "".join(
    f"epoch: {epoch} step: {step}, loss is {2 / epoch + step / 100}\n" for epoch in (1, 2, 3) for step in (1, 2)
) + ("Train epoch time: 8617.408 ms, per step time: 4.596 ms\nEpoch:[  4/ 10], step:[  1/ 1875], loss:[2.30/2.30]\n")


def params_files() -> dict[str, bytes]:
    return {"params": PARAMS.encode()}


def read_params(path: Path) -> Any:
    from sortline._core.files import read_yaml
    from sortline.config.base import load
    from sortline.config.prepare import PrepareParams
    from sortline.config.tasks import listed
    from sortline.config.training import TrainHeadParams
    from sortline.data.sources import FetchParams

    stages = {"fetch": FetchParams, "prepare": PrepareParams, "train_head": TrainHeadParams}
    found = {name: load("toy", name, schema, path).model_dump() for name, schema in stages.items()}
    return found, listed(read_yaml(path))


def tables() -> dict[str, bytes]:
    return {"table": CLASSES.encode()}


def read_table(path: Path) -> Any:
    from sortline.data.classes import load_table

    found = load_table(path.stem, path.parent)
    sound(found.classes and all(row["en"] and row["code"] for row in found.classes), "names")
    return found


def logs() -> dict[str, bytes]:
    return {"log": LOG.encode(), "utf-16": LOG.encode("utf-16")}


def read_log(path: Path) -> Any:
    from sortline.report.log_report import describe
    from sortline.report.training_log import read_log

    log = read_log(path)
    sound(all(isinstance(line, str) for line in describe("a", log, 0.1, 3, 100)), "lines")
    return [(number, epoch.losses.tolist(), epoch.seconds) for number, epoch in log.epochs]


def decisions() -> dict[str, bytes]:
    return {"decisions": DECISIONS.encode()}


def read_decisions(path: Path) -> Any:
    from sortline.data.corrections import read

    found = read(path)
    sound(all(len(one.sha256) == 64 for one in found), "digests")
    return found


def lists_of_photos() -> dict[str, bytes]:
    return {"list": SAVED.encode()}


def read_list_of_photos(path: Path) -> Any:
    from sortline.review.phone import read_list

    task, rows = read_list(path)
    sound(all(note.startswith("the phone: ") and "\n" not in note for _, note in rows), "notes")
    return task, rows
