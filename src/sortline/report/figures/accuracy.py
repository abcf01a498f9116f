"""Charts of accuracy: against confidence (are the probabilities as high?), and on corrupted photos."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.ticker import MaxNLocator, PercentFormatter

from sortline.report.figures.style import BLUE, GREEN, GREY, INK, ORANGE, SERIES, VERMILION, figure_at

FEW = 10  # photos below which a range of similarity is in the table alone


def reliability(rows: Sequence[Mapping[str, Any]], path: Path, *, title: str) -> None:
    """Draw accuracy against confidence with 95 % Wilson intervals, and below it the photos in each bin.

    `rows` as `sortline.evaluation.metrics.calibration` returns them: {above, upto, confidence, accuracy, low, high, n}.
    Source of the diagram: Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, figure 1.
    """
    filled = [row for row in rows if row["n"]]
    confidence, accuracy, low, high, counts = (
        np.array([row[key] for row in filled], dtype=float) for key in ("confidence", "accuracy", "low", "high", "n")
    )
    with figure_at(path, 5.4, 5.6) as figure:
        upper, lower = figure.subplots(2, sharex=True, height_ratios=(3, 1))
        upper.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle="--", label="perfectly calibrated")
        upper.vlines(confidence, low, high, color=BLUE, linewidth=1.1)
        upper.plot(confidence, accuracy, "o", color=BLUE, markersize=5, label="measured, 95 % Wilson interval")
        upper.set(ylim=(0, 1.02), ylabel="accuracy")
        upper.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderpad=0)
        edges = [row["above"] for row in filled]
        lower.bar(edges, counts, [row["upto"] - row["above"] for row in filled], align="edge", color=BLUE, ec="white")
        for row in filled:
            at = ((row["above"] + row["upto"]) / 2, row["n"])
            lower.annotate(f"{row['n']:,}", at, (0, 2), textcoords="offset points", ha="center", fontsize=8, color=INK)
        lower.margins(y=0.25)
        lower.set(xlim=(0, 1.005), xlabel="confidence (probability of the predicted class)", ylabel="photos")
        for axis in (upper.xaxis, upper.yaxis):
            axis.set_major_formatter(PercentFormatter(1))
        upper.grid()
        figure.suptitle(title, x=0.01, ha="left", fontsize=10.5)


def corruptions(scores: Mapping[tuple[str, int], Mapping[str, Any]], path: Path, *, title: str) -> None:
    """Draw accuracy with its 95 % interval against severity, a panel a corruption; `scores`: `Diagnosis.scores`."""
    plain = scores["none", 0]["accuracy"]
    names = list(dict.fromkeys(name for name, severity in scores if severity))
    with figure_at(path, 1.45 * len(names) + 0.6, 2.9) as figure:
        panels = figure.subplots(1, len(names), sharey=True, squeeze=False)[0]
        for name, axes in zip(names, panels, strict=True):
            rows = [(severity, score) for (kind, severity), score in scores.items() if kind == name]
            x = [severity for severity, _ in rows]
            axes.axhline(plain, color=GREY, linewidth=1, linestyle="--")
            axes.vlines(x, [row["low"] for _, row in rows], [row["high"] for _, row in rows], color=BLUE, linewidth=1.1)
            axes.plot(x, [row["accuracy"] for _, row in rows], "o-", color=BLUE, markersize=4)
            axes.set(xlim=(0.4, 5.6), ylim=(0, 1.02))
            axes.set_title(name, fontsize=9)
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            axes.yaxis.set_major_formatter(PercentFormatter(1))
            axes.grid()
        panels[0].set_ylabel("top-1 accuracy")
        figure.supxlabel(f"severity; dashed: as they are, {plain:.1%}", fontsize=9)
        figure.suptitle(title, x=0.01, ha="left", fontsize=10.5)


def robustness(result: Mapping[str, Any], path: Path, *, title: str) -> None:
    """Draw accuracy with its 95 % interval and mean confidence of each family of corruptions and, below it, its own;
    `result`: `evaluation.robustness.summary`."""
    rows: list[tuple[str, Mapping[str, Any], bool]] = []
    for family, score in result["families"].items():
        rows.append((family, score, True))
        members = {name: one for name, one in result["corruptions"].items() if one["family"] == family}
        rows += [(name + " *" * one["trained_with"], one, False) for name, one in members.items()]
    clean, corrupted = result["clean"], result["corrupted"]
    with figure_at(path, 6.4, 0.24 * len(rows) + 1.4) as figure:
        axes = figure.subplots()
        for name, score, colour in (("as they are", clean, GREEN), ("mean of all", corrupted, VERMILION)):
            axes.axvspan(score["low"], score["high"], color=colour, alpha=0.15, linewidth=0)
            axes.axvline(score["accuracy"], color=colour, linewidth=1.2, label=f"{name}: {score['accuracy']:.1%}")
        for y, (_, score, whole) in enumerate(rows):
            colour = INK if whole else BLUE
            axes.hlines(y, score["low"], score["high"], color=colour, linewidth=2 if whole else 1.1)
            axes.plot(score["accuracy"], y, "o", color=colour, markersize=6 if whole else 4)
            axes.plot(score["confidence"], y, "|", color=ORANGE, markersize=9, markeredgewidth=1.8)
        axes.plot([], [], "o-", color=BLUE, markersize=4, label="accuracy, 95 % interval")
        axes.plot([], [], "|", color=ORANGE, markersize=9, markeredgewidth=1.8, label="mean confidence")
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderpad=0)
        axes.set_yticks(range(len(rows)), [name for name, _, _ in rows])
        for label, (_, _, whole) in zip(axes.get_yticklabels(), rows, strict=True):
            label.set_fontweight("bold" if whole else "normal")
        axes.set(
            ylim=(len(rows) - 0.4, -0.6),
            xlim=(0, 1.005),
            xlabel=f"photos of {result['split']}; * training does the like",
        )
        axes.xaxis.set_major_formatter(PercentFormatter(1))
        axes.grid(axis="x")
        figure.suptitle(title, x=0.01, ha="left", fontsize=10.5)


def novelty(curves: Mapping[str, Sequence[Mapping[str, Any]]], path: Path, *, title: str) -> None:
    """Draw accuracy (with its 95 % interval), confidence and the share answered against the similarity to the nearest
    train photo, and below them how many photos there are; `curves`: `evaluation.novelty.curve` by what the photos are.
    """
    with figure_at(path, 6.4, 5.6) as figure:
        upper, lower = figure.subplots(2, sharex=True, height_ratios=(3, 1))
        for i, (name, every) in enumerate(curves.items()):
            rows = [row for row in every if row["n"] >= FEW]
            # The first range is open below: it is drawn as wide as the others.
            x = [max(row["above"], row["upto"] - 0.1) + 0.035 + 0.03 * i for row in rows]
            colour, n = SERIES[i], sum(row["n"] for row in every)
            upper.vlines(x, [row["low"] for row in rows], [row["high"] for row in rows], color=colour, linewidth=1.1)
            upper.plot(
                x, [row["accuracy"] for row in rows], "o-", color=colour, markersize=4, label=f"{name} (n = {n:,})"
            )
            upper.plot(x, [row["confidence"] for row in rows], "--", color=colour, linewidth=1)
            upper.plot(x, [row["answered"] for row in rows], ":", color=colour, linewidth=1.2)
            lower.bar(x, [row["n"] for row in rows], 0.028, color=colour)
        if not curves:
            upper.text(0.7, 0.5, "not measured: no backbone whose features could tell", ha="center")
        for line, what in (("-", "accuracy"), ("--", "mean confidence"), (":", "share answered, not 'not sure'")):
            upper.plot([], [], line, color=INK, label=what)
        upper.set(ylim=(0, 1.02), ylabel="share of photos")
        upper.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderpad=0)
        upper.yaxis.set_major_formatter(PercentFormatter(1))
        lower.set(xlim=(0.4, 1), ylabel="photos", xlabel="similarity to the nearest train photo (cosine)")
        upper.grid()
        figure.suptitle(title, x=0.01, ha="left", fontsize=10.5)
