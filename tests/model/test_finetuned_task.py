"""The task `garbage_tuned`, stage by stage, on drawn pictures and random weights: from cached maps to predictions."""

import numpy as np
import onnxruntime
import pytest
import staged
import yaml
from scipy.special import softmax
from sklearn.metrics import log_loss
from staged import ROOT

from sortline._core import parameters
from sortline._core.errors import UserError
from sortline._core.files import read_csv, read_json
from sortline.config.base import read_yaml
from sortline.data.images import open_rgb
from sortline.data.sources.toy import picture
from sortline.export.classifier import Classifier

# One worker runs the task and goes on with it.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("finetuned_task")]

TASK = "garbage_tuned"
CODES, EACH, SIDE = ["ring", "star", "stripes"], 10, 64


def section(photos, **train):
    params = read_yaml(ROOT / "params.yaml")[TASK]
    params["fetch"] = {"sources": [{"kind": "folder", "path": str(photos)}]}
    params["weights"] = {"backbone": "mobilenet_v2", "release": "random", "width": 0.35, "seed": 1}
    params["prepare"] |= {"table": None, "duplicates": {"search": "exact"}, "views": {"count": 2}}
    params["prepare"] |= {"split": {"folds": 2, "val_fraction": 0.2}}
    params["extract"] |= {"image_size": SIDE}
    params["train"] |= {"net": "mobilenet_v2", "epochs": 2, "batch_size": 8, "lr": 0.001, "ema": 0.5} | train
    params["diagnose"] |= {"severities": [1]}
    params["export"] |= {"check_photos": 2}
    return params


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("照片")
    for code in CODES:
        (folder / code).mkdir()
        for number in range(EACH):
            picture(code, number, SIDE, seed=4).save(folder / code / f"{number:02d}.png")
    return folder


@pytest.fixture(scope="module")
def project(tmp_path_factory, photos):
    root = tmp_path_factory.mktemp("tuned") / "垃圾"
    root.mkdir()
    staged.run(root, TASK, section(photos))
    return root


def test_the_maps_before_the_last_blocks_are_kept(project):
    maps = np.load(project / f"data/features/{TASK}/inner.npy")
    assert maps.dtype == np.float16 and maps.shape == (len(CODES) * EACH, 2, 56, 2, 2)


def test_what_was_trained_is_said(project):
    metrics = read_json(project / f"metrics/{TASK}/train.json")
    assert metrics["mode"] == "partial" and metrics["selected_on_val"] == []
    assert 0 < metrics["trainable_parameters"] < metrics["parameters"]
    card = (project / f"models/{TASK}/export/MODEL_CARD.md").read_text(encoding="utf-8")
    assert f"{metrics['trainable_parameters']:,} of {metrics['parameters']:,} parameters trained (partial)" in card


def test_the_folds_are_scored_by_nets_that_have_not_seen_them(project):
    metrics = read_json(project / f"metrics/{TASK}/train.json")
    rows = read_csv(project / f"plots/{TASK}/train/predictions.csv")
    train = [row for row in read_csv(project / f"data/prepared/{TASK}/split.csv") if row["split"] == "train"]
    assert [row["image"] for row in rows] == [row["image"] for row in train]
    assert metrics["cv_n"] == len(rows) == metrics["train_n"] and metrics["folds"] == 2
    assert metrics["cv_accuracy"] == pytest.approx(np.mean([row["correct"] == "1" for row in rows]), abs=1e-4)
    probabilities = np.load(project / f"models/{TASK}/head/out_of_fold.npy")
    assert probabilities.max(1) == pytest.approx([float(row["probability"]) for row in rows], abs=1e-3)
    labels = np.array([int(row["label"]) for row in train])
    assert log_loss(labels, probabilities) == pytest.approx(metrics["cv_log_loss_tempered"], abs=1e-3)
    assert metrics["cv_log_loss_tempered"] < metrics["cv_log_loss"]
    assert read_json(project / f"models/{TASK}/export/labels.json")["threshold"] == metrics["threshold"]


def test_the_exported_net_says_where_it_looks_and_what_is_unlike_train(project):
    session = onnxruntime.InferenceSession(project / f"models/{TASK}/export/model.onnx")
    split = read_csv(project / f"data/prepared/{TASK}/split.csv")
    for part, alike in (("train", True), ("val", False)):
        for row in [row for row in split if row["split"] == part][:3]:
            photo = np.array(open_rgb(project / f"data/raw/{TASK}" / row["image"]))
            names = ["cam", "probabilities", "similarity"]
            found = dict(zip(names, session.run(names, {"image": photo}), strict=True))
            # A linear head on the mean of the map: the mean of the heat map is the logit, but for the bias.
            bias = parameters.read(project / f"models/{TASK}/head/last.safetensors")["head.bias"]
            logits = found["cam"].mean((1, 2)) + bias
            assert softmax(logits) == pytest.approx(found["probabilities"], abs=1e-3)
            assert (found["similarity"] > 0.99) == alike


def test_the_exported_net_is_the_one_that_was_measured(project):
    exported, measured = (read_json(project / f"metrics/{TASK}/{name}.json") for name in ("export", "evaluate"))
    assert exported["onnx_accuracy"] == pytest.approx(measured["accuracy"], abs=1e-4)
    assert exported["max_abs_diff_onnx"] < 1e-3


def test_the_exported_model_answers_photos(project, photos):
    classifier = Classifier(project / f"models/{TASK}/export")
    rows = read_csv(project / f"plots/{TASK}/evaluate/predictions.csv")
    for row in rows[:3]:
        path = project / f"data/raw/{TASK}" / row["image"]
        assert classifier(open_rgb(path), top=1).label["en"] == row["predicted"]


def test_a_mode_that_the_cached_maps_do_not_fit_is_one_line(project, photos, monkeypatch):
    monkeypatch.chdir(project)
    params = section(photos, blocks=5)
    (project / "params.yaml").write_text(yaml.safe_dump({"tasks": [TASK], TASK: params}), encoding="utf-8")
    with pytest.raises(UserError, match="trains the last 5 blocks.*set extract.upto: 5"):
        staged.run_stage("train", TASK)
