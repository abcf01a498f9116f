"""weak_report: what photos without labels are worth. Usage: weak_report.py --answers FILE --out FILE --table FILE
--figure FILE
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.ticker import PercentFormatter

from sortline._core import files
from sortline._core.errors import run
from sortline.config.base import read_yaml
from sortline.data import prepared
from sortline.evaluation import comparison, metrics
from sortline.report.figures.style import GREY, SERIES, figure_at

HERE = Path(__file__).parent
PARAMS = read_yaml(HERE / "params.yaml")
SPLIT = HERE.parents[1] / "data" / "prepared" / PARAMS["task"] / "split.csv"
NAMES = {"alone": "labels alone", "pseudo": "pseudo-labels", "fixmatch": "FixMatch-like"}
BASE = "alone"


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for option in ("--answers", "--out", "--table", "--figure"):
        parser.add_argument(option, type=Path, required=True)
    args = parser.parse_args(argv)
    with np.load(args.answers) as answers:
        folds = len(np.unique(prepared.read_folds(SPLIT)))
        files.write_metrics(args.out, measured(answers, prepared.read_part(SPLIT, "train").scenes, folds))
    written = files.read_json(args.out)
    files.write_text(args.table, "\n".join(table(written)) + "\n")
    draw(written, args.figure)


def measured(answers: Any, scenes: np.ndarray, folds: int) -> dict[str, Any]:
    """Return each way's accuracy at each number of labels, mean of the seeds, and how it differs from labels alone; p
    is corrected for all that were compared. `answers` as weak.py writes them, `scenes` int (n,)."""
    plan, right = PARAMS["weak"], answers["right"].mean(2)
    found: dict[str, Any] = {"all": metrics.share_by_scene(answers["all"].mean(0), scenes), "ways": {}}
    for w, way in enumerate(plan["ways"]):
        rows = found["ways"][way] = []
        for c, count in enumerate(plan["labelled"]):
            row = {"a_class": count, "labelled": float(answers["photos"][c].mean())}
            row |= metrics.share_by_scene(right[w, c], scenes)
            if way != BASE:
                row |= comparison.paired_by_scene(right[list(plan["ways"]).index(BASE), c], right[w, c], scenes)
                given, fine = answers["given"][w, c].sum(), answers["fine"][w, c].sum()
                others = (len(scenes) - answers["photos"][c]).sum() * (folds - 1)  # its own fold's no head labels
                row |= {"given": float(given / others), "given_right": float(fine / max(given, 1))}
            rows.append(row)
    compared = [row for rows in found["ways"].values() for row in rows if "p" in row]
    for row, p in zip(compared, comparison.holm([row["p"] for row in compared]), strict=True):
        row["p_holm"] = p
    return found | {"seeds": len(plan["seeds"])}


def table(found: dict[str, Any]) -> list[str]:
    header = ["labels a class", "photos", "way", "% [95 %]", "less labels alone, points [95 %]", "p, Holm",
              "others that got a label", "of these right"]  # fmt: skip
    lines = [f"| {' | '.join(header)} |", "|" + " --- |" * len(header)]
    ways = {way: found["ways"][way] for way in PARAMS["weak"]["ways"]}
    for place, first in enumerate(ways[BASE]):
        for way, rows in ways.items():
            row = rows[place]
            cells = [str(row["a_class"]), f"{row['labelled']:.0f}"] if row is first else ["", ""]
            cells += [NAMES[way], accuracy(row), "", "", "", ""]
            if "difference" in row:
                ends = (f"{100 * row[f'difference_{end}']:+.1f}" for end in ("low", "high"))
                cells[4:] = [f"{100 * row['difference']:+.1f} [{', '.join(ends)}]", comparison.show_p(row["p_holm"]),
                             f"{row['given']:.0%}", f"{row['given_right']:.0%}"]  # fmt: skip
            lines.append(f"| {' | '.join(cells)} |")
    return [*lines, f"| all | {found['all']['n']:,} | {NAMES[BASE]} | {accuracy(found['all'])} | | | | |"]


def accuracy(row: dict[str, Any]) -> str:
    return f"{100 * row['accuracy']:.1f} [{100 * row['low']:.1f}, {100 * row['high']:.1f}]"


def draw(found: dict[str, Any], path: Path) -> None:
    with figure_at(path, 6.0, 3.6) as figure:
        axes = figure.subplots()
        for way, colour in zip(PARAMS["weak"]["ways"], SERIES, strict=False):
            rows = found["ways"][way]
            counts = [row["a_class"] for row in rows]
            axes.plot(counts, [row["accuracy"] for row in rows], "o-", color=colour, label=NAMES[way], ms=4)
            low, high = ([row[end] for row in rows] for end in ("low", "high"))
            axes.fill_between(counts, low, high, color=colour, alpha=0.12)
        axes.axhline(found["all"]["accuracy"], color=GREY, linewidth=1, linestyle="--", label="all labels")
        axes.set_xscale("log")
        axes.set_xticks(counts, [str(count) for count in counts])
        axes.minorticks_off()
        axes.yaxis.set_major_formatter(PercentFormatter(1))
        axes.set(xlabel="labelled photos of a class, the others without", ylabel="accuracy on new scenes")
        n, seeds = found["all"]["n"], found["seeds"]
        axes.set_title(f"{PARAMS['task']}: mean of {seeds} seeds, 95 % by scene (n = {n:,})")
        axes.grid()
        axes.legend(loc="lower right")


if __name__ == "__main__":
    run(main)
