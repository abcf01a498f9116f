"""report: what every way is worth, by scene, against the line's own head; the table and the figure.

Usage: report.py --answers FOLDER --out FILE --table FILE --figures FOLDER
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from common import PARAMS, Train, read
from matplotlib.ticker import PercentFormatter

from sortline._core import files
from sortline._core.errors import UserError, run
from sortline.evaluation import comparison, metrics
from sortline.report.figures.style import BLUE, GREY, figure_at
from sortline.training import calibration

FULL = "1"  # the share of nets that keep nothing of their start, and of heads


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for option in ("--answers", "--out", "--table", "--figures"):
        parser.add_argument(option, type=Path, required=True)
    args = parser.parse_args(argv)
    train, said = read(), read_said(args.answers)
    base = correct(said[PARAMS["base"], FULL], train)
    rows = {}
    for (name, share), probabilities in said.items():
        found = correct(probabilities, train)
        row = metrics.share_by_scene(found, train.scenes)
        row |= {"way": name, "share": float(share), "log_loss": tempered_loss(train, probabilities)}
        if name != PARAMS["base"]:
            row |= comparison.paired_by_scene(base, found, train.scenes)
        rows[f"{name}, share {share}" if name != PARAMS["base"] else name] = row
    others = [row for row in rows.values() if "p" in row]
    for row, p in zip(others, comparison.holm([row["p"] for row in others]), strict=True):
        row["p_holm"] = p
    files.write_metrics(args.out, {"tried": len(others), "base": PARAMS["base"], "ways": rows})
    written = files.read_json(args.out)["ways"]
    rows = {name: written[name] for name in rows}
    files.write_text(args.table, "\n".join(table(rows)) + "\n")
    with files.replacing(args.figures) as figures:
        figures.mkdir()
        draw(rows, figures / "differences.png")


def read_said(folder: Path) -> dict[tuple[str, str], np.ndarray]:
    """Return the probabilities float32 (n, classes) by way and share, those of the means too."""
    said: dict[tuple[str, str], np.ndarray] = {}
    measured = [*PARAMS["names"], *PARAMS["whole"]]
    for name in measured:
        said |= {(name, share): one for share, one in read_way(folder, name).items()}
    for name, parts in PARAMS["means"].items():
        for share in {share for _, share in said}:
            if all((part, share) in said for part in parts):
                said[name, share] = np.mean([said[part, share] for part in parts], 0)
    order = [*measured, *PARAMS["means"]]
    return dict(sorted(said.items(), key=lambda one: (order.index(one[0][0]), float(one[0][1]))))


def read_way(folder: Path, name: str) -> dict[str, np.ndarray]:
    """Return one way's probabilities by share; of a way in `whole` there is a file a fold.

    Raises `UserError` where a fold is missing.
    """
    said: dict[str, np.ndarray] = {}
    for path in sorted((folder / name).glob("*.npz")) if name in PARAMS["whole"] else [folder / f"{name}.npz"]:
        with np.load(path) as found:
            for share in found.files:
                before = said.get(share, found[share])
                said[share] = np.where(np.isnan(before), found[share], before)
    if not said or any(np.isnan(one).any() for one in said.values()):
        raise UserError(f"{folder / name}: not every fold is there; run: dvc repro whole")
    return said


def correct(probabilities: np.ndarray, train: Train) -> np.ndarray:
    return (probabilities.argmax(1) == train.labels).astype(float)


def tempered_loss(train: Train, probabilities: np.ndarray) -> float:
    """Return the log-loss with the best temperature, which is fitted on these very predictions, as the line does."""
    temperature = calibration.fit_temperature(train.labels, probabilities)
    return metrics.log_loss(train.labels, calibration.temper(probabilities, temperature))


def table(rows: dict[str, dict[str, Any]]) -> list[str]:
    compared_with = "against the line's head, points [95 %]"
    columns = "way", "trained share", "new scenes, % [95 %]", "log-loss", compared_with, "p", "p, Holm"
    lines = [f"| {' | '.join(columns)} |", "|" + " --- |" * len(columns)]
    for row in rows.values():
        accuracy, low, high = (100 * row[key] for key in ("accuracy", "low", "high"))
        compared = " |  | "
        if "p" in row:
            shift, least, most = (100 * row[f"difference{end}"] for end in ("", "_low", "_high"))
            p, holm = (comparison.show_p(row[key]) for key in ("p", "p_holm"))
            compared = f"{shift:+.1f} [{least:+.1f}, {most:+.1f}] | {p} | {holm}"
        shown = f"{accuracy:.1f} [{low:.1f}, {high:.1f}] | {row['log_loss']:.3f}"
        lines.append(f"| `{row['way']}` | {row['share']:g} | {shown} | {compared} |")
    return lines


def draw(rows: dict[str, dict[str, Any]], path: Path) -> None:
    """Draw the paired difference of each way, at the share that is meant, from the line's head."""
    shown = [row for row in rows.values() if "p" in row and row["share"] in (1.0, PARAMS["share"])]
    shown = [row for row in shown if row["share"] == PARAMS["share"] or row["way"].startswith("head")]
    with figure_at(path, 7.0, 1.0 + 0.36 * len(shown)) as figure:
        axes = figure.subplots()
        for y, row in enumerate(reversed(shown)):
            axes.hlines(y, row["difference_low"], row["difference_high"], color=BLUE)
            axes.plot(row["difference"], y, "o", color=BLUE)
        axes.axvline(0, color=GREY, linewidth=1)
        axes.set_yticks(range(len(shown)), [row["way"] for row in reversed(shown)])
        axes.xaxis.set_major_formatter(PercentFormatter(1))
        axes.grid(axis="x")
        axes.set(xlabel="out-of-fold accuracy less that of the line's head\n(same photos; 95 % interval by scene)")


if __name__ == "__main__":
    run(main)
