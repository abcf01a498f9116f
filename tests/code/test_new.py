"""`sortline new` and `sortline remove`: what they say, what they write, and that everything else stays as it was."""

import difflib
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from ruamel.yaml import YAML

from sortline import cli
from sortline.commands import outputs
from sortline.commands.remove import BUILT_IN
from sortline.commands.run import environment
from sortline.commands.suggest import SMALL, head
from sortline.data.audit import audit_folder
from sortline.data.classes import load_table
from sortline.data.split import Split, make_split
from sortline.errors import UserError
from sortline.params.base import load, read_yaml
from sortline.params.fetch import FetchParams
from sortline.params.prepare import PrepareParams
from sortline.params.train_head import TrainHeadParams
from sortline.params.weights import WeightsParams

ROOT = Path(__file__).parents[2]
NAMES = ("taza de café", "香蕉 皮", "Шляпа")


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project folder with the real params.yaml and dvc.yaml; the current folder. `tmp_path` lies around it."""
    root = tmp_path / "垃圾 分类"
    root.mkdir()
    for name in ("params.yaml", "dvc.yaml"):
        shutil.copy(ROOT / name, root / name)
    monkeypatch.chdir(root)
    monkeypatch.delenv("SORTLINE_DATA", raising=False)
    return root


def photo(number: int) -> Image.Image:
    """Draw clouds; each number gives others, so that no two photos are alike."""
    clouds = np.random.default_rng(number).normal(128, 50, (16, 16)).clip(0, 255).astype(np.uint8)
    return Image.fromarray(clouds).resize((40, 30), Image.Resampling.BICUBIC).convert("RGB")


def fill(root: Path, counts: dict[str, int], first: int = 0) -> Path:
    """Put `counts` photos into folders of `root`; no two photos are alike, nor like those of another `first`."""
    number = 10_000 * first
    for name, count in counts.items():
        (root / name).mkdir(parents=True, exist_ok=True)
        for i in range(count):
            photo(number := number + 1).save(root / name / f"{i:03d}.png")
    return root


def refused(*arguments: str) -> str:
    """Run a command that must be refused in one line, with params.yaml as it was; return the line."""
    before = Path("params.yaml").read_bytes()
    with pytest.raises(UserError) as error:
        cli.main([*map(str, arguments)])
    assert Path("params.yaml").read_bytes() == before
    assert "\n" not in str(error.value)
    return str(error.value)


def added_and_removed(before: bytes) -> tuple[list[str], list[str]]:
    old, new = before.decode().split("\n"), Path("params.yaml").read_bytes().decode().split("\n")
    diff = [line.rstrip("\r") for line in difflib.ndiff(old, new) if line[0] in "+-"]
    return [line[2:] for line in diff if line[0] == "+"], [line[2:] for line in diff if line[0] == "-"]


def test_new_changes_the_line_of_tasks_and_adds_lines_and_remove_gives_the_same_bytes_back(project, tmp_path, capsys):
    before = Path("params.yaml").read_bytes()
    folder = fill(tmp_path / "Mis fotos 照片", dict.fromkeys(NAMES, 12))
    assert cli.main(["new", "mis-fotos_2", str(folder)]) == 0
    added, removed = added_and_removed(before)
    assert [line.split(": [")[0] for line in removed] == ["tasks", "head_tasks"]
    assert all(old.replace("]", ", mis-fotos_2]", 1) in added for old in removed)
    content = YAML(typ="safe").load(before.decode())
    now = read_yaml(project / "params.yaml")
    assert now.pop("mis-fotos_2")
    for name in ("tasks", "head_tasks"):
        assert now.pop(name) == [*content.pop(name), "mis-fotos_2"]
    assert now == content

    said = capsys.readouterr().out
    for part in ("36 photos in 3 classes, 12 each", "no val/", "dvc repro export@mis-fotos_2", "--task mis-fotos_2"):
        assert part in said
    assert cli.main(["remove", "mis-fotos_2"]) == 0
    assert Path("params.yaml").read_bytes() == before


def test_the_section_is_what_the_stages_read(project, tmp_path):
    folder = fill(tmp_path / "p", dict.fromkeys(NAMES, 12))
    cli.main(["new", "mine", str(folder)])
    (source,) = load("mine", "fetch", FetchParams).sources
    assert (source.kind, Path(source.path)) == ("folder", folder)
    assert load("mine", "weights", WeightsParams) == load("garbage", "weights", WeightsParams)
    prepare = load("mine", "prepare", PrepareParams)
    assert (prepare.table, prepare.split.val_fraction, prepare.split.folds) == (None, 0.2, 5)
    assert load("mine", "train_head", TrainHeadParams).solver == "lbfgs"
    # DVC refuses a stage whose section is missing.
    assert list(read_yaml(Path("params.yaml"))["mine"]) == outputs.sections()


STYLES = {
    "one line": "tasks: [garbage, sample]        # what runs\n",
    "one line, spaces": "tasks: [ garbage , 'sample', ]\n",
    "several lines": "tasks: [\n  garbage,   # one\n  sample\n]\n",
    "as DVC rewrites it": "tasks:                            # what runs\n- garbage  # one\n- sample   # two\n\n",
    "indented": "tasks:\n    - garbage\n\n    - sample\n",
}
REST = """
# Ours.
garbage:
  weights: {sources: [{kind: file, release: tensorflow, path: "w.safetensors"}]}   # a comment
  train_head:   {lr:   4e-05, text: 'a: b', long: """ + "x " * 90 + """}
sample: {}

# the end
"""  # fmt: skip


@pytest.mark.parametrize("end", ["\n", "", "\n\n\n"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("style", STYLES)
def test_every_way_to_write_the_file_comes_back_byte_for_byte(project, tmp_path, style, newline, end):
    before = ("\ufeff# Top\n" + STYLES[style] + REST).rstrip("\n") + end
    before = before.replace("\n", newline).encode()
    Path("params.yaml").write_bytes(before)
    folder = fill(tmp_path / "p", {"a": 3, "b": 3})
    cli.main(["new", "one", str(folder)])
    cli.main(["new", "two", str(folder)])
    assert read_yaml(Path("params.yaml"))["tasks"] == ["garbage", "sample", "one", "two"]
    assert Path("params.yaml").read_bytes().count(b"\n") == Path("params.yaml").read_bytes().count(newline.encode())
    added, removed = added_and_removed(before)
    assert len({line for line in removed if line} - set(added)) <= 1
    cli.main(["remove", "one"])
    assert "one" not in read_yaml(Path("params.yaml")) and "two" in read_yaml(Path("params.yaml"))
    cli.main(["remove", "two"])
    assert Path("params.yaml").read_bytes() == before


def test_a_section_written_by_hand_is_removed_with_its_comment_and_nothing_else(project):
    text = "tasks:\n- mine # first\n- sample\n# keep\n\n# mine\n# too\nmine: {\n  fetch: {},\n}\n\n# next\nsample: {}\n"
    Path("params.yaml").write_text(text, encoding="utf-8")
    cli.main(["remove", "mine"])
    left = "tasks:\n- sample\n# keep\n\n# next\nsample: {}\n"
    assert Path("params.yaml").read_text(encoding="utf-8") == left


def test_what_cannot_be_edited_without_loss_is_left_to_the_user(project):
    anchor = "tasks: [mine, sample]\nmine: {fetch: &f {a: 1}}\nsample: {fetch: *f}\n"
    comment = "tasks: [sample, # why\n  mine]\nsample: {}\nmine: {}\n"
    for text in (anchor, comment):
        Path("params.yaml").write_text(text, encoding="utf-8")
        assert "by hand" in refused("remove", "mine")
    Path("params.yaml").write_text("tasks: [mine]\nmine: {}\n", encoding="utf-8")
    assert "only one" in refused("remove", "mine")


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


def test_folders_named_like_a_split_are_not_taken_for_classes(project, tmp_path):
    line = refused("new", "x", fill(tmp_path / "p", {"Training/cup": 3, "Training/pot": 3, "Test_set/cup": 3}))
    assert "'Test_set' and 'Training'" in line and "train and val" in line
    fill(tmp_path / "q", {"train": 3, "bus": 3})  # of trains and buses
    assert cli.main(["new", "x", str(tmp_path / "q")]) == 0


@pytest.mark.parametrize("least", [3, 4, 5, 6, 7, 30])
def test_small_sets_get_settings_that_the_stage_prepare_can_use(project, tmp_path, least, capsys):
    folder = fill(tmp_path / "p", {"a": least, "b": 30})
    cli.main(["new", "x", str(folder)])
    params = load("x", "prepare", PrepareParams)
    split = make_split(
        audit_folder(folder), {"a": 0, "b": 1}, ["a", "b"], policy=params.duplicates.policy(),
        min_per_class=params.min_per_class, **params.split.model_dump(),
    )  # fmt: skip
    train = split.split == "train"
    for fold in range(params.split.folds):
        assert set(split.label[train & (split.fold != fold)]) == {0, 1}
    assert set(split.label[~train]) == {0, 1}
    assert params.split.folds == min(5, (split.label[train] == 0).sum())
    said = capsys.readouterr().out
    assert ("prepare.split.folds" in said) == (params.split.folds < 5)


def test_many_photos_and_classes_get_the_solver_that_stays_quick(project, tmp_path):
    def split(classes: int, each: int) -> Split:
        label = np.repeat(np.arange(classes), each)
        fold = np.arange(label.size) % 2
        sides = np.full(label.size, "train")
        return Split(label, sides, sides, fold, fold == 2, fold == 2)

    assert head(split(5, 1000), 5, {}) == {"solver": "lbfgs"}
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
        "2 exact, 0 photos nearly alike",
        "the same photo in two classes: taza de café/001.png = 香蕉 皮/wrong.png",
    ):
        assert part in said, part
    assert "DS_Store" not in said and "Thumbs" not in said and "MACOSX" not in said
    (source,) = load("x", "fetch", FetchParams).sources
    assert Path(source.path) == root


def test_a_given_val_stays_the_val_and_its_copies_are_told(project, tmp_path, capsys):
    root = fill(tmp_path / "p", {"Train/a": 6, "Train/b": 6, "valid/a": 2, "valid/b": 2, "other/a": 1})
    shutil.copy(root / "Train/a/000.png", root / "valid/a/copy.png")
    cli.main(["new", "x", str(root)])
    said = capsys.readouterr().out
    for part in ("train: 12 photos in 2 classes, 6 each", "val: 5 photos", "never trains on it", "('other')"):
        assert part in said
    assert "of val, 1 photos are in train too and 0 nearly are" in said
    assert load("x", "prepare", PrepareParams).split.val_fraction == PrepareParams().split.val_fraction


def test_the_threshold_is_used_and_written(project, tmp_path):
    folder = fill(tmp_path / "p", {"a": 4, "b": 4})
    cli.main(["new", "x", str(folder), "--threshold", "0"])
    assert load("x", "prepare", PrepareParams).duplicates.threshold == 0
    assert "from 0 to 127" in refused("new", "z", folder, "--threshold", "128")


def test_a_link_to_a_folder_is_refused_before_anything_is_written(project, tmp_path):
    folder = fill(tmp_path / "p", {"a": 4, "b": 4})
    (tmp_path / "p/c").symlink_to(fill(tmp_path / "q", {"c": 4}) / "c", target_is_directory=True)
    assert "is a link" in refused("new", "x", folder)


LOCK = """schema: '2.0'
stages:
  fetch@mine:
    cmd: python stages/fetch.py mine --out data/raw/mine --source
      data/raw/mine.json
  fetch@mine2:
    cmd: x
  extract@mine:
    cmd: y
"""


def test_remove_takes_the_tasks_stages_out_of_the_lock_and_no_others(project, tmp_path, capsys):
    cli.main(["new", "mine", str(fill(tmp_path / "p", {"a": 3, "b": 3}))])
    Path("dvc.lock").write_bytes(LOCK.encode())
    cli.main(["remove", "mine"])
    assert Path("dvc.lock").read_text() == "schema: '2.0'\nstages:\n  fetch@mine2:\n    cmd: x\n"
    assert "dvc.lock: 2 stages" in capsys.readouterr().out


def test_new_forgets_a_former_task_of_that_name(project, tmp_path):
    Path("dvc.lock").write_bytes(LOCK.replace("mine2", "mine").encode())
    cli.main(["new", "mine", str(fill(tmp_path / "p", {"a": 3, "b": 3}))])
    assert not Path("dvc.lock").exists()  # DVC refuses a lock without stages


def dvc(*words: str) -> str:
    """Run DVC in the current folder as `sortline run` does."""
    changed = {"PYTHONPATH": str(ROOT / "src"), "DVC_SITE_CACHE_DIR": str(Path.cwd().parent / "site")}
    command = [sys.executable, "-m", "dvc", *words]
    done = subprocess.run(command, env={**environment(), **changed}, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_dvc_runs_a_new_task_and_reads_the_folder_anew_when_it_was_removed_and_added_again(project, tmp_path):
    shutil.copytree(ROOT / "stages", "stages", ignore=shutil.ignore_patterns("__pycache__"))
    dvc("init", "--no-scm", "--quiet")
    folder = fill(tmp_path / "Mis fotos 照片", {"taza de café": 3, "香蕉 皮": 3})
    cli.main(["new", "mine", str(folder)])
    dvc("repro", "fetch@mine")
    assert len(list(Path("data/raw/mine").rglob("*.png"))) == 6
    before = Path("dvc.lock").read_bytes()
    cli.main(["remove", "mine"])
    assert "@mine" not in dvc("stage", "list", "--name-only")
    fill(folder, {"taza de café": 1}, first=1)
    photo(77).save(folder / "香蕉 皮/more.png")
    cli.main(["new", "mine", str(folder)])
    assert "Running stage 'fetch@mine'" in dvc("repro", "fetch@mine")
    assert len(list(Path("data/raw/mine").rglob("*.png"))) == 7
    assert Path("dvc.lock").read_bytes() != before


def test_new_does_its_part_where_dvc_cannot_run(project, tmp_path):
    Path(".dvc").mkdir()
    Path(".dvc/config").write_text("")  # a project that is not in Git, which DVC refuses
    assert cli.main(["new", "mine", str(fill(tmp_path / "p", {"a": 3, "b": 3}))]) == 0
    assert "mine" in read_yaml(Path("params.yaml"))


def made(task: str) -> list[Path]:
    """Make what a run of the line leaves of a task."""
    for path in outputs.paths(task):
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix:
            path.write_text("x")
        else:
            (path / "inner").mkdir(parents=True)
            (path / "inner/file").write_text("x")
    return outputs.paths(task)


def test_remove_deletes_files_only_when_asked_to_and_only_those_of_the_task(project, tmp_path, capsys):
    folder = fill(tmp_path / "p", {"a": 3, "b": 3})
    own = fill(project / "data/photos/mine", {"a": 1})  # a folder of the user's, beside the line's
    cli.main(["new", "mine", str(folder)])
    mine, others = made("mine"), made("mine2")
    assert {"data/raw/mine", "data/raw/mine.json", "models/mine", "metrics/mine", "plots/mine"} <= {
        path.as_posix() for path in mine
    }
    cli.main(["remove", "mine"])
    said = capsys.readouterr().out
    assert all(path.exists() and path.as_posix() in said for path in mine)
    assert "only files of it" in refused("remove", "mine")
    assert cli.main(["remove", "mine", "--files"]) == 0
    assert not any(path.exists() for path in mine)
    assert all(path.exists() for path in others)
    assert own.exists() and len(list(folder.rglob("*.png"))) == 6
    assert "no task 'mine'" in refused("remove", "mine", "--files")


def test_remove_does_not_follow_links_out_of_the_project(project, tmp_path, capsys):
    inside, outside = tmp_path / "kept/raw", tmp_path / "kept/models/mine"
    for folder in (inside / "mine", outside):
        folder.mkdir(parents=True)
        (folder / "photo.jpg").write_text("x")
    Path("data").mkdir()
    Path("data/raw").symlink_to(inside, target_is_directory=True)
    Path("models").mkdir()
    Path("models/mine").symlink_to(outside, target_is_directory=True)
    cli.main(["remove", "mine", "--files"])
    assert (inside / "mine/photo.jpg").exists() and (outside / "photo.jpg").exists()
    assert not Path("models/mine").is_symlink()
    assert "outside the project: data/raw/mine" in capsys.readouterr().out


def test_remove_refuses_what_is_built_in_and_what_is_no_task(project):
    sections = {key for key, value in read_yaml(Path("params.yaml")).items() if isinstance(value, dict)}
    assert sections <= set(BUILT_IN), "a task that comes with the project must be in BUILT_IN"
    for name in BUILT_IN:
        assert "built in" in refused("remove", name)
    assert "no task 'tasks'" in refused("remove", "tasks")
    assert "no task 'nothing'; the tasks there are: garbage" in refused("remove", "nothing")
    assert "allowed are" in refused("remove", "../data")


def test_a_killed_write_leaves_params_as_they_were(project, tmp_path, monkeypatch):
    folder = fill(tmp_path / "p", {"a": 3, "b": 3})
    before = Path("params.yaml").read_bytes()

    def full(self, data):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        with pytest.raises(OSError):
            cli.main(["new", "mine", str(folder)])
    assert Path("params.yaml").read_bytes() == before
    assert not list(project.glob(".tmp-*"))
