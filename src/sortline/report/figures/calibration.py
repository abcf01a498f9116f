"""The chart of calibration: are the probabilities as high as the accuracy?"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.ticker import PercentFormatter

from sortline.report.figures.style import BLUE, GREY, INK, figure_at


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
