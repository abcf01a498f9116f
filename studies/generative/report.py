"""report: what made-up digits and features are worth. Usage: report.py --right FOLDER --out FILE --table FILE"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from common import PARAMS, ROOT, scarce

from sortline._core import files
from sortline._core.errors import run
from sortline.data import prepared
from sortline.evaluation import comparison, metrics

PARTS = "scarce", "others"


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for option in ("--right", "--out", "--table"):
        parser.add_argument(option, type=Path, required=True)
    args = parser.parse_args(argv)
    digits = {
        name: metrics.named(metrics.share(np.load(args.right / f"{name}.npy")), "accuracy", "n")
        for name in PARAMS["sources"]
    }
    files.write_metrics(args.out, {"digits": digits, "scarce": of_few(args.right)})
    written = files.read_json(args.out)
    files.write_text(args.table, "\n".join(table(written)) + "\n")


def of_few(folder: Path) -> dict[str, Any]:
    """Return the scores of each way on the classes with few photos and on the others, seeds' means, and how they differ
    photo by photo from those of the head that nothing is made up for; p is corrected for the ways (Holm)."""
    ours = PARAMS["scarce"]
    train = prepared.read_part(ROOT / "data" / "prepared" / ours["task"] / "split.csv", "train")
    few = scarce(train.labels)
    rows: dict[str, dict[str, Any]] = {}
    right = {way: np.load(folder / f"scarce_{way}.npy").mean(0) for way in ours["ways"]}
    for way, one in right.items():
        rows[way] = {}
        for part, mask in zip(PARTS, (few, ~few), strict=True):
            score = metrics.share_by_scene(one[mask], train.scenes[mask])
            rows[way][part] = metrics.named(score, "accuracy", "n")
            if way != "none":
                against = comparison.paired_by_scene(right["none"][mask], one[mask], train.scenes[mask])
                rows[way][part] |= against
    for part in PARTS:
        every = [row[part] for way, row in rows.items() if way != "none"]
        for row, p in zip(every, comparison.holm([row["p"] for row in every]), strict=True):
            row["p_holm"] = p
    return rows


def table(found: dict[str, Any]) -> list[str]:
    """Return the table of the digits, an empty line, and that of the classes with few photos."""
    lines = ["| LeNet-5, trained on | digits | of the 10,000 test digits right, % [95 %] |", "| --- | --- | --- |"]
    for name in PARAMS["sources"]:
        lines.append(f"| {name} | {PARAMS['digits']['count']:,} | {shown(found['digits'][name], 'accuracy', '', 2)} |")
    against = "against none, points [95 %]"
    columns = ["made up by", "scarce classes, % [95 %]", against, "p, Holm", "the others, % [95 %]", against, "p, Holm"]
    lines += ["", f"| {' | '.join(columns)} |", "|" + " --- |" * len(columns)]
    for way in PARAMS["scarce"]["ways"]:
        cells = [way]
        for row in (found["scarce"][way][part] for part in PARTS):
            cells.append(shown(row, "accuracy", "", 1))
            paired = "p_holm" in row
            cells += [shown(row, "difference", "+", 1), comparison.show_p(row["p_holm"])] if paired else ["", ""]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def shown(row: dict[str, Any], key: str, sign: str, places: int) -> str:
    value, low, high = (f"{100 * row[f'{key}{end}']:{sign}.{places}f}" for end in ("", "_low", "_high"))
    return f"{value} [{low}, {high}]"


if __name__ == "__main__":
    run(main)
