"""A stage killed half-way leaves nothing half-written under a final name; the next `dvc repro` makes it right."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import PurePosixPath

import pytest
import yaml

pytestmark = pytest.mark.skipif(os.name != "posix", reason="SIGKILL of a process group is POSIX's")

# Python runs a module of this name at start. In the stage, just before `target` gets its final name, it cuts what was
# written so far in half (a kill comes in the middle of a write), says so, and waits to be killed.
HOOK = """
import os
import time
from pathlib import Path

replace = Path.replace


def stopping(self, target):
    if Path(target).as_posix() == os.environ["KILL_TARGET"]:
        files = [path for path in (self, *self.rglob("*")) if path.is_file()]
        largest = max(files, key=lambda path: path.stat().st_size)
        os.truncate(largest, largest.stat().st_size // 2)
        Path(os.environ["KILL_MARK"]).touch()
        time.sleep(300)
    return replace(self, target)


if os.environ.get("DVC_STAGE") == os.environ["KILL_STAGE"]:
    Path.replace = stopping
"""

CASES = [
    ("fetch", "data/raw/tiny"),
    ("fetch", "data/raw/tiny.json"),
    ("weights", "data/weights/tiny"),
    ("prepare", "data/prepared/tiny/split.csv"),
    ("prepare", "plots/tiny/prepare/photos/duplicates.png"),
    ("extract", "data/features/tiny"),
    ("train_head", "models/tiny/head"),
    ("train_head", "metrics/tiny/train.json"),
    ("evaluate", "plots/tiny/evaluate/photos/wrong.png"),
    ("diagnose", "plots/tiny/diagnose/photos/suspects.png"),
    ("export", "models/tiny/export"),
]
QUICK = [("prepare", "data/prepared/tiny/split.csv"), ("fetch", "data/raw/tiny")]  # a file and a folder


def test_every_stage_is_killed_once(base):
    assert {stage for stage, _ in CASES} == set(base.stages())


@pytest.mark.parametrize(
    ("stage", "target"),
    [pytest.param(*case, id="-".join(case), marks=[] if case in QUICK else [pytest.mark.slow]) for case in CASES],
)
def test_after_a_kill_the_next_run_is_right(project, stage, target):
    whole, lock = project.content(), (project.root / "dvc.lock").read_bytes()
    forget(project, stage)
    kill(project, stage, target)

    left = {path: content for path, content in project.content(stage).items() if "/.tmp-" not in path}
    assert not [path for path in left if PurePosixPath(path).is_relative_to(target)]
    assert left.items() <= whole.items()
    assert (project.root / "dvc.lock").read_bytes() == lock

    assert project.repro() == {stage}
    assert project.content() == whole
    assert (project.root / "dvc.lock").read_bytes() == lock
    assert not list(project.root.rglob(".tmp-*"))


def forget(project, stage: str) -> None:
    """Take the stage's results out of the DVC cache: DVC cannot put them back, the stage must make them again."""
    cache = project.root / ".dvc" / "cache"
    shutil.rmtree(cache / "runs")
    locked = yaml.safe_load((project.root / "dvc.lock").read_text(encoding="utf-8"))["stages"][f"{stage}@tiny"]
    for out in locked["outs"]:
        (cache / "files" / "md5" / out["md5"][:2] / out["md5"][2:]).unlink(missing_ok=True)


def kill(project, stage: str, target: str) -> None:
    """Run the stage, and kill DVC and all that it started when the stage is about to finish `target`."""
    beside = project.root.parent
    (beside / "hook").mkdir()
    (beside / "hook" / "sitecustomize.py").write_text(HOOK, encoding="utf-8")
    mark = beside / "half-way"
    variables = {"KILL_STAGE": f"{stage}@tiny", "KILL_TARGET": target, "KILL_MARK": str(mark)}
    environment = project.environment() | variables
    environment["PYTHONPATH"] = os.pathsep.join([str(beside / "hook"), environment["PYTHONPATH"]])
    command = [sys.executable, "-m", "dvc", "repro", "--single-item", "--force", f"{stage}@tiny"]
    with subprocess.Popen(
        command, cwd=project.root, env=environment, start_new_session=True, stdout=subprocess.DEVNULL
    ) as process:
        end = time.monotonic() + 120
        while not mark.exists() and process.poll() is None and time.monotonic() < end:
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGKILL)
    assert mark.exists(), f"the stage ended without writing {target}"
    assert process.returncode == -signal.SIGKILL
