"""The chart of training logs: loss, accuracy, time and throughput per epoch, side by side."""

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from sortline.report.figures.style import INK, SERIES, epochs_axis, figure_at

UNITS = ((2 * 3600, 3600, "hours"), (2 * 60, 60, "minutes"), (0, 1, "seconds"))  # from that many seconds on


@dataclass(frozen=True)
class LogLine:
    """One line of the chart: by epoch number the loss, the seconds, samples a second, and the accuracies on train and
    on photos not trained on, NaN where there is none; lengths agree."""

    label: str  # empty: not in the legend
    colour: int  # index into the palette
    past: bool  # an earlier part of a log whose epochs were begun again: drawn pale
    epochs: Sequence[int]
    losses: Sequence[float]
    seconds: Sequence[float]
    samples: Sequence[float]
    train: Sequence[float]
    held: Sequence[float]
    not_finite: Sequence[int]  # epochs with a loss that is not a number


def training_logs(
    lines: Sequence[LogLine], path: Path, *, loss_title: str, minimum: tuple[str, float] | None = None
) -> None:
    """Draw the losses, with `minimum`, a named one, the accuracies with their gap, the times and the speed; a panel of
    which there is nothing is left out."""
    losses, seconds, samples = (_there(lines, name) for name in ("losses", "seconds", "samples"))
    panels: list[Callable[[Axes], None]] = []
    if losses or any(line.not_finite for line in lines):
        panels.append(lambda axes: _losses(axes, lines, minimum, loss_title, losses))
    if _there(lines, "train") or _there(lines, "held"):
        panels.append(lambda axes: _accuracies(axes, lines))
    if seconds:
        panels.append(lambda axes: _times(axes, lines, max(seconds)))
    if samples:
        panels.append(lambda axes: _samples(axes, lines, max(samples)))
    columns = min(2, len(panels))
    rows = -(-len(panels) // columns)
    with figure_at(path, 5.2 * columns, 4.0 if rows == 1 else 3.4 * rows) as figure:
        places = figure.subplots(rows, columns, squeeze=False).ravel()
        for draw, axes in zip(panels, places, strict=False):
            draw(axes)
        for axes in places[len(panels) :]:
            axes.set_visible(False)
        own: dict[str, Artist] = {}
        for axes in figure.axes:
            handles, labels = axes.get_legend_handles_labels()
            own = {**dict(zip(labels, handles, strict=True)), **own}
        if own:
            figure.legend(
                own.values(), own.keys(), loc="outside lower left", ncols=min(3 if columns > 1 else 2, len(own))
            )


def _there(lines: Sequence[LogLine], name: str) -> list[float]:
    return [value for line in lines for value in getattr(line, name) if not math.isnan(value)]


def _losses(
    axes: Axes, lines: Sequence[LogLine], minimum: tuple[str, float] | None, title: str, losses: Sequence[float]
) -> None:
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
    # From a loss that exploded nothing else could be seen.
    if losses and min(losses) > 0 and max(losses) > 100 * statistics.median(losses):
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter("{x:g}")


def _accuracies(axes: Axes, lines: Sequence[LogLine]) -> None:
    """Draw train dashed, what is not trained on in full, the gap between them shaded."""
    for line in lines:
        _plot(axes, line, line.held)
        if not all(map(math.isnan, line.train)):
            axes.plot(line.epochs, line.train, color=_colour(line), linestyle=":", label="on train")
        axes.fill_between(line.epochs, line.held, line.train, color=_colour(line), alpha=0.12, linewidth=0)
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.set(ylabel="accuracy", title="Accuracy: not trained on, and on train (dotted)")
    epochs_axis(axes)


def _samples(axes: Axes, lines: Sequence[LogLine], most: float) -> None:
    for line in lines:
        _plot(axes, line, line.samples)
    axes.set(ylabel="samples a second", title="Throughput")
    axes.yaxis.set_major_formatter("{x:,g}")
    epochs_axis(axes)
    axes.set_ylim(0, 1.08 * most or 1)


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
