"""The task `mushrooms`, run stage by stage on drawn pictures and random weights: plumbing, and no accuracy."""

import argparse
import importlib
import json
import math
from pathlib import Path

import numpy as np
import onnx
import pytest
import staged
from pydantic import ValidationError

from sortline import cli
from sortline._core.errors import UserError
from sortline._core.files import read_csv, read_json
from sortline.config.base import read_yaml
from sortline.config.training import TrainParams
from sortline.data.sources.toy import SHAPES, picture

# Of a net, the labels of val are looked at: here one photo a class, and too few for cleanlab to doubt any.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:May not flag all label issues in class:UserWarning"),
    pytest.mark.xdist_group("mushrooms"),  # one worker runs the tasks and goes on with them
]

ROOT = Path(__file__).parents[2]
GENERA = ["Agaricus", "Amanita", "Boletus", "Cortinarius", "Entoloma", "Hygrocybe", "Lactarius", "Russula", "Suillus"]
DRAWN = [*SHAPES, "circle"]  # pictures of each genus; of the last one others than of the first
EACH, SIDE = 10, 64


def line(root: Path, task: str, changes: dict[str, dict]) -> Path:
    """Run the shipped section `task` with some `changes`, on photos as the public archive has them; return `root`."""
    photos = root / "photos"
    for place, (genus, shape) in enumerate(zip(GENERA, DRAWN, strict=True)):
        (photos / "train" / genus).mkdir(parents=True)
        for number in range(EACH):
            picture(shape, 100 * place + number, SIDE, seed=4).save(photos / "train" / genus / f"{number:02d}.png")
    # The public archive's test folder holds photos without a class.
    (photos / "test").mkdir()
    picture(DRAWN[0], 50, SIDE, seed=4).save(photos / "test/tum.png")
    params = read_yaml(ROOT / "params.yaml")[task]
    params["fetch"] = {"sources": [{"kind": "folder", "path": str(photos)}]}
    params["prepare"] |= {"duplicates": {"search": "exact"}, "split": {"folds": 2}, "views": {"count": 1}}
    params["diagnose"] |= {"severities": [1]}
    params["export"] |= {"check_photos": 2}
    for stage, keys in changes.items():
        params[stage] |= keys
    staged.run(root, task, params)
    return root


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """The frozen ResNet-50, its weights random."""
    changes = {
        "weights": {"backbone": "resnet50", "release": "random", "seed": 1},
        "extract": {"image_size": SIDE},
        "train_head": {"epochs": 3},
    }
    return line(tmp_path_factory.mktemp("frozen") / "蘑菇", "mushrooms", changes)


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """The report's training, of the smallest ResNet on small pictures."""
    train = {"net": "resnet18", "lr": 0.02, "epochs": 5, "every": 2, "keep": 1}
    return line(
        tmp_path_factory.mktemp("whole") / "蘑菇", "mushrooms_report", {"extract": {"image_size": 32}, "train": train}
    )


def test_a_split_is_made_where_the_photos_come_with_train_alone(project):
    rows = read_csv(project / "data/prepared/mushrooms/split.csv")
    assert len(rows) == 9 * EACH and {row["split"] for row in rows} == {"train", "val"}
    val = [row["image"].split("/")[1] for row in rows if row["split"] == "val"]
    assert sorted(val) == GENERA  # one in ten


def test_features_are_the_2048_of_resnet_50(project):
    pooled = np.load(project / "data/features/mushrooms/pooled.npy")
    assert pooled.shape == (9 * EACH, 1, 2, 2048) and pooled.dtype == np.float32
    about = read_json(project / "data/features/mushrooms/features.json")
    assert about["backbone"]["network"] == "resnet50" and about["channels"] == 2048


def test_top_1_and_top_5_are_measured(project):
    measured = read_json(project / "metrics/mushrooms/evaluate.json")
    assert measured["n"] == 9 and 0 <= measured["accuracy"] <= measured["top5"] <= 1
    assert {"top5_low", "top5_high", "accuracy_low", "accuracy_high"} <= set(measured)


def test_the_smoothing_minimum_is_below_every_loss_of_the_curve(project):
    rest = 0.1 / 8
    floor = -(0.9 * math.log(0.9) + 8 * rest * math.log(rest))
    losses = [float(row["train_loss"]) for row in read_csv(project / "plots/mushrooms/train/curves.csv")]
    assert len(losses) == 3 and min(losses) > floor
    assert (project / "plots/mushrooms/train/loss.png").is_file()


def test_the_cards_travel_with_the_model(project):
    folder = project / "models/mushrooms/export"
    labels = read_json(folder / "labels.json")
    assert [row["en"] for row in labels["classes"]] == GENERA
    assert dict(labels["classes"][1]["card"])["family"] == "Amanitaceae 鹅膏菌科"
    inside = {entry.key: entry.value for entry in onnx.load(folder / "model.onnx").metadata_props}
    assert json.loads(inside["labels"]) == labels
    card = (folder / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "| class | order | family | poisonous species | source |" in card and "no advice on eating" in card
    assert "ResNet-50 with seeded random weights" in card


def test_predict_prints_the_card_of_the_genus_and_the_warning(project, monkeypatch, capsys):
    monkeypatch.chdir(project)
    monkeypatch.setenv("COLUMNS", "100")
    assert cli.main(["predict", "photos/test", "--task", "mushrooms"]) == 0
    said = capsys.readouterr().out
    best = read_json(project / "models/mushrooms/export/labels.json")["classes"]
    shown = [row for row in best if f"\n{row['en']} {row['zh']}\n" in said]
    assert len(shown) == 1
    for key, text in dict(shown[0]["card"]).items():
        assert key in said and "".join(text.split()) in "".join(said.split())
    assert said.count("no advice on eating") == 1


def test_the_shipped_recipes_differ_in_the_backbone_alone():
    params = read_yaml(ROOT / "params.yaml")
    unlisted = "its photos cannot be had everywhere"
    assert not [task for task in params["tasks"] if task.startswith("mushrooms")], unlisted
    frozen, small = params["mushrooms"], params["mushrooms_mobilenet"]
    assert {key for key in frozen if frozen[key] != small[key]} == {"weights"}
    assert (frozen["weights"], small["weights"]) == ({"backbone": "resnet50"}, {"backbone": "mobilenet_v2"})


def test_a_task_that_is_not_listed_says_how_to_list_it(project, monkeypatch):
    monkeypatch.chdir(ROOT)
    with pytest.raises(UserError, match="'mushrooms' is ready but not listed; add it to head_tasks$"):
        importlib.import_module("sortline.cli.summary").main(argparse.Namespace(task="mushrooms"))


FLOOR = -(0.9 * math.log(0.9) + 0.1 * math.log(0.1 / 8))


def test_the_reports_training_is_a_preset():
    params = TrainParams.model_validate(read_yaml(ROOT / "params.yaml")["mushrooms_report"]["train"])
    wanted = {
        "net": "resnet50", "optimizer": "momentum", "momentum": 0.9, "lr": 0.8, "lr_end": 0, "schedule": "linear",
        "warmup_epochs": 0, "weight_decay": 1e-4, "label_smoothing": 0.1, "batch_size": 32, "epochs": 90, "every": 5,
        "keep": 10, "checkpoint": "last",
    }  # fmt: skip
    assert {key: getattr(params, key) for key in wanted} == wanted


@pytest.mark.parametrize("change", [{"checkpoint": "best"}, {"patience": 3}])
def test_nothing_can_be_chosen_on_the_photos_that_it_is_measured_on(change):
    with pytest.raises(ValidationError, match="nothing may be chosen on it"):
        TrainParams.model_validate({"preset": "report_mushrooms", **change})


def test_a_net_trained_from_photos_keeps_what_the_preset_says(whole):
    folder = whole / "models/mushrooms_report/head"
    names = {path.name for path in folder.iterdir()}
    checkpoints = {"best.safetensors", "last.safetensors", "epoch-00004.safetensors"}
    assert names == checkpoints | {"head.json", "net.onnx", "net.mindir"}
    assert read_json(folder / "head.json")["checkpoint"] == "last"
    pixels = np.load(whole / "data/features/mushrooms_report/pixels.npy")
    assert pixels.shape == (9 * EACH, 32, 32, 3) and pixels.dtype == np.uint8


def test_epochs_are_epochs_and_the_loss_stays_above_the_smoothing_minimum(whole):
    curve = read_csv(whole / "plots/mushrooms_report/train/curves.csv")
    assert [int(row["epoch"]) for row in curve] == [1, 2, 3, 4, 5]
    # 81 photos in batches of 32: 3 steps an epoch; the rate falls linearly over all 15.
    rates = [0.02 * (1 - step / 15) for step in (2, 5, 8, 11, 14)]
    assert [float(row["lr"]) for row in curve] == pytest.approx(rates, rel=1e-5)
    losses = [float(row["train_loss"]) for row in curve]
    assert losses[0] == pytest.approx(math.log(9), abs=0.3) and FLOOR < losses[-1] < losses[0]
    assert (whole / "plots/mushrooms_report/train/loss.png").is_file()


def test_the_exported_net_is_the_one_that_was_measured(whole, monkeypatch, capsys):
    measured, exported = (read_json(whole / f"metrics/mushrooms_report/{name}.json") for name in ("evaluate", "export"))
    assert measured["n"] == exported["onnx_n"] == 9 and measured["split"] == "val"
    assert measured["accuracy"] == exported["onnx_accuracy"] and "top5" in measured
    assert exported["max_abs_diff_onnx"] < 1e-3 and exported["max_abs_diff_mindir"] < 1e-3
    card = (whole / "models/mushrooms_report/export/MODEL_CARD.md").read_text(encoding="utf-8")
    assert "- Net: resnet18, 11,181,129 parameters, trained from pixels by momentum; input 32 pixels, RGB." in card
    assert "nothing was chosen on the val part" in card and "no advice on eating" in card
    monkeypatch.chdir(whole)
    assert cli.main(["predict", "photos/test", "--task", "mushrooms_report", "--top", "1"]) == 0
    assert "no advice on eating" in capsys.readouterr().out
