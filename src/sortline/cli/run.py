"""`sortline run` (`make run`): choose the task, run its stages with DVC, show the summary."""

import argparse
import os
import textwrap

from sortline._core import unfinished, workers
from sortline._core.errors import UserError
from sortline._core.runtime import DEVICES
from sortline.cli._shared import dvc, paths, repair, supply, tasks
from sortline.cli.summary import summary
from sortline.config import device
from sortline.data import corrections

SUMMARY = "run the whole line for one task, then show its summary ('make run')"
EPILOG = """examples:
  sortline run
  sortline run --task sample
  sortline run --fresh
  sortline run --task mnist --workers 2
  sortline run --device auto

Without --task: garbage where its photos and weights are there or can be downloaded, otherwise the built-in sample.
A stage that was killed goes on where it was. For `dvc repro` the options are SORTLINE_FRESH=1, SORTLINE_WORKERS=2 and
SORTLINE_DEVICE=auto."""

WIDTH = 79


def add(command: argparse.ArgumentParser) -> None:
    command.add_argument("--task", help="a task that params.yaml lists")
    command.add_argument("--fresh", action="store_true", help="use nothing that a run before has left half done")
    command.add_argument("--workers", metavar="N", help="train nets on so many processes, each with a part of a batch")
    command.add_argument("--device", metavar="NAME", help=f"{', '.join(DEVICES)}; else as params.yaml says")


def main(options: argparse.Namespace) -> int:
    repair.mend()
    if options.task:
        task, reason = tasks.check_task(options.task), "asked for with --task"
    else:
        task, reason = choose_task()
    print(announcement(task, reason), flush=True)
    wanted = {unfinished.FRESH: "1" * options.fresh, workers.COUNT: options.workers, device.VARIABLE: options.device}
    os.environ.update({name: value for name, value in wanted.items() if value})  # for DVC and its stages
    device.chosen()
    workers.asked()
    corrections.create(paths.corrections(task))
    if code := dvc.repro(f"export@{task}"):
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
        "To run it, set SORTLINE_DATA to a folder that holds its photos, and run again.",
    )
    frame = "=" * WIDTH
    return "\n".join([frame, *(textwrap.fill(line, WIDTH, break_long_words=False) for line in lines), frame])
