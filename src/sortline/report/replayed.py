"""A report and its replay: what each check found, each run as it was beside as it should be, in words and drawn."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.ticker import PercentFormatter

from sortline._core.files import read_csv
from sortline.config.replay import Report
from sortline.evaluation.claims import Finding, Seen, check
from sortline.report.figures.style import BLUE, VERMILION, epochs_axis, figure_at
from sortline.report.training_log import TrainingLog, parse
from sortline.training.targets import smoothing_minimum

COLUMNS = ("run", "the report says", "as it was, here", "the same, new scenes", "as it should be, here", "cut")


def findings(
    report: Report, runs: Mapping[str, Any], split: Path | None, log: TrainingLog | None = None
) -> list[Finding]:
    """Return what each check finds; `split`: the task's split.csv, `log`: a whole log, for the report's lines of it."""
    log = log or parse(line + "\n" for line in report.log)
    epochs = [epoch for _, epoch in log.epochs if epoch.finite.size]
    known = report.label_smoothing is not None and report.classes
    minimum = smoothing_minimum(report.classes or 2, report.label_smoothing or 0) if known else None
    in_both, held = (None, None) if split is None else _copies(split)
    seen = Seen(
        losses=[epoch.mean for epoch in epochs],
        not_finite=sum(epoch.bad_line > 0 for _, epoch in log.epochs),
        lowest_loss=min((float(epoch.finite.min()) for epoch in epochs), default=None),
        steps=max((epoch.last_step for epoch in epochs), default=None),
        minimum=minimum,
        in_both=in_both,
        held=held,
        runs=dict(runs),
    )
    return check(report, seen)


def _copies(split: Path) -> tuple[int | None, int | None]:
    """Return how many photos of train show a scene that another fold, dealt by photo, shows too; and of how many."""
    rows = [row for row in read_csv(split) if row["photo_fold"]]
    folds: dict[str, set[str]] = {}
    for row in rows:
        folds.setdefault(row["scene"], set()).add(row["photo_fold"])
    return (sum(len(folds[row["scene"]]) > 1 for row in rows), len(rows)) if rows else (None, None)


def as_json(report: Report, found: Sequence[Finding], runs: Mapping[str, Any]) -> dict[str, Any]:
    told = {one.check: {"found": one.found, "why": one.why} for one in found}
    return {"title": report.title, "claims": report.claims, "findings": told, "runs": dict(runs)}


def describe(report: Report, found: Sequence[Finding], runs: Mapping[str, Any]) -> list[str]:
    """Return the replay in lines for a terminal."""
    lines = [report.title, *([f"  claims: {report.claims}"] if report.claims else []), ""]
    lines += [f"  {one.found:<8} {one.check:<28} {one.why}" for one in found]
    for row in rows(report, runs) if runs else []:
        lines += [
            "",
            f"  {row[0]}",
            *(f"    {name:<22} {text}" for name, text in zip(COLUMNS[1:], row[1:], strict=True) if text),
        ]
    return lines


def rows(report: Report, runs: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Return a row of COLUMNS a run."""
    found: list[tuple[str, ...]] = []
    for name, run in report.runs.items():
        result = runs.get(name)
        if result is None:
            continue
        of = "" if run.says is None or run.says.n is None else f", n = {run.says.n:,}"
        says = "not said" if run.says is None else f"{100 * run.says.accuracy:.1f} %{of}"
        changed = [f"{key} {_as_written(report, name, key)} to {value}" for key, value in run.cut.items()]
        few = (run.photos or report.photos) if run.train is not None else None
        cut = ", ".join([*changed, *([f"train photos to {few:,}"] if few else [])])
        was = result["was"]
        ends = {end: was.get(f"new_scenes_{end}") for end in ("low", "high", "n")}
        new = shown({"accuracy": was["new_scenes"], **ends}) if "new_scenes" in was else ""
        here = (shown(was), new, shown(result["should"]))
        found.append((name, says, *here, cut))
    return found


def _as_written(report: Report, name: str, key: str) -> Any:
    run = report.runs[name]
    return (run.train_head or run.train or {}).get(key, "not said")


def shown(score: Mapping[str, Any]) -> str:
    if "accuracy" not in score:
        return f"none: {score['diverged']}"
    value, low, high = (100 * score[key] for key in ("accuracy", "low", "high"))
    broke = f"; then it diverged, {score['diverged']}" if score.get("diverged") else ""
    return f"{value:.1f} % [{low:.1f}, {high:.1f}], n = {score['n']:,}{broke}"


def draw(report: Report, runs: Mapping[str, Any], path: Path) -> None:
    """Draw the held-out accuracy by epoch of every run, as it was and as it should be."""
    names = [name for name in report.runs if name in runs]
    columns = min(3, len(names))
    height = -(-len(names) // columns)
    with figure_at(path, max(7.0, 3.4 * columns + 0.4), 2.5 * height + 0.8) as figure:
        places = figure.subplots(height, columns, squeeze=False, sharey=True).ravel()
        for axes, name in zip(places, names, strict=False):
            for key, colour, label in (("was", VERMILION, "as the report had it"), ("should", BLUE, "as it should be")):
                values = runs[name]["curves"][key]
                marker = "o" if len(values) <= 20 else None
                axes.plot(np.arange(1, len(values) + 1), values, color=colour, label=label, marker=marker, markersize=3)
            axes.set_title(name)
            axes.yaxis.set_major_formatter(PercentFormatter(1))
            epochs_axis(axes)
        for axes in places[len(names) :]:
            axes.set_visible(False)
        handles, labels = places[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower left", ncols=2)
        figure.suptitle(f"{report.title}: accuracy on what was held out", x=0.01, ha="left", fontsize=10.5)
