"""A model from elsewhere is tried in a process of its own: what ends or fills that one is refused in a line."""

import os
import subprocess
import sys

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from test_predict import LABELS, colour_model, write_export

from sortline import cli
from sortline._core.errors import UserError
from sortline.export import trial


def with_node(*nodes, **values):
    """The colour model, its sum of the means with "more" added, which `nodes` make of `values`."""
    model = colour_model()
    for node in reversed(nodes):
        model.graph.node.insert(0, node)
    model.graph.initializer.extend(numpy_helper.from_array(np.asarray(one), name) for name, one in values.items())
    last = next(node for node in model.graph.node if "probabilities" in node.output)
    model.graph.node.insert(len(model.graph.node) - 2, helper.make_node("Add", ["sum", "more"], ["changed"]))
    last.input[1] = "changed"
    return model


def external():
    model = with_node(more=np.zeros(1, np.float32))
    tensor = model.graph.initializer[-1]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/hostname")
    return model


def refusal(tmp_path, model):
    folder = write_export(tmp_path / "export", model)
    with pytest.raises(UserError) as caught:
        trial.check(folder)
    assert str(folder) in str(caught.value) and "\n" not in str(caught.value)
    return str(caught.value)


def test_a_sound_model_passes(tmp_path):
    trial.check(write_export(tmp_path / "export"))


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such limits")
def test_a_limit_below_those_of_the_trial_is_not_the_models_fault(tmp_path):
    folder = write_export(tmp_path / "export")
    words = [
        "sh",
        "-c",
        f"ulimit -v 2000000; ulimit -t 50; exec '{sys.executable}' -m sortline.export.trial '{folder}'",
    ]
    assert subprocess.run(words, capture_output=True, text=True).returncode == 0


def test_a_model_that_asks_for_all_memory_is_refused(tmp_path):
    filled = helper.make_node("ConstantOfShape", ["shape"], ["filled"])
    summed = helper.make_node("ReduceSum", ["filled"], ["more"], keepdims=0)
    line = refusal(tmp_path, with_node(filled, summed, shape=np.array([2**31], np.int64)))  # of 4 bytes each
    assert "allocate" in line or "more than 4 GB" in line


@pytest.mark.skipif(os.name != "posix", reason="a script in the place of Python")
@pytest.mark.parametrize(("does", "said"), [("exec sleep 60", "more than 1 s"), ("kill -SEGV $$", "ends the process")])
def test_a_model_that_takes_all_time_or_ends_the_process_is_refused(tmp_path, monkeypatch, does, said):
    script = tmp_path / "python"
    script.write_text(f"#!/bin/sh\n{does}\n")
    script.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(script))
    monkeypatch.setattr(trial, "SECONDS", 0.5)
    assert said in refusal(tmp_path, colour_model())


def test_weights_that_are_no_numbers_or_elsewhere_are_refused(tmp_path):
    assert "hold NaN" in refusal(tmp_path / "nan", with_node(more=np.full(1, np.nan, np.float32)))
    assert "in other files" in refusal(tmp_path / "external", external())


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
def test_what_is_no_file_is_not_opened(tmp_path):
    folder = write_export(tmp_path / "export")
    (folder / "model.onnx").unlink()
    os.mkfifo(folder / "model.onnx")
    with pytest.raises(UserError, match="no such file"):
        trial.check(folder)


def test_predict_tries_a_model_that_is_named_by_its_folder(project, tmp_path):
    folder = write_export(tmp_path / "export", with_node(more=np.full(1, np.nan, np.float32)), LABELS)
    with pytest.raises(UserError, match="hold NaN"):
        cli.main(["predict", "照片/red.png", "--model", str(folder)])
