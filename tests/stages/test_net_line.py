"""A task with a net on the real dvc.yaml: its line runs, again only what an edit touches, with the same bytes."""

import re

import pytest

from sortline._core.files import read_json

pytestmark = pytest.mark.xdist_group("net_line")  # one worker runs the line and goes on with it

TASK = "numbers"
SECTION = {
    "fetch": {"sources": [{"kind": "sklearn_digits", "side": 28, "test": 120}]},
    "weights": {"backbone": None},
    "prepare": {"split": {"val_fraction": 0.2, "seed": 0}},
    "extract": {"pixels": True, "image_size": 32},
    "train": {"epochs": 2, "lr": 0.02, "augment": {"shift": 1.0}},
    "evaluate": {},
    "diagnose": {"severities": [1]},
    "export": {"check_photos": 2},
}
LINE = {"fetch", "weights", "prepare", "extract", "train", "evaluate", "diagnose", "export"}


@pytest.fixture(scope="module")
def line(new, tmp_path_factory):
    root = tmp_path_factory.mktemp("net")
    (root / "data").mkdir()
    project = new(root / "数字 line", root / "data")
    project.write_params({"tasks": [TASK], "head_tasks": [], "net_tasks": [TASK], TASK: SECTION})
    assert repro(project) == LINE
    return project


def repro(project, *options: str) -> set[str]:
    output = project.dvc("repro", *options, f"export@{TASK}").stdout
    return set(re.findall(rf"^Running stage '(\w+)@{TASK}'", output, re.MULTILINE))


def edited(project, **sections) -> set[str]:
    """Return what the edit makes run at once (what comes after that depends on its outs); the params are put back."""
    params = project.params()
    section = params[TASK] | {name: params[TASK][name] | keys for name, keys in sections.items()}
    project.write_params(params | {TASK: section})
    would_run = repro(project, "--dry")
    project.write_params(params)
    return would_run


def test_the_test_part_is_scored_by_the_net_that_val_chose(line):
    metrics = {name: read_json(line.root / f"metrics/{TASK}/{name}.json") for name in ("train", "evaluate", "export")}
    assert (metrics["evaluate"]["split"], metrics["evaluate"]["n"]) == ("test", 120)
    assert metrics["train"]["net"] == "lenet5" and metrics["train"]["val_n"] == 335
    assert metrics["export"]["onnx_n"] == 120
    assert metrics["export"]["onnx_accuracy"] == pytest.approx(metrics["evaluate"]["accuracy"], abs=0.01)
    assert set(metrics["export"]["digit_photos"]) == {"as it is", "dark on light", "on paper"}


def test_an_edit_runs_the_stage_that_it_touches(line):
    assert repro(line) == set()
    assert edited(line, train={"augment": {"shift": 2.0}}) == {"train"}  # a key in a section of the stage's section
    assert edited(line, evaluate={"ece_bins": 5}, export={"check_photos": 3}) == {"evaluate", "export"}
    assert edited(line, extract={"image_size": 28}) == {"extract"}


@pytest.mark.slow
def test_a_saved_epoch_is_scored_and_exported_without_training_again(line):
    params, before = line.params(), read_json(line.root / f"metrics/{TASK}/evaluate.json")
    line.write_params(params | {TASK: params[TASK] | {"evaluate": {"checkpoint": "epoch-00001"}}})
    assert repro(line) == {"evaluate", "export"}
    after = read_json(line.root / f"metrics/{TASK}/evaluate.json")
    assert after["checkpoint"] == "epoch-00001" != before["checkpoint"] and after["log_loss"] != before["log_loss"]
    exported = read_json(line.root / f"metrics/{TASK}/export.json")
    assert exported["onnx_accuracy"] == pytest.approx(after["accuracy"], abs=0.01)
    line.write_params(params)
    line.dvc("repro", f"export@{TASK}")
    assert read_json(line.root / f"metrics/{TASK}/evaluate.json") == before


@pytest.mark.slow
def test_trained_again_it_is_the_same_to_the_byte(line):
    def content():
        files = [path for part in ("models", "metrics", "plots") for path in (line.root / part).rglob("*.*")]
        return {path.relative_to(line.root).as_posix(): path.read_bytes() for path in files if path.is_file()}

    before = content()
    assert f"models/{TASK}/head/best.safetensors" in before
    line.dvc("repro", "--force", "--single-item", f"train@{TASK}")
    assert content() == before


def test_pictures_of_another_size_than_the_nets_are_refused_in_one_line(line):
    params = line.params()
    section = params[TASK] | {"train": {"net": "digits_cnn"}}
    line.write_params(params | {TASK: section})
    said = line.dvc("repro", f"train@{TASK}", ok=False).stdout
    line.write_params(params)
    assert "error: params.yaml: train.net digits_cnn takes pictures of 28 x 28 pixels, extract.image_size is 32" in said
