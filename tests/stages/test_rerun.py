"""A parameter reruns the stages that it touches and no other: each one is edited, and what ran is compared by hand."""

import copy
import json
import runpy
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest

from sortline.params.base import Section, load, read_yaml
from sortline.params.diagnose import DiagnoseParams
from sortline.params.evaluate import EvaluateParams
from sortline.params.export import ExportParams
from sortline.params.extract import ExtractParams
from sortline.params.fetch import FetchParams
from sortline.params.prepare import PrepareParams
from sortline.params.train import TrainParams
from sortline.params.train_head import TrainHeadParams
from sortline.params.weights import WeightsParams

ROOT = Path(__file__).parents[2]
SCHEMAS: dict[str, type[Section]] = {
    "fetch": FetchParams,
    "weights": WeightsParams,
    "prepare": PrepareParams,
    "extract": ExtractParams,
    "train_head": TrainHeadParams,
    "evaluate": EvaluateParams,
    "diagnose": DiagnoseParams,
    "export": ExportParams,
}

# Stages from one on. A stage whose inputs came out as they were does not run: that is what the sets below differ in.
HEAD = {"train_head", "evaluate", "diagnose", "export"}
PIXELS = {"extract"} | HEAD
VIEWS = {"prepare"} | PIXELS
SPLIT = {"prepare"} | HEAD  # split.csv changes, images.csv and views.json do not
REPORT = {"prepare", "evaluate", "export"}  # only data.json and audit.json change
NAME = {"fetch"} | REPORT  # the same photos under another name: raw/<task>.json changes, raw/<task> does not

# The first source works, so those after it are not asked: photos and weights stay as they are, whatever stands there.
UNTRIED: dict[str, Any] = {
    "fetch.sources.archive.url": "http://127.0.0.1:9/other.zip",
    "fetch.sources.archive.name": "other",
    "fetch.sources.archive.inside": "photos",
    "fetch.sources.archive.max_mb": 10,
    "fetch.sources.archive.sha256": "0" * 64,
    "fetch.sources.archive.content_sha256": "0" * 64,
    "fetch.sources.drawn.per_class": 5,
    "fetch.sources.drawn.side": 64,
    "fetch.sources.drawn.seed": 2,
    "fetch.sources.idx.path": "other",
    "fetch.sources.idx.content_sha256": "0" * 64,
    "fetch.sources.idx_mirror.url": "http://127.0.0.1:9/other/",
    "fetch.sources.idx_mirror.name": "other",
    "fetch.sources.idx_mirror.max_mb": 10,
    "fetch.sources.idx_mirror.content_sha256": "0" * 64,
    "fetch.sources.sklearn_digits.side": 32,
    "fetch.sources.sklearn_digits.test": 100,
    "weights.sources.file.network": "resnet50",
    "weights.sources.file.release": "tensorflow",
    "weights.sources.file.width": 0.5,
    "weights.sources.file.sha256": "0" * 64,
    "weights.sources.file.path": "other.ckpt",
    "weights.sources.download.network": "resnet50",
    "weights.sources.download.release": "course",
    "weights.sources.download.width": 0.5,
    "weights.sources.download.sha256": "0" * 64,
    "weights.sources.download.url": "http://127.0.0.1:9/other.zip",
    "weights.sources.download.member": "other.ckpt",
    "weights.sources.download.max_mb": 10,
}

# Parameter, another value for it, the stages that must run.
TABLE: list[tuple[str, Any, set[str]]] = [
    ("fetch.sources.folder.path", "same", NAME),
    ("weights.sources.random.network", "resnet18", {"weights"} | PIXELS),
    ("weights.sources.random.width", 0.5, {"weights"} | PIXELS),
    ("weights.sources.random.seed", 2, {"weights"} | PIXELS),
    ("prepare.table", "tiny", SPLIT),  # the same labels under other names: classes.json changes
    # Limits that no photo or class comes near, and a policy on files that are not there.
    ("prepare.min_per_class", 6, {"prepare"}),
    ("prepare.max_pixels", 10_000, {"prepare"}),
    ("prepare.max_file_mb", 1, {"prepare"}),
    ("prepare.unreadable", "fail", {"prepare"}),
    # Both hashes find the same copies: the split stays, data.json names the hash.
    ("prepare.duplicates.hash", "dhash", REPORT),
    ("prepare.duplicates.hash_size", 12, REPORT),
    ("prepare.duplicates.threshold", 13, REPORT),
    ("prepare.duplicates.threshold", 0, SPLIT),  # too strict for the near ones: their groups and flags go
    ("prepare.duplicates.exact_cross", "report", SPLIT),
    ("prepare.duplicates.exact_train", "drop", SPLIT),
    ("prepare.duplicates.near_cross", "drop", SPLIT),
    ("prepare.duplicates.near_train", "drop", SPLIT),
    ("prepare.split.val_fraction", 0.2, {"prepare"}),  # the photos came with a val of their own
    ("prepare.split.folds", 3, SPLIT),
    ("prepare.split.seed", 1, SPLIT),
    ("prepare.views.count", 3, VIEWS),
    ("prepare.views.seed", 1, VIEWS),
    ("prepare.views.crop_scale", [0.5, 1.0], VIEWS),
    ("prepare.views.crop_ratio", [0.9, 1.1], VIEWS),
    ("prepare.views.flip", 0.0, VIEWS),
    ("prepare.views.brightness", 0.0, VIEWS),
    ("prepare.views.contrast", 0.0, VIEWS),
    ("prepare.views.saturation", 0.0, VIEWS),
    ("prepare.views.gray", 0.5, VIEWS),
    ("prepare.views.rotation", 10.0, VIEWS),
    ("prepare.views.blur", 1.0, VIEWS),
    ("prepare.views.noise", 8.0, VIEWS),
    ("extract.image_size", 64, PIXELS),
    ("extract.engine", "mindspore", PIXELS),
    # One file more in the folder of features, read by nobody yet: the head comes out as it was.
    ("extract.pool", "none", {"extract", "train_head", "evaluate", "diagnose"}),
    ("extract.upto", 3, PIXELS),
    ("train_head.solver", "lbfgs", HEAD),
    ("train_head.pooling", "mean+max", HEAD),
    ("train_head.views", 1, HEAD),
    ("train_head.seed", 2, HEAD),
    ("train_head.lr", 0.001, HEAD),
    ("train_head.schedule", "constant", HEAD),
    ("train_head.warmup_epochs", 0, HEAD),
    ("train_head.momentum", 0.5, HEAD),
    ("train_head.weight_decay", 0.1, HEAD),
    ("train_head.label_smoothing", 0.2, HEAD),
    ("train_head.batch_size", 8, HEAD),
    ("train_head.epochs", 2, HEAD),
    ("train_head.checkpoint", "best", HEAD),
    ("train_head.hidden", 4, HEAD),
    ("train_head.activation", "sigmoid", HEAD),
    ("train_head.dropout", 0.5, HEAD),
    ("train_head.lr_end", 0.001, HEAD),
    ("train_head.clip_norm", 0.001, HEAD),
    ("train_head.patience", 1, HEAD),
    ("train_head.keep_checkpoints", 2, HEAD),
    # A share that any head reaches, with another threshold than the default's unless it is right on every photo.
    ("train_head.reject_accuracy", 0.01, HEAD),
    ("train_head.class_weights", "balanced", HEAD),
    # Of other schedules and optimisers: the same head.
    ("train_head.decay_rate", 0.5, {"train_head"}),
    ("train_head.decay_epochs", 1, {"train_head"}),
    ("train_head.beta2", 0.9, {"train_head"}),
    ("train_head.calibrate", False, HEAD),
    # Of the other solver: the same head.
    ("train_head.lbfgs_c", [1.0], {"train_head"}),
    ("train_head.lbfgs_max_iter", 10, {"train_head"}),
    ("train_head.chosen_on_folds", ["lr"], {"train_head", "export"}),  # noted in train.json, which the card quotes
    ("evaluate.checkpoint", "best", {"evaluate", "export"}),
    # export reads evaluate.json; the sheet of wrong photos is not in it.
    ("evaluate.ece_bins", 2, {"evaluate"}),
    ("evaluate.worst_pairs", 1, {"evaluate"}),
    ("evaluate.sheet_columns", 3, {"evaluate"}),
    ("evaluate.sheet_limit", 1, {"evaluate"}),
    ("diagnose.severities", [2], {"diagnose", "export"}),
    ("diagnose.neighbours", 3, {"diagnose"}),
    ("diagnose.suspects", 1, {"diagnose"}),
    ("diagnose.outliers", 1, {"diagnose"}),
    ("export.check_photos", 2, {"export"}),
    ("export.max_difference", 0.01, {"export"}),
    ("export.calibration_photos", 3, {"export"}),
    ("export.calibration_seed", 1, {"export"}),
]
# Not in the table: three classes without bins take no share of a bin, no head lies about to start from (see
# test_recipes.py), and pixels are for nets (see test_net_line.py).
APART = {"train_head.bin_share", "train_head.init_from", "extract.pixels", "extract.colour"}

# Stages that may run besides: val's few answers hang on rounding, and with them whether evaluate.json changes. The
# calibration error does not, where all confidences lie in one bin before and after; nor do the pairs, where one is all.
MAYBE = {"evaluate.ece_bins": {"export"}, "evaluate.worst_pairs": {"export"}}

# One of each kind runs to the end, the others as far as they must to know.
TO_THE_END = {
    "prepare.duplicates.hash",
    "prepare.split.folds",
    "prepare.views.seed",
    "train_head.lr",
    "evaluate.checkpoint",
    "export.check_photos",
}


def leaves(schema: type[Section]) -> Iterator[str]:
    """Yield the keys of a schema; where one of several schemas may stand, with its kind as a step.

    A key that allows one value only (the kind) cannot be edited and is left out.
    """
    for key, about in schema.model_fields.items():
        sections = list(_sections(about.annotation))
        fixed = get_origin(about.annotation) is Literal and len(get_args(about.annotation)) == 1
        if not sections and not fixed:
            yield key
        for section in sections:
            kind = f".{get_args(section.model_fields['kind'].annotation)[0]}" if "kind" in section.model_fields else ""
            yield from (f"{key}{kind}.{leaf}" for leaf in leaves(section))


def _sections(annotation: Any) -> Iterator[type[Section]]:
    if isinstance(annotation, type) and issubclass(annotation, Section):
        yield annotation
    for part in get_args(annotation):
        yield from _sections(part)


def test_the_table_has_every_parameter_of_every_stage(base):
    assert set(SCHEMAS) == set(base.stages())
    assert all(
        about["params"] == [f"tiny.{stage}"] for stage, about in base.stages().items()
    )  # each key of the section
    every = {f"{stage}.{leaf}" for stage, schema in SCHEMAS.items() for leaf in leaves(schema)}
    assert {key for key, _, _ in TABLE} | set(UNTRIED) | APART == every
    assert "prepare.duplicates.hash_size" in every  # or `leaves` finds too little
    assert "fetch.sources.drawn.seed" in every


def test_the_shipped_params_are_valid_for_every_task_and_stage():
    params = ROOT / "params.yaml"
    content = read_yaml(params)
    tasks = [key for key, section in content.items() if isinstance(section, dict)]
    assert set(content["tasks"]) <= set(tasks)
    for task in tasks:
        # Tasks that are not listed say by their sections which they are.
        net = {"train_head"} if task in content["net_tasks"] or "train" in content[task] else set()
        schemas = {stage: schema for stage, schema in SCHEMAS.items() if stage not in net}
        schemas |= {"train": TrainParams} if net else {}
        assert set(content[task]) == set(schemas)  # DVC needs each section to be there, empty or not
        for stage, schema in schemas.items():
            load(task, stage, schema, params)


def test_no_parameter_has_a_name_that_the_run_cache_overlooks():
    """DVC leaves `size` and `nfiles` out of the key of a run, wherever they stand, so it would bring old results back.

    See `dvc.stage.cache._get_cache_hash`; the table's test would say "is cached", too.
    """
    every = [leaf for schema in SCHEMAS.values() for leaf in leaves(schema)]
    assert [leaf for leaf in every if {"size", "nfiles"} & set(leaf.split("."))] == []


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
    stage = key.split(".")[0]
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
        # What follows from other features: the rows of extract; and from another head: those of train_head.
        if "extract" in found:
            found |= expected & (HEAD if until == "prepare" else {"export"})
    assert found - MAYBE.get(key, set()) == expected


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
    listing = {name for name, about in project.stages().items() if edited in about.get("deps", [])}
    assert {"prepare", "train_head", "evaluate"} <= listing < set(project.stages())
    with (project.root / edited).open("a", encoding="utf-8") as stream:
        stream.write("\nBLUE = SERIES[0]  # as it was\n")
    assert project.repro_until("evaluate") == listing

    # And it is this copy that ran, not the package that is installed.
    with (project.root / edited).open("a", encoding="utf-8") as stream:
        stream.write("\nraise RuntimeError('edited here')\n")
    assert "edited here" in project.dvc("repro", "prepare@tiny", ok=False).stdout
