"""Nothing is overwritten or lost that a command did not make: files at places that the user names, and params.yaml."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from own_photos import fill, refused, shipped_project
from PIL import Image
from test_predict import colour_model, write_export

from sortline import cli
from sortline._core.errors import UserError
from sortline.cli._shared import own_files

LOG = "epoch: 1 step: 1, loss is 2.0\nepoch: 1 step: 2, loss is 1.0\n"
NOT_OURS = "was not made by this command"


def test_explain_writes_over_its_own_pictures_and_over_no_photo(project):
    write_export(project / "seeing", model=colour_model(cam=True))
    words = ["predict", "照片", "--model", "seeing", "--explain"]
    before = {path: path.read_bytes() for path in Path("照片").rglob("*") if path.is_file()}
    with pytest.raises(UserError, match=f"red.png.*{NOT_OURS}"):
        cli.main([*words, "照片"])
    assert {path: path.read_bytes() for path in Path("照片").rglob("*") if path.is_file()} == before
    for _ in range(2):
        assert cli.main([*words, "why"]) == 0
    assert len(list(Path("why").iterdir())) == 3
    Path("why/red.png").unlink()
    (Path("why/red.png") / "mine").mkdir(parents=True)
    with pytest.raises(UserError, match="is a folder"):
        cli.main([*words, "why"])
    assert Path("why/red.png/mine").is_dir()


def test_the_sheet_of_audit_takes_no_photos_place(tmp_path):
    folder = fill(tmp_path / "p", {"a": 3, "b": 3})
    photo, sheet = folder / "a/000.png", tmp_path / "sheet.png"
    before = photo.read_bytes()
    with pytest.raises(UserError, match=NOT_OURS):
        cli.main(["audit", str(folder), "--sheet", str(photo)])
    assert photo.read_bytes() == before
    for _ in range(2):
        cli.main(["audit", str(folder), "--sheet", str(sheet)])


def test_curves_replace_their_own_figure_and_table_alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("train.log").write_text(LOG, encoding="utf-8")
    for _ in range(2):
        assert cli.main(["curves", "train.log", "--out", "a.png", "--csv", "a.csv"]) == 0
    Image.new("RGB", (4, 4)).save("mine.png")
    Path("mine.csv").write_text("name,age\n", encoding="utf-8")
    for words in (["--out", "mine.png"], ["--out", "new.png", "--csv", "mine.csv"]):
        with pytest.raises(UserError, match=NOT_OURS):
            cli.main(["curves", "train.log", *words])
    assert not Path("new.png").exists() and Path("mine.csv").read_text(encoding="utf-8") == "name,age\n"


def test_a_marked_png_shows_the_same_picture(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    with own_files.own_png(tmp_path / "a.png") as temporary:
        Image.fromarray(pixels).save(temporary)
    with Image.open(tmp_path / "a.png") as image:
        image.verify()
    with Image.open(tmp_path / "a.png") as image:
        assert np.array_equal(np.asarray(image), pixels)
        assert image.info["Software"] == "sortline"


ADD = """
import sys
from ruamel.yaml.comments import CommentedMap
from sortline.cli._shared import params_file, params_text
print("there", flush=True)
sys.stdin.readline()
with params_file.editing() as text:
    params_file.write(params_text.add_task(text, sys.argv[1], "added", CommentedMap(fetch=1)))
"""


def test_of_tasks_that_are_added_at_once_none_is_lost(tmp_path, monkeypatch):
    shipped_project(tmp_path, monkeypatch)
    names = [f"task{number}" for number in range(4)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    started = [subprocess.Popen([sys.executable, "-c", ADD, name], **pipes) for name in names]
    for process in started:
        assert process.stdout.readline() == "there\n"
    for process in started:
        process.stdin.write("go\n")
        process.stdin.flush()
    assert [process.communicate() and process.returncode for process in started] == [0] * 4
    text = Path("params.yaml").read_text(encoding="utf-8")
    assert all(f"\n{name}:\n" in text for name in names)


def test_a_section_that_the_stages_would_refuse_is_not_written(tmp_path, monkeypatch):
    shipped_project(tmp_path, monkeypatch)
    line = refused("new", "mine", fill(tmp_path / "p", {"a": 3, "b": 3}), "--backbone", "mobilenet_v9")
    assert line.startswith("params.yaml: ") and "weights" in line


@pytest.mark.parametrize("words", [["new", "more"], ["remove", "mine"]])
def test_a_lock_file_that_is_no_text_leaves_params_as_they_are(tmp_path, monkeypatch, words):
    shipped_project(tmp_path, monkeypatch)
    folder = fill(tmp_path / "p", {"a": 3, "b": 3})
    cli.main(["new", "mine", str(folder)])
    Path("dvc.lock").write_bytes(b"\xff\xfe")
    assert "dvc.lock: not UTF-8" in refused(*words, *([folder] if words[0] == "new" else []))
