"""`sortline predict`: what it prints, where, and its exit codes. The model is test_predict's: mean colours."""

import csv
import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from command_line import sortline
from PIL import Image
from test_predict import LABELS, colour_model, write_export

from sortline import cli
from sortline._core.errors import UserError
from sortline.cli._shared import paths
from sortline.cli._shared.tasks import model_folder


def test_predict_json_is_one_list_on_stdout_and_nothing_else(project):
    (project / "照片/a broken.jpg").write_bytes(b"\xff\xd8\xff nothing")
    code, out, err = sortline("predict", "照片", "--json")
    found = json.loads(out)
    assert [one["photo"] for one in found] == ["照片/inner/blue.PNG", "照片/inner/绿.jpg", "照片/red.png"]
    assert [one["class"]["en"] for one in found] == ["Blue", "Green", "Red"]
    assert [one["bin"]["id"] for one in found] == ["cold", "cold", "warm"]
    assert all(one["probability"] > 0.95 and len(one["top"]) == 3 for one in found)
    assert code == 1
    assert sum("a broken.jpg" in line for line in err.splitlines()) == 1
    assert "1 other file skipped" in err
    assert "model: models/sample/export (task sample)" in err
    assert "Traceback" not in err


def test_predict_exit_codes(project):
    assert sortline("predict", "照片/red.png", "--json")[0] == 0
    code, out, err = sortline("predict", "照片/red.png", "照片/notes.txt", "gone.jpg", "--json")
    assert (code, len(json.loads(out))) == (1, 1)
    assert "notes.txt" in err
    assert "gone.jpg: no such file" in err
    code, out, err = sortline("predict", "-", "--json")
    assert (code, json.loads(out)) == (2, [])
    assert "-: no such file" in err


def test_predict_csv_reads_back_and_runs_no_formula(project, capsys):
    names = ["=cmd|'x'!A.png", "red\rline\nbreak.png", '+SUM("A").png', "-1.png"]
    for name in names:
        shutil.copy("照片/red.png", name)
    model = LABELS | {"classes": [one | {"en": f"=HYPERLINK({one['en']})"} for one in LABELS["classes"]]}
    write_export(project / "odd", labels=model)
    assert cli.main(["predict", *(f"./{name}" for name in names), "--csv", "--model", "odd"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out, newline="")))
    assert [Path(row["photo"]) for row in rows] == [Path(name) for name in names]
    cells = [cell for row in rows for cell in row.values()]
    assert "'=HYPERLINK(Red)" in cells and not any(cell.startswith(("=", "+")) for cell in cells)


def test_predict_names_what_it_could_not_read_in_a_folder(project, capsys, monkeypatch):
    scan = os.scandir

    def denied(name):
        if Path(name) == Path("照片/inner"):
            raise PermissionError(13, "Permission denied")
        return scan(name)

    monkeypatch.setattr(os, "scandir", denied)
    assert cli.main(["predict", "照片", "--json"]) == 1
    said = capsys.readouterr()
    assert [one["photo"] for one in json.loads(said.out)] == ["照片/red.png"]
    assert "error: 照片/inner: this folder cannot be read (Permission denied)" in said.err
    assert "note: 1 skipped (hidden" in said.err


def test_predict_into_a_closed_pipe_is_quiet(project):
    command = [sys.executable, "-m", "sortline.cli", "predict", "照片", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert b"Traceback" not in process.stderr.read()
        assert process.wait() == 1


def test_predict_csv(project, capsys):
    assert cli.main(["predict", "照片/inner", "照片/red.png", "--csv", "--top", "2"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["photo"] for row in rows] == ["照片/inner/blue.PNG", "照片/inner/绿.jpg", "照片/red.png"]
    last = {"photo": "照片/red.png", "code": "00_00", "en": "Red", "zh": "红", "bin": "warm", "bin_en": "Warm"}
    last |= {
        "bin_zh": "暖",
        "probability": "1.000000",
        "sure": "1",
        "similarity": "",
        "familiar": "1",
        "set_95": "",
        "code_2": "00_01",
        "en_2": "Green",
        "zh_2": "绿",
    }
    assert rows[-1] == {**last, "probability_2": "0.000000"}


def test_predict_says_when_it_is_not_sure(project, capsys):
    write_export(project / "careful", labels=LABELS | {"threshold": 0.9})
    Image.new("RGB", (8, 6), (100, 90, 0)).save("mixed.png")
    assert cli.main(["predict", "mixed.png", "照片/red.png", "--model", "careful", "--top", "1"]) == 0
    mixed, red = [line for line in capsys.readouterr().out.splitlines() if ".png" in line]
    assert "not sure: Red 红" in mixed and "?" in mixed and "Warm" not in mixed
    assert "not sure" not in red and "Warm 暖" in red
    assert cli.main(["predict", "mixed.png", "--model", "careful", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["sure"] is False


def test_predict_says_what_is_unlike_anything_trained_on(project, capsys):
    labels = LABELS | {"unfamiliar_below": 0.5}
    write_export(project / "strange", colour_model(labels, similarity=True), labels)
    Image.new("RGB", (8, 6), (10, 10, 51)).save("far.png")
    assert cli.main(["predict", "far.png", "照片/red.png", "--model", "strange", "--top", "1"]) == 0
    far, red = [line for line in capsys.readouterr().out.splitlines() if ".png" in line]
    assert "nothing I know" in far and "?" in far
    assert cli.main(["predict", "far.png", "--model", "strange", "--csv"]) == 0
    (row,) = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert (row["similarity"], row["familiar"]) == ("0.2000", "0")


def test_predict_explains_with_a_picture_a_photo(project, capsys):
    """Left half red, right half green: what speaks for the answer, red, is at the left."""
    write_export(project / "seeing", model=colour_model(cam=True))
    picture = Image.new("RGB", (80, 40), (30, 90, 30))
    picture.paste((250, 20, 20), (0, 0, 40, 40))
    (project / "other").mkdir()
    for name in ("halves.png", "other/halves.jpg"):
        picture.save(name)
    words = ["predict", "halves.png", "other/halves.jpg", "--model", "seeing", "--explain", "why", "--top", "1"]
    assert cli.main(words) == 0
    assert "Red 红" in capsys.readouterr().out
    assert sorted(path.name for path in Path("why").iterdir()) == ["halves-2.png", "halves.png"]
    shown = np.asarray(Image.open("why/halves.png").convert("RGB"), np.int16)
    overlaid = shown[:, shown.shape[1] // 2 :]
    band = np.ptp(overlaid[overlaid.shape[0] // 2], axis=1)  # colour over the grey photo
    left, right = band[: len(band) // 2], band[len(band) // 2 :]
    assert left.max() > 40
    assert right[12:].max() <= 12


def test_a_model_without_maps_says_so_in_one_line(project):
    with pytest.raises(UserError, match="not linear.*--task"):
        cli.main(["predict", "照片/red.png", "--explain", "why"])
    assert not Path("why").exists()


@pytest.mark.parametrize("columns", ["60", "80", "120"])
def test_predict_table_has_both_languages_and_loses_nothing(project, capsys, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    assert cli.main(["predict", "照片/red.png"]) == 0
    out = capsys.readouterr().out
    assert all(len(line) <= int(columns) for line in out.splitlines())
    best = next(line for line in out.splitlines() if "red.png" in line)
    for text in ("Red 红", "Warm 暖", "100.0 %"):
        assert text in best
    for text in ("Green 绿", "Blue 蓝", "Cold 冷", "0.0 %"):
        assert text in out


def test_predict_table_prints_a_name_that_looks_like_markup(project, capsys):
    Image.new("RGB", (2, 2), "#00ff00").save("[red]x[bold].png")
    assert cli.main(["predict", "[red]x[bold].png"]) == 0
    assert "[red]x[bold].png" in capsys.readouterr().out


def carded(folder):
    """The colours' model, whose table says more about two of the classes."""
    classes = [dict(row) for row in LABELS["classes"]]
    for row, wave in zip(classes, ("700 nm", "530 nm"), strict=False):
        row["card"] = [["wave length", wave], ["source", "a book"], ["warning", "Do not stare."]]
    return str(write_export(folder, labels={**LABELS, "classes": classes}))


@pytest.mark.parametrize("columns", ["40", "120"])
def test_predict_prints_what_the_table_says_and_its_warning_once(project, capsys, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    model = carded(project / "carded")
    assert cli.main(["predict", "照片", "照片/red.png", "--model", model, "--top", "1"]) == 0
    _, table, *blocks = capsys.readouterr().out.split("\n\n")
    assert [block.split() for block in blocks] == [
        ["Green", "绿", "wave", "length", "530", "nm", "source", "a", "book"],
        ["Red", "红", "wave", "length", "700", "nm", "source", "a", "book"],
        ["warning:", "Do", "not", "stare."],
    ]


def test_predict_gives_programs_the_card_too(project, capsys):
    model = carded(project / "carded")
    cli.main(["predict", "照片", "--model", model, "--csv", "--top", "1"])
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [(row["en"], row["wave length"], row["warning"]) for row in rows] == [
        ("Blue", "", ""), ("Green", "530 nm", "Do not stare."), ("Red", "700 nm", "Do not stare.")]  # fmt: skip
    cli.main(["predict", "照片/red.png", "--model", model, "--json"])
    assert json.loads(capsys.readouterr().out)[0]["class"]["card"][0] == ["wave length", "700 nm"]


def test_predict_takes_each_photo_once_and_expands_wildcards_itself(project, capsys):
    assert cli.main(["predict", "照片/*.png", "照片/red.png", "照片/in*/*", "--json"]) == 0
    photos = [one["photo"] for one in json.loads(capsys.readouterr().out)]
    assert photos == ["照片/red.png", "照片/inner/blue.PNG", "照片/inner/绿.jpg"]


def test_predict_names_a_folder_without_photos(project, capsys):
    (project / "empty").mkdir()
    assert cli.main(["predict", "empty", "照片/red.png", "--json"]) == 1
    assert "empty: no photos" in capsys.readouterr().err


def test_predict_shows_the_note_of_the_sample(project, capsys):
    folder = write_export(project / "noted", labels={**LABELS, "note": "built-in sample: proves the pipeline"})
    assert cli.main(["predict", "照片/red.png", "--json", "--model", str(folder)]) == 0
    shown = capsys.readouterr()
    assert "built-in sample: proves the pipeline" in shown.err
    assert len(json.loads(shown.out)) == 1


def test_the_model_is_the_first_listed_task_that_has_one(project, capsys):
    assert model_folder(None, None) == paths.export("sample")
    write_export(project / "models/garbage/export")
    assert model_folder(None, None) == paths.export("garbage")
    assert model_folder(None, "sample") == paths.export("sample")
    assert "task garbage" in capsys.readouterr().err


def test_no_model_is_one_line_that_names_the_command(project, tmp_path):
    with pytest.raises(UserError, match="dvc repro export@garbage"):
        model_folder(None, "garbage")
    with pytest.raises(UserError, match="tasks there are: garbage, sample"):
        model_folder(None, "litter")
    with pytest.raises(UserError, match="no such folder"):
        model_folder("nowhere", None)
    (project / "models/sample/export/model.onnx").unlink()
    with pytest.raises(UserError, match="make run"):
        model_folder(None, None)
    code, out, err = sortline("predict", "x.jpg", cwd=tmp_path)
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert "--model" in err
