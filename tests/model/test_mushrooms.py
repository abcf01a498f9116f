"""The task `mushrooms`, run stage by stage on drawn pictures and random weights: plumbing, and no accuracy."""

import argparse
import importlib.util
import json
import math
import os
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
from ruamel.yaml import YAML

from sortline import cli, runtime
from sortline.data.sample import picture
from sortline.errors import UserError
from sortline.files import read_csv, read_json
from sortline.params.base import read_yaml
from sortline.params.weights import WeightsParams

ROOT = Path(__file__).parents[2]
GENERA = ["Agaricus", "Amanita", "Boletus", "Cortinarius", "Entoloma", "Hygrocybe", "Lactarius", "Russula", "Suillus"]
DRAWN = ["00_01", "00_05", "00_07", "01_02", "01_06", "02_01", "03_00", "03_01", "03_03"]  # nine kinds of pictures
EACH, SIDE = 10, 64

ARGUMENTS = {
    "fetch": "--out data/raw/T --source data/raw/T.json --downloads data/downloads",
    "weights": "--out data/weights/T --downloads data/downloads",
    "prepare": "--raw data/raw/T --source data/raw/T.json --tables tables --out data/prepared/T "
    "--metrics metrics/T/data.json --plots plots/T/prepare",
    "extract": "--prepared data/prepared/T --raw data/raw/T --weights data/weights/T --out data/features/T",
    "train_head": "--prepared data/prepared/T --features data/features/T --out models/T/head --plots plots/T/train "
    "--metrics metrics/T/train.json",
    "evaluate": "--prepared data/prepared/T --features data/features/T --head models/T/head --raw data/raw/T "
    "--source data/raw/T.json --data metrics/T/data.json --metrics metrics/T/evaluate.json --plots plots/T/evaluate",
    "diagnose": "--prepared data/prepared/T --features data/features/T --head models/T/head --raw data/raw/T "
    "--metrics metrics/T/diagnose.json --plots plots/T/diagnose",
    "export": "--prepared data/prepared/T --raw data/raw/T --weights data/weights/T --features data/features/T "
    "--head models/T/head --out models/T/export --metrics metrics/T/export.json",
}


def run_stage(name: str, task: str) -> None:
    spec = importlib.util.spec_from_file_location(name, ROOT / "stages" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.main([task, *ARGUMENTS[name].replace("T", task).split()])


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """The shipped section, but for photos, weights and sizes, run in a folder that holds what the archive does."""
    root = tmp_path_factory.mktemp("mushrooms") / "蘑菇"
    photos = root / "photos"
    for genus, code in zip(GENERA, DRAWN, strict=True):
        (photos / "train" / genus).mkdir(parents=True)
        for number in range(EACH):
            picture(code, number, SIDE, seed=4).save(photos / "train" / genus / f"{number:02d}.png")
    # The public archive's test folder holds photos without a class.
    (photos / "test").mkdir()
    picture(DRAWN[0], 50, SIDE, seed=4).save(photos / "test/tum.png")
    params = read_yaml(ROOT / "params.yaml")["mushrooms"]
    params["fetch"] = {"sources": [{"kind": "folder", "path": str(photos)}]}
    params["weights"] = {"sources": [{"kind": "random", "network": "resnet50", "seed": 1}]}
    params["prepare"] |= {"duplicates": {"threshold": 20}, "split": {"folds": 2}, "views": {"count": 1}}
    params["extract"] |= {"image_size": SIDE}
    params["train_head"] |= {"epochs": 3}
    params["export"] |= {"check_photos": 2}
    with (root / "params.yaml").open("w", encoding="utf-8") as stream:
        YAML().dump({"tasks": ["mushrooms"], "mushrooms": params}, stream)
    shutil.copytree(ROOT / "tables", root / "tables")
    before = Path.cwd()
    os.chdir(root)
    try:
        for name in ARGUMENTS:
            run_stage(name, "mushrooms")
    finally:
        os.chdir(before)
        runtime.prepare()
    return root


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


def test_the_smoothing_floor_is_below_every_loss_of_the_curve(project):
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
    assert "mushrooms" not in params["tasks"], "its photos cannot be had everywhere"
    frozen, small = params["mushrooms"], params["mushrooms_mobilenet"]
    assert {key for key in frozen if frozen[key] != small[key]} == {"weights"}
    sources = [WeightsParams.model_validate(section["weights"]).sources for section in (frozen, small)]
    assert [{source.network for source in found} for found in sources] == [{"resnet50"}, {"mobilenet_v2"}]
    assert not [source for source in sources[0] if "resnet-50_209" in json.dumps(source.model_dump())]


def test_a_task_that_is_not_listed_says_how_to_list_it(project, monkeypatch):
    monkeypatch.chdir(ROOT)
    with pytest.raises(UserError, match="'mushrooms' is ready but not listed; add it: tasks: "):
        importlib.import_module("sortline.commands.summary").main(argparse.Namespace(task="mushrooms"))
