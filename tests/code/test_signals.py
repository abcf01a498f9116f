"""Told to stop: one line, 130 or 143, nothing left behind, and no stage that outlives its DVC."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from sortline._core import signals
from sortline._core.signals import STOPPED

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")

# A command that is half-way through a folder when it is told to stop.
WRITING = """
import sys, time
from pathlib import Path
from sortline._core.errors import run
from sortline._core.files import replacing

def main(argv):
    with replacing(Path("out")) as temporary:
        temporary.mkdir()
        (temporary / "first").touch()
        time.sleep(60)

run(main)
"""
# A program that is told to stop while it loads sortline.
LOADING = """
import os, signal, sys
try:
    import sortline
    os.kill(os.getpid(), signal.SIGINT)
    import numpy
except KeyboardInterrupt:
    print("mine", file=sys.stderr)
    sys.exit(5)
"""
# What DVC does: it starts the stage by a shell, which may stay between, and waits.
PARENT = "import subprocess, sys; subprocess.run(['sh', '-c', f'{sys.executable} stage.py; true'])"


def wait_for(condition) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def start(folder: Path, *command: str, **variables: str) -> subprocess.Popen:
    (folder / "stage.py").write_text(WRITING, encoding="utf-8")
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("DVC_", "SORTLINE_"))}
    return subprocess.Popen(
        [sys.executable, *command], cwd=folder, env=environment | variables, stderr=subprocess.PIPE, text=True,
        preexec_fn=_as_usual,
    )  # fmt: skip


def _as_usual() -> None:
    """A shell's `&`, or nohup, may have started the tests ignoring a signal, which their children would ignore too."""
    for number in signals.NUMBERS:
        signal.signal(number, signal.SIG_DFL)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_command_that_is_told_to_stop_ends_in_a_line_and_leaves_nothing(tmp_path, number, code):
    with start(tmp_path, "stage.py") as process:
        wait_for((tmp_path / ".tmp-out/first").exists)
        process.send_signal(number)
        said = process.stderr.read()
    assert process.returncode == code
    assert "stopped" in said and len(said.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["stage.py"]


def test_what_ignores_hang_ups_goes_on_ignoring_them(tmp_path):
    words = ("-c", f"import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n{WRITING}")
    with start(tmp_path, *words) as process:
        wait_for((tmp_path / ".tmp-out/first").exists)
        process.send_signal(signal.SIGHUP)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.3)
        process.kill()


@pytest.mark.parametrize(("number", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_a_stage_that_still_loads_ends_in_a_line(tmp_path, number, code):
    words = ("-c", f"import sortline, os, signal; os.kill(os.getpid(), signal.{number}); import numpy")
    with start(tmp_path, *words, DVC_STAGE="extract@tiny") as process:
        said = process.stderr.read()
    assert process.returncode == code
    assert "stopped" in said and len(said.splitlines()) == 1


# The file's name tells a command from the program of another, whose Ctrl-C stays its own.
@pytest.mark.parametrize(("program", "code"), [("sortline", 130), ("mine.py", 5)])
def test_a_command_that_still_loads_ends_in_a_line(tmp_path, program, code):
    (tmp_path / program).write_text(LOADING)
    with start(tmp_path, program) as process:
        said = process.stderr.read()
    assert process.returncode == code
    assert said.strip() == (STOPPED if code == 130 else "mine")


@pytest.mark.parametrize(
    ("program", "words", "role"),
    [(str(ROOT / "stages/prepare.py"), [], "stage"), ("-m", ["python", "-m", "sortline.cli", "run"], "command"),
     ("/usr/bin/sortline", [], "command"), ("C:/sortline.exe", [], "command"), ("-m", ["python", "-m", "mine"], None),
     ("/mine/stages/prepare.py", [], None), ("", [], None)],
)  # fmt: skip
def test_what_a_process_is_to_sortline(monkeypatch, program, words, role):
    for name in signals.BY:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "argv", [program])
    monkeypatch.setattr(sys, "orig_argv", words)
    assert signals.role() == role


def test_an_import_that_ctrl_c_breaks_off_is_no_traceback(tmp_path):
    # As a compiled module does that is told to stop while it loads.
    body = "try: os.kill(os.getpid(), signal.SIGINT)\n    except BaseException: raise ImportError('x')"
    words = ("-c", f"import os, signal\nfrom sortline._core.errors import run\ndef main(_):\n    {body}\nrun(main)")
    with start(tmp_path, *words) as process:
        said = process.stderr.read()
    assert process.returncode == 130 and len(said.splitlines()) == 1


def test_a_stage_ends_with_the_dvc_that_started_it(tmp_path):
    with start(tmp_path, "-c", PARENT, DVC_STAGE="extract@tiny") as dvc:
        wait_for((tmp_path / ".tmp-out/first").exists)
        started = psutil.Process(dvc.pid).children(recursive=True)
        assert len(started) == 2
        dvc.kill()
        gone, alive = psutil.wait_procs(started, 10)
    assert alive == []
    assert not (tmp_path / ".tmp-out").exists()
