"""The charts of the line: PNG files whose bytes depend on nothing but the data, matplotlib's version and, for class
names in scripts that its own font lacks, the fonts installed."""

from sortline.report.figures.accuracy import corruptions, novelty, reliability, robustness
from sortline.report.figures.by_class import class_counts, confusion, per_class
from sortline.report.figures.style import Groups, undrawable
from sortline.report.figures.training import curves, selection

__all__ = [
    "Groups", "class_counts", "confusion", "corruptions", "curves", "novelty", "per_class", "reliability", "robustness",
    "selection", "undrawable",
]  # fmt: skip
