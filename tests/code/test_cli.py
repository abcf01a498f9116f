"""The `sortline` command: what it prints, where, and its exit codes. The model is test_predict's: mean colours."""

import csv
import importlib
import io
import json
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from test_predict import LABELS, colour_model, write_export

from sortline import cli
from sortline.commands import arguments, doctor, places, predict, run
from sortline.commands.doctor_data import data_checks
from sortline.errors import UserError

COLOURS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255)}
PARAMS = "tasks: [garbage, sample]\ngarbage: {}\nsample: {}\n"


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project folder with a Chinese name, a model for the task `sample`, and photos; the current folder."""
    root = tmp_path / "垃圾 分类"
    write_export(root / "models/sample/export")
    (root / "params.yaml").write_text(PARAMS, encoding="utf-8")
    photos = root / "照片"
    (photos / "inner/.hidden").mkdir(parents=True)
    for name, path in {"red": "red.png", "green": "inner/绿.jpg", "blue": "inner/blue.PNG"}.items():
        Image.new("RGB", (8, 6), COLOURS[name]).save(photos / path)
    Image.new("RGB", (8, 6)).save(photos / "inner/.hidden/x.png")
    (photos / "notes.txt").write_text("no photo", encoding="utf-8")
    (photos / ".DS_Store").write_bytes(b"")
    monkeypatch.chdir(root)
    return root


def sortline(*arguments, cwd=None):
    """Run the command as a user does; return (exit code, stdout, stderr)."""
    done = subprocess.run([sys.executable, "-m", "sortline.cli", *arguments], capture_output=True, cwd=cwd)
    return done.returncode, done.stdout.decode("utf-8"), done.stderr.decode("utf-8")


def test_predict_json_is_one_list_on_stdout_and_nothing_else(project):
    (project / "照片/a broken.jpg").write_bytes(b"\xff\xd8\xff nothing")
    code, out, err = sortline("predict", "照片", "--json")
    found = json.loads(out)
    assert [one["photo"] for one in found] == ["照片/inner/blue.PNG", "照片/inner/绿.jpg", "照片/red.png"]
    assert [one["class"]["en"] for one in found] == ["Blue", "Green", "Red"]
    assert [one["bin"]["id"] for one in found] == ["cold", "cold", "warm"]
    assert all(one["probability"] > 0.95 and len(one["top"]) == 3 for one in found)
    assert code == 1
    assert sum("a broken.jpg" in line for line in err.splitlines()) == 1
    assert "1 other file skipped" in err
    assert "model: models/sample/export (task sample)" in err
    assert "Traceback" not in err


def test_predict_exit_codes(project):
    assert sortline("predict", "照片/red.png", "--json")[0] == 0
    code, out, err = sortline("predict", "照片/red.png", "照片/notes.txt", "gone.jpg", "--json")
    assert (code, len(json.loads(out))) == (1, 1)
    assert "notes.txt" in err
    assert "gone.jpg: no such file" in err
    code, out, err = sortline("predict", "-", "--json")
    assert (code, json.loads(out)) == (2, [])
    assert "-: no such file" in err


def test_predict_into_a_closed_pipe_is_quiet(project):
    command = [sys.executable, "-m", "sortline.cli", "predict", "照片", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert b"Traceback" not in process.stderr.read()
        assert process.wait() == 1


def test_predict_csv(project, capsys):
    assert cli.main(["predict", "照片/inner", "照片/red.png", "--csv", "--top", "2"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["photo"] for row in rows] == ["照片/inner/blue.PNG", "照片/inner/绿.jpg", "照片/red.png"]
    last = {"photo": "照片/red.png", "code": "00_00", "en": "Red", "zh": "红", "bin": "warm", "bin_en": "Warm"}
    last |= {"bin_zh": "暖", "probability": "1.000000", "sure": "1", "code_2": "00_01", "en_2": "Green", "zh_2": "绿"}
    assert rows[-1] == {**last, "probability_2": "0.000000"}


def test_predict_says_when_it_is_not_sure(project, capsys):
    write_export(project / "careful", labels=LABELS | {"threshold": 0.9})
    Image.new("RGB", (8, 6), (100, 90, 0)).save("mixed.png")
    assert cli.main(["predict", "mixed.png", "照片/red.png", "--model", "careful", "--top", "1"]) == 0
    mixed, red = [line for line in capsys.readouterr().out.splitlines() if ".png" in line]
    assert "not sure: Red 红" in mixed and "?" in mixed and "Warm" not in mixed
    assert "not sure" not in red and "Warm 暖" in red
    assert cli.main(["predict", "mixed.png", "--model", "careful", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["sure"] is False


def test_predict_explains_with_a_picture_a_photo(project, capsys):
    """Left half red, right half green: what speaks for the answer, red, is at the left."""
    write_export(project / "seeing", model=colour_model(cam=True))
    picture = Image.new("RGB", (80, 40), (30, 90, 30))
    picture.paste((250, 20, 20), (0, 0, 40, 40))
    (project / "other").mkdir()
    for name in ("halves.png", "other/halves.jpg"):
        picture.save(name)
    words = ["predict", "halves.png", "other/halves.jpg", "--model", "seeing", "--explain", "why", "--top", "1"]
    assert cli.main(words) == 0
    assert "Red 红" in capsys.readouterr().out
    assert sorted(path.name for path in Path("why").iterdir()) == ["halves-2.png", "halves.png"]
    shown = np.asarray(Image.open("why/halves.png").convert("RGB"), np.int16)
    overlaid = shown[:, shown.shape[1] // 2 :]
    band = np.ptp(overlaid[overlaid.shape[0] // 2], axis=1)  # colour over the grey photo
    left, right = band[: len(band) // 2], band[len(band) // 2 :]
    assert left.max() > 40
    assert right[12:].max() <= 12


def test_a_model_without_maps_says_so_in_one_line(project):
    with pytest.raises(UserError, match="not linear.*--task"):
        cli.main(["predict", "照片/red.png", "--explain", "why"])
    assert not Path("why").exists()


@pytest.mark.parametrize("columns", ["60", "80", "120"])
def test_predict_table_has_both_languages_and_loses_nothing(project, capsys, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    assert cli.main(["predict", "照片/red.png"]) == 0
    out = capsys.readouterr().out
    assert all(len(line) <= int(columns) for line in out.splitlines())
    best = next(line for line in out.splitlines() if "red.png" in line)
    for text in ("Red 红", "Warm 暖", "100.0 %"):
        assert text in best
    for text in ("Green 绿", "Blue 蓝", "Cold 冷", "0.0 %"):
        assert text in out


def test_predict_table_prints_a_name_that_looks_like_markup(project, capsys):
    Image.new("RGB", (2, 2), "#00ff00").save("[red]x[bold].png")
    assert cli.main(["predict", "[red]x[bold].png"]) == 0
    assert "[red]x[bold].png" in capsys.readouterr().out


def carded(folder):
    """The colours' model, whose table says more about two of the classes."""
    classes = [dict(row) for row in LABELS["classes"]]
    for row, wave in zip(classes, ("700 nm", "530 nm"), strict=False):
        row["card"] = [["wave length", wave], ["source", "a book"], ["warning", "Do not stare."]]
    return str(write_export(folder, labels={**LABELS, "classes": classes}))


@pytest.mark.parametrize("columns", ["40", "120"])
def test_predict_prints_what_the_table_says_and_its_warning_once(project, capsys, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    model = carded(project / "carded")
    assert cli.main(["predict", "照片", "照片/red.png", "--model", model, "--top", "1"]) == 0
    _, table, *blocks = capsys.readouterr().out.split("\n\n")
    assert [block.split() for block in blocks] == [
        ["Green", "绿", "wave", "length", "530", "nm", "source", "a", "book"],
        ["Red", "红", "wave", "length", "700", "nm", "source", "a", "book"],
        ["warning:", "Do", "not", "stare."],
    ]


def test_predict_gives_programs_the_card_too(project, capsys):
    model = carded(project / "carded")
    cli.main(["predict", "照片", "--model", model, "--csv", "--top", "1"])
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [(row["en"], row["wave length"], row["warning"]) for row in rows] == [
        ("Blue", "", ""), ("Green", "530 nm", "Do not stare."), ("Red", "700 nm", "Do not stare.")]  # fmt: skip
    cli.main(["predict", "照片/red.png", "--model", model, "--json"])
    assert json.loads(capsys.readouterr().out)[0]["class"]["card"][0] == ["wave length", "700 nm"]


def test_predict_takes_each_photo_once_and_expands_wildcards_itself(project, capsys):
    assert cli.main(["predict", "照片/*.png", "照片/red.png", "照片/in*/*", "--json"]) == 0
    photos = [one["photo"] for one in json.loads(capsys.readouterr().out)]
    assert photos == ["照片/red.png", "照片/inner/blue.PNG", "照片/inner/绿.jpg"]


def test_predict_names_a_folder_without_photos(project, capsys):
    (project / "empty").mkdir()
    assert cli.main(["predict", "empty", "照片/red.png", "--json"]) == 1
    assert "empty: no photos" in capsys.readouterr().err


def test_predict_shows_the_note_of_the_sample(project, capsys):
    folder = write_export(project / "noted", labels={**LABELS, "note": "built-in sample: proves the pipeline"})
    assert cli.main(["predict", "照片/red.png", "--json", "--model", str(folder)]) == 0
    shown = capsys.readouterr()
    assert "built-in sample: proves the pipeline" in shown.err
    assert len(json.loads(shown.out)) == 1


def test_the_model_is_the_first_listed_task_that_has_one(project, capsys):
    assert predict.model_folder(None, None) == places.export("sample")
    write_export(project / "models/garbage/export")
    assert predict.model_folder(None, None) == places.export("garbage")
    assert predict.model_folder(None, "sample") == places.export("sample")
    assert "task garbage" in capsys.readouterr().err


def test_no_model_is_one_line_that_names_the_command(project, tmp_path):
    with pytest.raises(UserError, match="dvc repro export@garbage"):
        predict.model_folder(None, "garbage")
    with pytest.raises(UserError, match="tasks there are: garbage, sample"):
        predict.model_folder(None, "litter")
    with pytest.raises(UserError, match="no such folder"):
        predict.model_folder("nowhere", None)
    (project / "models/sample/export/model.onnx").unlink()
    with pytest.raises(UserError, match="make run"):
        predict.model_folder(None, None)
    code, out, err = sortline("predict", "x.jpg", cwd=tmp_path)
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert "--model" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["predict"], "PHOTO|FOLDER"),
        (["predict", "x.jpg", "--top", "0"], "whole number"),
        (["predict", "x.jpg", "--json", "--csv"], "not allowed with"),
        (["predict", "x.jpg", "--task", "a", "--model", "b"], "not allowed with"),
        (["sort"], "invalid choice: 'sort'"),
    ],
)
def test_wrong_usage_is_one_line(arguments, message):
    with pytest.raises(UserError, match=message.replace("|", "[|]")) as error:
        cli.main(arguments)
    assert "--help" in str(error.value)
    assert "\n" not in str(error.value)


def test_help_loads_nothing_heavy():
    code = "import sys; from sortline.cli import main\ntry: main(['predict', '--help'])\nfinally: print(*sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, encoding="utf-8").stdout
    assert "examples:" in out
    assert not {"numpy", "onnxruntime", "mindspore", "rich", "pydantic"} & set(out.split())


def test_every_command_of_the_help_exists():
    code, out, _ = sortline("--help")
    assert code == 0
    assert {"predict", "audit", "doctor", "run", "summary", "new", "curves"} <= set(arguments.names())
    for command in arguments.names():
        assert f"\n    {command} " in out
        with pytest.raises(SystemExit) as ended:
            cli.main([command, "--help"])
        assert ended.value.code == 0
        assert callable(importlib.import_module(f"sortline.commands.{command}").main)


def test_audit_exit_codes_and_pure_json(project, capsys):
    for name, value in {"a": 40, "b": 200}.items():
        (project / "set" / name).mkdir(parents=True)
        Image.new("RGB", (32, 32), (value, 0, 0)).save(project / "set" / name / "1.png")
    assert cli.main(["audit", "set"]) == 0
    assert "2 usable photos of 2 files" in capsys.readouterr().out
    (project / "set/a/empty.jpg").write_bytes(b"")
    assert cli.main(["audit", "set"]) == 1
    assert "a/empty.jpg" in capsys.readouterr().out
    code, out, _ = sortline("audit", "set", "--json")
    assert code == 1
    assert [problem["path"] for problem in json.loads(out)["problems"]] == ["a/empty.jpg"]
    code, out, err = sortline("audit", "set/a/empty.jpg")
    assert (code, out, len(err.splitlines())) == (2, "", 1)


SOURCES = """
tasks: [garbage, sample]
garbage:
  fetch: {sources: [{kind: folder, path: garbage26}, {kind: archive, url: "https://photos.invalid/a.zip"}]}
  weights: {sources: [{kind: file, path: weights/net.safetensors, release: tensorflow}]}
sample:
  fetch: {sources: [{kind: drawn}]}
  weights: {sources: [{kind: random}]}
"""


@pytest.fixture
def sources(project, monkeypatch):
    """params.yaml with sources; a network that refuses every address; an empty data folder in SORTLINE_DATA."""

    def refuse(url, timeout):
        raise UserError(f"{url}: could not connect in {timeout:g} s")

    (project / "params.yaml").write_text(SOURCES, encoding="utf-8")
    monkeypatch.setattr("sortline.data.sources.probe", refuse)
    (project / "data folder").mkdir()
    monkeypatch.setenv("SORTLINE_DATA", "data folder")
    return project / "data folder"


def put_photos(folder):
    (folder / "garbage26/train/00_00").mkdir(parents=True)
    Image.new("RGB", (4, 4)).save(folder / "garbage26/train/00_00/1.png")


def put_weights(folder):
    (folder / "weights").mkdir()
    (folder / "weights/net.safetensors").write_bytes(b"weights")


def test_run_takes_garbage_where_photos_and_weights_are_in_the_data_folder(sources):
    put_photos(sources)
    put_weights(sources)
    task, why = run.choose_task()
    assert task == "garbage"
    assert "garbage26" in why
    assert "net.safetensors" in why


def test_run_takes_garbage_where_both_are_fetched_already(sources, monkeypatch):
    monkeypatch.delenv("SORTLINE_DATA")
    for folder in (places.raw("garbage"), places.weights("garbage")):
        folder.mkdir(parents=True)
        (folder / "file").write_bytes(b"x")
    assert run.choose_task()[0] == "garbage"


def test_run_takes_garbage_where_the_photos_can_be_downloaded(sources, monkeypatch):
    put_weights(sources)
    asked = []
    monkeypatch.setattr("sortline.data.sources.probe", lambda url, timeout: asked.append((url, timeout)))
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
        "cv_accuracy_high": 0.9595,
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
    places.metrics(task, "data").parent.mkdir(parents=True)
    for stage, content in METRICS.items():
        places.metrics(task, stage).write_text(json.dumps({**content, **more}), encoding="utf-8")


@pytest.fixture
def repro(monkeypatch):
    """A fake `dvc repro`, which leaves the metrics; it records its targets and returns `code`."""
    fake = type("Fake", (), {"targets": [], "code": 0})()

    def call(target):
        fake.targets.append(target)
        put_metrics(target.partition("@")[2])
        return fake.code

    monkeypatch.setattr(run, "repro", call)
    return fake


def test_run_runs_the_tasks_stages_and_ends_with_the_summary(sources, repro, capsys):
    assert cli.main(["run"]) == 0
    out = capsys.readouterr().out
    assert repro.targets == ["export@sample"]
    for text in (
        "2,126 photos in train, 130 photos held out",
        "95.4 %  (95 % interval 90.2 to 97.9, n = 130)",
        "94.2 %  (95 % interval 87.9 to 97.3, n = 103)",
        "95.1 %  (95 % interval 94.1 to 96.0, n = 2,126, 5 folds of train)",
        "chosen on it    C",
        "Paper taken for Newspaper (2)",
        "models/sample/export/model.onnx",
        "sortline predict",
    ):
        assert text in out
    assert "right bin" not in out
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

    monkeypatch.setattr(run.subprocess, "Popen", Finished)
    assert run.repro("export@sample") == 3
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


def statuses(checks):
    return {check.name: check.status for check in checks}


def test_doctor_finds_data_weights_and_models_without_the_network(sources, monkeypatch):
    put_photos(sources)
    found = statuses(data_checks())
    assert found["SORTLINE_DATA"] == "ok"
    assert (found["garbage photos"], found["garbage weights"], found["garbage model"]) == ("ok", "warn", "warn")
    assert (found["sample photos"], found["sample weights"], found["sample model"]) == ("ok", "ok", "ok")
    put_weights(sources)
    assert statuses(data_checks())["garbage weights"] == "ok"
    monkeypatch.setenv("SORTLINE_DATA", "gone")
    found = statuses(data_checks())
    assert (found["SORTLINE_DATA"], found["garbage photos"]) == ("fail", "warn")


@pytest.mark.parametrize(
    ("measured", "status", "text"),
    [
        ({"max_abs_diff": 1e-6, "engine_ms": 2.0, "numpy_ms": 2.0}, "ok", "same numbers"),
        ({"max_abs_diff": 1e-6, "engine_ms": 70.0, "numpy_ms": 2.0}, "warn", "slow convolution kernel"),
        ({"max_abs_diff": 0.1, "engine_ms": 2.0, "numpy_ms": 2.0}, "fail", "wrong numbers"),
        ({"max_abs_diff": float("nan"), "engine_ms": 2.0, "numpy_ms": 2.0}, "fail", "wrong numbers"),
    ],
)
def test_doctor_judges_the_self_test(measured, status, text):
    check = doctor.judge("mindspore", measured)
    assert check.status == status
    assert text in f"{check.found} {check.advice}"
    assert bool(check.advice) == (status != "ok")


def test_doctor_reports_an_engine_that_does_not_start(monkeypatch):
    monkeypatch.setattr(doctor, "SELF_TEST", "sortline.no_such_module")
    check = doctor.self_test("mindspore")
    assert check.status == "fail"
    assert "no_such_module" in check.found


def test_doctor_compares_versions_with_the_lock(tmp_path):
    lock = tmp_path / "requirements.lock"
    lock.write_text("numpy==1.0.0 \\\n    --hash=sha256:00\nPillow==99 ; python_version > '3'\n", encoding="utf-8")
    locked = doctor.locked_versions(lock)
    assert locked == {"numpy": "1.0.0", "pillow": "99"}
    assert doctor.package("numpy", locked["numpy"]).status == "warn"
    assert doctor.package("numpy", metadata.version("numpy")).status == "ok"
    assert doctor.package("no-such-package", None).status == "fail"


def test_doctor_end_to_end(project):
    """Whatever this machine lacks, both engines must compute right here, and the exit code follows the failures."""
    code, out, err = sortline("doctor", "--json")
    checks = {check["name"]: check for check in json.loads(out)}
    assert "same numbers" in checks["test onnxruntime"]["found"]
    assert "same numbers" in checks["test mindspore"]["found"]
    assert checks["mindspore"]["found"] == metadata.version("mindspore")
    assert code == any(check["status"] == "fail" for check in checks.values())
    assert "Traceback" not in err
