"""The built-in task from nothing to a prediction, as `make run` does it where no data is within reach."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import ImageEnhance, ImageOps
from scipy.stats import binomtest

from sortline import cli
from sortline.data.images import open_rgb
from sortline.export.classifier import Classifier

# One worker runs the task, as long as a tenth of `make test` takes, and goes on with it.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("sample_task")]

ROOT = Path(__file__).parents[2]
NOTE = "proves the pipeline, not the accuracy"
CHANCE = 1 / 8


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's own dvc.yaml and params.yaml in a fresh folder, run by `sortline run` with no data folder."""
    folder = tmp_path_factory.mktemp("sample") / "垃圾 分类"
    folder.mkdir()
    for name in ("stages", "src", "tables", ".dvc"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("cache", "tmp", "__pycache__"))
    for name in ("dvc.yaml", "params.yaml", "versions.lock", ".dvcignore", ".gitignore", "pyproject.toml"):
        shutil.copy(ROOT / name, folder / name)
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    if cache := os.environ.get("SORTLINE_TEST_CACHE"):  # CI has the browser show this very model
        subprocess.run([sys.executable, "-m", "dvc", "cache", "dir", "--local", cache], cwd=folder, check=True)
    done = sortline(folder, "run", "--task", "sample")
    assert done.returncode == 0, done.stdout + done.stderr
    (folder / "console.txt").write_text(done.stdout + done.stderr, encoding="utf-8")
    return folder


def sortline(folder: Path, *words: str) -> subprocess.CompletedProcess:
    env = {key: value for key, value in os.environ.items() if key != "SORTLINE_DATA"}
    env |= {"PYTHONPATH": str(folder / "src"), "PYTHONIOENCODING": "utf-8"}
    command = [sys.executable, "-m", "sortline.cli", *words]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, encoding="utf-8")


def test_it_says_loudly_what_it_is(project: Path) -> None:
    metrics = [
        json.loads((project / f"metrics/sample/{name}.json").read_text()) for name in ("data", "evaluate", "export")
    ]
    assert all(NOTE in content["note"] for content in metrics)
    assert NOTE in (project / "models/sample/export/MODEL_CARD.md").read_text(encoding="utf-8")
    assert NOTE in (project / "console.txt").read_text(encoding="utf-8")


def test_the_head_learns_something(project: Path) -> None:
    train = json.loads((project / "metrics/sample/train.json").read_text())
    correct = round(train["cv_accuracy"] * train["cv_n"])
    # Chance would not get here once in a thousand runs.
    assert binomtest(correct, train["cv_n"], CHANCE, alternative="greater").pvalue < 0.001
    assert train["cv_accuracy_low"] < train["cv_accuracy"] <= train["cv_accuracy_high"]


def test_the_exported_file_is_the_measured_model(project: Path) -> None:
    evaluate, export = (
        json.loads((project / f"metrics/sample/{name}.json").read_text()) for name in ("evaluate", "export")
    )
    assert export["onnx_n"] == evaluate["n"] == 48
    assert export["onnx_accuracy"] == evaluate["accuracy"]
    assert export["max_abs_diff_onnx"] < 1e-3 and export["max_abs_diff_mindir"] < 1e-3


def test_predict_from_the_command_line(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(project)
    assert cli.main(["predict", "data/raw/sample/star", "--task", "sample", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert len(rows) == 24
    assert all(0 < row["probability"] <= 1 and len(row["top"]) == 5 for row in rows)


def test_small_changes_to_a_photo_change_little(project: Path) -> None:
    classifier = Classifier(project / "models/sample/export")
    image = open_rgb(sorted((project / "data/raw/sample/star").iterdir())[0])
    plain = classifier.logits(image)
    brighter = abs(classifier.logits(ImageEnhance.Brightness(image).enhance(1.01)) - plain).max()
    # The negative is another picture.
    assert 4 * brighter < abs(classifier.logits(ImageOps.invert(image)) - plain).max()


def test_formats_without_loss_give_the_same_answer(project: Path, tmp_path: Path) -> None:
    classifier = Classifier(project / "models/sample/export")
    image = open_rgb(sorted((project / "data/raw/sample/star").iterdir())[0])
    for name, options in (("a.bmp", {}), ("a.webp", {"lossless": True, "quality": 100}), ("a.tiff", {})):
        image.save(tmp_path / name, **options)
        assert (classifier.probabilities(open_rgb(tmp_path / name)) == classifier.probabilities(image)).all(), name
