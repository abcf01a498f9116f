"""What the line costs at 1x, 2x and 5x the photos: seconds and peak memory of each stage, as a table and a figure.

Runs the stages' own scripts in a scratch folder, on a seeded part of the garbage photos, or on as many drawn ones.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import yaml

from sortline.report.figures.style import SERIES, figure_at

ROOT = Path(__file__).parents[1]
FACTORS, FIRST = (1, 2, 5), 16  # photos a class at 1x
STAGES = {
    "prepare": "--raw data/raw/part --source data/raw/part.json --tables tables --out data/prepared/part"
    " --metrics metrics/part/data.json --plots plots/part/prepare",
    "extract": "--prepared data/prepared/part --raw data/raw/part --weights data/weights/part --out data/features/part",
    "train_head": "--prepared data/prepared/part --features data/features/part --out models/part/head"
    " --plots plots/part/train --metrics metrics/part/train.json",
    "evaluate": "--prepared data/prepared/part --features data/features/part --head models/part/head"
    " --raw data/raw/part --source data/raw/part.json --data metrics/part/data.json"
    " --metrics metrics/part/evaluate.json --plots plots/part/evaluate",
}


def run(repeats: int) -> dict[str, object]:
    """Run once a size: a run of the line is long, and its parts are averages over many photos already."""
    task = "garbage" if (ROOT / "data/raw/garbage").is_dir() else "sample"
    rows = {}
    for factor in FACTORS:
        with tempfile.TemporaryDirectory() as scratch:
            photos = project(Path(scratch), task, factor * FIRST)
            measured = {stage: script(stage, words, Path(scratch)) for stage, words in STAGES.items()}
        rows[f"{factor}x"] = {"photos": photos} | measured
        print(f"{factor}x: {rows[f'{factor}x']}", flush=True)
    draw(rows, ROOT / "bench" / "scale.png")
    return {"task": task, "sizes": rows, "repeats": 1}


def project(scratch: Path, task: str, per_class: int) -> int:
    """Lay out params, photos (at most `per_class` of each) and weights in `scratch`; return how many photos."""
    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    section = params[task]
    section["prepare"] = (section["prepare"] or {}) | {"split": {"val_fraction": 0.1, "folds": 5}}
    (scratch / "params.yaml").write_text(yaml.safe_dump({"tasks": ["part"], "part": section}), encoding="utf-8")
    count, random = 0, np.random.default_rng(0)
    folders: dict[str, list[Path]] = {}
    for path in sorted((ROOT / "data/raw" / task).rglob("*")):
        if path.suffix.lower() in (".jpg", ".jpeg", ".png"):
            folders.setdefault(path.parent.name, []).append(path)
    for name, paths in folders.items():
        (scratch / "data/raw/part" / name).mkdir(parents=True)
        for index in random.permutation(len(paths))[:per_class]:
            shutil.copy(paths[index], scratch / "data/raw/part" / name / f"{index}{paths[index].suffix}")
            count += 1
    shutil.copy(ROOT / f"data/raw/{task}.json", scratch / "data/raw/part.json")
    shutil.copytree(ROOT / "tables", scratch / "tables")
    shutil.copytree(ROOT / "data/weights" / task, scratch / "data/weights/part")
    return count


def script(stage: str, words: str, scratch: Path) -> dict[str, float]:
    """Run a stage's script; return its seconds and its peak resident memory in MB."""
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, ROOT / "stages" / f"{stage}.py", "part", *words.split()], cwd=scratch)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise RuntimeError(f"{stage} ended with status {status}")
    return {"seconds": round(time.perf_counter() - start, 1), "peak_mb": round(usage.ru_maxrss / 1024)}


def draw(rows: dict[str, dict], path: Path) -> None:
    with figure_at(path, 8.0, 3.2) as figure:
        left, right = figure.subplots(1, 2)
        photos = [row["photos"] for row in rows.values()]
        for stage, colour in zip(STAGES, SERIES, strict=False):
            for axes, key in ((left, "seconds"), (right, "peak_mb")):
                axes.plot(photos, [row[stage][key] for row in rows.values()], "o-", color=colour, label=stage, ms=4)
        left.set(xlabel="photos", ylabel="seconds", title="time of each stage")
        right.set(xlabel="photos", ylabel="MB, peak", title="memory of each stage")
        for axes in (left, right):
            axes.set_xlim(0)
            axes.set_ylim(0)
            axes.grid()
        right.legend(loc="center left", bbox_to_anchor=(1, 0.5))
