"""The chart of a choice among backbones: accuracy against size."""

from pathlib import Path

from matplotlib.ticker import PercentFormatter

from sortline.evaluation.choice import Choice
from sortline.report.figures.style import BLUE, GREY, INK, VERMILION, figure_at


def accuracy_against_size(choice: Choice, path: Path) -> None:
    """Draw each one's accuracy on new scenes, with its 95 % interval, against its size in 8 bits."""
    with figure_at(path, 7.2, 4.4) as figure:
        axes = figure.subplots()
        for name, row in choice.rows.items():
            colour = VERMILION if name == choice.recommended else BLUE
            size = choice.costs[name].int8 / 1e6
            axes.vlines(size, row["low"], row["high"], color=colour, linewidth=1.1)
            axes.plot(size, row["accuracy"], "o", color=colour, markersize=5)
            axes.annotate(
                f" {name}", (size, row["high"]), rotation=90, ha="center", va="bottom", fontsize=6.5, color=INK
            )
        axes.axhline(choice.rows[choice.best]["accuracy"], color=GREY, linewidth=1, linestyle="--")
        lowest, highest = (
            pick(row[key] for row in choice.rows.values()) for pick, key in ((min, "low"), (max, "high"))
        )
        axes.set_ylim(lowest - 0.1 * (highest - lowest), highest + 0.9 * (highest - lowest))  # room for the names
        axes.margins(x=0.08)
        axes.set(xlabel="MB in 8 bits, with a linear head", ylabel="accuracy on new scenes, 95 % interval")
        axes.yaxis.set_major_formatter(PercentFormatter(1))
        axes.grid()
        n, scenes = (choice.rows[choice.best][key] for key in ("n", "scenes"))
        figure.suptitle(
            f"Linear heads out of fold, n = {n:,} photos of {scenes:,} scenes; red: recommended, dashed: the best",
            x=0.01, ha="left", fontsize=9.5,
        )  # fmt: skip
