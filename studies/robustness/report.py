"""report: what every way is worth on photos as they are and corrupted, against the line's own head.

Usage: report.py --answers FOLDER --out FILE --table FILE --maps FILE --figures FOLDER
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from common import HERE, PARAMS, Train, interval, mapped, plan, read
from matplotlib.ticker import PercentFormatter

from sortline._core import files
from sortline._core.doubt import NEVER, Threshold
from sortline._core.errors import run
from sortline.config.augment import ViewParams
from sortline.evaluation import comparison, robustness
from sortline.features import similarity
from sortline.report.figures.style import BLUE, GREY, ORANGE, SERIES, figure_at

KINDS = "clean", "corrupted"


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for option in ("--answers", "--out", "--table", "--maps", "--figures"):
        parser.add_argument(option, type=Path, required=True)
    args = parser.parse_args(argv)
    train, maps = read(), PARAMS["maps"]
    _, deal = plan(train)
    rows = scored(train, deal, PARAMS, args.answers)
    chosen = mapped(train)
    part, folds, features = train.part.some(chosen), train.folds[chosen], train.features[chosen]
    on_maps = scored(Train(part, folds, features, train.classes), deal[chosen], maps, args.answers / "maps")
    tried = correct([row for row in [*rows.values(), *on_maps.values()] if "clean_against" in row])
    of_maps = {"base": maps["base"], "ways": on_maps}
    files.write_metrics(args.out, {"tried": tried, "base": PARAMS["base"], "ways": rows, "maps": of_maps})
    written = files.read_json(args.out)
    rows = {name: written["ways"][name] for name in PARAMS["ways"]}
    on_maps = {name: written["maps"]["ways"][name] for name in maps["ways"]}
    for path, some in ((args.table, rows), (args.maps, on_maps)):
        files.write_text(path, "\n".join(table(some)) + "\n")
    with files.replacing(args.figures) as figures:
        figures.mkdir()
        draw({name: rows[name] for name in PARAMS["drawn"]}, figures / "families.png")
        draw_differences(rows | on_maps, figures / "ways.png")
    # No output of a stage: how long a way takes differs from run to run.
    timings = files.read_json(HERE / "timings.json")
    files.write_text(HERE / "costs.md", "\n".join(costs(timings)) + "\n")


def scored(train: Train, deal: np.ndarray, tried: dict[str, Any], folder: Path) -> dict[str, dict[str, Any]]:
    """Return the scores of each of the `ways` in `tried`, and of all but its `base` how they differ from that, photo by
    photo: the mean of the seeds of each. `deal`: which corruptions each photo is tried in."""
    near = similarity.fit(train.features[:, 0]).out_of_fold(train.folds)
    rows, right = {}, {}
    for name, way in tried["ways"].items():
        with np.load(folder / f"{name}.npz") as said:
            threshold: Threshold = NEVER if str(said["threshold"][0]) == NEVER else float(str(said["threshold"][0]))
            every = [answers(train, deal, near, *one) for one in zip(said["clean"], said["corrupted"], strict=True)]
        found = every[0]  # what a row says is of the line's own seed, but for differences and their p
        views = [ViewParams(**PARAMS[one]["prepare"]["views"]) for one in way.get("views", [])]
        rows[name] = robustness.summary(found, threshold, set().union(*map(robustness.done_by, [ViewParams(), *views])))
        labels = found.labels, found.labels[found.photo]
        correct = [
            np.stack([said.argmax(1) == one for said in pictures])
            for pictures, one in zip(
                ([one.probabilities for one in every], [one.corrupted for one in every]), labels, strict=True
            )
        ]
        rows[name]["accuracy_seeds"] = {
            kind: [float(one.mean()) for one in seeds] for kind, seeds in zip(KINDS, correct, strict=True)
        }
        right[name] = [seeds.mean(0) for seeds in correct]
    scenes = train.part.scenes, train.part.scenes[found.photo]
    for place, kind in enumerate(KINDS):
        base = right[tried["base"]][place]
        for name in [name for name in rows if name != tried["base"]]:
            rows[name][f"{kind}_against"] = comparison.paired_by_scene(base, right[name][place], scenes[place])
    return rows


def correct(rows: list[dict[str, Any]]) -> int:
    """Correct every p for all that were tried, on maps or not; return how many these are."""
    for kind in KINDS:
        every = [row[f"{kind}_against"] for row in rows]
        for row, p in zip(every, comparison.holm([row["p"] for row in every]), strict=True):
            row["p_holm"] = p
    return len(rows)


def answers(
    train: Train, deal: np.ndarray, near: np.ndarray, clean: np.ndarray, corrupted: np.ndarray
) -> robustness.Answers:
    cells, _ = plan(train)
    photo, part = np.repeat(np.arange(len(deal)), deal.shape[1]), train.part
    said = corrupted.reshape(len(photo), -1).astype(float)
    as_they_are = part.labels, part.scenes, clean.astype(float), near
    return robustness.Answers("train", *as_they_are, cells, photo, deal.ravel(), said)


def table(rows: dict[str, dict[str, Any]]) -> list[str]:
    (base,) = [name for name, row in rows.items() if "corrupted_against" not in row]
    against = f"against {base}, points [95 %]"
    columns = ["way", "as they are, %", against, "corrupted, % [95 %]", against, "p, Holm", "worst family, %",
               "ECE as they are", "ECE corrupted", "least familiar fifth, %"]  # fmt: skip
    lines = [f"| {' | '.join(columns)} |", "|" + " --- |" * len(columns)]
    for name, row in rows.items():
        clean, mean, worst = row["clean"], row["corrupted"], row["families"][row["worst_family"]]
        cells = [name, f"{100 * clean['accuracy']:.1f}", "", interval(mean, "accuracy", ""), "", "",
                 f"{row['worst_family']} {100 * worst['accuracy']:.1f}", f"{clean['ece']:.3f}", f"{mean['ece']:.3f}",
                 f"{100 * row['least_familiar_fifth']['clean']['accuracy']:.1f}"]  # fmt: skip
        if "corrupted_against" in row:
            cells[2], cells[4] = (interval(row[f"{kind}_against"], "difference", "+") for kind in KINDS)
            cells[5] = comparison.show_p(row["corrupted_against"]["p_holm"])
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def costs(timings: dict[str, float]) -> list[str]:
    """Return a row a way: the seconds of training its folds' heads and the final one."""
    lines = [f"| {name} | {timings[name]:.1f} |" for name in [*PARAMS["ways"], *PARAMS["maps"]["ways"]]]
    return ["| way | s, folds and final head |", "| --- | --- |", *lines]


def draw(rows: dict[str, dict[str, Any]], path: Path) -> None:
    """Draw each family's accuracy with its interval, a colour a way."""
    families = list(rows[PARAMS["base"]]["families"])
    with figure_at(path, 6.4, 3.4) as figure:
        axes = figure.subplots()
        for number, (name, row) in enumerate(rows.items()):
            scores = [row["clean"], *(row["families"][family] for family in families)]
            x = np.arange(len(scores)) + 0.13 * (number - (len(rows) - 1) / 2)
            low, high = ([score[end] for score in scores] for end in ("low", "high"))
            axes.vlines(x, low, high, color=SERIES[number], linewidth=1.2)
            axes.plot(x, [score["accuracy"] for score in scores], "o", color=SERIES[number], markersize=4, label=name)
        axes.axvline(0.5, color=GREY, linewidth=0.8)
        axes.set_xticks(range(len(families) + 1), ["as they are", *families])
        axes.set(ylim=(0.4, 1), ylabel="accuracy on scenes not seen")
        axes.yaxis.set_major_formatter(PercentFormatter(1))
        axes.grid(axis="y")
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=len(rows), borderpad=0)


def draw_differences(rows: dict[str, dict[str, Any]], path: Path) -> None:
    """Draw what each way gains and costs against the line's head, with intervals, best on corrupted photos first."""
    others = [name for name, row in rows.items() if "corrupted_against" in row]
    others.sort(key=lambda name: rows[name]["corrupted_against"]["difference"])
    with figure_at(path, 6.4, 1.2 + 0.32 * len(others)) as figure:
        axes = figure.subplots()
        for kind, colour, shift, label in (
            ("corrupted", BLUE, 0.12, "corrupted"),
            ("clean", ORANGE, -0.12, "as they are"),
        ):
            y = np.arange(len(others)) + shift
            found = [rows[name][f"{kind}_against"] for name in others]
            low, middle, high = ([100 * one[f"difference{end}"] for one in found] for end in ("_low", "", "_high"))
            axes.hlines(y, low, high, color=colour, linewidth=1.4)
            axes.plot(middle, y, "o", color=colour, markersize=4, label=label)
        axes.axvline(0, color=GREY, linewidth=0.8)
        axes.set_yticks(range(len(others)), others)
        bases = f"{PARAMS['base']} (on maps {PARAMS['maps']['base']})"
        axes.set(xlabel=f"points of accuracy against {bases}, means of seeds")
        axes.grid(axis="x")
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderpad=0)


if __name__ == "__main__":
    run(main)
