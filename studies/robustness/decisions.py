"""decisions: are decisions of least expected cost better, where hazardous waste in another bin costs more?

Usage: decisions.py --head FOLDER --out FILE --table FILE
"""

import argparse
from pathlib import Path
from typing import Any

from common import PARAMS, SPLIT, read

from sortline._core import arrays, files
from sortline._core.errors import run
from sortline.data import prepared
from sortline.evaluation import comparison, costs

DECISIONS = "most_probable", "least_cost"


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for option in ("--head", "--out", "--table"):
        parser.add_argument(option, type=Path, required=True)
    args = parser.parse_args(argv)
    part, classes = read().part, prepared.read_classes(SPLIT.with_name("classes.json"))
    probabilities = arrays.read(args.head / "out_of_fold.npy").astype(float)
    assert classes.bin_of is not None  # the garbage classes go into bins
    found = {}
    for cost in PARAMS["hazardous"]:
        matrix = costs.matrix_of({"hazardous": cost}, classes)
        found[f"{cost:g}"] = costs.summary(part.labels, probabilities, part.scenes, classes.bin_of, matrix)
    files.write_metrics(args.out, {"hazardous": found})
    written = files.read_json(args.out)["hazardous"]
    files.write_text(args.table, "\n".join(table(written)) + "\n")


def table(rows: dict[str, dict[str, Any]]) -> list[str]:
    columns = ["hazardous costs", "cost of the most probable class [95 %]", "of least cost [95 %]", "difference [95 %]",
               "p", "right bin, most probable, %", "least cost, %", "right class, most probable, %",
               "least cost, %"]  # fmt: skip
    lines = [f"| {' | '.join(columns)} |", "|" + " --- |" * len(columns)]
    for cost in map("{:g}".format, PARAMS["hazardous"]):
        row = rows[cost]
        paid = [interval(row[name], "cost", "") for name in DECISIONS]
        right = [f"{100 * row[name][key]:.1f}" for key in ("bin_accuracy", "accuracy") for name in DECISIONS]
        cells = [cost, *paid, interval(row, "cost_difference", "+"), comparison.show_p(row["cost_p"]), *right]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def interval(row: dict[str, Any], key: str, sign: str) -> str:
    return "{:{sign}.3f} [{:{sign}.3f}, {:{sign}.3f}]".format(
        *(row[f"{key}{end}"] for end in ("", "_low", "_high")), sign=sign
    )


if __name__ == "__main__":
    run(main)
