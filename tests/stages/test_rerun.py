"""A parameter reruns the stages that it touches and no other: each one is edited, and what ran is compared by hand."""

import copy
import json
import runpy
import shlex
from pathlib import Path
from typing import Any

import pytest
from rerun_table import HEAD, MAYBE, TABLE, TO_THE_END, UNTRIED
from schemas import SCHEMAS

from sortline.config.base import load


def edit(project, key: str, value: Any) -> None:
    stage = key.split(".")[0]
    before = load("tiny", stage, SCHEMAS[stage], project.root / "params.yaml")
    project.set(key, value)
    after = load("tiny", stage, SCHEMAS[stage], project.root / "params.yaml")
    assert after != before, "this is the value that it has; the table needs another"


def written_anew(project, stage: str, monkeypatch) -> set[str]:
    """Run a stage's script in this process, as dvc.yaml has it; return which of its outs came out otherwise.

    Of what DVC would do, this leaves out the seconds that it and MindSpore take to load.
    """
    before = {out: content_of(project.root / out) for out in project.outs(stage)}
    monkeypatch.chdir(project.root)
    script, *words = shlex.split(project.stages()[stage]["cmd"])[1:]
    runpy.run_path(script)["main"](words)
    return {out for out, content in before.items() if content_of(project.root / out) != content}


def content_of(path: Path) -> dict[str, bytes]:
    files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
    return {file.relative_to(path).as_posix(): file.read_bytes() for file in files}


def listing(project, paths: set[str]) -> set[str]:
    """Return the stages that have one of the paths in their deps."""
    return {name for name, about in project.stages().items() if paths & set(about.get("deps", []))}


@pytest.mark.parametrize(("stage", "networks"), [("fetch", False), ("weights", False), ("weights", True)])
def test_sources_that_are_not_tried_run_no_more_than_their_stage(project, stage, networks):
    for key, value in UNTRIED.items():
        # Another network has no width.
        if key.startswith(stage) and key.endswith(".network") == networks:
            edit(project, key, value)
    assert project.repro_until(stage) == {stage}


@pytest.mark.parametrize(("key", "value", "expected"), TABLE, ids=[f"{row[0]}={row[1]}" for row in TABLE])
def test_an_edit_runs_the_stages_that_it_touches(project, key, value, expected, monkeypatch):
    edit(project, key, value)
    stage, unseen = key.split(".")[0], set()
    if key in TO_THE_END:
        found = project.repro()
    elif stage == "train_head":
        found = {stage} | listing(project, written_anew(project, stage, monkeypatch))
    elif expected == {"export"}:
        found = project.repro("export", "--dry")  # nothing follows from its outputs
    else:
        # The stage itself in earnest, and what its outputs do to the next ones. From there on DVC is asked.
        until = "prepare" if "prepare" in expected else "extract" if "extract" in expected else stage
        found = project.repro_until(until)
        # What other features do is not seen from there: the rows of extract and those to the end say it.
        if "extract" in found:
            unseen = HEAD if until == "prepare" else {"export"}
    assert expected - unseen <= found - MAYBE.get(key, set()) <= expected


def test_nothing_changed_nothing_runs(project):
    lock = (project.root / "dvc.lock").read_bytes()
    assert project.repro() == set()

    path = project.root / "params.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(f"# A comment.\n\n{text}".replace("tiny:\n", "tiny:   # ours\n\n"), encoding="utf-8")
    assert project.repro() == set()

    params = project.params()
    params["other"]["prepare"]["min_per_class"] = 7
    params["third"] = {"prepare": {}}
    project.write_params(params)
    assert project.repro() == set()

    params["tiny"] = dict(reversed(params["tiny"].items()))
    project.write_params(params)
    assert project.repro() == set()
    assert (project.root / "dvc.lock").read_bytes() == lock


def test_a_task_more_in_the_list_leaves_the_others_alone(project):
    """And is run from its own section, into its own folders."""
    before = project.content()
    params = project.params()
    params["tasks"] = params["head_tasks"] = ["other", "tiny"]
    params["other"] = copy.deepcopy(params["tiny"])
    params["other"]["prepare"]["split"]["folds"] = 3
    project.write_params(params)
    output = project.dvc("repro", "prepare@other", "export@tiny").stdout
    assert "Running stage 'prepare@other'" in output
    assert "Running stage 'prepare@tiny'" not in output
    assert project.content() == before
    counts = [json.loads((project.root / f"metrics/{task}/data.json").read_text("utf-8")) for task in ("other", "tiny")]
    assert [count["folds"] for count in counts] == [3, 2]


def test_an_edit_of_a_library_file_runs_the_stages_that_list_it(project):
    edited = "src/sortline/figures/style.py"
    users = listing(project, {edited})
    assert {"prepare", "train_head", "evaluate"} <= users < set(project.stages())
    with (project.root / edited).open("a", encoding="utf-8") as stream:
        stream.write("\nBLUE = SERIES[0]  # as it was\n")
    assert project.repro_until("evaluate") == users

    # And it is this copy that ran, not the package that is installed.
    with (project.root / edited).open("a", encoding="utf-8") as stream:
        stream.write("\nraise RuntimeError('edited here')\n")
    assert "edited here" in project.dvc("repro", "prepare@tiny", ok=False).stdout
