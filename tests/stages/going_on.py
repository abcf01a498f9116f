"""Kill extract, train_head and train at random moments: each goes on where it was, to the bytes of one left alone.

python tests/stages/going_on.py FOLDER [--kills 50] [--seed 0] prints a line a case and a table; FOLDER must be new.
"""

import argparse
import random
import shlex
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from sortline._core.unfinished import FOLDER as KEPT

NET = "numbers"
NUMBERS = {
    "fetch": {"sources": [{"kind": "sklearn_digits", "side": 28, "test": 120}]},
    "weights": {"backbone": None},
    "prepare": {"split": {"val_fraction": 0.2, "seed": 0}},
    "extract": {"pixels": True, "image_size": 32},
    "train": {"epochs": 8, "lr": 0.02, "augment": {"shift": 1.0, "elastic": 8.0}},
    "evaluate": {},
    "diagnose": {},
    "export": {},
}
STAGES = {"extract": "tiny", "train_head": "tiny", "train": NET}
# The stage, but it keeps its state all the time, and takes longer, as there is little to do here.
SLOWED = """
import runpy, sys, time
from sortline._core.photo_cache import PhotoCache
from sortline.training import keeping, loop

keeping.EVERY, keeping.SHARE, loop.BATCH_BYTES = 0.0, 0, 2**19
def slowed(function, seconds):
    return lambda *words: (function(*words), time.sleep(seconds))[0]
PhotoCache._add = slowed(PhotoCache._add, 0.1)
keeping.Keeper.write = slowed(keeping.Keeper.write, 0.02)
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@dataclass
class Case:
    """A stage that was killed so many times; what it took in all when left alone, and at last; the same bytes?"""

    stage: str
    kills: int
    alone: float
    at_last: float
    same: bool


def command(project, stage: str) -> list[str]:
    """Return what runs the stage of its task, as dvc.yaml has it, slowed."""
    about = project.stages(STAGES[stage])[stage]
    return [sys.executable, "-c", SLOWED, *shlex.split(about["cmd"])[1:]]


def out(project, stage: str) -> Path:
    part = {"extract": "data/features/{}", "train_head": "models/{}/head", "train": "models/{}/head"}[stage]
    return project.root / part.format(STAGES[stage])


def content(project, stage: str) -> dict[str, bytes]:
    folders = [out(project, stage)]
    if stage != "extract":
        folders += [project.root / "plots" / STAGES[stage] / "train", project.root / "metrics" / STAGES[stage]]
    paths = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(project.root).as_posix(): path.read_bytes() for path in paths}


def run(project, stage: str, kill_after: float | None = None) -> float:
    """Run the stage; kill it so many seconds after it has kept something for the first time. Return its seconds."""
    kept, begin = project.root / KEPT / STAGES[stage] / stage, time.monotonic()
    before = sizes(kept)
    with subprocess.Popen(
        command(project, stage), cwd=project.root, env=project.environment(), stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True,
    ) as process:  # fmt: skip
        if kill_after is not None:
            while process.poll() is None and sizes(kept) in ({}, before):
                time.sleep(0.01)
            time.sleep(kill_after)
            process.kill()
        said, _ = process.communicate()
    assert process.returncode in (0, -signal.SIGKILL) and (kill_after is not None or not process.returncode), said
    return time.monotonic() - begin


def sizes(folder: Path) -> dict[str, float]:
    """Return when each file that holds something was last changed."""
    return {path.name: path.stat().st_mtime for path in folder.glob("*.bin") if path.stat().st_size}


def sweep(project, kills: int, seed: int) -> list[Case]:
    """Kill so many times, one to three times before a stage may end."""
    draw, found = random.Random(seed), []
    alone, whole = {}, {}
    for stage in STAGES:
        forget(project, stage)
        alone[stage] = run(project, stage)
        whole[stage] = content(project, stage)
    while sum(case.kills for case in found) < kills:
        stage = list(STAGES)[len(found) % len(STAGES)]
        forget(project, stage)
        times = draw.randint(1, 3)
        for _ in range(times):
            run(project, stage, draw.uniform(0, alone[stage] / 2))
        at_last = run(project, stage)
        found.append(Case(stage, times, alone[stage], at_last, content(project, stage) == whole[stage]))
        print(found[-1], flush=True)
    return found


def forget(project, stage: str) -> None:
    """Remove what the stage made, as DVC does before it runs it, and what was kept of it."""
    for folder in (out(project, stage), project.root / KEPT / STAGES[stage] / stage):
        shutil.rmtree(folder, ignore_errors=True)


def table(found: list[Case]) -> str:
    """Return how many were right, and the mean seconds, by stage."""
    rows = [f"{'stage':10} {'cases':>5} {'kills':>5} {'right':>5} {'alone, s':>8} {'after kills, s':>14}"]
    for stage in STAGES:
        of = [case for case in found if case.stage == stage]
        last = sum(case.at_last for case in of) / max(1, len(of))
        right, kills = sum(case.same for case in of), sum(case.kills for case in of)
        rows.append(f"{stage:10} {len(of):5} {kills:5} {right:5} {of[0].alone if of else 0:8.1f} {last:14.1f}")
    return "\n".join(rows)


def make(new, place: Path):
    """Return a project in the new folder `place`, both tasks of which are ready to be extracted and trained."""
    from conftest import FOLDER, PARAMS, TASK, draw_photos

    draw_photos(place / "photos" / TASK)
    project = new(place / FOLDER, place / "photos")
    params = PARAMS | {"tasks": [TASK, NET], "net_tasks": [NET], NET: NUMBERS}
    params[TASK] = PARAMS[TASK] | {"train_head": PARAMS[TASK]["train_head"] | {"epochs": 40, "dropout": 0.1}}
    project.write_params(params)
    project.dvc("repro", f"extract@{TASK}", f"extract@{NET}")
    return project


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    from conftest import new_project  # here: pytest knows more than one conftest

    found = sweep(make(new_project, options.folder.absolute()), options.kills, options.seed)
    print(table(found))
    sys.exit(not all(case.same for case in found))


if __name__ == "__main__":
    main()
