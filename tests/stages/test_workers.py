"""Two workers train the net that one would; one that dies ends the run in a line."""

import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from going_on import NET, NUMBERS

from sortline._core import parameters
from sortline._core.files import read_csv

pytestmark = [
    pytest.mark.slow, pytest.mark.skipif(os.name != "posix", reason="MindSpore's collectives on the CPU are Linux's"),
    pytest.mark.xdist_group("workers"),
]  # fmt: skip

# Without maxima and kinks: a tie between two pixels may go either way, and the nets apart from then on.
SMOOTH = {"epochs": 4, "lr": 0.05, "batch_size": 32, "pooling": "average", "activation": "tanh"}


@pytest.fixture(scope="module")
def line(new, tmp_path_factory):
    root = tmp_path_factory.mktemp("workers")
    (root / "data").mkdir()
    project = new(root / "数字 line", root / "data")
    train = SMOOTH | {"augment": {"shift": 1.0, "rotation": 10.0}}
    project.write_params({"tasks": [NET], "head_tasks": [], "net_tasks": [NET], NET: NUMBERS | {"train": train}})
    project.dvc("repro", f"extract@{NET}")
    return project


def start(project, out: str, workers: int) -> subprocess.Popen:
    """Start the stage train on so many workers, into folders of its own."""
    words = shlex.split(project.stages(NET)["train"]["cmd"])[1:]
    for option, path in {"--out": out, "--plots": f"{out} plots", "--metrics": f"{out}.json"}.items():
        words[words.index(option) + 1] = path
    # As by hand, in an environment that was not activated: its `python` is not on the PATH.
    variables = {"SORTLINE_WORKERS": str(workers), "PATH": os.defpath}
    return subprocess.Popen(
        [sys.executable, *words], cwd=project.root, env=project.environment() | variables, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def train(project, out: str, workers: int) -> tuple[np.ndarray, dict[str, np.ndarray], Path]:
    """Train to the end; return the curves (epochs, columns), the last checkpoint, and the folder that it lies in."""
    with start(project, out, workers) as process:
        said, _ = process.communicate(timeout=300)
    assert process.returncode == 0, said
    assert f"{NET}: epoch" in said
    rows = [list(map(float, row.values())) for row in read_csv(project.root / f"{out} plots" / "curves.csv")]
    folder = project.root / out
    return np.array(rows), parameters.read(folder / "last.safetensors"), folder


def test_two_workers_train_the_net_of_one(line):
    curve, net, folder = train(line, "one", 1)
    curve_of_two, net_of_two, folder_of_two = train(line, "two", 2)
    assert len(curve) == 4 and curve[-1, 2] < curve[0, 2] / 2  # it learns
    assert np.abs(curve_of_two - curve).max() < 1e-4
    assert max(np.abs(net_of_two[name] - array).max() for name, array in net.items()) < 1e-4
    assert any((net_of_two[name] != array).any() for name, array in net.items())  # two did it
    assert {path.name for path in folder.iterdir()} == {path.name for path in folder_of_two.iterdir()}


def test_a_batch_that_cannot_be_shared_evenly_is_one_line(line):
    with start(line, "three", 3) as process:
        said, _ = process.communicate(timeout=300)
    assert process.returncode == 2 and "Traceback" not in said
    assert "error: batches of 32 cannot be shared by 3 workers evenly" in said.splitlines()[-1]


def test_a_worker_that_dies_ends_the_run_in_one_line(line):
    with start(line, "none", 2) as process:
        end = time.monotonic() + 120
        while not (found := _worker(process.pid, 1)) and time.monotonic() < end:
            time.sleep(0.2)
        time.sleep(4)
        started = psutil.Process(process.pid).children(recursive=True)
        os.kill(found[0], signal.SIGKILL)
        said, _ = process.communicate(timeout=300)
    assert process.returncode == 2
    assert said.splitlines()[-1].startswith("error: a worker (process ") and "Traceback" not in said
    assert psutil.wait_procs(started, 30)[1] == []
    assert not (line.root / "none").exists()


def _worker(parent: int, number: int) -> list[int]:
    """Return the process of the worker `number`, once it is there."""
    found = []
    for child in psutil.Process(parent).children(recursive=True):
        try:
            if child.environ().get("RANK_ID") == str(number):
                found.append(child.pid)
        except psutil.Error:
            continue
    return found
