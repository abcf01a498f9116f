"""`sortline report`: everything a task's last run came to, in one HTML file."""

import argparse
from pathlib import Path

from sortline import __version__
from sortline._core.errors import UserError
from sortline.cli._shared import paths, tasks

SUMMARY = "write one HTML file with all that a task's last run came to"
EPILOG = """examples:
  sortline report garbage
  sortline report garbage --photos --out report.html

The file asks for nothing from elsewhere; it can be printed, and read on a phone. Photos are in it with --photos alone:
give it to nobody then who may not see them."""
TABLES = {"wrong": "evaluate/wrong.csv", "suspects": "diagnose/suspects.csv", "corruptions": "diagnose/corruptions.csv"}


def add(command: argparse.ArgumentParser) -> None:
    command.add_argument("task", metavar="TASK", help="a task that was measured")
    command.add_argument("--photos", action="store_true", help="show the photos behind the confusion matrix's cells")
    command.add_argument("--out", metavar="FILE.html", help="where to write it (default: TASK-report.html)")


def main(options: argparse.Namespace) -> int:
    """Write the file; return 0, or 1 where some photos could not be read."""
    from sortline._core.files import expanded, read_csv, read_json, read_yaml, write_text
    from sortline.cli._shared import changes
    from sortline.report.task_page import FIGURES, Facts, page

    task = tasks.check_task(options.task)
    out = expanded(options.out or f"{task}-report.html")
    if out.suffix != ".html" or out.is_dir():
        raise UserError(f"{out}: --out takes the name of an HTML file to write, as report.html")
    if out.exists() and f"<title>sortline: {task}</title>" not in out.read_text(encoding="utf-8", errors="replace"):
        raise UserError(f"{out}: is there already and is no report of '{task}'; move it away or name another place")
    metrics = {stage: paths.metrics(task, stage) for stage in changes.STAGES}
    if not metrics["evaluate"].is_file():
        where = metrics["evaluate"].as_posix()
        raise UserError(f"{where}: no such file; '{task}' was not measured yet, run: sortline run --task {task}")
    tables = {name: paths.plots(task) / place for name, place in TABLES.items()}
    figures = {name: paths.plots(task) / place for place, name in FIGURES.items()}
    facts = Facts(
        task,
        {stage: read_json(path) for stage, path in metrics.items() if path.is_file()},
        {name: read_csv(path) for name, path in tables.items() if path.is_file()},
        {name: path for name, path in figures.items() if path.is_file()},
        _section(task, read_yaml(paths.PARAMS)),
        changes.since_commit(task),
        changes.last_commit(),
        __version__,
        paths.raw(task) if options.photos else None,
    )
    write_text(out, page(facts))
    for problem in facts.problems:
        print(f"left out: {problem}")
    print(f"{out.as_posix()}: {Path(out).stat().st_size / 1e6:.1f} MB")
    return 1 if facts.problems else 0


def _section(task: str, content: dict) -> str:
    """Return the task's section of params.yaml as YAML."""
    import io

    from ruamel.yaml import YAML

    stream, yaml = io.StringIO(), YAML(typ="safe", pure=True)
    yaml.default_flow_style, yaml.sort_base_mapping_type_on_output = None, False  # type: ignore[assignment]
    yaml.dump({task: content.get(task, {})}, stream)
    return stream.getvalue()
