"""The charts of the line: PNG files whose bytes depend on nothing but the data, matplotlib's version and, for class
names in scripts that its own font lacks, the fonts installed."""

from sortline.report.figures.by_class import class_counts, confusion, per_class
from sortline.report.figures.curves import curves, reliability, selection
from sortline.report.figures.spoilt import corruptions
from sortline.report.figures.style import Groups, undrawable

__all__ = [
    "Groups",
    "class_counts",
    "confusion",
    "corruptions",
    "curves",
    "per_class",
    "reliability",
    "selection",
    "undrawable",
]
