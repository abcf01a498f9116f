"""The stage prepare: what it writes, what its parameters leave as it was, and mistakes in them."""

import csv
import hashlib
import json
import os
import runpy
from pathlib import Path

import pytest
from pictures import two_classes

from sortline._core.errors import UserError
from sortline._core.files import read_json
from sortline.config.augment import ChainParams
from sortline.data.prepared import read_images, read_photos, read_views

STAGE = Path(__file__).parents[2] / "stages" / "prepare.py"


@pytest.fixture
def raw(tmp_path) -> Path:
    return two_classes(tmp_path / "raw")


# Of views.json where all keys have their defaults, before there were chains: features made then stay valid.
OF_DEFAULTS = "17176ccec908ea52464ad7b6100eabefbaa3da9a580c219e9d7c9220bbb002fc"
PARAMS = """
toy:
  prepare:
    min_per_class: 3
    split: {folds: 3}
"""


def run_stage(
    folder: Path, raw: Path, params: str, monkeypatch, out: str, more: str = "", **source: object
) -> dict[str, bytes]:
    monkeypatch.chdir(folder)
    (folder / "params.yaml").write_text(params, encoding="utf-8")
    (folder / "raw.json").write_text(json.dumps({"name": "toy photos", "note": "drawn", **source}), encoding="utf-8")
    words = f"toy --raw {raw.name} --source raw.json --tables tables --out {out}".split()
    words += f"--metrics {out}/data.json --plots {out}/plots {more}".split()
    runpy.run_path(str(STAGE))["main"](words)
    return {path.relative_to(folder / out).as_posix(): path.read_bytes() for path in (folder / out).rglob("*.*")}


def test_the_stage_writes_what_it_promises_twice_the_same(tmp_path, raw, monkeypatch):
    (raw / "train/hat/broken.jpg").write_bytes(b"broken")
    first = run_stage(tmp_path, raw, PARAMS, monkeypatch, "first")
    assert first == run_stage(tmp_path, raw, PARAMS, monkeypatch, "second")
    assert sorted(first) == [
        "audit.json", "classes.json", "data.json", "images.csv", "plots/class_counts.csv", "plots/class_counts.png",
        "plots/classes.csv", "plots/photos/duplicates.png", "plots/photos/scenes.png", "plots/photos/views.png",
        "split.csv", "views.json",
    ]  # fmt: skip
    images = list(csv.DictReader(first["images.csv"].decode().splitlines()))
    split = list(csv.DictReader(first["split.csv"].decode().splitlines()))
    assert [row["path"] for row in images] == [row["image"] for row in split] == sorted(row["path"] for row in images)
    assert len(images) == 20
    for row in split:
        for fold in (row["fold"], row["photo_fold"]):
            assert (fold in "012" and fold != "") == (row["split"] == "train")
    scene = {row["image"]: row["scene"] for row in split}
    assert scene["train/can/5.png"] == scene["val/can/9.png"] and scene["train/hat/3.png"] == scene["val/hat/8.png"]
    assert len(set(scene.values())) == 18
    metrics = json.loads(first["data.json"])
    expected = {"train": 15, "val": 4, "dropped": 1, "unreadable": 1, "exact_cross": 1, "near_cross": 1, "classes": 2,
                "exact_groups_train": 0, "near_groups_train": 0, "folds": 3, "label_conflicts": 0,
                "duplicate_search": "geometry", "source": "toy photos", "note": "drawn"}  # fmt: skip
    assert {key: metrics[key] for key in expected} == expected
    assert len(metrics["dataset"]) == 16


@pytest.mark.parametrize(
    "change",
    ["split: {folds: 4, seed: 5}", "split: {folds: 3}\n    duplicates: {near_cross: drop, near_train: drop}",
     "split: {folds: 3}\n    duplicates: {exact_cross: report, search: exact}"],
)  # fmt: skip
def test_split_and_duplicate_params_leave_what_extract_reads(tmp_path, raw, monkeypatch, change):
    first = run_stage(tmp_path, raw, PARAMS, monkeypatch, "first")
    changed = run_stage(tmp_path, raw, PARAMS.replace("split: {folds: 3}", change), monkeypatch, "second")
    assert first["split.csv"] != changed["split.csv"]
    for name in ("images.csv", "views.json"):
        assert first[name] == changed[name]


def test_without_chains_the_plan_of_views_is_what_it_was(tmp_path, raw, monkeypatch):
    first = run_stage(tmp_path, raw, PARAMS, monkeypatch, "first")
    assert hashlib.sha256(first["views.json"]).hexdigest() == OF_DEFAULTS
    chained = run_stage(tmp_path, raw, PARAMS + "    views: {chain: {method: augmix}}\n", monkeypatch, "second")
    plan = read_views(tmp_path / "second" / "views.json")
    assert plan.chain == ChainParams(method="augmix", strength=3.0) and first["views.json"] != chained["views.json"]


def test_view_params_leave_images_and_split(tmp_path, raw, monkeypatch):
    first = run_stage(tmp_path, raw, PARAMS, monkeypatch, "first")
    changed = run_stage(tmp_path, raw, PARAMS + "    views: {count: 2, flip: 0}\n", monkeypatch, "second")
    assert first["views.json"] != changed["views.json"]
    assert first["images.csv"] == changed["images.csv"]
    assert first["split.csv"] == changed["split.csv"]


@pytest.mark.parametrize(
    ("params", "text"),
    [
        ("    views: {crop_scale: [0.9, 0.5]}\n", "crop_scale' is [0.9, 0.5]: must be"),
        ("    views: {crop_ratio: [1.0]}\n", "crop_ratio"),
        ("    duplicates: {search: hash}\n", "'geometry' or 'exact'"),
        ("    duplicates: {threshold: 20}\n", "copies are found by geometry now"),
        ("    duplicates: {exact_cross: remove}\n", "'report', 'drop' or 'fail'"),
        ("    duplicates: {serach: exact}\n", "unknown key 'toy.prepare.duplicates.serach'; allowed here: search"),
        ("    unreadable: fail\n", "broken.jpg: not a photo"),
        ("    table: garbage\n", "no "),
    ],
)
def test_mistakes_in_params_are_one_clear_line(tmp_path, raw, monkeypatch, params, text):
    (raw / "train/hat/broken.jpg").write_bytes(b"broken")
    with pytest.raises(UserError) as caught:
        run_stage(tmp_path, raw, PARAMS + params, monkeypatch, "first")
    assert text in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "first").exists()


def test_what_fetch_could_not_read_counts_as_unreadable(tmp_path, raw, monkeypatch):
    left_out = [["train/hat/9.png", "cannot be read (Permission denied)"]]
    run_stage(tmp_path, raw, PARAMS, monkeypatch, "first", left_out=left_out)
    run_stage(tmp_path, raw, PARAMS, monkeypatch, "all")
    counts = [read_json(tmp_path / name / "data.json") for name in ("first", "all")]
    assert counts[0] == counts[1] | {"unreadable": counts[1]["unreadable"] + 1}
    with pytest.raises(UserError, match=r"train/hat/9\.png: cannot be read .*unreadable is fail"):
        run_stage(tmp_path, raw, f"{PARAMS}    unreadable: fail\n", monkeypatch, "second", left_out=left_out)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_a_name_with_line_ends_is_read_back_by_the_stages_after_it(tmp_path, raw, monkeypatch):
    name = 'train/hat/a\rb\n"c".png'
    (raw / "train/hat/0.png").rename(raw / name)
    run_stage(tmp_path, raw, PARAMS, monkeypatch, "first")
    photos = read_photos(tmp_path / "first/images.csv", raw)
    assert len(photos) == 20 and all(photo.path.is_file() for photo in photos)
    assert name in [photo.name for photo in photos] and name in read_images(tmp_path / "first/split.csv")
