"""The first source that works is used; the others are named with their reasons; outputs are whole or not there."""

import errno
import hashlib
import http.server
import io
import os
import shutil
import socket
import subprocess
import sys
import threading
import zipfile
from functools import partial
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from sortline.data import sources as module
from sortline.data.sources import fetch_photos, fetch_weights, reachable
from sortline.errors import UserError
from sortline.files import read_json, sha256_file
from sortline.params.base import load
from sortline.params.fetch import FetchParams
from sortline.params.weights import WeightsParams

ROOT = Path(__file__).parents[2]
PHOTOS = {"train/00_00/一.jpg": b"one", "train/00_01/b.jpg": b"two", "val/00_00/c.jpg": b"three"}
WEIGHTS = b"weights"


def oracle(files):
    """The content hash, written out independently."""
    lines = [f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files)]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def write_tree(folder, files):
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def tree(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def zipped(files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


@pytest.fixture
def web(tmp_path, monkeypatch):
    """A folder served at 127.0.0.1: `web.url(name)`, `web.folder`."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    folder = tmp_path / "web"
    folder.mkdir()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, args=[0.02], daemon=True).start()
        server.handle_error = lambda *_: None  # a client that hangs up early is what some tests are about
        server.folder = folder
        server.url = lambda name: f"http://127.0.0.1:{server.server_port}/{name}"
        yield server
        server.shutdown()


@pytest.fixture
def refused(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/photos.zip"


class Fetching:
    """Fetches into `tmp_path/data` from sources written as they are in params.yaml."""

    def __init__(self, tmp_path):
        self.root, self.data = tmp_path, tmp_path / "data"
        self.downloads = self.data / "downloads"
        self.local = tmp_path / "local"

    def photos(self, *sources, local=True):
        params = TypeAdapter(FetchParams).validate_python({"sources": list(sources)})
        return fetch_photos("t", params.sources, self.data / "raw/t", self.downloads, self.local if local else None)

    def weights(self, *sources, local=True):
        params = TypeAdapter(WeightsParams).validate_python({"sources": list(sources)})
        local_folder = self.local if local else None
        return fetch_weights("t", params.sources, self.data / "weights/t", self.downloads, local_folder)

    @property
    def raw(self):
        return self.data / "raw/t"

    def left_over(self):
        """Files anywhere below `data` outside the two outputs."""
        return [
            path
            for path in self.data.rglob("*")
            if path.is_file() and self.raw not in path.parents and self.data / "weights/t" not in path.parents
        ]


@pytest.fixture
def fetching(tmp_path):
    return Fetching(tmp_path)


def test_a_folder_is_copied_and_described(fetching):
    write_tree(fetching.local / "set", PHOTOS | {"label.txt": b"x", "train/00_00/.DS_Store": b"x", "other/d.jpg": b"x"})
    about, passed_over = fetching.photos({"kind": "folder", "path": "set"})
    assert tree(fetching.raw) == PHOTOS
    assert about == {
        "kind": "folder",
        "address": None,
        "name": "set",
        "content_sha256": oracle(PHOTOS),
        "files": 3,
        "note": "",
    }
    assert (passed_over, fetching.left_over()) == ([], [])


def test_an_absolute_folder_needs_no_data_folder(fetching):
    write_tree(fetching.local / "垃圾 分类", PHOTOS)
    fetching.photos({"kind": "folder", "path": str(fetching.local / "垃圾 分类")}, local=False)
    assert tree(fetching.raw) == PHOTOS


def test_a_second_fetch_replaces_the_first(fetching):
    write_tree(fetching.raw, {"train/old/x.jpg": b"old"})
    write_tree(fetching.local / "set", PHOTOS)
    fetching.photos({"kind": "folder", "path": "set"})
    assert tree(fetching.raw) == PHOTOS


def test_an_archive_is_downloaded_unpacked_and_removed(fetching, web):
    inner = {f"repo-9cdb/ori_data/{name}": content for name, content in PHOTOS.items()}
    content = zipped(inner | {"repo-9cdb/readme.md": b"x"})
    (web.folder / "photos.zip").write_bytes(content)
    about, passed_over = fetching.photos(
        {"kind": "folder", "path": "set"},
        {
            "kind": "archive",
            "url": web.url("photos.zip"),
            "inside": "ori_data",
            "sha256": hashlib.sha256(content).hexdigest(),
            "content_sha256": oracle(PHOTOS),
        },
    )
    assert tree(fetching.raw) == PHOTOS
    assert about == {
        "kind": "archive",
        "address": web.url("photos.zip"),
        "name": "photos",
        "content_sha256": oracle(PHOTOS),
        "files": 3,
        "note": "",
    }
    assert passed_over == [f"folder set: {fetching.local / 'set'} does not exist"]
    assert fetching.left_over() == []


def test_missing_refused_and_wrong_archives_are_passed_over(fetching, web, refused):
    (web.folder / "wrong.zip").write_bytes(zipped({"train/a/1.jpg": b"another"}))
    (web.folder / "evil.zip").write_bytes(zipped(PHOTOS | {"../evil.jpg": b"evil"}))
    (web.folder / "bad.zip").write_bytes(b"no zip")
    (web.folder / "large.zip").write_bytes(bytes(1_000_001))
    (web.folder / "good.zip").write_bytes(zipped(PHOTOS))
    about, passed_over = fetching.photos(
        {"kind": "archive", "url": refused},
        {"kind": "archive", "url": web.url("missing.zip")},
        {"kind": "archive", "url": web.url("wrong.zip"), "sha256": "0" * 64},
        {"kind": "archive", "url": web.url("wrong.zip"), "content_sha256": "0" * 64},
        {"kind": "archive", "url": web.url("evil.zip")},
        {"kind": "archive", "url": web.url("bad.zip")},
        {"kind": "archive", "url": web.url("good.zip"), "inside": "ori_data"},
        {"kind": "archive", "url": web.url("large.zip"), "max_mb": 1},
        {"kind": "archive", "url": web.url("good.zip"), "name": "good"},
    )
    assert about["name"] == "good"
    assert tree(fetching.raw) == PHOTOS
    reasons = [
        "could not connect",
        "404",
        "wrong checksum",
        "content_sha256 is",
        "outside its folder",
        "not a zip",
        "no folder 'ori_data'",
        "more than max_mb",
    ]
    assert [words in line for words, line in zip(reasons, passed_over, strict=True)] == [True] * 8
    assert fetching.left_over() == []


def test_a_broken_archive_is_fetched_anew_next_time(fetching, web):
    (web.folder / "a.zip").write_bytes(b"broken")
    source = {"kind": "archive", "url": web.url("a.zip")}
    with pytest.raises(UserError, match="not a zip"):
        fetching.photos(source)
    (web.folder / "a.zip").write_bytes(zipped(PHOTOS))
    fetching.photos(source)
    assert tree(fetching.raw) == PHOTOS


def test_where_nothing_works_one_line_says_all(fetching, refused):
    write_tree(fetching.raw, {"train/old/x.jpg": b"old"})
    with pytest.raises(UserError) as caught:
        fetching.photos({"kind": "folder", "path": "set"}, {"kind": "archive", "url": refused}, local=False)
    line = str(caught.value)
    assert "\n" not in line
    assert line.startswith("no photos for 't': folder set: SORTLINE_DATA is not set; archive http://127.0.0.1:")
    assert line.count(refused) == 1
    assert "could not connect" in line
    assert line.endswith(
        "; set SORTLINE_DATA to the folder that holds set, or run the built-in task: "
        "make run TASK=sample (dvc repro export@sample)"
    )
    assert tree(fetching.raw) == {"train/old/x.jpg": b"old"}


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"readme.txt": b""}, "no photos in it; expected class folders"),
        ({"train/a/notes.txt": b""}, "no photos in it"),
        ({"photo.jpg": b""}, "no photos in it"),
    ],
)
def test_a_folder_without_photos(fetching, files, words):
    write_tree(fetching.local / "set", files)
    with pytest.raises(UserError, match=f"folder set: {words}"):
        fetching.photos({"kind": "folder", "path": "set"})
    assert not fetching.raw.exists()


def test_a_file_in_place_of_the_folder(fetching):
    write_tree(fetching.local, {"set": b""})
    with pytest.raises(UserError, match="is not a folder"):
        fetching.photos({"kind": "folder", "path": "set"})


@pytest.mark.parametrize(
    ("link", "target"),
    [
        ("train/00_00/link.jpg", "outside/00_00/secret.jpg"),
        ("train/00_02", "outside/00_00"),
        ("val", "outside"),
        ("val", "local/set/train"),
        ("train/00_00/b.jpg", "nowhere"),
    ],
)
def test_links_to_folders_or_out_of_the_folder_are_refused(fetching, link, target):
    write_tree(fetching.root / "outside", {"00_00/secret.jpg": b"secret"})
    write_tree(fetching.local / "set", {"train/00_00/a.jpg": b"one"})
    target = fetching.root / target
    try:
        (fetching.local / "set" / link).symlink_to(target, target_is_directory=target.is_dir())
    except OSError:
        pytest.skip("this system does not let this user make links")
    with pytest.raises(UserError, match="is a link to a folder or out of"):
        fetching.photos({"kind": "folder", "path": "set"})
    assert not fetching.raw.exists()


def test_a_link_to_a_file_inside_is_copied_as_a_file(fetching):
    write_tree(fetching.local / "set", {"train/00_00/a.jpg": b"one"})
    try:
        (fetching.local / "set/train/00_00/b.jpg").symlink_to("a.jpg")
    except OSError:
        pytest.skip("this system does not let this user make links")
    fetching.photos({"kind": "folder", "path": "set"})
    assert tree(fetching.raw) == {"train/00_00/a.jpg": b"one", "train/00_00/b.jpg": b"one"}
    assert not (fetching.raw / "train/00_00/b.jpg").is_symlink()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root can read everything")
def test_an_unreadable_folder_is_named(fetching):
    write_tree(fetching.local / "set", PHOTOS)
    (fetching.local / "set/train/00_00").chmod(0)
    with pytest.raises(UserError, match="folder set: Permission denied: .*00_00"):
        fetching.photos({"kind": "folder", "path": "set"})
    (fetching.local / "set/train/00_00").chmod(0o700)


def failing(number):
    def fail(*_):
        raise OSError(number, os.strerror(number))

    return fail


def test_a_full_disk_ends_it_in_one_line(fetching, monkeypatch, web):
    write_tree(fetching.local / "set", PHOTOS)
    (web.folder / "a.zip").write_bytes(zipped(PHOTOS))
    monkeypatch.setattr(module, "copy_hashed", failing(errno.ENOSPC))
    with pytest.raises(UserError, match="photos for 't': No space left on device; make room"):
        fetching.photos({"kind": "folder", "path": "set"}, {"kind": "archive", "url": web.url("a.zip")})
    assert fetching.left_over() == []
    assert not fetching.raw.exists()


def test_a_read_error_moves_on_to_the_next_source(fetching, monkeypatch, web):
    write_tree(fetching.local / "set", PHOTOS)
    (web.folder / "a.zip").write_bytes(zipped(PHOTOS))
    monkeypatch.setattr(module, "copy_hashed", failing(errno.EIO))
    _, passed_over = fetching.photos({"kind": "folder", "path": "set"}, {"kind": "archive", "url": web.url("a.zip")})
    assert passed_over == [f"folder set: {os.strerror(errno.EIO)}"]
    assert tree(fetching.raw) == PHOTOS


def test_drawn_photos_carry_their_note(fetching, monkeypatch):
    def draw(out, per_class, size, seed):
        write_tree(out, {f"00_00/{number:02d}.png": f"{size} {seed}".encode() for number in range(per_class)})

    monkeypatch.setattr(module, "draw", draw)
    about, _ = fetching.photos({"kind": "drawn", "per_class": 2, "side": 32, "seed": 7})
    drawn = {"00_00/00.png": b"32 7", "00_00/01.png": b"32 7"}
    assert tree(fetching.raw) == drawn
    assert about == {
        "kind": "drawn",
        "address": None,
        "name": "sample",
        "content_sha256": oracle(drawn),
        "files": 2,
        "note": "built-in sample: proves the pipeline, not the accuracy",
    }


def test_weights_from_a_file(fetching):
    write_tree(fetching.local, {"weights/m.safetensors": WEIGHTS})
    digest = hashlib.sha256(WEIGHTS).hexdigest()
    source = {"kind": "file", "release": "tensorflow", "path": "weights/m.safetensors", "sha256": digest}
    about, _ = fetching.weights(source)
    out = fetching.data / "weights/t"
    assert (
        about
        == read_json(out / "backbone.json")
        == {
            "network": "mobilenet_v2",
            "release": "tensorflow",
            "file": "backbone.safetensors",
            "sha256": digest,
            "width": 1.0,
            "address": None,
            "seed": None,
        }
    )
    assert (out / "backbone.safetensors").read_bytes() == WEIGHTS


def test_weights_from_an_address_and_from_a_zip(fetching, web):
    (web.folder / "m.ckpt").write_bytes(WEIGHTS)
    about, passed_over = fetching.weights(
        {"kind": "file", "release": "tensorflow", "path": "weights/m.safetensors"},
        {"kind": "download", "release": "mindcv", "url": web.url("m.ckpt")},
        local=False,
    )
    out = fetching.data / "weights/t"
    assert passed_over == ["file weights/m.safetensors: SORTLINE_DATA is not set"]
    assert (about["release"], about["file"], about["address"]) == ("mindcv", "backbone.ckpt", web.url("m.ckpt"))
    assert (out / "backbone.ckpt").read_bytes() == WEIGHTS

    (web.folder / "m.zip").write_bytes(zipped({"x/net.ckpt": b"in zip", "x/readme.txt": b""}))
    source = {"kind": "download", "release": "course", "url": web.url("m.zip"), "member": "net.ckpt"}
    about, _ = fetching.weights(source | {"sha256": hashlib.sha256(b"in zip").hexdigest()})
    assert sorted(tree(out)) == ["backbone.ckpt", "backbone.json"]
    assert (out / "backbone.ckpt").read_bytes() == b"in zip"
    assert about["sha256"] == hashlib.sha256(b"in zip").hexdigest()
    assert fetching.left_over() == []


def test_weights_that_are_not_what_they_should_be(fetching, web):
    write_tree(fetching.local, {"m.ckpt": WEIGHTS, "empty.ckpt": b""})
    (web.folder / "m.zip").write_bytes(zipped({"x/net.ckpt": b"1", "y/net.ckpt": b"2"}))
    zipped_source = {"kind": "download", "release": "course", "url": web.url("m.zip")}
    with pytest.raises(UserError) as caught:
        fetching.weights(
            {"kind": "file", "release": "course", "path": "m.ckpt", "sha256": "0" * 64},
            {"kind": "file", "release": "course", "path": "empty.ckpt"},
            {"kind": "file", "release": "course", "path": "gone.ckpt"},
            zipped_source | {"member": "net.ckpt"},
            zipped_source | {"member": "x/net.ckpt", "sha256": "1" * 64},
        )
    parts = str(caught.value).removeprefix("no weights for 't': ").split("; ")
    assert [part.rsplit(": ")[0].split(" ")[0] for part in parts[:5]] == ["file"] * 3 + ["download"] * 2
    words = ["wrong checksum", "is empty", "does not exist", "holds 2 files named", "wrong checksum", "set SORT"]
    assert [word in part for word, part in zip(words, parts, strict=True)] == [True] * 6
    assert not (fetching.data / "weights/t").exists()
    assert fetching.left_over() == []


def test_random_weights_are_a_description_only(fetching):
    about, _ = fetching.weights({"kind": "random", "release": "random", "width": 0.35, "seed": 3})
    assert about == {
        "network": "mobilenet_v2",
        "release": "random",
        "file": None,
        "sha256": None,
        "width": 0.35,
        "address": None,
        "seed": 3,
    }
    about, _ = fetching.weights({"kind": "random", "network": "resnet18"})
    assert (about["network"], about["width"], about["seed"]) == ("resnet18", None, 1)
    assert list(tree(fetching.data / "weights/t")) == ["backbone.json"]


def within_reach(schema, *sources, local):
    return reachable(TypeAdapter(schema).validate_python({"sources": list(sources)}).sources, local, timeout=1)


def test_what_is_within_reach_is_told_without_fetching(fetching, web, refused):
    folder, away = {"kind": "folder", "path": "set"}, {"kind": "archive", "url": refused}
    here = {"kind": "archive", "url": web.url("a.zip")}
    file = {"kind": "file", "release": "course", "path": "m.ckpt"}
    ok, why = within_reach(FetchParams, folder, away, here, local=None)
    assert not ok
    assert why.startswith("folder set: SORTLINE_DATA is not set; archive http")
    assert "could not connect" in why
    assert "404" in why
    assert within_reach(WeightsParams, file, local=fetching.local)[0] is False

    (web.folder / "a.zip").write_bytes(b"x")
    assert within_reach(FetchParams, folder, away, here, local=None) == (True, f"archive {web.url('a.zip')}")
    write_tree(fetching.local, {"set/readme.txt": b"", "m.ckpt": b"x"})
    assert within_reach(FetchParams, folder, local=fetching.local)[0] is False
    assert within_reach(WeightsParams, file, local=fetching.local) == (True, "file m.ckpt")
    write_tree(fetching.local / "set", PHOTOS)
    assert within_reach(FetchParams, folder, local=fetching.local) == (True, "folder set")
    assert within_reach(FetchParams, {"kind": "drawn"}, local=None)[0] is True
    assert not fetching.data.exists()


@pytest.mark.parametrize(
    ("stage", "source", "words"),
    [
        ("fetch", "{kind: ftp}", "'folder', 'archive', 'drawn'"),
        ("fetch", "{kind: folder}", "path' is missing"),
        ("fetch", "{kind: folder, path: a, pth: b}", "unknown key 't.fetch.sources.0.folder.pth'"),
        ("fetch", "{kind: archive, url: 'file:///etc/passwd'}", "url"),
        ("fetch", "{kind: archive, url: 'https://a/b.zip', max_mb: 0}", "greater than or equal to 1"),
        ("fetch", "{kind: archive, url: 'https://a/b.zip', sha256: abc}", "sha256"),
        ("weights", "{kind: file, release: tensorflow, path: m.npz}", "'m.npz' should end in .safetensors or .ckpt"),
        ("weights", "{kind: download, release: course, url: 'https://a/b.zip'}", "should end in"),
        ("weights", "{kind: file, release: keras, path: m.ckpt}", "'tensorflow', 'mindcv' or 'course'"),
    ],
)
def test_mistakes_in_params_are_one_line(tmp_path, stage, source, words):
    (tmp_path / "params.yaml").write_text(f"t:\n  {stage}:\n    sources: [{source}]\n", encoding="utf-8")
    with pytest.raises(UserError) as caught:
        load("t", stage, FetchParams if stage == "fetch" else WeightsParams, tmp_path / "params.yaml")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def run_stage(name, *arguments, cwd, **environment):
    clean = {key: value for key, value in os.environ.items() if not key.startswith("SORTLINE_")}
    return subprocess.run(
        [sys.executable, ROOT / "stages" / f"{name}.py", *arguments],
        cwd=cwd,
        encoding="utf-8",
        capture_output=True,
        env=clean | environment,
        check=False,
    )


def test_the_stage_scripts(tmp_path):
    project = tmp_path / "垃圾 分类"
    write_tree(project / "mine/set", PHOTOS)
    write_tree(project / "mine", {"m.ckpt": WEIGHTS})
    (project / "params.yaml").write_text(
        "t:\n  fetch: {sources: [{kind: folder, path: gone}, {kind: folder, path: set}]}\n"
        "  weights: {sources: [{kind: file, release: mindcv, path: m.ckpt}]}\n",
        encoding="utf-8",
    )
    fetch = ("fetch", "t", "--out", "data/raw/t", "--source", "data/raw/t.json", "--downloads", "data/downloads")
    weights = ("weights", "t", "--out", "data/weights/t", "--downloads", "data/downloads")

    done = run_stage(*fetch, cwd=project)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: no photos for 't': folder gone: SORTLINE_DATA is not set")
    assert done.stderr.count("\n") == 1
    assert not (project / "data/raw/t.json").exists()

    # A relative SORTLINE_DATA is made absolute.
    done = run_stage(*fetch, cwd=project, SORTLINE_DATA="mine")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"passed over: folder gone: {project / 'mine/gone'} does not exist" in done.stdout
    assert "photos for 't': 3 files from folder set" in done.stdout
    assert tree(project / "data/raw/t") == PHOTOS
    source = (project / "data/raw/t.json").read_bytes()
    assert oracle(PHOTOS).encode() in source
    assert str(tmp_path).encode() not in source

    done = run_stage(*weights, cwd=project, SORTLINE_DATA="mine")
    assert (done.returncode, done.stdout) == (0, "weights for 't': mobilenet_v2, release mindcv, width 1\n")
    assert sha256_file(project / "data/weights/t/backbone.ckpt") == hashlib.sha256(WEIGHTS).hexdigest()

    shutil.rmtree(project / "data/raw/t")
    run_stage(*fetch, cwd=project, SORTLINE_DATA="mine")
    assert (project / "data/raw/t.json").read_bytes() == source


@pytest.mark.data
@pytest.mark.skipif(not os.environ.get("SORTLINE_DATA"), reason="SORTLINE_DATA is not set")
def test_the_real_photos(fetching):
    fetching.local = Path(os.environ["SORTLINE_DATA"]).absolute()
    about, _ = fetching.photos({"kind": "folder", "path": "garbage26"})
    assert about["files"] == 2128 + 130
    # From `find train val -type f | LC_ALL=C sort | xargs sha256sum | sha256sum` in that folder.
    assert about["content_sha256"] == "1dc817ecd2e242830595fd9bf4ff079a37d9966773a998ca5e4a100a683ade23"
