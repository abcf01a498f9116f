"""The figures of a stage once more for DVCLive or MLflow, for people who look at their runs there."""

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sortline._core import files
from sortline._core.errors import UserError
from sortline.config.base import Section

CURVES = "curves.csv"


def check(kind: str) -> None:
    """Raise `UserError` where the library that `track` names is not installed: before a training, not after it."""
    try:
        if kind != "none":
            importlib.import_module(kind)
    except ModuleNotFoundError as error:
        what = f"params.yaml: track: {kind} needs {error.name}"
        raise UserError(f"{what}; pip install 'sortline[{kind}]', or set track: none") from None


def log(kind: str, task: str, stage: str, params: Section, metrics: Path, plots: Path, folder: Path) -> None:
    """Log a stage's params, and what it wrote: the curves row by row, the numbers of `metrics`, the charts in `plots`.

    `kind`: "dvclive" writes below `folder`, anew in each run; "mlflow" adds a run `stage` to the experiment `task`,
    where MLFLOW_TRACKING_URI or its own default says; "none" does nothing.
    """
    writers = {"none": lambda *_: None, "dvclive": _dvclive, "mlflow": _mlflow}
    curve = files.read_csv(plots / CURVES) if (plots / CURVES).is_file() else []
    rows = [{key: float(value) for key, value in row.items()} for row in curve]
    numbers = dict(_flat(files.read_json(metrics), int | float))
    charts = sorted(plots.glob("*.png"))
    writers[kind](folder / task / stage, task, stage, dict(_flat(params.model_dump())), rows, numbers, charts)


def _dvclive(folder: Path, task: str, stage: str, params: Any, rows: Any, numbers: Any, charts: list[Path]) -> None:
    import dvclive

    with dvclive.Live(str(folder), save_dvc_exp=False, dvcyaml=None, report=None, monitor_system=False) as live:
        live.log_params(params)
        for row in rows:
            for name, value in row.items():
                live.log_metric(name, value)
            live.next_step()
        for name, value in numbers.items():
            live.log_metric(name, value, plot=False)
        for path in charts:
            live.log_image(path.name, str(path))


def _mlflow(folder: Path, task: str, stage: str, params: Any, rows: Any, numbers: Any, charts: list[Path]) -> None:
    import mlflow

    mlflow.set_experiment(task)
    with mlflow.start_run(run_name=stage):
        mlflow.log_params(params)
        for step, row in enumerate(rows):
            mlflow.log_metrics(row, step=step)
        mlflow.log_metrics(numbers, step=len(rows))
        for path in charts:
            mlflow.log_artifact(str(path))


def _flat(content: Any, kinds: Any = object, name: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the values of nested mappings that are of `kinds`, by their dotted names; a bool is no number."""
    if isinstance(content, dict):
        for key, value in content.items():
            yield from _flat(value, kinds, f"{name}.{key}" if name else str(key))
    elif isinstance(content, kinds) and (kinds is object or not isinstance(content, bool)):
        yield name, content
