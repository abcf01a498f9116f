"""Charts with a row a class: photos, accuracy, confusion."""

from collections.abc import Mapping, Sequence, Sized
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.patches import Rectangle
from matplotlib.ticker import PercentFormatter

from sortline.report.figures.style import BLUE, GREY, INK, SERIES, VERMILION, Groups, figure_at, names_for

NUMBERED = 40  # classes up to which a confusion matrix writes its counts into the cells
MAX_CLASSES = 100  # that a chart shows; of more, those that need looking at


def class_counts(classes: Sequence[str], counts: Mapping[str, Sequence[int]], path: Path) -> None:
    """Draw photos per class as stacked bars: `counts` holds for each split (train, val, ...) one number a class.

    Of more than MAX_CLASSES classes the smallest are shown.
    """
    totals = ", ".join(f"{split} {sum(numbers):,}" for split, numbers in counts.items())
    shown, _ = arranged(np.sum(list(counts.values()), axis=0))
    title = f"Photos per class ({totals}){_of_all(shown, classes, 'smallest')}"
    names = [names_for(classes)[i] for i in shown]
    counts = {split: [numbers[i] for i in shown] for split, numbers in counts.items()}
    with figure_at(path, 7.5, 1.3 + 0.22 * len(names), names) as figure:
        axes = figure.subplots()
        end = np.zeros(len(names), dtype=int)
        for (split, numbers), colour in zip(counts.items(), SERIES, strict=False):
            axes.barh(range(len(names)), numbers, left=end, color=colour, height=0.72, label=split)
            end = end + np.asarray(numbers)
        _rows(axes, names)
        for i in range(len(names)):
            _beside(axes, end[i], i, " + ".join(f"{numbers[i]:,}" for numbers in counts.values()))
        axes.margins(x=0.12)
        axes.set(xlabel="photos", title=title)
        if len(counts) > 1:
            figure.legend(loc="outside lower right", ncols=len(counts), borderpad=0)


def per_class(shares: Mapping[str, Mapping[str, Any]], path: Path, *, title: str, groups: Groups | None = None) -> None:
    """Draw each class's accuracy as a bar with its 95 % Wilson interval as a whisker, bars coloured by group.

    `shares` maps a class name to {accuracy, low, high, n} (fractions, None without photos), in label order. Of more
    than MAX_CLASSES classes the least accurate are shown.
    """
    worst, runs = arranged([2.0 if row["accuracy"] is None else row["accuracy"] for row in shares.values()], groups)
    title += _of_all(worst, shares, "least accurate")
    names = [names_for(list(shares))[i] for i in worst]
    rows = [list(shares.values())[i] for i in worst]
    colours = [groups.colours[groups.of[i]] if groups else BLUE for i in worst]
    tallies = [f"{round(row['n'] * row['accuracy']) if row['n'] else 0:,} of {row['n']:,}" for row in rows]
    with figure_at(path, 7.5, 1.3 + 0.22 * len(rows), names) as figure:
        axes = figure.subplots()
        for y, (row, colour) in enumerate(zip(rows, colours, strict=True)):
            if row["n"]:
                axes.barh(y, row["accuracy"], color=colour, height=0.72, alpha=0.75)
                axes.plot([row["low"], row["high"]], [y, y], color=INK, linewidth=1.1, marker="|", markersize=5)
            _beside(axes, 1.0, y, tallies[y])
        _rows(axes, names)
        for group, first, last in runs:
            if first:
                axes.axhline(first - 0.5, color=GREY, linewidth=0.8)
            right = 15 + 4.8 * max(map(len, tallies))  # points: clear of the tallies
            axes.annotate(group, (1.0, (first + last) / 2), (right, 0), textcoords="offset points", va="center")
        axes.set(xlim=(0, 1), xlabel="accuracy, with 95 % Wilson interval", title=title)
        axes.xaxis.set_major_formatter(PercentFormatter(1))


def confusion(
    matrix: np.ndarray, classes: Sequence[str], path: Path, *, title: str, groups: Groups | None = None
) -> None:
    """Draw int (classes, classes) counts, rows true and columns predicted, each cell tinted by its share of the row.

    Correct predictions are blue, wrong ones orange, zero cells blank. With `groups` the classes stand group by group;
    an error within a group's square is in the correct group all the same. Of more than MAX_CLASSES classes those with
    the most errors, made or suffered, are shown.
    """
    wrong = matrix - np.diag(np.diag(matrix))
    shown, runs = arranged(-(wrong.sum(axis=0) + wrong.sum(axis=1)), groups)
    title += _of_all(shown, classes, "most often wrong")
    names, counts, n = np.array(names_for(classes))[shown], matrix[np.ix_(shown, shown)], len(shown)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    longest = max(map(len, names))
    size = 9 if n <= NUMBERED else 5
    side = max(2.2, n * min(0.26, 11 / n)) if n > 10 else max(2.2, 0.42 * n)
    # Inches for the names, about: the layout makes exact room for them, and cells need not be quite square.
    labels = 0.4 + 0.0075 * size * longest
    right = 0.2 + 0.07 * max(map(len, groups.names)) if groups else 0.1
    with figure_at(path, side + labels + right, side + labels + 0.3, names) as figure:
        axes = figure.subplots()
        axes.imshow(_tints(shares), interpolation="nearest", aspect="auto")
        for row, column in np.argwhere(counts) if n <= NUMBERED else []:
            colour = "white" if shares[row, column] > 0.6 else INK
            axes.text(column, row, f"{counts[row, column]:,}", ha="center", va="center", color=colour, fontsize=8)
        axes.set_xticks(range(n), names, rotation=90 if longest > 3 else 0, fontsize=size)
        axes.set_yticks(range(n), names, fontsize=size)
        axes.set_xticks(np.arange(n + 1) - 0.5, minor=True)
        axes.set_yticks(np.arange(n + 1) - 0.5, minor=True)
        axes.grid(which="minor", linewidth=0.5)
        axes.tick_params(which="both", length=0)
        axes.spines[:].set_visible(False)
        for group, first, last in runs:
            _part(axes, group, first, last, n)
        axes.set(xlabel="predicted", ylabel="truth")
        figure.suptitle(title, x=0.01, ha="left", fontsize=10.5)


def arranged(keys: Sequence[float], groups: Groups | None = None) -> tuple[np.ndarray, list[tuple[str, int, int]]]:
    """Return the classes that a chart shows, and for each group that has any (name, first, last): its ends there.

    They are those of the MAX_CLASSES smallest keys, of equal ones the first: group by group, in label order.
    """
    shown = np.sort(np.argsort(keys, kind="stable")[:MAX_CLASSES])
    if groups is None:
        return shown, []
    of = np.asarray(groups.of)[shown]
    order = np.argsort(of, kind="stable")
    members = [(name, np.flatnonzero(of[order] == group)) for group, name in enumerate(groups.names)]
    return shown[order], [(name, int(at[0]), int(at[-1])) for name, at in members if at.size]


def _of_all(shown: np.ndarray, classes: Sized, which: str) -> str:
    return "" if len(shown) == len(classes) else f"\nthe {len(shown)} {which} of {len(classes):,} classes"


def _tints(shares: np.ndarray) -> np.ndarray:
    """Return float RGB (n, n, 3): from white to full blue on the diagonal, to full orange off it."""
    full = np.where(np.eye(len(shares), dtype=bool)[..., None], to_rgb(BLUE), to_rgb(VERMILION))
    # Whatever is above zero starts at a visible tint: one wrong photo in a thousand is there to see.
    depth = np.where(shares > 0, 0.08 + 0.92 * shares, 0.0)[..., None]
    return 1 - depth * (1 - full)


def _part(axes: Axes, name: str, first: int, last: int, n: int) -> None:
    """Part the group of classes first..last from its neighbours, frame its own square, and name it on the right."""
    if first:
        axes.axhline(first - 0.5, color=GREY, linewidth=0.9)
        axes.axvline(first - 0.5, color=GREY, linewidth=0.9)
    side = last - first + 1
    corner = (first - 0.5, first - 0.5)
    axes.add_patch(Rectangle(corner, side, side, fill=False, ec=INK, linewidth=1.3, zorder=3, clip_on=False))
    axes.annotate(name, (n - 0.5, (first + last) / 2), (6, 0), textcoords="offset points", va="center")


def _rows(axes: Axes, names: Sequence[str]) -> None:
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x")


def _beside(axes: Axes, x: float, y: float, text: str) -> None:
    axes.annotate(text, (x, y), (5, 0), textcoords="offset points", va="center", fontsize=8)
