"""The chart of training logs: loss and time per epoch, side by side."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes

from sortline.report.figures.style import INK, SERIES, epochs_axis, figure_at

UNITS = ((2 * 3600, 3600, "hours"), (2 * 60, 60, "minutes"), (0, 1, "seconds"))  # from that many seconds on


@dataclass(frozen=True)
class LogLine:
    """One line of the chart: by epoch number the loss (NaN: none) and the seconds (NaN: none); lengths agree."""

    label: str  # empty: not in the legend
    colour: int  # index into the palette
    past: bool  # an earlier part of a log whose epochs were begun again: drawn pale
    epochs: Sequence[int]
    losses: Sequence[float]
    seconds: Sequence[float]
    not_finite: Sequence[int]  # epochs with a loss that is not a number


def training_logs(
    lines: Sequence[LogLine], path: Path, *, loss_title: str, minimum: tuple[str, float] | None = None
) -> None:
    """Draw the losses, with `minimum`, a named one, and the times; a panel of which there is nothing is left out."""
    losses, seconds = (
        [value for line in lines for value in getattr(line, name) if not math.isnan(value)]
        for name in ("losses", "seconds")
    )
    has_losses = bool(losses) or any(line.not_finite for line in lines)
    panels = has_losses + bool(seconds)
    with figure_at(path, 5.2 * panels, 4.0) as figure:
        axes = list(figure.subplots(1, panels, squeeze=False)[0])
        if has_losses:
            _losses(axes.pop(0), lines, minimum, loss_title)
            # From a loss that exploded nothing else could be seen.
            if losses and min(losses) > 0 and max(losses) > 100 * statistics.median(losses):
                figure.axes[0].set_yscale("log")
                figure.axes[0].yaxis.set_major_formatter("{x:g}")
        if seconds:
            _times(axes.pop(0), lines, max(seconds))
        handles, labels = figure.axes[0].get_legend_handles_labels()
        if handles:
            own = dict(zip(labels, handles, strict=True))
            columns = min(3 if panels > 1 else 2, len(own))
            figure.legend(own.values(), own.keys(), loc="outside lower left", ncols=columns)


def _losses(axes: Axes, lines: Sequence[LogLine], minimum: tuple[str, float] | None, title: str) -> None:
    for line in lines:
        _plot(axes, line, line.losses)
    if minimum is not None:
        name, value = minimum
        axes.axhline(value, color=INK, linewidth=1, linestyle=":", label=f"{name}: {value:.3f}")
    for line in lines:
        if line.not_finite:
            marks: dict[str, Any] = {"color": _colour(line), "linestyle": "none", "marker": "x", "clip_on": False}
            top = [1.0] * len(line.not_finite)
            axes.plot(line.not_finite, top, transform=axes.get_xaxis_transform(), label="nan or inf", **marks)
    axes.set(ylabel="loss", title=title)
    epochs_axis(axes)


def _times(axes: Axes, lines: Sequence[LogLine], longest: float) -> None:
    divisor, unit = next((divisor, unit) for start, divisor, unit in UNITS if longest >= start)
    for line in lines:
        _plot(axes, line, [value / divisor for value in line.seconds])
    axes.set(ylabel=unit, title="Time per epoch")
    epochs_axis(axes)
    axes.set_ylim(0, 1.08 * longest / divisor or 1)


def _plot(axes: Axes, line: LogLine, values: Sequence[float]) -> None:
    points = [(epoch, value) for epoch, value in zip(line.epochs, values, strict=True) if not math.isnan(value)]
    if points:
        # Few epochs have points that a line alone would hide.
        axes.plot(
            *zip(*points, strict=True), color=_colour(line), alpha=0.45 if line.past else 1, label=line.label or None,
            linestyle="--" if line.past else "-", marker="o" if len(points) <= 30 else None, markersize=3,
        )  # fmt: skip


def _colour(line: LogLine) -> str:
    return SERIES[line.colour % len(SERIES)]
