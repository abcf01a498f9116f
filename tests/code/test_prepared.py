"""sortline.prepared: what `prepare` wrote, read back, on files written down here."""

import numpy as np
import pytest

from sortline._core import files
from sortline._core.errors import UserError
from sortline.data.prepared import read_classes, read_part

HEADER = ["image", "label", "split", "fold", "photo_fold", "scene", "in_train_exact", "in_train_near"]
SPLIT = [
    ["train/a.jpg", 0, "train", 1, 0, 0, 0, 0],
    ["train/b.jpg", 2, "dropped", "", "", 1, 0, 0],
    ["val/果皮 1.jpg", 2, "val", "", "", 1, 1, 1],
    ["val/c.jpg", 0, "val", "", "", 2, 0, 1],
    ["val/d.jpg", 1, "val", "", "", 3, 0, 0],
]


def test_val_rows_with_their_places_and_flags(tmp_path):
    files.write_csv(tmp_path / "split.csv", HEADER, SPLIT)
    val = read_part(tmp_path / "split.csv")
    assert val.images == ["val/果皮 1.jpg", "val/c.jpg", "val/d.jpg"]
    assert val.labels.tolist() == [2, 0, 1] and np.issubdtype(val.labels.dtype, np.integer)
    assert val.rows.tolist() == [2, 3, 4] and val.total == 5
    assert val.exact.tolist() == [True, False, False] and val.exact.dtype == bool
    assert val.scenes.tolist() == [1, 2, 3]
    assert val.near.tolist() == [True, True, False] and val.near.dtype == bool


@pytest.mark.parametrize("rows", [[], SPLIT[:2]])
def test_no_val_is_one_line(tmp_path, rows):
    files.write_csv(tmp_path / "split.csv", HEADER, rows)
    with pytest.raises(UserError, match=r"split\.csv: no photo in val.*params\.yaml") as caught:
        read_part(tmp_path / "split.csv")
    assert "\n" not in str(caught.value)


def test_classes_with_bins(tmp_path):
    bins = [
        {"id": "dry", "en": "Dry", "zh": "干垃圾", "colour": "#6f7782"},
        {"id": "wet", "en": "Wet", "zh": "湿垃圾", "colour": "#27853b"},
    ]
    rows = [
        {"code": "00_00", "en": "Peel", "zh": "果皮", "bin": "wet"},
        {"code": "00_01", "en": "Cup", "zh": "杯", "bin": "dry"},
        {"code": "00_02", "en": "Leaf", "zh": "叶", "bin": "wet"},
    ]
    files.write_json(tmp_path / "classes.json", {"classes": rows, "bins": bins, "table": "garbage"})
    classes = read_classes(tmp_path / "classes.json")
    assert classes.names == ["Peel", "Cup", "Leaf"] and classes.bins == bins
    assert classes.bin_of.tolist() == [1, 0, 1]


def test_classes_without_bins_are_named_as_their_folders(tmp_path):
    rows = [{"code": code, "en": en, "zh": "", "bin": ""} for code, en in (("牛肝菌", ""), ("amanita", "Amanita"))]
    files.write_json(tmp_path / "classes.json", {"classes": rows, "bins": [], "table": None})
    classes = read_classes(tmp_path / "classes.json")
    assert classes.names == ["牛肝菌", "Amanita"] and classes.bins == [] and classes.bin_of is None
