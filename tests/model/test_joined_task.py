"""A task on two joined backbones with their real weights, stage by stage, on drawn pictures: a head on them, or their
last blocks trained too, as in `garbage_pair`."""

import numpy as np
import pytest
import staged
from staged import ROOT
from test_finetuned_task import CODES, EACH

from sortline._core.files import read_csv, read_json
from sortline.config.base import read_yaml
from sortline.data.images import open_rgb
from sortline.data.sources.toy import picture
from sortline.export.classifier import Classifier

# One worker runs the task and goes on with it.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("joined_task")]

TASK = "pair"
NAMES = ["efficientnet_lite0", "efficientnet_lite1"]  # of 224 and 240 pixels; both are installed


@pytest.fixture(scope="module", params=["head", "tuned"])
def project(request, tmp_path_factory):
    root, photos = tmp_path_factory.mktemp("joined") / "垃圾", tmp_path_factory.mktemp("照片")
    root.mkdir()
    for code in CODES:
        (photos / code).mkdir()
        for number in range(EACH):
            picture(code, number, 96, seed=4).save(photos / code / f"{number:02d}.png")
    shipped = read_yaml(ROOT / "params.yaml")
    params = shipped["sample"]
    params["fetch"] = {"sources": [{"kind": "folder", "path": str(photos)}]}
    params["weights"] = {"backbone": NAMES}
    params["prepare"] |= {"table": None, "split": {"folds": 2, "val_fraction": 0.2}}
    params["extract"] = {}
    params["train_head"] = {"epochs": 3}
    if request.param == "tuned":
        del params["train_head"]
        params["extract"] = {"upto": 1}
        params["train"] = shipped["garbage_pair"]["train"] | {"epochs": 1, "batch_size": 8}
    params["diagnose"] |= {"severities": [1]}
    params["export"] |= {"check_photos": 2}
    staged.run(root, TASK, params)
    return root


def test_features_are_those_of_both(project):
    about = read_json(project / f"data/features/{TASK}/features.json")
    assert (about["channels"], about["image_size"], about["backbone"]["network"]) == (2560, 240, "+".join(NAMES))
    assert np.load(project / f"data/features/{TASK}/pooled.npy").shape == (len(CODES) * EACH, 2, 2, 2560)


def test_the_model_says_what_its_folds_are_worth(project):
    metrics = read_json(project / f"metrics/{TASK}/train.json")
    assert metrics["folds"] == 2 and metrics["cv_accuracy"] > 0.9


def test_the_exported_model_is_the_one_that_was_measured(project):
    exported, measured = (read_json(project / f"metrics/{TASK}/{name}.json") for name in ("export", "evaluate"))
    assert exported["onnx_accuracy"] == pytest.approx(measured["accuracy"], abs=1e-4)
    assert max(exported["max_abs_diff_onnx"], exported["max_abs_diff_mindir"]) < 1e-3
    assert exported["int8_agreement"] > 0.9 and exported["int8_bytes"] < 0.4e6 * exported["onnx_mb"]
    assert measured["accuracy"] > 0.9  # real features tell rings from stars


def test_whose_weights_they_are(project):
    credits = read_json(project / f"metrics/{TASK}/export.json")["pretrained"]
    assert [one["licence"] for one in credits] == ["Apache-2.0"] * 2
    card = (project / f"models/{TASK}/export/MODEL_CARD.md").read_text(encoding="utf-8")
    assert all(one["address"] in card and one["citation"] in card for one in credits)


def test_one_file_answers_photos_and_shows_where_it_looked(project):
    classifier = Classifier(project / f"models/{TASK}/export")
    for row in read_csv(project / f"plots/{TASK}/evaluate/predictions.csv")[:3]:
        image = open_rgb(project / f"data/raw/{TASK}" / row["image"])
        found = classifier(image, top=1)
        assert found.label["en"] == row["predicted"] and found.similarity is not None
        assert classifier.evidence(image, 0).shape == (8, 8)
