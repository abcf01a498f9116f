"""`sortline remove`: what goes from dvc.lock and from the disk, and what never does."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from own_photos import ROOT, fill, photo, refused, shipped_project

from sortline import cli
from sortline._core.files import read_yaml
from sortline.cli._shared import outputs
from sortline.cli._shared.dvc import environment
from sortline.config.tasks import task_sections


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project folder with the real params.yaml and dvc.yaml; the current folder. `tmp_path` lies around it."""
    return shipped_project(tmp_path, monkeypatch)


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


def made(task: str) -> list[Path]:
    """Make what a run of the line leaves of a task."""
    for path in outputs.files(task):
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix:
            path.write_text("x")
        else:
            (path / "inner").mkdir(parents=True)
            (path / "inner/file").write_text("x")
    return outputs.files(task)


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
    for name in task_sections(read_yaml(Path("params.yaml"))):
        assert "built in" in refused("remove", name)
    assert "no task 'tasks'" in refused("remove", "tasks")
    assert "no task 'nothing'; the tasks there are: garbage" in refused("remove", "nothing")
    assert "allowed are" in refused("remove", "../data")


@pytest.mark.parametrize("sources", ["3", "[3]", "{path: 3}", "null"])
def test_a_task_whose_sources_are_written_wrongly_can_be_removed(project, tmp_path, sources):
    folder = fill(tmp_path / "p", {"a": 3, "b": 3})
    cli.main(["new", "mine", str(folder)])
    params = Path("params.yaml")
    given = f"- {{kind: folder, path: {folder.as_posix()}}}"
    text = params.read_text(encoding="utf-8")
    assert given in text
    params.write_text(text.replace(given, sources), encoding="utf-8")
    assert cli.main(["remove", "mine"]) == 0
    assert "mine" not in task_sections(read_yaml(params))
