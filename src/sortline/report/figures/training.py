"""Charts of a training: curves by epoch, and how a parameter was chosen."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.ticker import NullFormatter, PercentFormatter

from sortline.report.figures.style import BLUE, GREY, SERIES, VERMILION, epochs_axis, figure_at


def curves(
    series: Mapping[str, Sequence[float]],
    x_label: str,
    y_label: str,
    path: Path,
    title: str = "",
    minimum: tuple[str, float] | None = None,
    gap: bool = False,
) -> None:
    """Draw each named series against 1, 2, 3, ... (epochs, say); `minimum`, a named value, is drawn as a level.

    `gap` shades what lies between the first two, shares, and says how much of it there is at the end.
    """
    with figure_at(path, 7.0, 3.6) as figure:
        axes = figure.subplots()
        for (name, values), colour in zip(series.items(), SERIES, strict=False):
            # A short series, or one with gaps (NaN), has points that no line joins.
            marker = "o" if len(values) <= 20 else None
            axes.plot(range(1, len(values) + 1), values, color=colour, label=name, marker=marker, markersize=3)
        if minimum is not None:
            name, value = minimum
            axes.axhline(value, color=GREY, linewidth=1, linestyle="--", label=f"{name}: {value:.3g}")
        if gap:
            low, high, *_ = series.values()
            points = 100 * (high[-1] - low[-1])
            name = f"gap, {points:.1f} points at the end"
            axes.fill_between(range(1, len(low) + 1), low, high, color=GREY, alpha=0.18, linewidth=0, label=name)
            axes.yaxis.set_major_formatter(PercentFormatter(1))
        epochs_axis(axes)
        axes.set(xlabel=x_label, ylabel=y_label, title=title)
        figure.legend(loc="outside right upper")


def selection(
    values: Sequence[float],
    scores: Sequence[float],
    errors: Sequence[float],
    chosen: float,
    path: Path,
    *,
    title: str = "",
) -> None:
    """Draw the out-of-fold accuracies `scores` against C, on a log axis, with bars of +- `errors`; `chosen` ringed."""
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
        axes.set(xlabel="C (inverse strength of the L2 penalty)", ylabel="out-of-fold accuracy", title=title)
