"""What it saves not to begin anew: 100 photos more, stages killed halfway; and what two processes bring."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

from bench.line import IN, ROOT
from sortline._core.errors import UserError

HEAD, NET = "garbage", "mnist"
ADDED = 100
EPOCHS = 6  # of NET, a third of those that the line trains
KEPT = "build/kept"


def run(repeats: int) -> dict[str, Any]:
    """Run the stages' commands out of dvc.yaml in a scratch folder; each figure is of one run, whatever `repeats`."""
    if "SORTLINE_DATA" not in os.environ:
        raise UserError("SORTLINE_DATA names no folder with the photos")
    with tempfile.TemporaryDirectory() as scratch:
        line = Line(Path(scratch))
        return {
            "added": added(line),
            "killed": killed(line),
            "workers": workers(line),
            "tasks": [HEAD, NET],
            "epochs": EPOCHS,
        }


class Line:
    """The line of this checkout in a folder of its own, with nothing in it; the photos of HEAD lie in `photos`."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.photos = folder, folder / "photos"
        for name in IN:
            (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, folder / name)
        self.stages = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
        params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
        shutil.copytree(Path(os.environ["SORTLINE_DATA"]) / "garbage26", self.photos)
        params[HEAD]["fetch"] = {"sources": [{"kind": "folder", "path": str(self.photos)}]}
        params[NET]["train"]["epochs"] = EPOCHS
        (folder / "params.yaml").write_text(yaml.safe_dump(params, allow_unicode=True), encoding="utf-8")

    def start(self, stage: str, task: str, **more: str) -> subprocess.Popen:
        words = [sys.executable, *self.stages[stage]["cmd"].replace("${item.task}", task).split()[1:]]
        # What DVC does before a stage runs.
        for out in self.stages[stage]["outs"]:
            where = self.folder / str(out).replace("${item.task}", task)
            shutil.rmtree(where) if where.is_dir() else where.unlink(missing_ok=True)
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
        return subprocess.Popen(words, cwd=self.folder, env=os.environ | more, encoding="utf-8", **quiet)  # type: ignore[call-overload]

    def took(self, task: str, *stages: str, **more: str) -> float:
        """Return the seconds of these stages, one after the other; `more`: environment variables."""
        begun = time.perf_counter()
        for stage in stages:
            process = self.start(stage, task, **more)
            words = process.communicate()[1]
            if process.returncode:
                raise RuntimeError(words)
        return round(time.perf_counter() - begun, 1)


def added(line: Line) -> dict[str, float]:
    """Return seconds from the folder with ADDED photos more to a new head, with what is kept of the others, without."""
    train = sorted((line.photos / "train").rglob("*.jpg"))
    later = train[:: len(train) // ADDED][:ADDED]
    for photo in later:
        photo.rename(line.folder / f"{photo.parent.name}-{photo.name}")
    steps = "fetch", "prepare", "extract", "train_head"
    line.took(HEAD, "weights", *steps)
    for photo in later:
        (line.folder / f"{photo.parent.name}-{photo.name}").rename(photo)
    kept = line.took(HEAD, *steps)
    shutil.rmtree(line.folder / KEPT)
    return {"photos": ADDED, "among": len(train), "seconds": kept, "anew_seconds": line.took(HEAD, *steps)}


def killed(line: Line) -> dict[str, Any]:
    """Return of stages that are killed after half their time: seconds of the whole, and from the kill to the end."""
    line.took(NET, "fetch", "weights", "prepare", "extract")
    found = {}
    for stage, task in (("extract", HEAD), ("train", NET)):
        shutil.rmtree(line.folder / KEPT, ignore_errors=True)
        whole = line.took(task, stage)
        shutil.rmtree(line.folder / KEPT, ignore_errors=True)
        process = line.start(stage, task)
        time.sleep(whole / 2)
        process.kill()
        process.wait()
        found[stage] = {"task": task, "seconds": whole, "rest_seconds": line.took(task, stage)}
    return found


def workers(line: Line) -> dict[str, float]:
    """Return the seconds of training NET with one process and with two, which share the cores."""
    return {str(count): line.took(NET, "train", SORTLINE_WORKERS=str(count)) for count in (1, 2)}
