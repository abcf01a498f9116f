"""`sortline run` and `sortline summary`: which task is taken and why, what DVC is told, what is shown in the end."""

import io
import json
import shutil
import sys
from pathlib import Path

import pytest
import requests
from command_line import SOURCES, put_photos, put_weights

from sortline import cli
from sortline._core.errors import UserError
from sortline.cli import run
from sortline.cli._shared import dvc, paths


def test_run_takes_garbage_where_photos_and_weights_are_in_the_data_folder(sources):
    put_photos(sources)
    put_weights(sources)
    task, why = run.choose_task()
    assert task == "garbage"
    assert "garbage26" in why
    assert "net.safetensors" in why


def test_run_takes_garbage_where_both_are_fetched_already(sources, monkeypatch):
    monkeypatch.delenv("SORTLINE_DATA")
    for folder in (paths.raw("garbage"), paths.weights("garbage")):
        folder.mkdir(parents=True)
        (folder / "file").write_bytes(b"x")
    assert run.choose_task()[0] == "garbage"


def test_run_takes_garbage_where_the_photos_can_be_downloaded(sources, monkeypatch):
    put_weights(sources)
    asked = []

    def answer(url, timeout, **_):
        asked.append((url, timeout[0]))
        response = requests.Response()
        response.status_code, response.raw = 206, io.BytesIO()
        return response

    monkeypatch.setattr(requests, "get", answer)
    task, why = run.choose_task()
    assert task == "garbage"
    assert "https://photos.invalid/a.zip" in why
    assert asked == [("https://photos.invalid/a.zip", 5.0)]


def test_run_falls_to_the_sample_without_photos_and_says_why(sources):
    put_weights(sources)
    task, why = run.choose_task()
    assert task == "sample"
    assert "no photos" in why
    assert "could not connect in 5 s" in why
    said = run.announcement(task, why)
    assert "BUILT-IN" in said
    assert "SORTLINE_DATA" in said
    assert "no photos" in said


def test_run_falls_to_the_sample_with_photos_but_no_weights(sources):
    put_photos(sources)
    task, why = run.choose_task()
    assert task == "sample"
    assert why.startswith("no weights")
    assert "net.safetensors" in why


def test_run_without_a_sample_to_fall_to_is_an_error(sources, project):
    (project / "params.yaml").write_text(SOURCES.replace("[garbage, sample]", "[garbage]"), encoding="utf-8")
    with pytest.raises(UserError, match="'garbage' cannot run: no photos"):
        run.choose_task()


METRICS = {
    "data": {"train": 2126, "val": 130},
    "train": {
        "cv_accuracy": 0.9512,
        "cv_accuracy_low": 0.9412,
        "cv_accuracy_high": 0.9591,
        "cv_accuracy_scenes": 885,
        "cv_n": 2126,
        "folds": 5,
        "selected_on_folds": ["C"],
    },
    "evaluate": {
        "n": 130,
        "accuracy": 0.9538,
        "accuracy_low": 0.9025,
        "accuracy_high": 0.9788,
        "accuracy_deduplicated": 0.9417,
        "accuracy_deduplicated_low": 0.879,
        "accuracy_deduplicated_high": 0.973,
        "n_deduplicated": 103,
        "bin_accuracy": None,
        "confused_pairs": [{"truth": "Paper", "predicted": "Newspaper", "count": 2}],
    },
}


def put_metrics(task, **more):
    paths.metrics(task, "data").parent.mkdir(parents=True)
    for stage, content in METRICS.items():
        paths.metrics(task, stage).write_text(json.dumps({**content, **more}), encoding="utf-8")


@pytest.fixture
def repro(monkeypatch):
    """A fake `dvc repro`, which leaves the metrics; it records its targets and returns `code`."""
    fake = type("Fake", (), {"targets": [], "code": 0})()

    def call(target):
        fake.targets.append(target)
        put_metrics(target.partition("@")[2])
        return fake.code

    monkeypatch.setattr(dvc, "repro", call)
    return fake


def test_run_runs_the_tasks_stages_and_ends_with_the_summary(sources, repro, capsys):
    assert cli.main(["run"]) == 0
    out = capsys.readouterr().out
    assert repro.targets == ["export@sample"]
    for text in (
        "2,126 photos in train, 130 photos held out",
        "95.4 %  (95 % interval 90.3 to 97.9, n = 130)",
        "94.2 %  (95 % interval 87.9 to 97.3, n = 103)",
        "95.1 %  (95 % interval 94.1 to 95.9, n = 2,126, 5 folds of train)",
        "chosen on it      C",
        "Paper taken for Newspaper (2)",
        "models/sample/export/model.onnx",
        "sortline predict",
    ):
        assert text in out
    assert "correct bin" not in out
    assert "model card" not in out


def test_run_takes_the_task_it_is_told(sources, repro, capsys):
    assert cli.main(["run", "--task", "garbage"]) == 0
    assert repro.targets == ["export@garbage"]
    with pytest.raises(UserError, match="no task 'litter'"):
        cli.main(["run", "--task", "litter"])


def test_run_ends_in_one_line_where_dvc_fails(sources, repro):
    repro.code = 1
    with pytest.raises(UserError, match="dvc repro export@sample ended with exit code 1"):
        cli.main(["run"])


def test_dvc_runs_in_this_environment_with_this_python_first(sources, tmp_path, monkeypatch):
    seen = {}

    class Finished:
        returncode = 3

        def __init__(self, command, env):
            seen.update(command=command, env=env)

        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

        def poll(self):
            return self.returncode

    monkeypatch.setattr(dvc.subprocess, "Popen", Finished)
    assert dvc.repro("export@sample") == 3
    assert seen["command"] == [sys.executable, "-m", "dvc", "repro", "export@sample"]
    assert Path(shutil.which("python", path=seen["env"]["PATH"])).parent == Path(sys.executable).parent
    assert seen["env"]["SORTLINE_DATA"] == str(sources)


def test_summary_takes_the_first_measured_task_and_shows_its_note(project, capsys):
    with pytest.raises(UserError, match="nothing measured yet"):
        cli.main(["summary"])
    put_metrics("sample", note="built-in sample: proves the pipeline, not the accuracy")
    assert cli.main(["summary"]) == 0
    out = capsys.readouterr().out
    assert "sample:" in out
    assert "proves the pipeline, not the accuracy" in out
    with pytest.raises(UserError, match="'garbage' was not measured yet"):
        cli.main(["summary", "--task", "garbage"])


@pytest.mark.parametrize(("threshold", "said"), [("never", True), (0.9, False), (None, False)])
def test_summary_says_of_a_model_that_is_never_sure(project, capsys, threshold, said):
    put_metrics("sample", threshold=threshold)
    assert cli.main(["summary"]) == 0
    assert ("not sure            of any photo" in capsys.readouterr().out) == said
