"""report: what every way is worth. Usage: report.py --answers FOLDER --out FILE --table FILE"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from sortline._core import files
from sortline._core.errors import run
from sortline.config.base import read_yaml
from sortline.data import prepared
from sortline.evaluation import metrics

HERE = Path(__file__).parent
PARAMS = read_yaml(HERE / "params.yaml")
SPLIT = HERE.parents[1] / "data" / "prepared" / PARAMS["task"] / "split.csv"


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for option in ("--answers", "--out", "--table"):
        parser.add_argument(option, type=Path, required=True)
    args = parser.parse_args(argv)
    train, rows = prepared.read_part(SPLIT, "train"), {}
    for name in PARAMS["names"]:
        with np.load(args.answers / f"{name}.npz") as found:
            new, usual = (found[column].argmax(1) == train.labels for column in ("fold", "photo_fold"))
        row = metrics.named(metrics.share_by_scene(new, train.scenes), "new_scenes", "n")
        rows[name] = row | metrics.named(metrics.share(usual), "by_photo", "n")
    files.write_metrics(args.out, rows)
    written = files.read_json(args.out)
    files.write_text(args.table, "\n".join(table({name: written[name] for name in rows})) + "\n")


def table(rows: dict[str, dict[str, Any]]) -> list[str]:
    columns = "way", "pixels", "input", "pooling", "augmented", "epochs", "new scenes, % [95 %]", "by photo, % [95 %]"
    lines = [f"| {' | '.join(columns)} |", "|" + " --- |" * len(columns)]
    for name, row in rows.items():
        way = PARAMS["ways"][name]
        shown = [f"`{name}`", way["size"].removeprefix("size_"), "colour" if way["colour"] else "grey", way["pooling"]]
        shown += ["yes" if way["augment"] else "no", str(way["epochs"])]
        for key in ("new_scenes", "by_photo"):
            value, low, high = (100 * row[f"{key}{end}"] for end in ("", "_low", "_high"))
            shown.append(f"{value:.1f} [{low:.1f}, {high:.1f}]")
        lines.append(f"| {' | '.join(shown)} |")
    return lines


if __name__ == "__main__":
    run(main)
