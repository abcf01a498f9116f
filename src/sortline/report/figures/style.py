"""How every chart looks and how it is written."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import matplotlib.style
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font
from matplotlib.ticker import MaxNLocator

from sortline._core.files import replacing

# Okabe and Ito's palette, told apart under the common colour-vision deficiencies.
BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY = "#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9"
GREY, PALE, INK = "#8c8c8c", "#dcdcdc", "#262626"
SERIES = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY)

FONT = "DejaVu Sans"  # comes with matplotlib
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


@contextmanager
def figure_at(path: Path, width: float, height: float, names: Sequence[str] = ()) -> Iterator[Figure]:
    """Yield a figure of that size in inches in the house style; write it to `path` as PNG when the block ends.

    `names` are the class names in it: letters that the house font lacks come from other installed fonts. Drawn on Agg
    without pyplot, so nothing is global.
    """
    # "default" first: a matplotlibrc of the user's must not change what the line writes.
    with matplotlib.style.context(["default", STYLE, {"font.family": [FONT, *other_fonts(names)]}]):
        figure = Figure(figsize=(width, height))
        yield figure
        with replacing(path) as temporary:
            figure.savefig(temporary, format="png", metadata={"Software": None})


def epochs_axis(axes: Axes) -> None:
    """Ticks at whole epochs, and a grid."""
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1, steps=[1, 2, 5, 10]))
    axes.grid()
    axes.set(xlabel="epoch")


def other_fonts(names: Sequence[str]) -> list[str]:
    """Return installed fonts, by alphabet, for the letters of `names` that the house font lacks; few or none."""
    missing = set("".join(names)) - _letters(FONT)
    found = []
    for font in sorted(_upright() if missing else ()):
        if missing & _letters(font):
            found.append(font)
            missing -= _letters(font)
    return found


def _upright() -> dict[str, str]:
    """Return the installed fonts in their plain style: {name: file}. "Last Resort" has but a box for every letter."""
    fonts = sorted(font_manager.fontManager.ttflist, key=lambda font: font.fname)
    plain = [font for font in fonts if font.style == "normal" and font.weight in (400, "normal")]
    return {font.name: font.fname for font in plain if "Last Resort" not in font.name}


@cache
def _letters(font: str) -> frozenset[str]:
    return frozenset(map(chr, FT2Font(_upright()[font]).get_charmap()))


def undrawable(names: Sequence[str]) -> list[int]:
    """Return the indices of the names with a letter that no installed font has."""
    known = _letters(FONT).union(*map(_letters, other_fonts(names)))
    return [index for index, name in enumerate(names) if not set(name) <= known]


def names_for(classes: Sequence[str]) -> list[str]:
    """Return names that fit an axis. One that no installed font can draw becomes its number."""
    lost = set(undrawable(classes))
    shown = [f"class {label}" if label in lost else name for label, name in enumerate(classes)]
    return [name if len(name) <= 28 else name[:27] + "…" for name in shown]
