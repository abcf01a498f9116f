"""report: the table and a figure a knob. Usage: report.py --results FOLDER --figures FOLDER --table FILE"""

import argparse
from pathlib import Path
from typing import Any

from common import PARAMS
from matplotlib.ticker import PercentFormatter

from sortline._core import files
from sortline._core.errors import run
from sortline.report.figures.style import BLUE, GREY, VERMILION, figure_at

WORDS = {
    "lr": "learning rate",
    "batch_size": "batch size",
    "weight_decay": "weight decay",
    "targets": "label smoothing",
    "pixels": "image size, pixels",
    "schedule": "decay type",
}


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for option in ("--results", "--figures", "--table"):
        parser.add_argument(option, type=Path, required=True)
    args = parser.parse_args(argv)
    lines = ["| knob | value | out of fold, % | 95 % interval | over seeds, sd | against the default, points |",
             "| --- | --- | --- | --- | --- | --- |"]  # fmt: skip
    with files.replacing(args.figures) as figures:
        figures.mkdir()
        for knob in PARAMS["knobs"]:
            result = files.read_json(args.results / f"{knob}.json")
            rows = [(value, result["values"][value]) for value in result["order"]]
            name = WORDS.get(knob, knob)
            lines += [line(name, value, row, value == result["default"]) for value, row in rows]
            draw(name, rows, result["default"], figures / f"{knob}.png")
    joint = files.read_json(args.results / "joint.json")
    grid = list(PARAMS["joint"])
    lines += [line("together", ", ".join(f"{key} {row[key]:g}" for key in grid), row) for row in joint["combinations"]]
    lines += [line("averaged", name, row) for name, row in joint["together"].items()]
    files.write_text(args.table, "\n".join(lines) + "\n")


def line(knob: str, value: str, row: dict[str, Any], default: bool = False) -> str:
    accuracy, low, high, spread = (
        100 * row[key] for key in ("accuracy", "accuracy_low", "accuracy_high", "std_over_seeds")
    )
    difference = "default"
    if not default:
        shift, least, most = (100 * row[key] for key in ("difference", "difference_low", "difference_high"))
        mark = " *" if least > 0 or most < 0 else ""
        difference = f"{shift:+.2f} [{least:+.2f}, {most:+.2f}]{mark}"
    return f"| {knob} | {value} | {accuracy:.2f} | {low:.1f} to {high:.1f} | {spread:.2f} | {difference} |"


def draw(name: str, rows: list[tuple[str, dict[str, Any]]], default: str, path: Path) -> None:
    """Draw each value's accuracy with its interval, and the seeds as small dots."""
    with figure_at(path, 1.1 + 0.95 * len(rows), 2.9) as figure:
        axes = figure.subplots()
        for x, (value, row) in enumerate(rows):
            colour = VERMILION if value == default else BLUE
            axes.vlines(x, row["accuracy_low"], row["accuracy_high"], color=colour, linewidth=1.2)
            axes.plot(x, row["accuracy"], "o", color=colour, markersize=6)
            axes.plot([x + 0.16] * len(row["by_seed"]), row["by_seed"], ".", color=GREY, markersize=4)
        axes.set_xticks(range(len(rows)), [value.replace(", ", ",\n") for value, _ in rows])
        axes.set_xlim(-0.5, len(rows) - 0.4)
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=1))
        axes.grid(axis="y")
        n, seeds = rows[0][1]["n"], len(rows[0][1]["by_seed"])
        axes.set(xlabel=name, ylabel="out of fold", title=f"{name}: n = {n:,}, 95 % interval,\n{seeds} seeds (grey)")


if __name__ == "__main__":
    run(main)
