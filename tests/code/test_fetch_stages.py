"""The stages fetch and weights: mistakes in their params, and what the scripts say and write."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from source_files import PHOTOS, WEIGHTS, oracle, tree, write_tree

from sortline._core.errors import UserError
from sortline._core.files import read_json, sha256_file
from sortline.config.base import load
from sortline.data import corrections, inbox
from sortline.data.corrections import Decision
from sortline.data.sources import FetchParams

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("{kind: ftp}", "'archive', 'folder', 'idx', 'idx_mirror', 'sklearn_digits', 'toy'"),
        ("{kind: folder}", "path' is missing"),
        ("{kind: folder, path: a, pth: b}", "unknown key 't.fetch.sources.0.pth'"),
        ("{kind: archive, url: 'file:///etc/passwd'}", "url"),
        ("{kind: archive, url: 'https://a/b.zip', max_mb: 0}", "greater than or equal to 1"),
        ("{kind: archive, url: 'https://a/b.zip', sha256: abc}", "sha256"),
    ],
)
def test_mistakes_in_params_are_one_line(tmp_path, source, words):
    (tmp_path / "params.yaml").write_text(f"t:\n  fetch:\n    sources: [{source}]\n", encoding="utf-8")
    with pytest.raises(UserError) as caught:
        load("t", "fetch", FetchParams, tmp_path / "params.yaml")
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


@pytest.mark.parametrize(
    ("lists", "section", "words"),
    [
        ("tasks: [a]\nhead_tasks: [a]", "t: {fetch: {sources: [{kind: toy}]}}", "add it to tasks and head_tasks"),
        ("tasks: [a, t]\nhead_tasks: [a]", "t: {fetch: {sources: [{kind: toy}]}}", "add it to head_tasks"),
        ("tasks: [t]\nhead_tasks: [t]\nnet_tasks:", "t: {train: {}, fetch: {sources: [{kind: toy}]}}", "net_tasks"),
    ],
)
def test_a_task_that_misses_in_a_list_is_refused_before_anything_is_fetched(tmp_path, lists, section, words):
    (tmp_path / "params.yaml").write_text(f"{lists}\n{section}\n", encoding="utf-8")
    done = run_stage("fetch", "t", "--out", "out", "--source", "s.json", "--downloads", "d", cwd=tmp_path)
    assert done.returncode == 2 and done.stderr.endswith(f"{words}\n") and done.stderr.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["params.yaml"]


def test_the_stage_scripts(tmp_path):
    project = tmp_path / "垃圾 分类"
    write_tree(project / "mine/set", PHOTOS)
    write_tree(project / "mine", {"m.ckpt": WEIGHTS})
    (project / "params.yaml").write_text(
        "t:\n  fetch: {sources: [{kind: folder, path: gone}, {kind: folder, path: set}]}\n"
        "  weights: {backbone: mobilenet_v2, release: mindcv, path: m.ckpt}\n",
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


def test_what_a_person_labelled_is_in_the_photos_whole_or_not_at_all(tmp_path):
    write_tree(tmp_path / "mine/set", PHOTOS)
    photo, lost = tmp_path / "new.jpg", "0" * 64
    photo.write_bytes(b"a new one")
    digest = sha256_file(photo)
    inbox.put(tmp_path / "data/inbox/t", [inbox.Waiting(digest, photo, "new.jpg", "")])
    for one in (digest, lost):
        corrections.append(tmp_path / "corrections/t.csv", Decision(one, "new.jpg", "", "new"))
    (tmp_path / "params.yaml").write_text("t:\n  fetch: {sources: [{kind: folder, path: set}]}\n", encoding="utf-8")
    fetch = ("fetch", "t", "--out", "raw", "--source", "s.json", "--downloads", "d")
    done = run_stage(*fetch, cwd=tmp_path, SORTLINE_DATA="mine")
    assert done.returncode == 0 and "left out: 1 photos that a person has labelled" in done.stdout
    about, there = read_json(tmp_path / "s.json"), tree(tmp_path / "raw")
    assert about["content_sha256"] == oracle(PHOTOS) and about["added"]["files"] == 1
    assert sorted(there.values()) == sorted([*PHOTOS.values(), b"a new one"])
    corrections.append(tmp_path / "corrections/t.csv", Decision(digest, "new.jpg", "", "val"))
    assert run_stage(*fetch, cwd=tmp_path, SORTLINE_DATA="mine").returncode == 2
    assert tree(tmp_path / "raw") == there and read_json(tmp_path / "s.json") == about
    corrections.append(tmp_path / "corrections/t.csv", Decision(digest, "new.jpg", "", "old"))
    assert run_stage(*fetch, cwd=tmp_path, SORTLINE_DATA="mine").returncode == 0
    assert read_json(tmp_path / "s.json")["added"] != about["added"]
