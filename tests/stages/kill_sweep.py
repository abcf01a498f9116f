"""Kill a stage, DVC, or both, again and again at random moments; `sortline run` alone must then make it right.

python tests/stages/kill_sweep.py FOLDER [--kills 200] [--seed 0] prints a line a kill and a table; FOLDER must be new.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import psutil
from test_killed import forget

TASK = "tiny"
TARGETS = ("stage", "dvc", "both")


@dataclass
class Kill:
    """What was killed, when (seconds after DVC's start), what `sortline run` mended, and whether all was then right."""

    stage: str
    target: str
    after: float
    mended: list[str]
    right: bool


def sweep(project, kills: int, seed: int, longest: float | None = None) -> list[Kill]:
    """Kill `kills` times, over all stages and targets in turn; the project is up to date before and after each.

    A kill comes within `longest` seconds; None: within the time that the stage takes here, which is measured first.
    """
    draw, stages = random.Random(seed), list(project.stages())
    whole, lock = project.content(), (project.root / "dvc.lock").read_bytes()
    lasts = {stage: longest or _run(project, stage, None, float("inf")) for stage in stages}
    found = []
    for number in range(kills):
        stage, target = stages[number % len(stages)], TARGETS[number % len(TARGETS)]
        after = draw.uniform(0, lasts[stage])
        _run(project, stage, target, after)
        done = project.run(sys.executable, "-m", "sortline.cli", "run", "--task", TASK, ok=False)
        mended = [line for line in done.stdout.splitlines() if line.startswith("mended: ")]
        same = project.content() == whole and (project.root / "dvc.lock").read_bytes() == lock
        right = done.returncode == 0 and same and not list(project.root.rglob(".tmp-*"))
        found.append(Kill(stage, target, after, mended, right))
        print(
            f"{number + 1:4} {stage:10} {target:5} {after:5.2f} s {'right' if right else 'WRONG'} {mended}", flush=True
        )
        if not right:
            print(done.stdout, flush=True)
            break  # what comes after a wrong one says nothing
    return found


def _run(project, stage: str, target: str | None, after: float) -> float:
    """Have DVC make the stage again, kill the target after a while; return how many seconds DVC ran."""
    forget(project, stage)
    command = [sys.executable, "-m", "dvc", "repro", "--single-item", "--force", f"{stage}@{TASK}"]
    begin = time.monotonic()
    with subprocess.Popen(
        command, cwd=project.root, env=project.environment(), start_new_session=True, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ) as dvc:  # fmt: skip
        try:
            dvc.wait(None if target is None else after)
        except subprocess.TimeoutExpired:
            children = psutil.Process(dvc.pid).children(recursive=True)
            if target == "both":
                os.killpg(dvc.pid, signal.SIGKILL)
            elif target == "dvc" or not children:  # no stage yet, or no more
                dvc.kill()
            else:
                children[-1].kill()
    return time.monotonic() - begin


def table(found: list[Kill]) -> str:
    """Return the counts by what was killed."""
    rows = [f"{'killed':8} {'kills':>5} {'mended':>6} {'right':>5}"]
    for target in (*TARGETS, "all"):
        of = [kill for kill in found if target in (kill.target, "all")]
        rows.append(
            f"{target:8} {len(of):5} {sum(map(bool, (one.mended for one in of))):6} {sum(one.right for one in of):5}"
        )
    kinds = Counter(line.partition(";")[0].partition("(")[0].strip() for kill in found for line in kill.mended)
    return "\n".join([*rows, "", *(f"{count:4} {kind}" for kind, count in kinds.most_common())])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    from conftest import FOLDER, draw_photos, new_project  # here: pytest knows more than one conftest

    place = options.folder.absolute()
    draw_photos(place / "photos" / TASK)
    project = new_project(place / FOLDER, place / "photos")
    project.repro()
    project.git("add", ".")
    project.git("commit", "--quiet", "--message", "The line, run once")
    found = sweep(project, options.kills, options.seed)
    print(table(found))
    sys.exit(not all(kill.right for kill in found))


if __name__ == "__main__":
    main()
