"""What each stage of the garbage line costs, and a command from a cold start: seconds, and CPU seconds."""

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

from sortline._core.errors import UserError

ROOT = Path(__file__).parents[1]
TASK = "garbage"
STAGES = ("fetch", "weights", "prepare", "extract", "train_head", "evaluate", "diagnose", "export")
IN = ("dvc.yaml", "params.yaml", "versions.lock", "stages", "src", "tables", "corrections")


def run(repeats: int) -> dict[str, Any]:
    """Run the stages' commands out of dvc.yaml once, one after the other, in a scratch folder with nothing in it; then
    `sortline --help` and `sortline predict` of a photo `repeats` times, of which the quickest counts."""
    if "SORTLINE_DATA" not in os.environ:
        raise UserError("SORTLINE_DATA names no folder with the photos")
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    with tempfile.TemporaryDirectory() as scratch:
        for name in IN:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy(ROOT / name, Path(scratch) / name)
        table = {stage: took(stages[stage]["cmd"].replace("${item.task}", TASK).split(), scratch) for stage in STAGES}
        photo = next(iter(sorted((Path(scratch) / "data/raw" / TASK / "val").rglob("*.jpg"))))
        program = ["python", "-m", "sortline.cli"]
        commands = {"--help": ["--help"], "predict": ["predict", str(photo), "--model", f"models/{TASK}/export"]}
        starts = {
            name: min((took([*program, *words], scratch) for _ in range(repeats)), key=lambda one: one["seconds"])
            for name, words in commands.items()
        }
    whole = {key: round(sum(stage[key] for stage in table.values()), 1) for key in ("seconds", "cpu_seconds")}
    return {"task": TASK, "stages": table, "whole": whole, "commands": starts, "repeats": repeats}


def took(command: list[str], folder: str) -> dict[str, float]:
    """Return the seconds, by the clock and of all processors, of a command that begins with `python`."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, *command[1:]], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    seconds, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"seconds": round(seconds, 2), "cpu_seconds": round(cpu, 2)}
