"""What going on saves: seconds to a head with 100 photos more, and of stages that were killed halfway."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

from bench.line import IN, ROOT, took
from sortline._core import unfinished
from sortline._core.errors import UserError

HEAD, NET = "garbage", "mnist"
ADDED = 100
EPOCHS = 6  # of NET, a third of those that the line trains


def run(repeats: int) -> dict[str, Any]:
    """Run the stages' commands out of dvc.yaml in a scratch folder; each figure is of one run, whatever `repeats`."""
    if "SORTLINE_DATA" not in os.environ:
        raise UserError("SORTLINE_DATA names no folder with the photos")
    with tempfile.TemporaryDirectory() as scratch:
        line = Line(Path(scratch))
        of_added = added(line)
        of_killed = {
            "extract": killed(line, HEAD, "extract", of_added["anew"]["extract"]),
            "train": killed(line, NET, "train"),
        }
        return {"task": HEAD, "added": of_added, "killed": of_killed, "net": NET, "epochs": EPOCHS}


class Line:
    """The line of this checkout in a folder of its own, with nothing in it; the photos of HEAD lie in `photos`."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.photos = folder, folder / "photos"
        for name in IN:
            (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, folder / name)
        self.stages = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
        params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
        shutil.copytree(Path(os.environ["SORTLINE_DATA"]) / "garbage26", self.photos, copy_function=shutil.copyfile)
        params[HEAD]["fetch"] = {"sources": [{"kind": "folder", "path": str(self.photos)}]}
        params[NET]["train"]["epochs"] = EPOCHS
        (folder / "params.yaml").write_text(yaml.safe_dump(params, allow_unicode=True), encoding="utf-8")

    def command(self, stage: str, task: str) -> list[str]:
        return self.stages[stage]["cmd"].replace("${item.task}", task).split()

    def took(self, task: str, *stages: str) -> dict[str, dict[str, float]]:
        """Run these stages, one after the other; return the seconds of each, by the clock and of all processors."""
        return {stage: took(self.command(stage, task), str(self.folder)) for stage in stages}

    def forget(self) -> None:
        shutil.rmtree(self.folder / unfinished.FOLDER, ignore_errors=True)

    def kill(self, task: str, stage: str, after: float) -> None:
        """Start the stage, and send it SIGKILL so many seconds later."""
        words = [sys.executable, *self.command(stage, task)[1:]]
        process = subprocess.Popen(words, cwd=self.folder, stdout=subprocess.DEVNULL)
        time.sleep(after)
        process.kill()
        if process.wait() >= 0:
            raise RuntimeError(f"{stage} ended before it was killed")


def added(line: Line) -> dict[str, Any]:
    """Return the seconds to a head with nothing kept, and then with what was kept of all photos but ADDED."""
    photos = sorted((line.photos / "train").rglob("*.jpg"))
    later = photos[:: len(photos) // ADDED][:ADDED]
    steps = "prepare", "extract", "train_head"
    line.took(HEAD, "weights", "fetch")
    anew = line.took(HEAD, *steps)
    for photo in later:
        photo.rename(line.folder / f"{photo.parent.name}-{photo.name}")
    line.took(HEAD, "fetch", "prepare", "extract")
    for photo in later:
        (line.folder / f"{photo.parent.name}-{photo.name}").rename(photo)
    line.took(HEAD, "fetch")
    return {"photos": ADDED, "of": len(photos), "anew": anew, "kept": line.took(HEAD, *steps)}


def killed(line: Line, task: str, stage: str, anew: dict[str, float] | None = None) -> dict[str, dict[str, float]]:
    """Return a stage's seconds from nothing, and from a kill after half of them to the end."""
    if anew is None:
        line.took(task, "fetch", "weights", "prepare", "extract")
        anew = line.took(task, stage)[stage]
    line.forget()
    line.kill(task, stage, anew["seconds"] / 2)
    return {"anew": anew, "after_kill": line.took(task, stage)[stage]}
