"""Choosing a backbone: who is best, who cannot be told from it, what is in reach, and what is written."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from own_photos import fill, shipped_project
from scipy.stats import norm
from test_export import LABELS

from sortline import cli
from sortline._core import files
from sortline._core.errors import UserError
from sortline.cli import backbones
from sortline.cli._shared import choosing, dvc, params_text
from sortline.config.base import load, read_yaml
from sortline.config.weights import WeightsParams
from sortline.data.split import Split
from sortline.evaluation.choice import LIMIT_OF_FEW, Cost, weigh
from sortline.features import candidates
from sortline.training import probe
from sortline.training.results import TrainingSet

QUICK = choosing.quick  # which shipped_project replaces
SCENES = np.repeat(np.arange(200), 2)  # two photos a scene


def hits(wrong: int, first: int = 0) -> np.ndarray:
    """400 photos, those of `wrong` scenes wrong, from scene `first` on."""
    correct = np.ones(400, bool)
    correct[2 * first : 2 * (first + wrong)] = False
    return correct


def costs(**bytes_in_8_bits: int) -> dict[str, Cost]:
    return {name: Cost(4 * size, size, 1.0) for name, size in bytes_in_8_bits.items()}


def test_the_smallest_that_cannot_be_told_from_the_best_is_recommended():
    correct = {"large": hits(10), "middle": hits(13, 1), "small": hits(60)}
    choice = weigh(correct, SCENES, costs(large=9, middle=5, small=2))
    assert (choice.best, choice.recommended) == ("large", "middle")
    assert list(choice.rows) == ["small", "middle", "large"]
    assert choice.rows["large"]["accuracy"] == pytest.approx(0.95)
    assert "p_holm" not in choice.rows["large"]
    # Paired by scene, by hand: 50 scenes of 200 lose both photos, two p corrected.
    lost = np.where(np.arange(200) < 60, -2.0, 0) - np.where(np.arange(200) < 10, -2.0, 0)
    error = np.sqrt(((lost - lost.mean()) ** 2).sum() * 200 / 199) / 400
    row = choice.rows["small"]
    assert row["difference"] == pytest.approx(-0.25)
    assert row["p_holm"] == pytest.approx(2 * 2 * norm.sf(0.25 / error), rel=1e-6)
    assert row["low"] < row["accuracy"] < row["high"]


def test_where_all_others_are_told_from_it_the_best_is_recommended():
    choice = weigh({"a": hits(2), "b": hits(70)}, SCENES, costs(a=9, b=1))
    assert choice.best == choice.recommended == "a"
    assert "the best" in backbones.sentence(choice)


def test_few_photos_take_what_is_better_by_more_than_a_standard_error():
    few, scenes = np.ones((2, 30), bool), np.arange(30)
    few[1, :2] = False
    correct, cost = {"a": few[0], "b": few[1]}, costs(a=9, b=1)
    assert weigh(correct, scenes, cost).recommended == "b"
    assert weigh(correct, scenes, cost, LIMIT_OF_FEW).recommended == "a"


def test_of_equals_the_smaller_is_best():
    assert weigh({"a": hits(5), "b": hits(5)}, SCENES, costs(a=9, b=1)).best == "b"


def training_set(features: np.ndarray, labels: np.ndarray) -> TrainingSet:
    pooled = np.stack([features, features], 1)[:, None].astype(np.float32)
    return TrainingSet(pooled, labels, np.arange(len(labels)) // 3 % 3, 3, np.arange(len(labels)))


def test_two_see_what_neither_sees_alone():
    generator = np.random.default_rng(0)
    labels = np.arange(90) % 3
    one, other = ((labels == k)[:, None] + generator.normal(0, 0.1, (90, 4)) for k in (0, 1))
    sets = {"a": training_set(one, labels), "b": training_set(other, labels)}
    shares = {names: hits.mean() for names, hits in probe.out_of_fold(sets).items()}
    assert set(shares) == {("a",), ("b",), ("a", "b")}
    assert shares["a", "b"] == 1 and max(shares["a",], shares["b",]) < 0.8
    assert set(probe.out_of_fold(sets, pairs=False)) == {("a",), ("b",)}


def test_in_reach_is_what_is_installed_in_the_data_folder_or_fetched_before(tmp_path, monkeypatch):
    installed = {"efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2"}
    assert set(candidates.in_reach(None, tmp_path)) == installed
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights/mobilenet_v2_1.0_224_imagenet.safetensors").write_bytes(b"x")
    assert set(candidates.in_reach(tmp_path, tmp_path)) == installed | {"mobilenet_v2"}
    fetched = {"network": "resnet50", "file": "backbone.ckpt", "release": "mindcv"}
    files.write_json(tmp_path / "w/t/backbone.json", fetched)
    files.write_json(tmp_path / "w/u/backbone.json", fetched | {"network": "resnet18", "file": None})  # random ones
    found = candidates.in_reach(None, tmp_path / "w")
    assert found["resnet50"] == tmp_path / "w/t" and set(found) == installed | {"resnet50"}


def test_features_are_made_once_and_again_when_what_they_are_made_of_changes(tmp_path, monkeypatch):
    made = []

    def extract(photos, views, params, weights, out):
        made.append(weights)
        (out).mkdir(parents=True, exist_ok=True)

    monkeypatch.setattr(candidates, "extract", extract)
    weights, out = tmp_path / "w", tmp_path / "out"
    files.write_json(weights / "backbone.json", {"sha256": "1"})
    photos = [candidates.Photo("a.png", tmp_path / "a.png", "0" * 64)]
    for times, change in ((1, None), (1, None), (2, "weights"), (3, "photos"), (4, "code")):
        if change == "weights":
            files.write_json(weights / "backbone.json", {"sha256": "2"})
        elif change == "photos":
            photos = [replace(photos[0], sha256="1" * 64)]
        elif change == "code":
            monkeypatch.setattr(candidates, "ROOMS", ("_core",))
        candidates.features("x", weights, photos, None, out)
        assert len(made) == times, change


@pytest.fixture
def project(tmp_path, monkeypatch):
    """The shipped project with prepared photos of `garbage`; comparing them gives the first test's choice."""
    root = shipped_project(tmp_path, monkeypatch)
    prepared = root / "data/prepared/garbage"
    files.write_csv(prepared / "images.csv", ("path", "sha256"), [("train/a.png", "0" * 64)])
    files.write_csv(prepared / "split.csv", ("image", "label"), [("train/a.png", 0)])
    files.write_json(prepared / "classes.json", LABELS)
    correct = {"mobilenet_v2+efficientnet_lite0": hits(10), "efficientnet_lite0": hits(40), "mobilenet_v2": hits(60)}
    cost = dict(zip(correct, (Cost(9, 8, 3), Cost(5, 4, 2), Cost(4, 3, 1)), strict=True))
    monkeypatch.setattr(choosing, "compared", lambda *_: weigh(correct, SCENES, cost))
    monkeypatch.setattr(dvc, "repro", lambda target: 0)
    return root


def test_the_verb_writes_metrics_and_figure_and_params_alone_on_use(project, capsys):
    before = Path("params.yaml").read_bytes()
    assert cli.main(["backbones", "garbage"]) == 0
    assert Path("params.yaml").read_bytes() == before
    said, found = capsys.readouterr().out, json.loads(Path("metrics/garbage/backbones.json").read_text())
    assert found["recommended"] == found["best"] == "mobilenet_v2+efficientnet_lite0"
    assert set(found["backbones"]) == {"mobilenet_v2", "efficientnet_lite0", found["best"]}
    assert "ms" not in json.dumps(found) and "milliseconds" not in json.dumps(found)
    assert "recommended: mobilenet_v2+efficientnet_lite0" in said and "Holm" in said
    assert Path("plots/garbage/backbones.png").read_bytes()[:4] == b"\x89PNG"

    assert cli.main(["backbones", "garbage", "--use"]) == 0
    assert load("garbage", "weights", WeightsParams).backbone == ["mobilenet_v2", "efficientnet_lite0"]
    lines = zip(before.decode().splitlines(), Path("params.yaml").read_text("utf-8").splitlines(), strict=True)
    changed = [(old, new) for old, new in lines if old != new]
    ((old, new),) = changed
    assert new == old.replace("efficientnet_lite1", "[mobilenet_v2, efficientnet_lite0]", 1)


def test_a_task_without_a_head_or_with_weights_of_its_own_is_refused_at_once(project, monkeypatch):
    monkeypatch.setattr(choosing, "compared", None)
    with pytest.raises(UserError, match="'digits' has no head"):
        cli.main(["backbones", "digits"])
    text = Path("params.yaml").read_text("utf-8")
    drawn = text.replace("{backbone: efficientnet_lite0}", "{backbone: mobilenet_v2, release: random}")
    Path("params.yaml").write_text(drawn, "utf-8")
    with pytest.raises(UserError, match="sample.weights.release belongs to its backbone"):
        cli.main(["backbones", "sample", "--use"])


TEXTS = {
    "a: {b: {c: 1, d: x}}  # e\n": "a: {b: {c: 1, d: [y, z]}}  # e\n",
    "a:\n  b:\n    d: x   # why\n    c: 1\n": "a:\n  b:\n    d: [y, z]   # why\n    c: 1\n",
    "a:\n  b:\n    d: [x, w]  # two\n": "a:\n  b:\n    d: [y, z]  # two\n",
    "a:\n  b:\n    d:\n      - x\n      - w\n\n# end\n": "a:\n  b:\n    d:\n      [y, z]\n\n# end\n",
}


@pytest.mark.parametrize(("before", "after"), TEXTS.items())
def test_a_value_is_set_and_nothing_else_changes(before, after):
    assert params_text.set_value(before, ("a", "b", "d"), ["y", "z"]) == after


@pytest.mark.parametrize("text", ["a: {b: {c: 1}}\n", "a: 3\n", "a: {b: &x {d: 1}}\ne: *x\n"])
def test_a_value_that_cannot_be_set_is_left_to_the_user(text):
    with pytest.raises(UserError, match="set a.b.d by hand"):
        params_text.set_value(text, ("a", "b", "d"), "y")


def test_new_says_what_it_chose_and_why(project, tmp_path, capsys):
    from own_photos import fill

    folder = fill(tmp_path / "p", {"a": 6, "b": 6})
    cli.main(["new", "mine", str(folder)])
    assert "weights.backbone: mobilenet_v2  (best of some)" in capsys.readouterr().out
    assert load("mine", "weights", WeightsParams).backbone == "mobilenet_v2"
    assert "best of some" in Path("params.yaml").read_text("utf-8")
    cli.main(["new", "yours", str(folder), "--backbone", "efficientnet_lite1"])
    assert read_yaml(Path("params.yaml"))["yours"]["weights"] == {"backbone": "efficientnet_lite1"}
    with pytest.raises(UserError, match="no backbone 'vgg'"):
        cli.main(["new", "theirs", str(folder), "--backbone", "vgg"])


def test_of_many_classes_new_looks_at_some(monkeypatch):
    label = np.repeat(np.arange(120), 60)
    fold, sides = np.arange(label.size) % 5, np.full(label.size, "train")
    split = Split(label, sides, sides, fold, fold, fold == 9, fold == 9)
    photos = [SimpleNamespace(path=f"{i}.jpg", sha256=f"{i}") for i in range(label.size)]
    audit = SimpleNamespace(photos=photos, folder=Path("p"), duplicates=SimpleNamespace(scene=np.arange(label.size)))

    def compared(reach, photos, training_set, kept, few):
        data = training_set(kept)
        seen = label[[int(photo.sha256) for photo in photos]]
        assert len(photos) == 50 * 40 and data.classes == len(set(seen)) == 50
        # The classes are numbered anew, in their order, and no photo of one is taken for another's.
        assert (np.unique(seen)[data.labels] == seen).all() and (np.bincount(data.labels) == 40).all()
        assert (data.folds == fold[[int(photo.sha256) for photo in photos]]).all()
        return SimpleNamespace(rows={"a": {"accuracy": 0.9, "n": len(photos)}}, best="a", recommended="a")

    monkeypatch.setattr(choosing, "in_reach", lambda: {"a": None, "b": None})
    monkeypatch.setattr(choosing, "compared", compared)
    monkeypatch.setattr("sortline.features.store.FeatureStore.read", lambda *_: np.zeros((50 * 40, 1, 2, 3)))
    assert QUICK(audit, split) == ("a", "90% out of fold on 2,000 photos of 50 classes, the best of 2")


@pytest.mark.slow
def test_new_compares_the_backbones_that_are_installed(tmp_path, monkeypatch, capsys):
    shipped_project(tmp_path, monkeypatch)
    monkeypatch.setattr(choosing, "quick", QUICK)
    assert cli.main(["new", "mine", str(fill(tmp_path / "p", {"a": 6, "b": 6}))]) == 0
    said = capsys.readouterr().out
    chosen = load("mine", "weights", WeightsParams).backbone
    assert chosen in choosing.in_reach() and f"weights.backbone: {chosen}  (" in said
