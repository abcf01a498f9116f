"""SIGTERM to DVC alone, or to `sortline run`: no stage is left running, nothing half-written, and the line goes on."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest
from test_killed import forget

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")]

DVC = ("-m", "dvc", "repro", "export@tiny")
RUN = ("-m", "sortline.cli", "run", "--task", "tiny")


@pytest.mark.parametrize(("command", "code"), [(DVC, -signal.SIGTERM), (RUN, 128 + signal.SIGTERM)])
def test_sigterm_leaves_no_stage_and_nothing_half_written(project, command, code):
    whole = project.content()
    forget(project, "extract")
    for path in (project.root / "data/features").rglob("*.npy"):
        path.unlink()
    with subprocess.Popen(
        [sys.executable, *command], cwd=project.root, env=project.environment(), stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True,
    ) as process:  # fmt: skip
        for line in process.stdout:
            if line.startswith("> python stages/extract.py"):
                break
        time.sleep(1)
        started = psutil.Process(process.pid).children(recursive=True)
        assert started
        process.terminate()
        said, _ = process.communicate(timeout=120)
    assert process.returncode == code
    assert "Traceback" not in said
    assert psutil.wait_procs(started, 30)[1] == []
    assert not list(project.root.rglob(".tmp-*"))
    project.run(sys.executable, *RUN)
    assert project.content() == whole
