"""`sortline new`: which names and folders it takes, what it says of them, and what settings they get."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from own_photos import NAMES, fill, refused, shipped_project
from pictures import drawn, lettered

from sortline import cli
from sortline.cli._shared import outputs
from sortline.config.base import load, read_yaml
from sortline.config.prepare import PrepareParams
from sortline.config.training import TrainHeadParams
from sortline.config.weights import WeightsParams
from sortline.data.audit import audit_folder
from sortline.data.classes import load_table
from sortline.data.datasets.photo_folder import PhotoFolder
from sortline.data.sources import FetchParams
from sortline.data.split import Split, make_split
from sortline.data.suggest import SMALL, head


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project folder with the real params.yaml and dvc.yaml; the current folder. `tmp_path` lies around it."""
    return shipped_project(tmp_path, monkeypatch)


def test_the_section_is_what_the_stages_read(project, tmp_path):
    folder = fill(tmp_path / "p", dict.fromkeys(NAMES, 12))
    cli.main(["new", "mine", str(folder)])
    (source,) = load("mine", "fetch", FetchParams).sources
    assert (source.kind, Path(source.path)) == ("folder", folder)
    assert load("mine", "weights", WeightsParams) == WeightsParams(backbone="mobilenet_v2")
    prepare = load("mine", "prepare", PrepareParams)
    assert (prepare.table, prepare.split.val_fraction, prepare.split.folds) == (None, 0.2, 5)
    assert load("mine", "train_head", TrainHeadParams).optimizer == "lbfgs"
    # DVC refuses a stage whose section is missing.
    assert list(read_yaml(Path("params.yaml"))["mine"]) == outputs.sections()


@pytest.mark.parametrize(
    "name", ["垃圾", "my cups", "a.b", "a/b", "..", "-x", "_x", "1st", "", "a@b", "x" * 41, "a:b", "${x}", "café"]
)
def test_names_that_are_no_key_folder_or_stage_are_refused(project, tmp_path, name):
    folder = fill(tmp_path / "p", {"a": 3, "b": 3})
    assert "allowed are" in refused("new", "--", name, folder)


@pytest.mark.parametrize("name", ["CON", "lpt1", "item", "Null", "yes"])
def test_names_that_mean_something_else_are_refused(project, tmp_path, name):
    assert "something else" in refused("new", name, fill(tmp_path / "p", {"a": 3, "b": 3}))


def test_names_that_are_taken_are_refused(project, tmp_path):
    folder = fill(tmp_path / "p", {"a": 3, "b": 3})
    for name in ("garbage", "Garbage", "tasks", "sample", "garbage_en"):
        assert "is taken" in refused("new", name, folder)
    cli.main(["new", "mine", str(folder)])
    assert "there already, for this folder" in refused("new", "mine", folder)
    assert "there already, for this folder" in refused("new", "mine", folder / ".." / "p")
    assert "is taken" in refused("new", "Mine", fill(tmp_path / "other", {"a": 3, "b": 3}))
    assert cli.main(["new", "again", str(folder)]) == 0


@pytest.mark.parametrize("section", ["3", "[1]", "{fetch: 3}", "{fetch: {sources: 3}}", "{fetch: {sources: [3]}}"])
def test_a_section_that_is_written_wrongly_is_no_obstacle(project, tmp_path, section):
    text = Path("params.yaml").read_text(encoding="utf-8")
    Path("params.yaml").write_text(f"{text}\nodd: {section}\n", encoding="utf-8")
    folder = fill(tmp_path / "p", {"a": 3, "b": 3})
    assert "is taken" in refused("new", "odd", folder)
    assert cli.main(["new", "mine", str(folder)]) == 0


def test_folders_that_are_none_are_refused(project, tmp_path):
    assert "no such folder" in refused("new", "x", tmp_path / "none")
    assert "not a folder" in refused("new", "x", Path("params.yaml"))
    (tmp_path / "empty").mkdir()
    assert "no files in it" in refused("new", "x", tmp_path / "empty")
    assert "only one class folder, 'cup'" in refused("new", "x", fill(tmp_path / "one", {"cup": 5}))
    assert "no class folders" in refused("new", "x", fill(tmp_path / "flat", {".": 5}))
    assert "holds sortline itself" in refused("new", "x", tmp_path)
    # The stage fetch deletes what it writes anew.
    mine = fill(project / "data/raw/mine", {"a": 3, "b": 3})
    assert "writes and deletes" in refused("new", "mine", mine)


def test_classes_that_are_too_small_are_named(project, tmp_path):
    line = refused("new", "x", fill(tmp_path / "p", {"cup": 9, "plate": 1, "fork": 2}))
    assert "'fork' (2)" in line and "'plate' (1)" in line and "'cup'" not in line and "3 or more" in line
    (fill(tmp_path / "q", {"cup": 9, "plate": 9}) / "New folder").mkdir()
    assert "'New folder' (0)" in refused("new", "x", tmp_path / "q")
    (tmp_path / "q/New folder/notes.txt").write_text("no photo")
    assert "'New folder' (0)" in refused("new", "x", tmp_path / "q")
    fill(tmp_path / "r", {"train/cup": 5, "train/plate": 1, "val/cup": 1, "val/plate": 1})
    assert "'plate' (1) of train" in refused("new", "x", tmp_path / "r")
    fill(tmp_path / "s", {"train/cup": 5, "train/plate": 5, "val/cup": 1})
    assert "no usable photo in val of class 'plate'" in refused("new", "x", tmp_path / "s")
    fill(tmp_path / "t", {"cup": 5, "plate": 1})
    for copy in range(6):
        shutil.copy(tmp_path / "t/plate/000.png", tmp_path / f"t/plate/copy{copy}.png")
    assert "copies" in refused("new", "x", tmp_path / "t")


def test_where_photos_are_missing_because_they_cannot_be_read_that_is_said(project, tmp_path, capsys):
    phone = fill(tmp_path / "phone", {"cup": 4})
    (phone / "pot").mkdir()
    for number in range(5):
        (phone / f"pot/{number}.heic").write_bytes(b"\0\0\0\x18ftypheic")
    assert "'pot' (0)" in refused("new", "x", phone)
    assert "save them as JPEG to use them: 5 files (5 .heic)" in capsys.readouterr().err
    shutil.rmtree(phone / "cup")
    (phone / "cup").mkdir()
    shutil.copy(phone / "pot/0.heic", phone / "cup/0.heic")
    assert "there is: 6 .heic" in refused("new", "x", phone)


def test_files_outside_the_class_folders_are_named_by_their_place(project, tmp_path, capsys):
    folder = fill(tmp_path / "p", {"train/cup": 5, "train/pot": 5, "val/cup": 2, "val/pot": 2}, 3)
    for name in ("train/notes.txt", "readme.md"):
        (folder / name).write_text("no photo")
    cli.main(["new", "x", str(folder)])
    assert "not looked at, in no class folder: 2 files ('readme.md', 'train/notes.txt')" in capsys.readouterr().out


def test_folders_named_like_a_split_are_not_taken_for_classes(project, tmp_path):
    line = refused("new", "x", fill(tmp_path / "p", {"Training/cup": 3, "Training/pot": 3, "Test_set/cup": 3}))
    assert "'Test_set' and 'Training'" in line and "train and val" in line
    fill(tmp_path / "q", {"train": 3, "bus": 3})  # of trains and buses
    assert cli.main(["new", "x", str(tmp_path / "q")]) == 0
    fill(tmp_path / "r", {"train/test/lot1": 3, "train/bus": 3})  # a class of tests
    assert cli.main(["new", "tests", str(tmp_path / "r")]) == 0


@pytest.mark.parametrize("least", [3, 4, 5, 6, 7, 30])
def test_small_sets_get_settings_that_the_stage_prepare_can_use(project, tmp_path, least, capsys):
    folder = fill(tmp_path / "p", {"a": least, "b": 30})
    cli.main(["new", "x", str(folder)])
    params = load("x", "prepare", PrepareParams)
    split = make_split(audit_folder(folder), {"a": 0, "b": 1}, ["a", "b"], params)
    train = split.split == "train"
    for fold in range(params.split.folds):
        assert set(split.label[train & (split.fold != fold)]) == {0, 1}
    assert set(split.label[~train]) == {0, 1}
    assert params.split.folds == min(5, (split.label[train] == 0).sum())
    said = capsys.readouterr().out
    assert ("prepare.split.folds" in said) == (params.split.folds < 5)


def test_what_new_found_in_the_photos_prepare_does_not_look_for_again(project, tmp_path, monkeypatch):
    from sortline.data import audit

    folder, looked = fill(tmp_path / "p", {"a": 6, "b": 6}), []
    sketch = audit.sketch
    monkeypatch.setattr(audit, "sketch", lambda image: looked.append(image) or sketch(image))
    cli.main(["new", "mine", str(folder)])
    assert len(looked) == 12
    shutil.copytree(folder, "data/raw/mine")
    found = PhotoFolder(Path("data/raw/mine")).audit(PrepareParams(), Path("build/kept/mine/prepare"))
    assert len(looked) == 12
    fresh = audit_folder(folder)
    assert [one.sha256 for one in found.photos] == [one.sha256 for one in fresh.photos] and len(looked) == 24
    assert found.duplicates.scene.tolist() == fresh.duplicates.scene.tolist()


def test_many_photos_and_classes_get_the_optimizer_that_stays_quick(project, tmp_path):
    def split(classes: int, each: int) -> Split:
        label = np.repeat(np.arange(classes), each)
        fold = np.arange(label.size) % 2
        sides = np.full(label.size, "train")
        return Split(label, sides, sides, fold, fold, fold == 2, fold == 2)

    assert head(split(5, 1000), 5, {}) == {"optimizer": "lbfgs"}
    assert head(split(100, 100), 100, {}) == {"lr": 0.1}
    assert 100 * 100 * 4 * 100 > SMALL >= 5 * 1000 * 4 * 5


def test_the_garbage_classes_get_the_garbage_table(project, tmp_path):
    rows = load_table("garbage").classes
    names = [row[("code", "en", "zh")[i % 3]] for i, row in enumerate(rows)]
    cli.main(["new", "x", str(fill(tmp_path / "p", dict.fromkeys(names, 4)))])
    assert load("x", "prepare", PrepareParams).table == "garbage"
    cli.main(["new", "z", str(fill(tmp_path / "q", dict.fromkeys(names[1:], 4)))])
    assert load("z", "prepare", PrepareParams).table is None


def test_an_unprepared_folder_is_described_in_plain_words(project, tmp_path, capsys):
    root = fill(tmp_path / "download/fotos/inside", {"taza de café": 8, "香蕉 皮": 8, "香蕉 皮/2024 junio": 2})
    for path in (".DS_Store", "Thumbs.db", "taza de café/.DS_Store", "__MACOSX/x.jpg", "leer.txt"):
        (root / path).parent.mkdir(exist_ok=True)
        (root / path).write_bytes(b"x")
    (root / "香蕉 皮/notas.txt").write_text("hola", encoding="utf-8")
    (root / "香蕉 皮/box.xml").write_text("<x/>", encoding="utf-8")
    (root / "香蕉 皮/rota.jpg").write_bytes(b"\xff\xd8\xff nothing")
    (root / "香蕉 皮/IMG_1.HEIC").write_bytes(b"\0\0\0\x18ftypheic")
    shutil.copy(root / "taza de café/000.png", root / "taza de café/copy.png")
    shutil.copy(root / "taza de café/001.png", root / "香蕉 皮/wrong.png")
    cli.main(["new", "x", str(tmp_path / "download")])
    said = capsys.readouterr().out
    for part in (
        f"found in {root}:",
        "20 photos in 2 classes, 9 ('taza de café') to 11 ('香蕉 皮') each",
        "cannot be read: 1 file\n    香蕉 皮/rota.jpg: ",
        "save them as JPEG to use them: 1 file (1 .heic)",
        "no photos: 2 files (1 .",
        "in no class folder: 1 file ('leer.txt')",
        "2 photos lie deeper",
        "'香蕉 皮/2024 junio/000.png' for '香蕉 皮'",
        "copies: 20 photos show 18 scenes, 2 are exact copies",
        "the same photo in two classes: taza de café/001.png = 香蕉 皮/wrong.png",
    ):
        assert part in said, part
    assert "left behind by systems and cameras: 2 '.DS_Store', 1 'Thumbs.db', 1 '__MACOSX'\n" in said
    (source,) = load("x", "fetch", FetchParams).sources
    assert Path(source.path) == root


def test_a_given_val_stays_the_val_and_its_copies_are_told(project, tmp_path, capsys):
    root = fill(tmp_path / "p", {"Train/a": 6, "Train/b": 6, "valid/a": 2, "valid/b": 2, "other/a": 1})
    shutil.copy(root / "Train/a/000.png", root / "valid/a/copy.png")
    cli.main(["new", "x", str(root)])
    said = capsys.readouterr().out
    for part in ("train: 12 photos in 2 classes, 6 each", "val: 5 photos", "never trains on it", "('other')"):
        assert part in said
    assert "of val's 5 photos, 1 show a scene of train, 1 of them as exact copies" in said
    assert load("x", "prepare", PrepareParams).split.val_fraction == PrepareParams().split.val_fraction


def test_series_that_are_alike_by_nature_are_added_with_exact(project, tmp_path):
    """Scans of one form: as copies of one another they cannot be split, and that is what the message says."""
    folder = tmp_path / "p"
    for name in ("a", "b"):
        (folder / name).mkdir(parents=True)
        for i in range(6):
            lettered(drawn(ord(name), 160, 120, 60), f"No {i}", [(60, 50)]).save(folder / name / f"{i}.png")
    assert "--exact" in refused("new", "x", folder)
    assert cli.main(["new", "x", str(folder), "--exact"]) == 0
    assert load("x", "prepare", PrepareParams).duplicates.search == "exact"
    assert load("x", "prepare", PrepareParams).duplicates.near_cross == "report"


def test_what_is_found_by_default_is_not_written(project, tmp_path):
    cli.main(["new", "x", str(fill(tmp_path / "p", {"a": 4, "b": 4}))])
    assert "duplicates" not in read_yaml(Path("params.yaml"))["x"]["prepare"]


def test_a_link_to_a_folder_is_refused_before_anything_is_written(project, tmp_path):
    folder = fill(tmp_path / "p", {"a": 4, "b": 4})
    (tmp_path / "p/c").symlink_to(fill(tmp_path / "q", {"c": 4}) / "c", target_is_directory=True)
    assert "a link to a folder" in refused("new", "x", folder)


def test_new_does_its_part_where_dvc_cannot_run(project, tmp_path):
    Path(".dvc").mkdir()
    Path(".dvc/config").write_text("")  # a project that is not in Git, which DVC refuses
    assert cli.main(["new", "mine", str(fill(tmp_path / "p", {"a": 3, "b": 3}))]) == 0
    assert "mine" in read_yaml(Path("params.yaml"))
