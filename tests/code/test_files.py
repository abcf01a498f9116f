"""Files and folders appear whole or not at all, and the same content always gives the same bytes."""

import hashlib
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sortline._core import files
from sortline._core.errors import UserError


def listing(folder):
    return sorted(path.name for path in folder.iterdir())


def test_replacing_writes_a_new_file_and_makes_its_folders(tmp_path):
    path = tmp_path / "垃圾 分类" / "deep" / "a.json"
    with files.replacing(path) as temporary:
        assert temporary.suffix == ".json" and temporary.parent == path.parent
        temporary.write_text("new")
        assert not path.exists()
    assert path.read_text() == "new"
    assert listing(path.parent) == ["a.json"]


@pytest.mark.parametrize("error", [UserError("no"), KeyboardInterrupt(), OSError("disk full")])
def test_an_exception_leaves_the_old_file(tmp_path, error):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(type(error)), files.replacing(path) as temporary:
        temporary.write_text("half of the n")
        raise error
    assert path.read_text() == "old"
    assert listing(tmp_path) == ["a.txt"]


def test_an_exception_leaves_the_old_folder(tmp_path):
    path = tmp_path / "head"
    path.mkdir()
    (path / "best").write_text("old")
    with pytest.raises(UserError), files.replacing(path) as temporary:
        temporary.mkdir()
        (temporary / "best").write_text("new")
        raise UserError("stopped")
    assert listing(tmp_path) == ["head"] and (path / "best").read_text() == "old"


def test_a_folder_is_replaced_whole(tmp_path):
    path = tmp_path / "head"
    path.mkdir()
    (path / "surplus").write_text("old")
    with files.replacing(path) as temporary:
        temporary.mkdir()
        (temporary / "best").write_text("new")
    assert listing(tmp_path) == ["head"] and listing(path) == ["best"]


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_a_killed_process_left_is_cleared(tmp_path, kind):
    path = tmp_path / "a.txt"
    with files.replacing(path) as temporary:
        temporary.write_text("new")
        name = temporary.name
    if kind == "file":
        (tmp_path / name).write_text("left over")
    else:
        (tmp_path / name).mkdir()
        (tmp_path / name / "part").write_text("left over")
    files.write_text(path, "newer")
    assert listing(tmp_path) == ["a.txt"] and path.read_text() == "newer"


def test_a_process_killed_while_writing_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    code = (
        "import os, sys; from pathlib import Path; from sortline._core.files import replacing\n"
        "with replacing(Path(sys.argv[1])) as temporary:\n"
        "    temporary.write_text('half of the n'); os._exit(9)"
    )
    ended = subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert ended.returncode == 9 and path.read_text() == "old"


def test_text_has_unix_line_ends_and_utf8(tmp_path):
    files.write_text(tmp_path / "a.txt", "果皮\nlast\n")
    assert (tmp_path / "a.txt").read_bytes() == "果皮\nlast\n".encode()


def test_json_bytes_do_not_depend_on_the_order_of_keys(tmp_path):
    files.write_json(tmp_path / "a.json", {"b": [1, 2.5, None], "a": {"y": "湿", "x": True}})
    files.write_json(tmp_path / "b.json", {"a": {"x": True, "y": "湿"}, "b": [1, 2.5, None]})
    written = (tmp_path / "a.json").read_bytes()
    assert written == (tmp_path / "b.json").read_bytes()
    assert "湿".encode() in written and written.endswith(b"}\n") and b"\r" not in written
    assert files.read_json(tmp_path / "a.json") == {"a": {"x": True, "y": "湿"}, "b": [1, 2.5, None]}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), np.float64("nan")])
@pytest.mark.parametrize("write", [files.write_json, files.write_metrics])
def test_nan_and_infinity_are_refused_and_leave_the_old_file(tmp_path, write, value):
    path = tmp_path / "a.json"
    path.write_text("old")
    with pytest.raises(ValueError, match="not JSON compliant"):
        write(path, {"n": 3, "list": [{"accuracy": value}]})
    assert path.read_text() == "old" and listing(tmp_path) == ["a.json"]


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.953846153, "0.9538"),
        (0.99994, "0.9999"),
        (0.99996, "1.0"),
        (-0.12345678, "-0.1235"),
        (1234.56789, "1234.5679"),
        (0.001, "0.001"),
        (0.00123456, "0.0012"),
        (0.000123456, "0.00012"),  # 4 decimals would leave one digit of it
        (7.6293e-06, "7.6e-06"),
        (-7.6293e-06, "-7.6e-06"),
        (0.0, "0.0"),
        (np.float64(1 / 3), "0.3333"),
        (130, "130"),
        (True, "true"),
        (None, "null"),
        ("0.123456", '"0.123456"'),
    ],
)
def test_metrics_are_rounded(tmp_path, value, written):
    files.write_metrics(tmp_path / "a.json", {"a": value, "deep": {"list": [value, (value,)]}})
    text = (tmp_path / "a.json").read_text(encoding="utf-8")
    assert text.split() == ["{", '"a":', written + ",", '"deep":', "{", '"list":', "[", written + ",", "[", written,
                            "]", "]", "}", "}"]  # fmt: skip


def test_csv_round_trip_and_bytes(tmp_path):
    rows = [["垃圾/a, b.jpg", 0, 'say "cheese"'], ["c.jpg", 1, ""]]
    files.write_csv(tmp_path / "a.csv", ("image", "label", "what"), iter(rows))
    assert (tmp_path / "a.csv").read_bytes() == (
        'image,label,what\n"垃圾/a, b.jpg",0,"say ""cheese"""\nc.jpg,1,\n'.encode()
    )
    assert files.read_csv(tmp_path / "a.csv") == [
        {"image": "垃圾/a, b.jpg", "label": "0", "what": 'say "cheese"'},
        {"image": "c.jpg", "label": "1", "what": ""},
    ]


CELLS = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from('\r\n",\0 =\u2028'))


@given(st.lists(st.tuples(CELLS, CELLS), max_size=5))
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_csv_reads_back_whatever_is_in_a_cell(tmp_path, rows):
    files.write_csv(tmp_path / "a.csv", ("image", "what"), rows)
    assert files.read_csv(tmp_path / "a.csv") == [{"image": image, "what": what} for image, what in rows]


def test_a_csv_whose_rows_fail_half_way_leaves_the_old_one(tmp_path):
    def rows():
        yield [1]
        raise UserError("bad photo")

    path = tmp_path / "a.csv"
    path.write_text("old")
    with pytest.raises(UserError):
        files.write_csv(path, ["a"], rows())
    assert path.read_text() == "old" and listing(tmp_path) == ["a.csv"]


def test_sha256_file_gives_the_published_example(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")  # FIPS 180-2, appendix B.1
    assert files.sha256_file(tmp_path / "a") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_content_hash_does_not_depend_on_order_but_on_everything_else(tmp_path):
    hashes = {"train/b.jpg": "2" * 64, "train/a.jpg": "1" * 64, "val/果皮.jpg": "3" * 64}
    turned = dict(reversed(hashes.items()))
    assert list(turned) != list(hashes)
    assert files.content_sha256(turned) == files.content_sha256(hashes)

    # The documented lines, which `sha256sum` prints too, written down by hand.
    lines = f"{'1' * 64}  train/a.jpg\n{'2' * 64}  train/b.jpg\n{'3' * 64}  val/果皮.jpg\n"
    assert files.content_sha256(hashes) == hashlib.sha256(lines.encode()).hexdigest()

    swapped = hashes | {"train/a.jpg": "2" * 64, "train/b.jpg": "1" * 64}
    renamed = {path.replace("val", "train"): digest for path, digest in hashes.items()}
    fewer = {"train/a.jpg": "1" * 64}
    assert len({files.content_sha256(one) for one in (hashes, swapped, renamed, fewer, {})}) == 5
