"""Running a task's stages one after the other in this process, without DVC."""

import importlib.util
import os
import shutil
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from sortline._core import runtime

ROOT = Path(__file__).parents[2]
ARGUMENTS = {
    "fetch": "--out data/raw/T --source data/raw/T.json --downloads data/downloads",
    "weights": "--out data/weights/T --downloads data/downloads",
    "prepare": "--raw data/raw/T --source data/raw/T.json --tables tables --out data/prepared/T "
    "--metrics metrics/T/data.json --plots plots/T/prepare",
    "extract": "--prepared data/prepared/T --raw data/raw/T --weights data/weights/T --out data/features/T",
    "train_head": "--prepared data/prepared/T --features data/features/T --out models/T/head --plots plots/T/train "
    "--metrics metrics/T/train.json",
    "train": "--prepared data/prepared/T --weights data/weights/T --features data/features/T --out models/T/head "
    "--plots plots/T/train --metrics metrics/T/train.json",
    "evaluate": "--prepared data/prepared/T --features data/features/T --head models/T/head --raw data/raw/T "
    "--source data/raw/T.json --data metrics/T/data.json --metrics metrics/T/evaluate.json --plots plots/T/evaluate",
    "diagnose": "--prepared data/prepared/T --features data/features/T --head models/T/head --raw data/raw/T "
    "--metrics metrics/T/diagnose.json --plots plots/T/diagnose",
    "export": "--prepared data/prepared/T --raw data/raw/T --weights data/weights/T --features data/features/T "
    "--head models/T/head --out models/T/export --metrics metrics/T/export.json",
}


def run_stage(name: str, task: str) -> None:
    spec = importlib.util.spec_from_file_location(name, ROOT / "stages" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.main([task, *ARGUMENTS[name].replace("T", task).split()])


def run(root: Path, task: str, params: dict[str, Any]) -> None:
    """Run every stage that `params`, the task's section, has, in the new project folder `root`."""
    with (root / "params.yaml").open("w", encoding="utf-8") as stream:
        YAML().dump({"tasks": [task], task: params}, stream)
    shutil.copytree(ROOT / "tables", root / "tables")
    before = Path.cwd()
    os.chdir(root)
    try:
        for name in ARGUMENTS:
            if name in params:
                run_stage(name, task)
    finally:
        os.chdir(before)
        runtime.prepare()
