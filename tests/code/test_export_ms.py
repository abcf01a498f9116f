"""`sortline export --ms`, with a stand-in for MindSpore Lite's converter, which no package registry has."""

import os
import sys
from pathlib import Path

import pytest

from sortline._core.errors import UserError
from sortline.cli import main

# Does what the real one does with its arguments, and writes them into the model.
STAND_IN = """
import sys
options = dict(word.split("=", 1) for word in sys.argv[1:])
if "broken" in open(options["--modelFile"]).read():
    print("CONVERT RESULT FAILED:-1 not a model")
    sys.exit(255)
with open(options["--outputFile"] + ".ms", "w") as stream:
    stream.write(options["--fmk"] + " " + options["--inputDataFormat"])
print("CONVERT RESULT SUCCESS:0")
"""


@pytest.fixture
def converter(tmp_path, monkeypatch):
    """An executable `converter_lite` on the PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    script = folder / "stand_in.py"
    script.write_text(STAND_IN, encoding="utf-8")
    if os.name == "nt":
        (folder / "converter_lite.bat").write_text(f'@"{sys.executable}" "{script}" %*\n', encoding="utf-8")
    else:
        executable = folder / "converter_lite"
        executable.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{script}" "$@"\n', encoding="utf-8")
        executable.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


@pytest.fixture
def model(tmp_path, monkeypatch):
    """A project's folder with an exported model."""
    root = tmp_path / "垃圾 分类"
    folder = root / "models" / "garbage" / "export"
    folder.mkdir(parents=True)
    (folder / "model.mindir").write_text("mindir", encoding="utf-8")
    (folder / "model.onnx").write_text("onnx", encoding="utf-8")
    (root / "params.yaml").write_text("tasks: [garbage]\n", encoding="utf-8")
    monkeypatch.chdir(root)
    return folder


def test_it_converts_beside_the_export_and_not_into_it(converter, model, capsys):
    before = sorted(path.name for path in model.iterdir())
    assert main(["export", "--ms"]) == 0
    assert Path("models/garbage/lite/model.ms").read_text(encoding="utf-8") == "MINDIR NHWC"
    assert sorted(path.name for path in model.iterdir()) == before
    assert "models/garbage/lite/model.ms" in capsys.readouterr().out


def test_another_model_to_another_place(converter, model, tmp_path):
    assert main(["export", "--ms", "--model", str(model), "--out", str(tmp_path / "out")]) == 0
    assert (tmp_path / "out" / "model.ms").is_file()


def test_without_the_converter_it_says_where_to_read(model, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="converter_lite is not on the PATH.*docs/export.md"):
        main(["export", "--ms"])


def test_a_converter_that_fails_is_quoted_and_an_old_model_stays(converter, model):
    assert main(["export", "--ms"]) == 0
    (model / "model.mindir").write_text("broken", encoding="utf-8")
    with pytest.raises(UserError, match=r"exit code 255\): CONVERT RESULT FAILED:-1 not a model"):
        main(["export", "--ms"])
    assert [path.name for path in Path("models/garbage/lite").iterdir()] == ["model.ms"]
    assert Path("models/garbage/lite/model.ms").read_text(encoding="utf-8") == "MINDIR NHWC"


def test_a_folder_without_mindir(converter, model):
    (model / "model.mindir").unlink()
    with pytest.raises(UserError, match="model.mindir: no such file; export the model first"):
        main(["export", "--ms"])


def test_the_format_must_be_named(model):
    with pytest.raises(UserError, match="--ms"):
        main(["export"])
