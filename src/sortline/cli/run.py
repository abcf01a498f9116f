"""`sortline run` (`make run`): choose the task, run its stages with DVC, show the summary."""

import argparse
import os
import signal
import subprocess
import sys
import sysconfig
import textwrap
from contextlib import suppress
from pathlib import Path

import psutil

from sortline._core.errors import UserError
from sortline._core.signals import Terminated
from sortline.cli._shared import repair, supply, tasks
from sortline.cli.summary import summary

SUMMARY = "run the whole line for one task, then show its summary ('make run')"
EPILOG = """examples:
  sortline run
  sortline run --task sample

Without --task: garbage where its photos and weights are there or can be downloaded, otherwise the built-in sample."""

WIDTH = 79


def add(command: argparse.ArgumentParser) -> None:
    command.add_argument("--task", help="a task that params.yaml lists")


def main(options: argparse.Namespace) -> int:
    repair.mend()
    if options.task:
        task, reason = tasks.check_task(options.task), "asked for with --task"
    else:
        task, reason = choose_task()
    print(announcement(task, reason), flush=True)
    code = repro(f"export@{task}")
    if code:
        raise UserError(f"dvc repro export@{task} ended with exit code {code}; the lines above say what went wrong")
    print(summary(task))
    return 0


def choose_task() -> tuple[str, str]:
    """Return (task, why): the home task if its photos and weights are there or within reach, else the sample."""
    home, sample, listed = tasks.HOME, tasks.SAMPLE, tasks.listed_tasks()
    if home not in listed:
        return listed[0], f"params.yaml does not list '{home}'"
    ok, why = supply.can_run(home)
    if ok:
        return home, why
    if sample not in listed:
        raise UserError(f"'{home}' cannot run: {why}; and params.yaml lists no task '{sample}'")
    return sample, why


def announcement(task: str, reason: str) -> str:
    """Return what is run and why; framed where the sample stands in for the real task."""
    if task != tasks.SAMPLE or reason.startswith("asked for"):
        return f"task '{task}': {reason}"
    lines = (
        f"Task '{task}': BUILT-IN DRAWN PICTURES on a real backbone. They prove the pipeline, not the accuracy:",
        "that all stages run here, from pictures to an exported model; not how well it tells photos apart.",
        f"The task '{tasks.HOME}' cannot run: {reason}.",
        "To run it, set SORTLINE_DATA to a folder that holds its photos and weights, and run again.",
    )
    frame = "=" * WIDTH
    return "\n".join([frame, *(textwrap.fill(line, WIDTH, break_long_words=False) for line in lines), frame])


def repro(target: str) -> int:
    """Run `dvc repro` on one target in this Python's environment; return its exit code.

    Ctrl-C reaches DVC and its stage too, SIGTERM is passed on. They are waited for, so that DVC releases its lock. Then
    it is raised here.
    """
    stopped = None
    with subprocess.Popen([sys.executable, "-m", "dvc", "repro", target], env=environment()) as process:
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
