"""The device: where it is named, what is there, and one line where it is not."""

import os
import subprocess
import sys
from pathlib import Path

import onnxruntime
import pytest

from sortline import cli
from sortline._core import runtime, workers
from sortline._core.errors import UserError
from sortline.cli import doctor
from sortline.cli._shared import dvc
from sortline.config import device

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def cpu_again(monkeypatch):
    monkeypatch.delenv(device.VARIABLE, raising=False)
    monkeypatch.delenv(workers.COUNT, raising=False)
    yield
    runtime.use("cpu")


def test_the_variable_comes_before_params_yaml_and_the_cpu_is_what_is_left(tmp_path, monkeypatch):
    path = tmp_path / "params.yaml"
    assert device.chosen(path) == "cpu"
    path.write_text("tasks: []\n", encoding="utf-8")
    assert device.chosen(path) == "cpu"
    path.write_text("device: gpu\n", encoding="utf-8")
    assert device.chosen(path) == "gpu"
    monkeypatch.setenv(device.VARIABLE, "auto")
    assert device.chosen(path) == "auto"


@pytest.mark.parametrize("wrong", ["cuda", "CPU", "[cpu]", "1", "null"])
def test_what_is_no_device_is_one_line_that_names_those_there_are(tmp_path, monkeypatch, wrong):
    path = tmp_path / "params.yaml"
    path.write_text(f"device: {wrong}\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"params.yaml: device is .*cpu, gpu, ascend or auto"):
        device.chosen(path)
    monkeypatch.setenv(device.VARIABLE, wrong)
    with pytest.raises(UserError, match=rf"{device.VARIABLE} is .*cpu, gpu, ascend or auto"):
        device.chosen(path)


def test_params_yaml_names_one_of_them():
    assert device.chosen(ROOT / "params.yaml") == "cpu"


@pytest.mark.parametrize("name", ["gpu", "ascend"])
def test_a_device_that_is_not_there_is_one_line(monkeypatch, name):
    monkeypatch.setattr(runtime, "there", lambda: ["cpu"])
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    runtime.use(name)
    with pytest.raises(UserError, match=rf"device {name}: MindSpore finds none.*auto"):
        runtime.prepare()
    with pytest.raises(UserError, match=rf"device {name}: this ONNX Runtime has no .*install onnxruntime-"):
        runtime.provider()


@pytest.mark.parametrize(
    ("there", "providers", "target", "provider"),
    [
        (["cpu"], ["CPUExecutionProvider"], "cpu", "CPUExecutionProvider"),
        (["cpu", "gpu"], ["CUDAExecutionProvider", "CPUExecutionProvider"], "gpu", "CUDAExecutionProvider"),
        (["cpu", "ascend"], ["AzureExecutionProvider", "CPUExecutionProvider"], "ascend", "CPUExecutionProvider"),
    ],
)
def test_auto_is_the_fastest_that_each_of_both_has(monkeypatch, there, providers, target, provider):
    monkeypatch.setattr(runtime, "there", lambda: there)
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: providers)
    runtime.use("auto")
    assert (runtime.target(), runtime.provider()) == (target, provider)


def test_there_is_a_cpu_here():
    assert runtime.there()[0] == "cpu"


def test_a_stage_that_is_to_use_what_is_not_there_ends_in_one_line(tmp_path):
    code = (
        "from sortline._core import errors, runtime; import mindspore\n"  # loaded before, as in a stage
        "mindspore.hal.is_available = lambda name, real=mindspore.hal.is_available: real(name) and name == 'CPU'\n"
        "from sortline.config.device import chosen\n"
        "errors.run(lambda argv: (runtime.use(chosen()), runtime.prepare())[1])"
    )
    environment = {name: value for name, value in os.environ.items() if name != "GLOG_v"} | {device.VARIABLE: "ascend"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, encoding="utf-8")
    assert (
        done.returncode == 2 and done.stderr.startswith("error: device ascend: ") and len(done.stderr.split("\n")) == 2
    )


def test_run_hands_its_options_to_dvc_and_its_stages(sources, monkeypatch):
    seen = {}
    monkeypatch.setattr(dvc, "repro", lambda target: seen.update(dvc.environment()) or 1)
    for name in (device.VARIABLE, workers.COUNT, "SORTLINE_FRESH"):
        monkeypatch.setenv(name, "")  # so that what is set here is undone
    with pytest.raises(UserError, match="exit code 1"):
        cli.main(["run", "--task", "sample", "--device", "auto", "--workers", "2", "--fresh"])
    assert [seen[name] for name in (device.VARIABLE, workers.COUNT, "SORTLINE_FRESH")] == ["auto", "2", "1"]


@pytest.mark.parametrize(("option", "value"), [("--device", "cuda"), ("--workers", "0"), ("--workers", "two")])
def test_run_refuses_what_is_none_before_it_begins(sources, monkeypatch, option, value):
    monkeypatch.setattr(dvc, "repro", lambda target: pytest.fail("it began"))
    for name in (device.VARIABLE, workers.COUNT):
        monkeypatch.setenv(name, "")
    with pytest.raises(UserError, match=f"is '{value}': it should be"):
        cli.main(["run", "--task", "sample", option, value])


def test_doctor_names_the_devices_and_fails_where_the_wanted_one_is_not_there():
    measured = {"max_abs_diff": 1e-6, "engine_ms": 2.0, "numpy_ms": 2.0, "devices": ["cpu", "gpu"]}
    assert "devices: cpu, gpu" in doctor.judge("mindspore", measured).found
    assert (
        doctor.judge("mindspore", measured, "gpu").status == doctor.judge("mindspore", measured, "auto").status == "ok"
    )
    missing = doctor.judge("mindspore", measured, "ascend")
    assert (missing.status, missing.found) == ("fail", "no device ascend; found: cpu, gpu")
