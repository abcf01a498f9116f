"""Splits and folds: stratified, seeded, copies on one side; policies."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from pictures import drawn, two_classes
from PIL import Image, ImageOps

from sortline._core.errors import UserError
from sortline.config.prepare import DuplicateParams, PrepareParams, SplitParams
from sortline.data.audit import audit_folder
from sortline.data.copies import sketch
from sortline.data.duplicates import find_duplicates
from sortline.data.holdout import hold_out
from sortline.data.split import deal_folds, make_split, to_drop

STAGE = Path(__file__).parents[2] / "stages" / "prepare.py"
REPORT = dict.fromkeys(("exact_cross", "exact_train", "near_cross", "near_train"), "report")


def random_groups(rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels of 3 to 5 classes, and groups: most photos alone, some in groups of up to 6, mostly of one class."""
    label = rng.permutation(np.arange(count) % rng.integers(3, 6))
    group = np.arange(count)
    for _ in range(rng.integers(0, count // 6)):
        first = rng.integers(count)
        alike = np.flatnonzero(label == label[first]) if rng.random() < 0.8 else np.arange(count)
        group[rng.choice(alike, size=min(alike.size, rng.integers(2, 7)), replace=False)] = group[first]
    return label, group


@pytest.mark.parametrize("seed", range(25))
def test_folds_never_split_a_group_and_are_balanced(seed):
    rng = np.random.default_rng(seed)
    label, group = random_groups(rng, 120)
    fold = deal_folds(label, group, 5, seed)
    assert all(np.unique(fold[group == number]).size == 1 for number in np.unique(group))
    assert set(fold) == set(range(5))
    assert np.bincount(fold).min() > 24 / 2
    assert np.array_equal(fold, deal_folds(label, group, 5, seed))


def test_folds_of_single_photos_are_stratified_and_seeded():
    label = np.repeat(np.arange(4), 25)
    fold = deal_folds(label, np.arange(100), 5, 0)
    assert all(np.bincount(fold[label == c]).tolist() == [5] * 5 for c in range(4))
    assert not np.array_equal(fold, deal_folds(label, np.arange(100), 5, 1))


def test_too_few_groups_for_the_folds():
    with pytest.raises(UserError, match="3 different train photos do not fill 5 folds"):
        deal_folds(np.array([0, 1] * 6), np.arange(12) % 3, 5, 0)


@pytest.mark.parametrize("seed", range(25))
def test_held_out_photos_are_whole_groups_of_about_the_share(seed):
    rng = np.random.default_rng(100 + seed)
    label, group = random_groups(rng, 120)
    val = hold_out(label, group, 0.2, seed)
    assert not set(group[val]) & set(group[~val])
    for c in np.unique(label):
        share = round(0.2 * (label == c).sum())
        assert share - 3 <= val[label == c].sum() <= share
        assert (~val)[label == c].any()
    assert np.array_equal(val, hold_out(label, group, 0.2, seed))


def test_held_out_share_is_exact_without_copies_and_seeded():
    label = np.repeat(np.arange(3), [10, 20, 3])
    val = hold_out(label, np.arange(33), 0.1, 0)
    assert np.bincount(label[val]).tolist() == [1, 2, 1]
    assert not np.array_equal(val, hold_out(label, np.arange(33), 0.1, 1))


def test_a_class_of_large_groups_gives_its_smallest():
    label = np.zeros(9, dtype=int)
    group = np.array([0] * 6 + [1] * 3)
    assert hold_out(label, group, 0.1, 0).tolist() == [False] * 6 + [True] * 3


def copies():
    """Photos 0 .. 7; 0 and 1 are val. Pixels A B | A A' C C D D', where ' is near; C and D are unlike all others."""
    a, b, c, d = (drawn(seed) for seed in range(4))
    photos = [a, b, a, ImageOps.mirror(a), c, c, d, d.rotate(90, expand=True)]
    return find_duplicates(["A", "B", "A", "a", "C", "C", "D", "d"], [sketch(photo) for photo in photos].__getitem__)


@pytest.mark.parametrize(
    ("policy", "dropped"),
    [
        ({}, []),
        ({"exact_cross": "drop"}, [2]),
        ({"near_cross": "drop"}, [2, 3]),
        ({"exact_train": "drop"}, [5]),
        ({"near_train": "drop"}, [3, 5, 7]),
        ({"exact_cross": "drop", "near_train": "drop"}, [2, 5, 7]),
        (dict.fromkeys(REPORT, "drop"), [2, 3, 5, 7]),
    ],
)
def test_policies(policy, dropped):
    val = np.isin(np.arange(8), [0, 1])
    mask = to_drop(copies(), val, REPORT | policy, list("01234567"))
    assert np.flatnonzero(mask).tolist() == dropped


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("exact_cross", "1 exact copies of held-out photos in train (first: photo2)"),
        ("near_cross", "2 copies of held-out photos in train (first: photo2)"),
        ("exact_train", "1 exact copies inside train (first: photo5)"),
        ("near_train", "3 copies inside train (first: photo3)"),
    ],
)
def test_policy_fail(kind, text):
    val = np.isin(np.arange(8), [0, 1])
    with pytest.raises(UserError) as caught:
        to_drop(copies(), val, REPORT | {kind: "fail"}, [f"photo{i}" for i in range(8)])
    assert text in str(caught.value)
    assert f"duplicates.{kind}" in str(caught.value)


@pytest.fixture
def raw(tmp_path) -> Path:
    return two_classes(tmp_path / "raw")


LABELS, NAMES = {"can": 0, "hat": 1}, ["can", "hat"]


def wanted(min_per_class: int = 3, **policy: str) -> PrepareParams:
    split = SplitParams(val_fraction=0.25, folds=3)
    return PrepareParams(min_per_class=min_per_class, split=split, duplicates=DuplicateParams(**(REPORT | policy)))


def test_a_given_split_is_kept_and_copies_are_marked(raw):
    audit = audit_folder(raw)
    split = make_split(audit, LABELS, NAMES, wanted(exact_cross="drop"))
    paths = [photo.path for photo in audit.photos]
    assert [path for path, side in zip(paths, split.split, strict=True) if side == "dropped"] == ["train/hat/3.png"]
    assert [path for path, flag in zip(paths, split.in_train_exact, strict=True) if flag] == ["val/hat/8.png"]
    assert [path for path, flag in zip(paths, split.in_train_near, strict=True) if flag] == ["val/can/9.png"]
    assert [path.split("/")[0] for path in paths] == split.raw.tolist()
    assert ((split.fold >= 0) == (split.split == "train")).all()
    assert split.label.tolist() == [LABELS[path.split("/")[1]] for path in paths]


def test_scene_folds_hold_copies_together_and_photo_folds_deal_photo_by_photo(raw):
    for name in ("hat", "can"):
        for i in range(5):  # each with its mirror image
            path = raw / "train" / name / f"{i}.png"
            ImageOps.mirror(Image.open(path)).save(path.with_name(f"{i}-mirrored.png"))
    audit = audit_folder(raw)
    split = make_split(audit, LABELS, NAMES, wanted(near_cross="report"))
    train, scene = split.split == "train", audit.duplicates.scene
    pairs = [np.flatnonzero(train & (scene == number)) for number in np.unique(scene[train])]
    pairs = [pair for pair in pairs if pair.size == 2]
    assert len(pairs) >= 9
    assert all(split.fold[a] == split.fold[b] for a, b in pairs)
    assert any(split.photo_fold[a] != split.photo_fold[b] for a, b in pairs)
    for fold in (split.fold, split.photo_fold):
        assert set(fold[train]) == {0, 1, 2} and (fold[~train] == -1).all()


def test_search_exact_finds_exact_copies_alone(raw):
    audit = audit_folder(raw, wanted(search="exact"))
    split = make_split(audit, LABELS, NAMES, wanted(search="exact"))
    assert split.in_train_exact.sum() == 1 and not split.in_train_near.any()
    assert np.unique(audit.duplicates.scene).size == 19 and audit.duplicates.pairs.shape == (0, 4)


def test_without_a_given_split_one_is_drawn(raw):
    audit = audit_folder(raw / "train")
    split = make_split(audit, LABELS, NAMES, wanted())
    assert np.bincount(split.label[split.split == "val"]).tolist() == [2, 2]
    assert not split.in_train_exact.any()


def overwrite(folder: Path, content: bytes | None = None) -> None:
    """Give all files of a folder the same content (that of its first file)."""
    paths = sorted(folder.iterdir())
    content = paths[0].read_bytes() if content is None else content
    for path in paths:
        path.write_bytes(content)


def keep_two(folder: Path) -> None:
    for path in sorted(folder.iterdir())[2:]:
        path.unlink()


@pytest.mark.parametrize(
    ("damage", "options", "text"),
    [
        (lambda raw: shutil.rmtree(raw / "val/can"), {}, "no usable photo in val of class 'can'"),
        (lambda raw: shutil.rmtree(raw / "train/hat"), {}, "no usable photo in train of class 'hat'"),
        (lambda raw: overwrite(raw / "val/hat", b""), {}, "no usable photo in val of class 'hat'"),
        (lambda raw: keep_two(raw / "train/can"), {}, "'can': 2 train photos, fewer than folds (3)"),
        (lambda raw: None, {"min_per_class": 9}, "'can': 8 train photos, fewer than min_per_class (9)"),
        (lambda raw: overwrite(raw / "train/can"), {}, "'can': all 8 train photos are copies"),
    ],
)
def test_classes_that_do_not_do_are_one_clear_line(raw, damage, options, text):
    damage(raw)
    with pytest.raises(UserError) as caught:
        make_split(audit_folder(raw), LABELS, NAMES, wanted(**options))
    assert text in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_class_that_is_dropped_as_copies_says_so(raw):
    for path in (raw / "train/can").iterdir():
        shutil.copy(path, raw / "val/can" / f"again-{path.name}")
    with pytest.raises(UserError, match=r"'can': 0 train photos \(8 more are dropped as copies\).*; add photos$"):
        make_split(audit_folder(raw), LABELS, NAMES, wanted(exact_cross="drop"))
