"""Charts: the same bytes for the same data, nothing clipped, colours that mean what they say."""

import io
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib import font_manager
from matplotlib.figure import Figure
from PIL import Image

from sortline.evaluation import metrics
from sortline.report import figures
from sortline.report.figures import style
from sortline.report.figures.by_class import _tints, arranged

LONG = "a class with a name that goes on and on"
EPOCHS = {"train loss": [2.0, 1.2, 0.9], "out-of-fold loss": [2.1, 1.4, float("nan")]}


def answers(n: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    labels = np.arange(n) % classes
    scores = random.random((n, classes)) + 2 * np.eye(classes)[labels] * random.random((n, 1))
    return labels, scores / scores.sum(axis=1, keepdims=True)


def names(classes: int) -> list[str]:
    return [LONG, "塑料瓶", "$5 note_{x}", *(f"Class {i}" for i in range(classes))][:classes]


def charts(classes: int, n: int, groups: figures.Groups | None = None) -> dict:
    """Every chart by name, as a function of its path."""
    labels, probabilities = answers(n, classes)
    predicted = probabilities.argmax(axis=1)
    shares = metrics.shares_by(predicted == labels, labels, names(classes))
    shares["$5 note_{x}"] = {"accuracy": None, "low": None, "high": None, "n": 0}
    counts = {"train": [80] * classes, "val": np.bincount(labels, minlength=classes).tolist()}
    matrix, rows = metrics.confusion(labels, predicted, classes), metrics.calibration(labels, probabilities)
    grid = [0.01, 0.1, 1.0, 10.0]
    return {
        "class_counts": lambda path: figures.class_counts(names(classes), counts, path),
        "confusion": lambda path: figures.confusion(matrix, names(classes), path, title="t", groups=groups),
        "per_class": lambda path: figures.per_class(shares, path, title="t", groups=groups),
        "reliability": lambda path: figures.reliability(rows, path, title="t"),
        "curves": lambda path: figures.curves(EPOCHS, "epoch", "loss", path, title="t", minimum=("minimum", 0.5)),
        "selection": lambda path: figures.selection(grid, [0.9, 0.95, 0.94, 0.9], [0.01] * 4, 0.1, path, title="t"),
    }


FOUR_BINS = figures.Groups(
    of=[i % 4 for i in range(26)],
    names=["Recyclable", "Dry (residual)", "Hazardous", "Wet (food)"],
    colours=["#2278cf", "#6f7782", "#d9363e", "#27853b"],
)
CHARTS = ["class_counts", "confusion", "per_class", "reliability", "curves", "selection"]


@pytest.mark.parametrize("name", CHARTS)
def test_bytes_depend_on_the_data_alone(name, tmp_path):
    draw = charts(5, 40)[name]
    draw(tmp_path / "a.png")
    with matplotlib.rc_context({"font.size": 20, "axes.grid": True, "savefig.dpi": 50}):
        draw(tmp_path / "b.png")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    with Image.open(tmp_path / "a.png") as image:
        image.load()
        assert set(image.info) <= {"dpi"}  # no date, no version
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "b.png"]


@pytest.mark.parametrize(("classes", "n", "groups"), [(3, 12, None), (10, 10_000, None), (26, 130, FOUR_BINS)])
@pytest.mark.parametrize("name", CHARTS)
@pytest.mark.filterwarnings("error")  # a glyph that the font lacks, a layout that does not fit
def test_nothing_sticks_out_of_the_picture(name, classes, n, groups, tmp_path, monkeypatch):
    seen: list[Figure] = []
    save = Figure.savefig
    monkeypatch.setattr(Figure, "savefig", lambda self, *a, **k: (seen.append(self), save(self, *a, **k))[1])
    charts(classes, n, groups)[name](tmp_path / "chart.png")
    inside, whole = seen[0].get_tightbbox(), seen[0].bbox_inches
    assert inside.x0 >= -0.02 and inside.x1 <= whole.width + 0.02
    assert inside.y0 >= -0.02 and inside.y1 <= whole.height + 0.02
    with Image.open(tmp_path / "chart.png") as image:
        assert image.width <= 1300  # still readable at a README's width


def test_figures_open_no_window_and_keep_nothing(tmp_path):
    import matplotlib.pyplot as plt

    for draw in charts(3, 12).values():
        draw(tmp_path / "chart.png")
    assert plt.get_fignums() == []


def test_confusion_tints():
    tints = _tints(np.array([[1.0, 0.0, 0.0], [0.001, 0.999, 0.0], [0.0, 0.4, 0.6]]))
    assert (tints[0, 1] == 1).all()  # zero is blank
    assert tints[1, 0].sum() < 2.95  # one in a thousand is not
    assert tints[0, 0, 2] > tints[0, 0, 0]  # right is blue
    assert tints[2, 1, 0] > tints[2, 1, 2]  # wrong is orange
    assert tints[2, 1].sum() < tints[1, 0].sum()  # more is darker


def test_groups_sort_classes_and_keep_label_order_within():
    groups = figures.Groups([2, 0, 2, 0], ["x", "nobody", "y"], ["#000000"] * 3)
    shown, runs = arranged([0.0] * 4, groups)
    assert shown.tolist() == [1, 3, 0, 2]
    assert runs == [("x", 0, 1), ("y", 2, 3)]


def test_a_grouped_confusion_moves_counts_with_their_names(tmp_path, monkeypatch):
    """Classes a, b in bins y, x: drawn as b, a, and the 7 stays in row a, column b."""
    shown = io.StringIO()

    def record(self, *arguments, **named):
        axes = self.axes[0]
        cells = {(text.get_position()[1], text.get_position()[0]): text.get_text() for text in axes.texts[:3]}
        shown.write(f"{[label.get_text() for label in axes.get_yticklabels()]} {sorted(cells.items())}")
        return save(self, *arguments, **named)

    save = Figure.savefig
    monkeypatch.setattr(Figure, "savefig", record)
    groups = figures.Groups([1, 0], ["x", "y"], ["#000000"] * 2)
    figures.confusion(np.array([[1, 7], [0, 9]]), ["a", "b"], tmp_path / "c.png", title="t", groups=groups)
    assert shown.getvalue() == "['b', 'a'] [((0, 0), '9'), ((1, 0), '7'), ((1, 1), '1')]"


@pytest.fixture
def a_font_with_chinese(tmp_path):
    """A font of two letters, 香 and 蕉, installed for matplotlib alone."""
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder([".notdef", "one", "two"])
    builder.setupCharacterMap({ord("香"): "one", ord("蕉"): "two"})
    pen = TTGlyphPen(None)
    for at in ((0, 0), (0, 900), (900, 900), (900, 0)):
        pen.lineTo(at) if at != (0, 0) else pen.moveTo(at)
    pen.closePath()
    square = pen.glyph()
    builder.setupGlyf({name: square for name in (".notdef", "one", "two")})
    builder.setupHorizontalMetrics({name: (1000, 0) for name in (".notdef", "one", "two")})
    builder.setupHorizontalHeader(ascent=900, descent=-100)
    builder.setupNameTable({"familyName": "Two Letters", "styleName": "Regular"})
    builder.setupOS2(usWeightClass=400)
    builder.setupPost()
    builder.save(tmp_path / "two.ttf")
    before = list(font_manager.fontManager.ttflist)
    font_manager.fontManager.addfont(tmp_path / "two.ttf")
    yield
    font_manager.fontManager.ttflist[:] = before
    style._letters.cache_clear()


def test_a_name_that_no_installed_font_can_draw_becomes_its_number():
    shown = ["taza de café", "香蕉", "Шляпа", "قطة", "香 蕉"]
    assert figures.undrawable(shown) == [1, 4]
    assert style.names_for(shown) == ["taza de café", "class 1", "Шляпа", "قطة", "class 4"]


@pytest.mark.filterwarnings("error")
def test_an_installed_font_with_the_letters_is_used(a_font_with_chinese, tmp_path):
    shown = ["香蕉", "香 leaf", "橙"]
    assert figures.undrawable(shown) == [2]
    assert style.names_for(shown) == ["香蕉", "香 leaf", "class 2"]
    assert style.other_fonts(shown) == ["Two Letters"]
    figures.class_counts(shown, {"": [1, 2, 3]}, tmp_path / "drawn.png")  # matplotlib warns of a letter it lacks
    assert style.other_fonts(["plain"]) == []


def test_of_a_thousand_classes_charts_show_those_that_need_looking_at(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(Figure, "savefig", lambda self, path, **options: [drawn.append(self), Path(path).touch()])
    n = 1000
    many = [f"kind {i}" for i in range(n)]
    figures.class_counts(many, {"train": [50] * 900 + [9] * 100, "val": [1] * n}, tmp_path / "a.png")
    shares = {name: {"accuracy": 1.0, "low": 0.2, "high": 1.0, "n": 1} for name in many}
    shares["kind 7"] = {"accuracy": 0.0, "low": 0.0, "high": 0.8, "n": 1}
    shares["kind 8"] = {"accuracy": None, "low": None, "high": None, "n": 0}
    figures.per_class(shares, tmp_path / "b.png", title="t")
    matrix = np.eye(n, dtype=int)
    matrix[500, 501] = 1
    groups = figures.Groups([i % 2 for i in range(n)], ["even", "odd"], ["#ff0000", "#0000ff"])
    figures.confusion(matrix, many, tmp_path / "c.png", title="t", groups=groups)
    rows = [[label.get_text() for label in figure.axes[0].get_yticklabels()] for figure in drawn]
    assert [len(names) for names in rows] == [100, 100, 100]
    assert rows[0][0] == "kind 900" and "kind 7" in rows[1] and "kind 8" not in rows[1]
    assert {"kind 500", "kind 501"} <= set(rows[2])
    assert drawn[0].axes[0].get_title(loc="left").endswith("the 100 smallest of 1,000 classes")
