"""Charts of one number against another: training curves, the choice of a parameter, calibration."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.ticker import MaxNLocator, NullFormatter, PercentFormatter

from sortline.report.figures.style import BLUE, GREY, INK, SERIES, VERMILION, figure_at


def curves(
    series: Mapping[str, Sequence[float]],
    x_label: str,
    y_label: str,
    path: Path,
    title: str = "",
    floor: tuple[str, float] | None = None,
) -> None:
    """Draw each named series against 1, 2, 3, ... (epochs, say); `floor` is a named value to draw as a level."""
    with figure_at(path, 7.0, 3.6) as figure:
        axes = figure.subplots()
        for (name, values), colour in zip(series.items(), SERIES, strict=False):
            # A short series, or one with gaps (NaN), has points that no line joins.
            marker = "o" if len(values) <= 20 else None
            axes.plot(range(1, len(values) + 1), values, color=colour, label=name, marker=marker, markersize=3)
        if floor is not None:
            name, value = floor
            axes.axhline(value, color=GREY, linewidth=1, linestyle="--", label=f"{name}: {value:.3g}")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1, steps=[1, 2, 5, 10]))
        axes.grid()
        axes.set(xlabel=x_label, ylabel=y_label, title=title)
        figure.legend(loc="outside right upper")


def selection(
    values: Sequence[float],
    scores: Sequence[float],
    errors: Sequence[float],
    chosen: float,
    path: Path,
    *,
    x_label: str = "C (inverse strength of the L2 penalty)",
    y_label: str = "out-of-fold accuracy",
    title: str = "",
) -> None:
    """Draw a score (fraction) against the parameter that it selects, on a log axis, with error bars (+- `errors`).

    `chosen` is one of `values`; its point is ringed.
    """
    at = list(values).index(chosen)
    with figure_at(path, 7.0, 3.6) as figure:
        axes = figure.subplots()
        axes.errorbar(values, scores, yerr=errors, color=BLUE, ecolor=GREY, elinewidth=1, capsize=3, marker="o", ms=4)
        label = f"chosen: {chosen:g}, {100 * scores[at]:.2f} %"
        axes.plot(chosen, scores[at], "o", ms=11, mfc="none", mec=VERMILION, mew=1.8, ls="none", label=label)
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter("{x:g}")
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.legend(loc="best")
        axes.yaxis.set_major_formatter(PercentFormatter(1))
        axes.grid()
        axes.set(xlabel=x_label, ylabel=y_label, title=title)


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
        lower.set(xlim=(0, 1.005), xlabel="confidence (probability of the answer)", ylabel="photos")
        for axis in (upper.xaxis, upper.yaxis):
            axis.set_major_formatter(PercentFormatter(1))
        upper.grid()
        figure.suptitle(title, x=0.01, ha="left", fontsize=10.5)
