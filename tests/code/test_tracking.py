"""`track: dvclive | mlflow`: they read back what metrics and curves say; DVCLive for MindSpore's own training."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sortline._core.errors import UserError
from sortline._core.files import write_csv, write_metrics
from sortline.config.evaluate import EvaluateParams
from sortline.config.training import TrainHeadParams
from sortline.report import tracking

CURVE = [[1, 2.5, 0.25], [2, 1.125, 0.5], [3, 0.333333, 0.75]]
COLUMNS = ["epoch", "train_loss", "oof_accuracy"]
METRICS = {"accuracy": 0.123456, "n": 130, "converged": True, "note": "words", "deduplicated": {"top5": {"low": 0.9}}}
NUMBERS = {"accuracy": 0.1235, "n": 130, "deduplicated.top5.low": 0.9}


@pytest.fixture
def written(tmp_path):
    """What a stage leaves: metrics and plots, with a chart."""
    (tmp_path / "plots").mkdir()
    write_metrics(tmp_path / "train.json", METRICS)
    write_csv(tmp_path / "plots/curves.csv", COLUMNS, CURVE)
    Image.new("RGB", (4, 4), "red").save(tmp_path / "plots/loss.png")
    return tmp_path / "train.json", tmp_path / "plots", tmp_path / "中 live"


def test_dvclive_reads_back_the_same_figures(written, tmp_path):
    from dvclive.serialize import load_yaml
    from dvclive.utils import parse_metrics

    folder = written[-1] / "shop/train_head"
    for _ in range(2):  # the second time anew, not behind the first
        tracking.log("dvclive", "shop", "train_head", TrainHeadParams(lr=0.25), *written)

    class Read:
        plots_dir, metrics_file = str(folder / "plots"), str(folder / "metrics.json")

    curves, summary = parse_metrics(Read)
    for index, name in enumerate(COLUMNS):
        (rows,) = [rows for path, rows in curves.items() if Path(path).stem == name]
        assert [float(row[name]) for row in rows] == [row[index] for row in CURVE]
    assert {name: value for name, value in summary.items() if name not in (*COLUMNS, "step")} == NUMBERS
    assert load_yaml(folder / "params.yaml")["lr"] == 0.25
    assert [path.name for path in folder.rglob("*.png")] == ["loss.png"]


def test_none_writes_nothing_and_an_evaluation_without_curves_is_logged(written):
    tracking.log("none", "shop", "evaluate", EvaluateParams(), *written)
    assert not written[-1].exists()
    (written[1] / "curves.csv").unlink()
    tracking.log("dvclive", "shop", "evaluate", EvaluateParams(), *written)
    assert json.loads((written[-1] / "shop/evaluate/metrics.json").read_text())["n"] == 130


def test_a_library_that_is_not_there_is_said_before_the_training(monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(UserError, match=r"pip install 'sortline\[mlflow\]', or set track: none"):
        tracking.check("mlflow")
    tracking.check("none")
    tracking.check("dvclive")


def test_mlflow_reads_back_the_same_figures(written, tmp_path, monkeypatch):
    """MLflow is not among the test's packages: CI puts it on the path for this test (.ci/run)."""
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", (tmp_path / "runs").as_uri())
    tracking.log("mlflow", "shop", "train_head", TrainHeadParams(lr=0.25), *written)
    client = mlflow.MlflowClient()
    (run,) = client.search_runs([client.get_experiment_by_name("shop").experiment_id])
    for index, name in enumerate(COLUMNS):
        history = client.get_metric_history(run.info.run_id, name)
        assert [one.value for one in history] == [row[index] for row in CURVE]
    assert {name: run.data.metrics[name] for name in NUMBERS} == NUMBERS
    assert run.data.params["lr"] == "0.25" and run.info.run_name == "train_head"
    assert [one.path for one in client.list_artifacts(run.info.run_id)] == ["loss.png"]


CALLBACK = """
import mindspore, numpy as np, sys
from mindspore import nn
from mindspore.dataset import NumpySlicesDataset
from sortline._core import runtime
from sortline.library.dvclive_callback import DVCLiveCallback
runtime.prepare()
x = np.random.default_rng(0).normal(size=(24, 3)).astype(np.float32)
y = (x[:, 0] > 0).astype(np.int32)
data = NumpySlicesDataset((x, y), shuffle=False).batch(8)
net = nn.Dense(3, 2)
losses = []
class Seen(mindspore.Callback):
    def on_train_step_end(self, context):
        losses.append(float(context.original_args().net_outputs.asnumpy()))
loss = nn.SoftmaxCrossEntropyWithLogits(sparse=True, reduction="mean")
model = mindspore.Model(net, loss, nn.SGD(net.trainable_params(), 0.1), metrics={"accuracy"})
live = DVCLiveCallback(dir=sys.argv[1], save_dvc_exp=False, dvcyaml=None, report=None)
model.fit(3, data, data, callbacks=[Seen(), live], dataset_sink_mode=False)
print(np.array(losses).reshape(3, 3).mean(1).tolist(), model.eval(data, dataset_sink_mode=False)["accuracy"])
"""


@pytest.mark.slow  # MindSpore loads and compiles in a process of its own
def test_mindspores_own_training_is_logged(tmp_path):
    done = subprocess.run([sys.executable, "-c", CALLBACK, str(tmp_path / "live")], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    line = done.stdout.strip().splitlines()[-1]
    losses, accuracy = json.loads(line[: line.index("]") + 1]), float(line.split("]")[1])
    table = np.genfromtxt(tmp_path / "live/plots/metrics/train/loss.tsv", names=True)
    assert table["step"].tolist() == [1, 2, 3] and table["loss"] == pytest.approx(losses)
    last = json.loads((tmp_path / "live/metrics.json").read_text())
    assert last["eval"]["accuracy"] == pytest.approx(accuracy) and last["train"]["lr"] == pytest.approx(0.1)
