"""The DVC commands that the README shows: diffs, plots, dag, an experiment, a remote, a clone without data."""

import json
import re
import shutil
from pathlib import Path

import pytest

from sortline._core.files import read_json
from sortline.cli._shared import dvc

pytestmark = pytest.mark.xdist_group("commands")  # one worker runs the experiment and goes on with it

TRAINED = ["train_head", "evaluate", "diagnose", "export"]


@pytest.fixture(scope="session")
def experiment(base, once):
    """A copy of the base project after one experiment, whose results are in the workspace, not committed."""

    def build(place: Path) -> None:
        # DVC writes the second as 4e-05, which YAML 1.1 takes for text.
        options = ("tiny.train_head.lr=0.05", "tiny.train_head.weight_decay=0.00004")
        words = [word for option in options for word in ("--set-param", option)]
        output = base.copy(place).dvc("exp", "run", "--name", "faster", *words, "export@tiny").stdout
        assert re.findall(r"^Running stage '(\w+)@tiny'", output, re.M) == TRAINED

    place = once("experiment", build)
    return type(base)(place / base.root.name, place / base.data.name)


def said(project, *words: str):
    return json.loads(project.dvc(*words, "--json").stdout)


def test_an_experiment_reads_small_numbers_as_numbers(experiment):
    assert "weight_decay: 4e-05" in (experiment.root / "params.yaml").read_text(encoding="utf-8")
    rows = experiment.dvc("exp", "list", "--name-only").stdout.split()
    assert rows == ["faster"]
    # The lock has what ran: nothing is left to do.
    assert experiment.repro() == set()


def test_params_diff_names_the_parameter_with_its_task_and_stage(experiment):
    changes = said(experiment, "params", "diff")["params.yaml"]
    assert {key: (change["old"], change["new"]) for key, change in changes.items()} == {
        "tiny.train_head.lr": (0.003, 0.05),
        "tiny.train_head.weight_decay": (0.0001, 0.00004),
    }


def test_metrics_diff_is_that_of_the_metrics_files(experiment):
    changes = said(experiment, "metrics", "diff")
    change = changes["metrics/tiny/train.json"]["cv_log_loss"]
    committed = json.loads(experiment.git("show", "HEAD:metrics/tiny/train.json"))
    assert change["old"] == committed["cv_log_loss"]
    assert change["new"] == read_json(experiment.root / "metrics/tiny/train.json")["cv_log_loss"]
    assert change["new"] != change["old"]
    assert "metrics/tiny/data.json" not in changes


def as_dvc_shows(metrics):
    """DVC leaves out lists and what is null."""
    kept = {key: value for key, value in metrics.items() if value is not None and not isinstance(value, list)}
    return {key: as_dvc_shows(value) if isinstance(value, dict) else value for key, value in kept.items()}


def test_metrics_show_has_every_stage_with_numbers(experiment):
    shown = said(experiment, "metrics", "show")[""]["data"]
    assert set(shown) == {f"metrics/tiny/{name}.json" for name in ("data", "train", "evaluate", "diagnose", "export")}
    written = read_json(experiment.root / "metrics/tiny/evaluate.json")
    assert shown["metrics/tiny/evaluate.json"]["data"] == as_dvc_shows(written)
    assert {"accuracy", "accuracy_low", "n", "per_class"} <= set(shown["metrics/tiny/evaluate.json"]["data"])


@pytest.mark.parametrize("command", ["show", "diff"])
def test_plots_make_a_page_with_the_confusion_matrix_the_curves_and_the_pictures(experiment, command):
    output = experiment.dvc("plots", command, "--out", f"page {command}").stdout
    assert "failed" not in output and "ERROR" not in output, output
    folder = experiment.root / f"page {command}"
    page = (folder / "index.html").read_text(encoding="utf-8")
    for title in ("plots/tiny/evaluate/confusion.csv", "plots/tiny/train/curves.csv", "Plastic Bottle"):
        assert title in page
    pictures = {path.name for path in (folder / "static").iterdir()}
    for revision in ("HEAD", "workspace") if command == "diff" else ("workspace",):
        assert f"{revision}_plots_tiny_evaluate_confusion.png" in pictures
        assert f"{revision}_plots_tiny_train_loss.png" in pictures


def test_dag_has_the_edges_of_the_design(base):
    lines = base.dvc("dag", "--dot").stdout.replace("@tiny", "").splitlines()
    edges = {tuple(line.strip(' ";').split('" -> "')) for line in lines if "->" in line}
    assert edges == {
        ("fetch", "prepare"), ("fetch", "extract"), ("fetch", "evaluate"), ("fetch", "export"),
        ("weights", "extract"), ("weights", "export"),
        ("prepare", "extract"), ("prepare", "train_head"), ("prepare", "evaluate"), ("prepare", "export"),
        ("extract", "train_head"), ("extract", "evaluate"), ("extract", "export"),
        ("train_head", "evaluate"), ("train_head", "export"), ("evaluate", "export"),
        ("fetch", "diagnose"), ("prepare", "diagnose"), ("extract", "diagnose"), ("train_head", "diagnose"),
        ("diagnose", "export"),
    }  # fmt: skip


def test_a_clone_checks_that_lock_and_code_agree_without_the_data(base, tmp_path):
    clone = clone_of(base, tmp_path)
    assert not (clone.root / "data").exists()
    clone.variables["SORTLINE_DATA"] = None
    assert "up to date" in clone.dvc("repro", "--dry", "--allow-missing").stdout

    with (clone.root / "src/sortline/training/__init__.py").open("a", encoding="utf-8") as stream:
        stream.write("\n# edited\n")
    after = clone.dvc("repro", "--dry", "--allow-missing", ok=False)
    assert after.returncode != 0  # DVC goes on to look for the photos, in vain
    assert "up to date" not in after.stdout
    assert "Stage 'extract@tiny' didn't change" in after.stdout
    assert "failed to reproduce 'train_head@tiny'" in after.stdout


def test_push_to_a_folder_and_pull_into_a_clone(project, tmp_path):
    whole = project.content()
    (tmp_path / "remote").mkdir()
    project.dvc("remote", "add", "--default", "store", "../remote")
    project.dvc("push")
    project.git("commit", "--quiet", "--all", "--message", "A remote")

    shutil.rmtree(project.root / ".dvc" / "cache")
    for out, cached in project.outs().items():
        if cached:
            path = project.root / out
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    project.dvc("pull")
    assert project.content() == whole
    assert project.repro() == set()

    clone = clone_of(project, tmp_path / "elsewhere" / "deep")
    clone.dvc("remote", "modify", "--local", "store", "url", str(tmp_path / "remote"))
    clone.dvc("pull")
    assert clone.content() == whole
    assert clone.repro() == set()


def clone_of(project, folder):
    folder.mkdir(parents=True, exist_ok=True)
    project.run("git", "clone", "--quiet", str(project.root), str(folder / "clone"))
    return type(project)(folder / "clone", project.data)


def test_a_model_is_up_to_date_until_a_parameter_changes(project, monkeypatch):
    monkeypatch.chdir(project.root)
    for name, value in project.environment().items():
        monkeypatch.setenv(name, value)
    assert dvc.is_up_to_date("export@tiny")
    project.set("train_head.lr", 0.002)
    assert not dvc.is_up_to_date("export@tiny")
