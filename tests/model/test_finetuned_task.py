"""The task `garbage_tuned`, stage by stage, on drawn pictures and random weights: from cached maps to predictions."""

import numpy as np
import pytest
import staged
import yaml
from staged import ROOT

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
    params["train"] |= {"epochs": 2, "batch_size": 8} | train
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
