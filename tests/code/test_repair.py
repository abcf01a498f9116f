"""What a killed run leaves: seen, said in a line each, and mended; what is right or may be newer stays as it is."""

import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from own_photos import ROOT, shipped_project

from sortline import cli
from sortline.cli._shared import lock_file, outputs, repair

LOCK = Path("dvc.lock")


@pytest.fixture
def project(tmp_path, monkeypatch):
    """The shipped params.yaml, dvc.yaml and dvc.lock, committed; the current folder."""
    root = shipped_project(tmp_path, monkeypatch)
    shutil.copy(ROOT / "dvc.lock", root)
    (root / ".dvc/tmp").mkdir(parents=True)
    (root / ".gitignore").write_text(".dvc\n.tmp-*\n/data/\n", encoding="utf-8")
    commit("init", "--quiet")
    commit("add", ".")
    commit("commit", "--quiet", "--message", "x")
    return root


def commit(*words):
    subprocess.run(["git", "-c", "user.name=T", "-c", "user.email=t@example.org", *words], check=True)


def said(capsys) -> list[str]:
    repair.mend()
    return capsys.readouterr().out.splitlines()


def test_a_project_that_nothing_happened_to_has_no_fault(project):
    before = LOCK.read_bytes()
    assert repair.faults() == []
    assert LOCK.read_bytes() == before


def cuts() -> list[int]:
    """Where a file that is written in blocks of 8,192 bytes ends when its writer is killed; and anywhere else."""
    size = (ROOT / "dvc.lock").stat().st_size
    draw = random.Random(0)
    return [0, *range(8192, size, 8192)[:3], *(draw.randrange(1, size) for _ in range(12)), size - 1]


@pytest.mark.parametrize("size", cuts())
def test_a_lock_file_that_was_cut_is_as_committed_again(project, capsys, size):
    whole = LOCK.read_bytes()
    LOCK.write_bytes(whole[:size])
    (line,) = said(capsys)
    assert "dvc.lock has lost" in line
    assert LOCK.read_bytes() == whole
    assert repair.faults() == []


def test_a_lock_file_that_was_cut_between_two_stages_is_as_committed_again(project, capsys):
    whole = LOCK.read_text(encoding="utf-8")
    names = list(lock_file.entries(whole))
    LOCK.write_text(whole[: whole.index(f"  {names[-8]}:\n")], encoding="utf-8")
    (line,) = said(capsys)
    assert "has lost 8 entries" in line and names[-8] in line
    assert LOCK.read_text(encoding="utf-8") == whole


def test_entries_that_are_newer_than_the_commit_stay(project):
    whole = LOCK.read_text(encoding="utf-8")
    names, newer = list(lock_file.entries(whole)), whole.replace("nfiles: 2258", "nfiles: 2259", 1)
    assert newer != whole
    LOCK.write_text(newer, encoding="utf-8")
    assert repair.faults() == []
    LOCK.write_text(newer[: newer.index(f"  {names[-1]}:\n")], encoding="utf-8")
    repair.mend()
    assert LOCK.read_text(encoding="utf-8") == newer


def test_a_lock_file_with_the_line_ends_of_windows_has_lost_nothing(project):
    windows = LOCK.read_bytes().replace(b"\n", b"\r\n")
    LOCK.write_bytes(windows)
    assert repair.faults() == []


def test_stages_of_a_task_that_is_listed_no_more_and_the_copy_of_an_own_folder_do_not_come_back(project):
    content = Path("params.yaml").read_text(encoding="utf-8")
    own = content.replace("{kind: toy}", "{kind: folder, path: /somewhere/of/ones/own}", 1)
    assert own != content
    whole = LOCK.read_text(encoding="utf-8")
    of_sample = [name for name in lock_file.entries(whole) if name.endswith("@sample")]
    Path("params.yaml").write_text(own, encoding="utf-8")
    LOCK.write_text("", encoding="utf-8")
    repair.mend()
    back = lock_file.entries(LOCK.read_text(encoding="utf-8"))
    assert set(lock_file.entries(whole)) - set(back) == {"fetch@sample", "weights@sample"} < set(of_sample)
    outputs.forget_stages("sample")
    shutil.copy(ROOT / "params.yaml", "params.yaml")
    Path("params.yaml").write_text(content.replace("  sample:\n", "", 1), encoding="utf-8")
    assert content != Path("params.yaml").read_text(encoding="utf-8")
    assert repair.faults() == []


def test_without_a_commit_what_is_whole_is_kept(project, capsys):
    whole = LOCK.read_text(encoding="utf-8")
    shutil.rmtree(".git")
    commit("init", "--quiet")
    first, second = list(lock_file.entries(whole))[:2]
    LOCK.write_text(whole[: whole.index(f"  {second}:\n") + 40], encoding="utf-8")
    assert second in said(capsys)[0]
    assert list(lock_file.entries(LOCK.read_text(encoding="utf-8"))) == [first]
    LOCK.write_text("", encoding="utf-8")
    assert "empty" in said(capsys)[0]
    assert not LOCK.exists()  # DVC refuses one without stages


@pytest.mark.parametrize(
    "text", ["", "{", '{"write": {"/p/data": {"pid": 4', '["pid"]', '{"read": {"/p": [{"pid": 1, "cmd": "x"}]}}']
)
def test_a_lock_that_no_dvc_holds_is_removed(project, capsys, text):
    repair.RWLOCK.write_text(text, encoding="utf-8")
    (line,) = said(capsys)
    assert "rwlock" in line
    assert not repair.RWLOCK.exists()


@pytest.mark.parametrize("text", ["{}", '{"write": {}, "read": {}}'])
def test_a_lock_that_says_that_nothing_is_held_is_right(project, text):
    repair.RWLOCK.write_text(text, encoding="utf-8")
    assert repair.faults() == []


# Each waits as DVC does while its stage runs, and says when it is there.
SLEEPING = "import time; print('there', flush=True); time.sleep(60)"


@pytest.mark.parametrize("program", ["dvc", "stages/extract.py"])
def test_nothing_is_touched_while_a_dvc_or_a_stage_runs_here(project, program):
    repair.RWLOCK.write_text("{", encoding="utf-8")
    Path("stages").mkdir()
    Path(program).write_text(SLEEPING, encoding="utf-8")
    command = [sys.executable, program, "garbage"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as dvc:
        assert dvc.stdout.readline() == "there\n"
        assert repair.faults() == []
        dvc.kill()
    assert len(repair.faults()) == 1


def test_a_stage_whose_dvc_was_killed_is_ended(project, capsys):
    of_dvc = {"DVC_STAGE": "extract@garbage", "DVC_ROOT": str(Path.cwd())}
    command = [sys.executable, "-c", SLEEPING]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | of_dvc) as stage,
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other,
    ):
        assert stage.stdout.readline() == other.stdout.readline() == "there\n"
        (line,) = said(capsys)
        assert str(stage.pid) in line
        assert not psutil.pid_exists(stage.pid) and other.poll() is None
        other.kill()


def test_half_written_files_are_removed_and_photos_and_downloads_kept(project, capsys):
    ours = [Path("data/features/.tmp-mine/x.npy"), Path("metrics/mine/.tmp-train.json")]
    ours += [Path("plots/mine/evaluate/photos/.tmp-wrong.png"), Path("data/raw/.tmp-mine/a/0.png")]
    kept = [Path("data/raw/mine/a/.tmp-photo.png"), Path("data/downloads/ab/photos.zip.part"), Path(".tmp-of-mine")]
    for path in [*ours, *kept]:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (line,) = said(capsys)
    assert "half-written" in line
    assert [path for path in [*ours, *kept] if path.exists()] == kept
    assert not Path("data/features/.tmp-mine").exists()


def test_without_git_dvc_is_told_so_and_its_other_settings_stay(project, capsys):
    shutil.rmtree(".git")
    Path(".dvc/config").touch()
    Path(".dvc/config.local").write_text("[core]\n    remote = mine\n", encoding="utf-8")
    (line,) = said(capsys)
    assert "not in Git" in line and ".dvc/config.local" in line
    config = Path(".dvc/config.local").read_text(encoding="utf-8")
    assert "remote = mine" in config and config.count("[core]") == 1
    from dvc.repo import Repo

    with Repo() as repo:
        assert repo.config["core"]["no_scm"] is True
    assert repair.faults() == []


def test_doctor_says_what_is_to_mend_and_mends_it_when_asked(project, monkeypatch, capsys):
    from sortline.cli import doctor

    monkeypatch.setattr(doctor, "self_test", lambda engine: doctor.Check("ok", engine, "left out here"))
    repair.RWLOCK.write_text("", encoding="utf-8")
    for words, status in ((["--json"], "warn"), (["--json", "--mend"], "ok")):
        cli.main(["doctor", *words])
        (check,) = (check for check in json.loads(capsys.readouterr().out) if "rwlock" in check["found"])
        assert check["status"] == status
    assert not repair.RWLOCK.exists()
