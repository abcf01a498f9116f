"""`sortline remove`: take a task out of params.yaml and dvc.lock; with --files, what the line made of it too."""

import argparse
import sys
from pathlib import Path

from sortline._core.errors import UserError
from sortline._core.files import read_yaml, remove
from sortline.cli._shared import outputs, params_file, params_text, paths
from sortline.cli._shared.tasks import check_name, is_built_in, listed_tasks
from sortline.config.tasks import task_sections
from sortline.data import corrections

SUMMARY = "take a task of your own out of params.yaml and dvc.lock again"
EPILOG = """examples:
  sortline remove cups
  sortline remove cups --files

Your own folder of photos is never touched."""


def add(command: argparse.ArgumentParser) -> None:
    command.add_argument("name", metavar="NAME", help="a task; not one that is built in")
    command.add_argument("--files", action="store_true", help="also delete what the line made of it in this project")


def main(options: argparse.Namespace) -> int:
    """Remove what there is of the task; return 0. Raises `UserError` where there is nothing."""
    task = options.name
    check_name(task)
    tasks, sections = listed_tasks(), task_sections(read_yaml(paths.PARAMS))
    if is_built_in(sections.get(task, {})):
        raise UserError(f"'{task}' is built in; to leave it out of `dvc repro`, take it out of its list in params.yaml")
    files = [path for path in outputs.files(task) if path.exists() or path.is_symlink()]
    known = task in tasks or task in sections
    if not known and not (files and options.files):
        kept = f", only files of it: sortline remove {task} --files" if files else ""
        raise UserError(f"params.yaml: no task '{task}'{kept}; the tasks there are: {', '.join(tasks)}")
    with params_file.editing() as text:
        removed = params_text.remove_task(text, task)
        count = outputs.forget_stages(task)
        if known:
            params_file.write(removed)
            print(f"removed from params.yaml: '{task}' in tasks, and its section")
            files = without_decisions(files, paths.corrections(task))
    if count:
        print(f"removed from dvc.lock: {count} stages")
    if options.files:
        return delete(files)
    if files:
        there = ", ".join(path.as_posix() for path in files)
        print(f"still there: {there}\nto delete these too: sortline remove {task} --files")
    return 0


def without_decisions(files: list[Path], decided: Path) -> list[Path]:
    """Return `files`, less the task's corrections where nobody has made any: that file is deleted."""
    if decided not in files or not corrections.is_empty(decided):
        return files
    remove(decided)
    return [path for path in files if path != decided]


def delete(files: list[Path]) -> int:
    """Delete files and folders of the task, none that lies outside the project (behind a link); say which.

    Return 0, or 1 where some could not be deleted.
    """
    project, code = Path.cwd().resolve(), 0
    for path in files:
        if not path.parent.resolve().is_relative_to(project):
            print(f"not deleted, it lies outside the project: {path.as_posix()}")
            continue
        try:
            remove(path)
            print(f"deleted: {path.as_posix()}")
        except OSError as error:
            print(f"error: {error.filename}: {error.strerror}; not deleted", file=sys.stderr)
            code = 1
    if files:
        print("DVC's cache keeps its copies until: dvc gc -w")
    return code
