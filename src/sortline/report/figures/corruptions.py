"""The chart of accuracy on corrupted photos."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.ticker import MaxNLocator, PercentFormatter

from sortline.report.figures.style import BLUE, GREY, figure_at


def corruptions(scores: Mapping[tuple[str, int], Mapping[str, Any]], path: Path, *, title: str) -> None:
    """Draw accuracy with its 95 % interval against severity, a panel a corruption.

    `scores` by (corruption, severity), ("none", 0) among them, as `metrics.share` returns them.
    """
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
