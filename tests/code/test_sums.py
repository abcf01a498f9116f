"""SHA256SUMS of an exported folder: what was changed since is not used; a folder without the list is."""

import shutil
import subprocess
from pathlib import Path

import pytest
from command_line import sortline
from PIL import Image
from test_predict import write_export

from sortline._core.errors import UserError
from sortline.export import signature, sums, trial
from sortline.export.classifier import Classifier


@pytest.fixture
def export(tmp_path):
    folder = write_export(tmp_path / "垃圾 分类" / "export")
    shutil.copy(folder / "model.onnx", folder / "model_int8.onnx")
    sums.write(folder)
    return folder


def flip(path, at):
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


def refusal(folder):
    with pytest.raises(UserError) as caught:
        Classifier(folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="sha256sum is not here")
def test_sha256sum_reads_it_and_it_reads_sha256sum(export):
    done = subprocess.run(["sha256sum", "--strict", "--check", sums.NAME], cwd=export, capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.count(": OK") == 3
    for words in (["sha256sum"], ["sha256sum", "--binary"]):
        made = subprocess.run([*words, "labels.json", "model.onnx"], cwd=export, capture_output=True)
        (export / sums.NAME).write_bytes(made.stdout)
        Classifier(export)
        flip(export / "labels.json", -1)
        assert "labels.json: not the file" in refusal(export)
        flip(export / "labels.json", -1)


def test_flipped_bits_are_seen_where_the_model_would_still_answer(export):
    name = export / "model.onnx"
    at = name.read_bytes().index(b"sortline_version") + 2  # a key of its metadata, which nothing else looks at
    flip(name, at)
    assert f"{name}: not the file" in refusal(export) and sums.NAME in refusal(export)
    (export / sums.NAME).unlink()
    assert Classifier(export)(Image.new("RGB", (8, 8), (200, 0, 0))).label["code"]


@pytest.mark.parametrize("name", ["model.onnx", "model_int8.onnx", "labels.json"])
@pytest.mark.parametrize("at", [0, 40, -1])
def test_each_file_that_is_read_is_checked(export, name, at):
    if name == "model_int8.onnx":
        (export / "model.onnx").unlink()
    flip(export / name, at)
    assert f"{export / name}: not the file" in refusal(export)
    with pytest.raises(UserError, match=f"{name}: not the file"):
        trial.check(export)


def test_a_file_that_is_not_read_may_be_gone_but_one_that_is_must_be_listed(export):
    (export / "model_int8.onnx").unlink()
    Classifier(export)
    lines = (export / sums.NAME).read_text().splitlines(keepends=True)
    (export / sums.NAME).write_text("".join(line for line in lines if "labels.json" not in line))
    assert f"{export / 'labels.json'}: not the file" in refusal(export)


@pytest.mark.parametrize("name", ["../labels.json", "/etc/passwd", "a/labels.json", "..\\labels.json", "a\\b", ""])
def test_a_list_of_files_elsewhere_or_of_none_is_refused(export, name):
    with (export / sums.NAME).open("a") as stream:
        stream.write(f"{'0' * 64}  {name}\n")
    assert f"{export / sums.NAME}: not a list" in refusal(export)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"labels.json\n", b"\n" * 9, b"0" * 10**7, b"0" * 63 + b"  x\n"])
def test_a_damaged_list_is_refused(export, content):
    (export / sums.NAME).write_bytes(content)
    assert f"{export / sums.NAME}: not a list" in refusal(export)


def test_what_is_damaged_is_not_signed_and_the_list_is_signed_too(export, tmp_path):
    public = signature.new_key(tmp_path / "key.pem")
    flip(export / "model_int8.onnx", -1)
    with pytest.raises(UserError, match="model_int8.onnx: not the file"):
        signature.sign(export, tmp_path / "key.pem")
    flip(export / "model_int8.onnx", -1)
    (export / "notes.txt").write_text("one's own")
    signature.sign(export, tmp_path / "key.pem")
    signature.verify(export, public)
    sums.write(export)  # now with notes.txt, so another list
    with pytest.raises(UserError, match="SHA256SUMS: not the file that was signed"):
        signature.verify(export, public)


def test_the_command(project):
    export = Path("models/sample/export")
    sums.write(export)
    words = ["predict", "照片/red.png", "--csv"]
    assert sortline(*words)[0] == 0
    flip(export / "labels.json", 5)
    for more in ([], ["--model", str(export)]):
        code, out, err = sortline(*words, *more)
        assert (code, out) == (2, "") and err.splitlines()[-1].startswith("error: ") and "labels.json: not the" in err
