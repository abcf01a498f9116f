"""The same photos and parameters give the same bytes: in another folder, at another time, beside another task."""

import copy
import os
import re
import shutil
import socket
import tempfile
from pathlib import Path

import pytest
import yaml

# One worker builds the second project and goes on with it.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("reproducible")]

# What may differ between two users of one machine.
ELSEWHERE = {"TZ": "Asia/Shanghai", "PYTHONHASHSEED": "7", "COLUMNS": "50", "USER": "somebody", "LOGNAME": "somebody"}
TEXT = (".csv", ".json", ".md")
DATE = re.compile(rb"\b20\d\d-\d\d-\d\d|\b\d\d:\d\d:\d\d\b")


@pytest.fixture(scope="session")
def second(base, new, once):
    """The line run from scratch in a folder of another name, as the second of two tasks."""

    def build(place: Path) -> None:
        shutil.copytree(base.data, place / "data", copy_function=shutil.copyfile)  # other file times
        project = new(place / "another folder", place / "data")
        project.variables |= ELSEWHERE
        params = project.params()
        params |= {"tasks": ["twin", "tiny"], "head_tasks": ["twin", "tiny"], "twin": copy.deepcopy(params["tiny"])}
        project.write_params(params)
        output = project.dvc("repro", "prepare@twin", "export@tiny").stdout
        assert output.index("Running stage 'fetch@twin'") < output.index("Running stage 'fetch@tiny'")
        assert "is cached" not in output
        assert set(re.findall(r"Running stage '(\w+)@tiny'", output)) == set(project.stages())

    place = once("second", build)
    return type(base)(place / "another folder", place / "data", ELSEWHERE)


def test_two_runs_give_the_same_bytes(base, second):
    one, two = base.content(), second.content()
    assert set(one) == set(two)
    assert [path for path in one if one[path] != two[path]] == []
    # Every out there is, and what DVC says of it.
    assert all(any(path == out or path.startswith(f"{out}/") for path in one) for out in base.outs())
    assert locked(base, "tiny") == locked(second, "tiny")


def test_a_task_of_the_same_params_gives_the_same_bytes_under_its_own_name(second):
    tiny, twin = locked(second, "tiny"), locked(second, "twin")
    for stage, hashes in twin.items():
        assert hashes == {path.replace("tiny", "twin"): md5 for path, md5 in tiny[stage].items()}


@pytest.mark.slow
def test_the_other_engine_and_the_other_optimizer_are_reproducible_too(base, second, tmp_path):
    first, again = base.copy(tmp_path / "first"), second.copy(tmp_path / "again")
    again.variables = ELSEWHERE
    for project in (first, again):
        project.set("extract.engine", "mindspore")
        project.set("extract.pool", "none")
        project.set("train_head.optimizer", "lbfgs")
        project.set("train_head.pooling", "mean+max")
    assert first.repro("train_head") == again.repro("train_head") == {"extract", "train_head"}
    one, two = first.content(), again.content()
    assert "data/features/tiny/maps.npy" in one
    assert [path for path in one if one[path] != two[path]] == []
    shutil.rmtree(tmp_path, ignore_errors=True)


def test_outs_tell_nothing_about_where_and_when_they_were_made(second):
    told = {
        str(second.root),
        second.root.name,
        str(second.data),
        str(Path.home()),
        f"{tempfile.gettempdir()}{os.sep}tmp",
    }
    told |= {ELSEWHERE["USER"], socket.gethostname()}
    told = {word for word in told if len(word) > 6}  # a host may be called "photo"
    for path, content in second.content().items():
        assert [word for word in told if word.encode() in content] == [], path
        if path.endswith(TEXT):
            assert b"\r" not in content, path
            assert not DATE.search(content), path
        elif path.endswith(".png"):
            assert b"tIME" not in content, path
    lock = (second.root / "dvc.lock").read_bytes()
    assert [word for word in told if word.encode() in lock] == []


def locked(project, task: str) -> dict[str, dict[str, str]]:
    """Return {stage: {out: md5}} of a task as dvc.lock has it."""
    stages = yaml.safe_load((project.root / "dvc.lock").read_text(encoding="utf-8"))["stages"]
    return {
        name.split("@")[0]: {out["path"]: out["md5"] for out in about["outs"]}
        for name, about in stages.items()
        if name.endswith(f"@{task}")
    }
