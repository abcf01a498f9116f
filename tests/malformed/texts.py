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
