"""A parameter reruns the stages that it touches and no other: each one is edited, and what ran is compared by hand."""

import copy
import json
from pathlib import PurePosixPath
from typing import Any

import pytest
from rerun_table import BY_DVC, HEAD, MAYBE, TABLE, TO_THE_END, UNTRIED
from schemas import SCHEMAS

from sortline._core.files import sha256_file
from sortline.config.base import load
from sortline.data import corrections
from sortline.data.corrections import Decision


def edit(project, key: str, value: Any) -> None:
    stage = key.split(".")[0]
    before = load("tiny", stage, SCHEMAS[stage], project.root / "params.yaml")
    project.set(key, value)
    after = load("tiny", stage, SCHEMAS[stage], project.root / "params.yaml")
    assert after != before, "this is the value that it has; the table needs another"


def listing(project, files: set[str]) -> set[str]:
    """Return the stages that have one of the files in their deps, itself or a folder that it lies in."""
    paths = [PurePosixPath(file) for file in files]
    return {
        name
        for name, about in project.stages().items()
        if any(path.is_relative_to(dep) for dep in about.get("deps", []) for path in paths)
    }


def runs(project, stage: str, until: str) -> set[str]:
    """Run the stages from `stage` to `until` that DVC would run, in this process; return them and whom they touch."""
    order = list(project.stages())
    found = {stage}
    for name in order[order.index(stage) : order.index(until) + 1]:
        if name in found:
            found |= listing(project, project.run_here(name))
    return found


def rows() -> list:
    """Return the table's rows; all but the first of a kind (same stage, same stages touched) are slow."""
    kinds, found = set(), []
    for key, value, expected in TABLE:
        kind = (key.split(".")[0], frozenset(expected))
        marks = [pytest.mark.slow] if kind in kinds else []
        kinds.add(kind)
        found.append(pytest.param(key, value, expected, marks=marks, id=f"{key}={value}"))
    return found


def test_sources_that_are_not_tried_run_no_more_than_their_stage(project):
    for key, value in UNTRIED.items():
        edit(project, key, value)
    assert runs(project, "fetch", "fetch") == {"fetch"}


@pytest.mark.parametrize(("key", "value", "expected"), rows())
def test_an_edit_runs_the_stages_that_it_touches(project, key, value, expected):
    edit(project, key, value)
    stage, unseen = key.split(".")[0], set()
    if key in TO_THE_END:
        found = runs(project, stage, "diagnose")  # and nothing follows from what export writes
    elif expected == {"export"}:
        found = project.repro("export", "--dry")
    else:
        # The stage itself in earnest, and what its outputs do to the next ones.
        until = "prepare" if "prepare" in expected else "extract" if "extract" in expected else stage
        found = runs(project, stage, until)
        # What other features do is not seen from there: the rows of extract and those to the end say it.
        if "extract" in found:
            unseen = HEAD if until == "prepare" else {"export"}
    assert expected - unseen <= found - MAYBE.get(key, set()) <= expected


@pytest.mark.parametrize(("new", "expected"), [("纸", HEAD), ("drop", HEAD), ("unsure", {"evaluate", "export"})])
def test_a_corrected_label_runs_the_head_again_and_no_photo_through_the_backbone(project, new, expected):
    """What changes no label is told in data.json, which evaluate and export read."""
    photo = "train/Can/02.png"
    digest = sha256_file(project.data / "tiny" / photo)
    path = project.root / "corrections/tiny.csv"
    assert listing(project, {"corrections/tiny.csv"}) == {"prepare"}
    corrections.append(path, Decision(digest, photo, "Can", new))
    assert listing(project, project.run_here("prepare")) == expected


def test_dvc_runs_the_same_stages(project):
    key, value, expected = BY_DVC
    edit(project, key, value)
    assert project.repro() == expected


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
    edited = "src/sortline/report/__init__.py"
    users = listing(project, {edited})
    assert {"prepare", "train_head", "evaluate"} <= users < set(project.stages())
    with (project.root / edited).open("a", encoding="utf-8") as stream:
        stream.write("\n# edited\n")
    assert project.repro_until("evaluate") == users

    # And it is this copy that ran, not the package that is installed.
    with (project.root / edited).open("a", encoding="utf-8") as stream:
        stream.write("\nraise RuntimeError('edited here')\n")
    assert "edited here" in project.dvc("repro", "prepare@tiny", ok=False).stdout
