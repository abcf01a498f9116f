"""report: accuracy by the number of labels. Usage: report.py --right FOLDER --out FILE --table FILE --figure FILE"""

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
NAMES = {"random": "any photos", "scenes": "new scenes first", "ranked": "`sortline next`"}
NEAR = 0.01  # as far below all labels as counts as "as good"


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for option in ("--right", "--out", "--table", "--figure"):
        parser.add_argument(option, type=Path, required=True)
    args = parser.parse_args(argv)
    train, folds = prepared.read_part(SPLIT, "train"), prepared.read_folds(SPLIT)
    right = {way: np.load(args.right / f"{way}.npy") for way in PARAMS["ways"]}
    pool = len(train.rows) - len(train.rows) / len(np.unique(folds))
    files.write_metrics(args.out, measured(right, train.scenes, pool))
    written = files.read_json(args.out)
    files.write_text(args.table, "\n".join(table(written)) + "\n")
    draw(written, args.figure)


def measured(right: dict[str, np.ndarray], scenes: np.ndarray, pool: float) -> dict[str, Any]:
    """Return each way's accuracy at each number of labels, mean of the seeds, and its difference to `random`.

    `right` bool (seeds, numbers, n); `pool`: photos in four folds, on the mean. `enough`: the least share of them at
    which the accuracy is within NEAR of all, of the mean of the seeds, and the least and the most of single seeds.
    """
    counts, found = [*PARAMS["labelled"], round(pool)], {}
    for way, own in right.items():
        rows = []
        for place, count in enumerate(counts):
            mean = own[:, place].mean(0)
            row = {"labelled": count} | metrics.share_by_scene(mean, scenes)
            row["seeds_std"] = float(own[:, place].mean(1).std(ddof=1))
            if way != "random" and 0 < place < len(counts) - 1:  # at both ends all ways are the same
                row |= comparison.paired_by_scene(right["random"][:, place].mean(0), mean, scenes)
            rows.append(row)
        by_seed = [enough(one.mean(1), counts) for one in own]
        shares = {"enough": enough(own.mean((0, 2)), counts), "enough_low": min(by_seed), "enough_high": max(by_seed)}
        found[way] = {"curve": rows} | {name: count / pool for name, count in shares.items()}
    return found | {"pool": round(pool), "seeds": len(PARAMS["seeds"])}


def enough(accuracy: np.ndarray, counts: list[int]) -> int:
    """Return the least number of labels from which on every accuracy is within NEAR of the last, with all labels."""
    short = np.flatnonzero(accuracy < accuracy[-1] - NEAR)
    return counts[short[-1] + 1] if short.size else counts[0]


def table(found: dict[str, Any]) -> list[str]:
    ways = PARAMS["ways"]
    header = ["labels", "share", *(f"{NAMES[way]}, % [95 %]" for way in ways), "next less any, points [95 %]"]
    lines = [f"| {' | '.join(header)} |"]
    lines.append("|" + " --- |" * (len(ways) + 3))
    for place, row in enumerate(found["random"]["curve"]):
        cells = [f"{row['labelled']:,}", f"{row['labelled'] / found['pool']:.0%}"]
        for way in ways:
            own = found[way]["curve"][place]
            cells.append(f"{100 * own['accuracy']:.1f} [{100 * own['low']:.1f}, {100 * own['high']:.1f}]")
        own = found["ranked"]["curve"][place]
        low, high = (100 * own.get(f"difference_{end}", 0) for end in ("low", "high"))
        cells.append(f"{100 * own['difference']:+.1f} [{low:+.1f}, {high:+.1f}]" if "difference" in own else "")
        lines.append(f"| {' | '.join(cells)} |")
    shares = [[found[way][f"enough{end}"] for end in ("", "_low", "_high")] for way in ways]
    cells = [f"{mean:.0%} ({low:.0%} to {high:.0%})" for mean, low, high in shares]
    lines.append(f"| within a point of all, from (seeds) | | {' | '.join(cells)} | |")
    return lines


def draw(found: dict[str, Any], path: Path) -> None:
    with figure_at(path, 6.6, 4.0) as figure:
        axes = figure.subplots()
        for way, colour in zip(PARAMS["ways"], SERIES, strict=False):
            rows = found[way]["curve"]
            counts = [row["labelled"] for row in rows]
            axes.plot(counts, [row["accuracy"] for row in rows], "o-", color=colour, label=NAMES[way].strip("`"), ms=4)
            low, high = ([row[end] for row in rows] for end in ("low", "high"))
            axes.fill_between(counts, low, high, color=colour, alpha=0.12)
        last = found["random"]["curve"][-1]
        axes.axhline(last["accuracy"] - NEAR, color=GREY, linewidth=1, linestyle="--", label="a point below all labels")
        axes.set_xscale("log")
        axes.set_xticks(counts, [f"{count:,}" for count in counts], rotation=45)
        axes.minorticks_off()
        axes.yaxis.set_major_formatter(PercentFormatter(1))
        axes.set(xlabel="labelled photos", ylabel="accuracy on new scenes")
        axes.set_title(
            f"{PARAMS['task']}: accuracy by labels, mean of {found['seeds']} seeds, 95 % by scene (n = {last['n']:,})"
        )
        axes.grid()
        axes.legend(loc="lower right")


if __name__ == "__main__":
    run(main)
