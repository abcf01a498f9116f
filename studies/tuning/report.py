"""report: the table and a figure a knob. Usage: report.py --results FOLDER --figures FOLDER --table FILE"""

import argparse
from pathlib import Path
from typing import Any

from common import PARAMS
from matplotlib.ticker import PercentFormatter

from sortline._core import files
from sortline._core.errors import run
from sortline.evaluation.comparison import show_p
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
    lines = ["| knob | value | out of fold, % [95 %] | over seeds, sd | against the base, points [95 %] | p | Holm |",
             "| --- | --- | --- | --- | --- | --- | --- |"]  # fmt: skip
    with files.replacing(args.figures) as figures:
        figures.mkdir()
        for knob in PARAMS["knobs"]:
            result = files.read_json(args.results / f"{knob}.json")
            rows = [(value, result["values"][value]) for value in result["order"]]
            name = WORDS.get(knob, knob)
            lines += [line(name, value, row, value == result["default"]) for value, row in rows]
            draw(name, rows, result["default"], figures / f"{knob}.png")
    files.write_text(args.table, "\n".join(lines) + "\n")


def line(knob: str, value: str, row: dict[str, Any], default: bool) -> str:
    accuracy, low, high, spread = (
        100 * row[key] for key in ("accuracy", "accuracy_low", "accuracy_high", "std_over_seeds")
    )
    compared = "base | | "
    if not default:
        shift, least, most = (100 * row[key] for key in ("difference", "difference_low", "difference_high"))
        mark = " *" if row["p_holm"] < 0.05 else ""
        compared = f"{shift:+.2f} [{least:+.2f}, {most:+.2f}] | {show_p(row['p'])} | {show_p(row['p_holm'])}{mark}"
    return f"| {knob} | {value} | {accuracy:.1f} [{low:.1f}, {high:.1f}] | {spread:.2f} | {compared} |"


def draw(name: str, rows: list[tuple[str, dict[str, Any]]], default: str, path: Path) -> None:
    """Draw each value's difference from the base with its interval by scene."""
    with figure_at(path, 1.6 + 0.95 * len(rows), 2.9) as figure:
        axes = figure.subplots()
        axes.axhline(0, color=GREY, linewidth=1)
        for x, (value, row) in enumerate(rows):
            colour = VERMILION if value == default else BLUE
            axes.vlines(x, row["difference_low"], row["difference_high"], color=colour, linewidth=1.2)
            axes.plot(x, row["difference"], "o", color=colour, markersize=6)
        axes.set_xticks(range(len(rows)), [value.replace(", ", ",\n") for value, _ in rows])
        axes.set_xlim(-0.5, len(rows) - 0.5)
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=1))
        axes.grid(axis="y")
        (at,) = [row for value, row in rows if value == default]
        title = f"{name}: difference from the base ({100 * at['accuracy']:.1f} %),\nn = {at['n']:,}, 95 % by scene"
        axes.set(xlabel=name, ylabel="out of fold", title=title)


if __name__ == "__main__":
    run(main)
