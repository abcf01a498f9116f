"""`sortline doctor --deep`: objects of DVC's cache whose content is not what their name says."""

import hashlib
import json
from pathlib import Path

import pytest
from dvc.repo import Repo

from sortline.cli import doctor
from sortline.cli._shared import cache


def put(content, suffix=""):
    """Write an object as DVC does; return its MD5, with the suffix of a folder's list."""
    md5 = hashlib.md5(content).hexdigest() + suffix
    path = Path(".dvc/cache/files/md5", md5[:2], md5[2:])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path, md5


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Repo.init(no_scm=True).close()
    files = [put(content) for content in (b"photo", b"other photo", b"metrics")]
    listed = [{"md5": md5, "relpath": f"{i}.jpg"} for i, (_, md5) in enumerate(files[:2])]
    folder, of_folder = put(json.dumps(listed).encode(), ".dir")
    stages = {"fetch@a": of_folder, "train@a": files[2][1]}
    lock = {"schema": "2.0", "stages": {name: {"outs": [{"path": "x", "md5": md5}]} for name, md5 in stages.items()}}
    Path("dvc.lock").write_text(json.dumps(lock), encoding="utf-8")
    put(b"of an earlier run")
    return [path for path, _ in files] + [folder]


def test_a_sound_cache_is_ok(project):
    assert cache.verify() == ([], 5)
    assert doctor._cache().status == "ok" and "5 objects" in doctor._cache().found


@pytest.mark.parametrize(("which", "stage"), [(0, "fetch@a"), (2, "train@a"), (3, "fetch@a")])
@pytest.mark.parametrize("how", ["flipped", "cut", "emptied"])
def test_a_damaged_object_is_found_with_its_stage(project, which, stage, how):
    path, content = project[which], bytearray(project[which].read_bytes())
    content[2] ^= 1
    path.write_bytes({"flipped": content, "cut": content[:-1], "emptied": b""}[how])
    (found,), count = cache.verify()
    assert count == 5 and found.stages == (stage,)
    assert found.path.samefile(path)
    check = doctor._cache()
    assert check.status == "fail" and "1 of 5" in check.found
    assert f"dvc repro -f -s {stage}" in check.advice and f"rm -f {path.as_posix()}" in check.advice


def test_outside_of_a_project_it_is_a_warning(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert doctor._cache().status == "warn"
