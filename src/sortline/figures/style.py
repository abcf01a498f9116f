"""How every chart looks and how it is written."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import matplotlib.style
import numpy as np
from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font

from sortline.files import replacing

# Okabe and Ito's palette, told apart under the common colour-vision deficiencies.
BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY = "#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9"
GREY, PALE, INK = "#8c8c8c", "#dcdcdc", "#262626"
SERIES = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY)

STYLE = {
    "font.size": 9, "axes.titlesize": 10.5, "axes.titlelocation": "left", "axes.titlepad": 10,
    "axes.spines.top": False, "axes.spines.right": False, "axes.axisbelow": True,
    "axes.edgecolor": GREY, "axes.labelcolor": INK, "text.color": INK, "xtick.color": INK, "ytick.color": INK,
    "grid.color": PALE, "grid.linewidth": 0.7, "legend.frameon": False, "lines.linewidth": 1.6,
    "figure.dpi": 120, "savefig.dpi": 120, "figure.constrained_layout.use": True,
    "text.parse_math": False,  # a class may be called "$5 note"
}  # fmt: skip


@dataclass(frozen=True)
class Groups:
    """The bins of a figure's classes: `of`, the group of each class; names (English) and "#rrggbb" colours by group."""

    of: Sequence[int]
    names: Sequence[str]
    colours: Sequence[str]

    def order(self) -> np.ndarray:
        """Return the class indices group by group, in label order within each."""
        return np.argsort(np.asarray(self.of), kind="stable")

    def runs(self) -> list[tuple[int, int, int]]:
        """Return (group, first, last) for each group that has classes: its places in `order`."""
        ordered = np.asarray(self.of)[self.order()]
        places = [(group, np.flatnonzero(ordered == group)) for group in range(len(self.names))]
        return [(group, int(at[0]), int(at[-1])) for group, at in places if at.size]


@contextmanager
def figure_at(path: Path, width: float, height: float) -> Iterator[Figure]:
    """Yield a figure of that size in inches in the house style; write it to `path` as PNG when the block ends.

    Drawn on Agg without pyplot, so nothing is global.
    """
    # "default" first: a matplotlibrc of the user's must not change what the line writes.
    with matplotlib.style.context(["default", STYLE]):
        figure = Figure(figsize=(width, height))
        yield figure
        with replacing(path) as temporary:
            figure.savefig(temporary, format="png", metadata={"Software": None})


def names_for(classes: Sequence[str]) -> list[str]:
    """Return names that fit an axis. One with a letter that matplotlib's font lacks (Chinese) becomes its number."""
    has = FT2Font(font_manager.findfont("DejaVu Sans")).get_charmap()
    shown = [name if all(ord(letter) in has for letter in name) else f"class {i}" for i, name in enumerate(classes)]
    return [name if len(name) <= 28 else name[:27] + "…" for name in shown]
