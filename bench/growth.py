"""What a folder of one's own costs as photos and classes grow: seconds, CPU seconds and memory of `sortline new` and of
the stages up to `evaluate`, one view a photo, on generated pictures. By name alone: it takes twenty minutes.

The pictures are small, and the backbone is run at their size, so that this measures what grows, not the network; only
exact copies are looked for, as `bench.copies` has the search for all.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from sortline._core.cores import on_all_cores

ROOT = Path(__file__).parents[1]
SIZES = ((50_000, 26), (2_000, 26), (10_000, 26), (10_000, 260), (10_000, 1_000))  # photos, classes
SIDE = 96
STAGES = ("fetch", "weights", "prepare", "extract", "train_head", "evaluate")
TASK = "grown"


def run(repeats: int) -> dict[str, Any]:
    """Run once a size."""
    rows = {}
    for photos, classes in SIZES:
        name = f"{photos} photos, {classes} classes"
        with tempfile.TemporaryDirectory() as scratch:
            rows[name] = measure(Path(scratch), photos, classes)
        print(f"{name}: {rows[name]}", flush=True)
    return {"side": SIDE, "backbone": "efficientnet_lite0", "repeats": 1, "sizes": rows}


def measure(scratch: Path, photos: int, classes: int) -> dict[str, dict[str, float]]:
    """Return what each step costs in a clone of the project in `scratch`."""
    folder, project = scratch / "photos", scratch / "project"
    for label in range(classes):
        (folder / f"{label:04}").mkdir(parents=True)
    for _ in on_all_cores(lambda number: draw(folder, number, classes), range(photos), "drawing"):
        pass
    subprocess.run(["git", "clone", "--quiet", ROOT, project], check=True)
    # What is measured is the code as it is here, committed or not.
    for part in ("src", "stages"):
        shutil.rmtree(project / part)
        shutil.copytree(ROOT / part, project / part)
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))  # stages run as `python`
    environment = os.environ | {"PYTHONPATH": str(project / "src"), "PATH": path}
    program = [sys.executable, "-m", "sortline.cli"]
    begun = [*program, "new", TASK, str(folder), "--exact", "--backbone", "efficientnet_lite0"]
    costs = {"new": took(begun, project, environment)}
    params = (project / "params.yaml").read_text(encoding="utf-8")
    head, section = params.split(f"\n{TASK}:")
    section = section.replace("  extract: {}", f"  extract: {{image_size: {SIDE}}}")
    section = section.replace("  prepare:\n", "  prepare:\n    views: {count: 1}\n").replace(
        "  prepare: {}", "  prepare: {views: {count: 1}}"
    )
    (project / "params.yaml").write_text(f"{head}\n{TASK}:{section}", encoding="utf-8")
    for stage in STAGES:
        words = [sys.executable, "-m", "dvc", "repro", "--single-item", f"{stage}@{TASK}"]
        costs[stage] = took(words, project, environment)
    whole = {key: round(sum(one[key] for one in costs.values()), 1) for key in ("seconds", "cpu_seconds")}
    return costs | {"all": whole | {"peak_mb": max(one["peak_mb"] for one in costs.values())}}


def took(command: list[str], folder: Path, environment: dict[str, str]) -> dict[str, float]:
    """Return the seconds, the CPU seconds, and the memory in MB of the largest process, of a command."""
    begun = time.perf_counter()
    process = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise RuntimeError(f"{' '.join(command)} ended with status {status}")
    return {
        "seconds": round(time.perf_counter() - begun, 1),
        "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 1),
        "peak_mb": round(usage.ru_maxrss / 1024),
    }


def draw(folder: Path, number: int, classes: int) -> None:
    """Save picture `number`, of class `number % classes`: a pattern of its own, in the class's colours and scale."""
    label, generator = number % classes, np.random.default_rng([1, number])
    of_class = np.random.default_rng([2, label])
    colours, cells = of_class.integers(0, 256, (2, 3)), int(of_class.integers(6, 20))
    pattern = Image.fromarray(generator.integers(0, 256, (cells, cells)).astype(np.uint8))
    share = np.asarray(pattern.resize((SIDE, SIDE), Image.Resampling.BICUBIC))[..., None] / 255
    picture = colours[0] * share + colours[1] * (1 - share) + generator.normal(0, 4, (SIDE, SIDE, 1))
    path = folder / f"{label:04}" / f"{number:06}.jpg"
    Image.fromarray(picture.clip(0, 255).astype(np.uint8)).save(path, quality=90)
