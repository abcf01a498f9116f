"""DVC, run in this Python's environment and ended in order."""

import os
import signal
import subprocess
import sys
import sysconfig
from contextlib import suppress
from pathlib import Path

import psutil

from sortline._core.signals import Terminated


def repro(target: str, *options: str) -> int:
    """Run `dvc repro` on one target in this Python's environment; return its exit code.

    Ctrl-C reaches DVC and its stage too, SIGTERM is passed on. They are waited for, so that DVC releases its lock. Then
    it is raised here.
    """
    stopped = None
    with subprocess.Popen([sys.executable, "-m", "dvc", "repro", *options, target], env=environment()) as process:
        while process.poll() is None:
            try:
                process.wait()
            except KeyboardInterrupt as signalled:
                stopped = signalled
                if isinstance(signalled, Terminated):
                    end(process)
    if stopped:
        raise stopped
    return process.returncode


def end(dvc: subprocess.Popen) -> None:
    """End the stage that DVC runs: DVC then ends as after any stage that failed. Between stages Ctrl-C ends it."""
    with suppress(psutil.NoSuchProcess):
        for process in psutil.Process(dvc.pid).children(recursive=True):
            process.terminate()
    if os.name == "posix":
        dvc.send_signal(signal.SIGINT)
    try:
        dvc.wait(30)
    except subprocess.TimeoutExpired:
        dvc.terminate()


def environment() -> dict[str, str]:
    """Return the environment for DVC: `python` in a stage's command is this Python; no analytics."""
    from sortline.data.sources.base import data_folder

    # Outside a virtual environment Windows keeps python.exe and the scripts in two folders.
    first = [str(Path(sys.executable).parent), sysconfig.get_path("scripts")]
    path = os.pathsep.join([*dict.fromkeys(first), os.environ.get("PATH", "")])
    folder = data_folder()
    return {**os.environ, **({"SORTLINE_DATA": str(folder)} if folder else {}), "PATH": path, "DVC_NO_ANALYTICS": "1"}


def is_up_to_date(target: str) -> bool:
    """Whether `dvc repro` would run neither the target nor a stage before it; DVC says itself what it stumbles over."""
    words = ["status", "--quiet", "--with-deps", target]
    return subprocess.run([sys.executable, "-m", "dvc", *words], env=environment()).returncode == 0
