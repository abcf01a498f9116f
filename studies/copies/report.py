"""report: the tables of recall and of what was judged by eye.

Usage: report.py --results FOLDER --judged FILE --table FILE
"""

import argparse
from pathlib import Path

from sortline._core import files
from sortline._core.errors import run
from sortline.evaluation.metrics import wilson

SAMPLES = {
    "random": "found, drawn at random",
    "weakest": "found, least of the common area agrees",
    "fewest": "found, fewest features match",
    "missed": "not linked, but near in the features",
}


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for option in ("--results", "--judged", "--table"):
        parser.add_argument(option, type=Path, required=True)
    args = parser.parse_args(argv)
    recall = files.read_json(args.results / "recall.json")
    lines = ["| what was done to the photo | n | linked to it, % | 95 % interval | pairs with other photos |",
             "| --- | --- | --- | --- | --- |"]  # fmt: skip
    for kind in recall["order"]:
        row = recall["kinds"][kind]
        lines.append(f"| {kind} | {row['n']} | {interval(row['linked'], row['n'])} | {row['foreign_pairs']} |")
    total, foreign = recall["all"], sum(row["foreign_pairs"] for row in recall["kinds"].values())
    lines.append(f"| **all** | {total['n']:,} | {interval(total['linked'], total['n'])} | {foreign} |")
    judged = files.read_csv(args.judged)
    lines += ["", "| pairs of the real photos | n | copies, % | 95 % interval |", "| --- | --- | --- | --- |"]
    for sample, name in SAMPLES.items():
        verdicts = [row["verdict"] for row in judged if row["sample"] == sample]
        copies = sum(verdict in ("copy", "frame") for verdict in verdicts)
        lines.append(f"| {name} | {len(verdicts)} | {interval(copies, len(verdicts))} |")
    files.write_text(args.table, "\n".join(lines) + "\n")


def interval(count: int, n: int) -> str:
    low, high = wilson(count, n)
    return f"{100 * count / n:.1f} | {100 * low:.1f} to {100 * high:.1f}"


if __name__ == "__main__":
    run(main)
