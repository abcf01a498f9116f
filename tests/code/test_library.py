"""From Python: a classifier's features and explanations; `extract`, `fit_head`, `evaluate`; the estimator."""

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from command_line import sortline as command
from onnx import numpy_helper
from PIL import Image
from sklearn.datasets import make_blobs
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, log_loss
from sklearn.utils.estimator_checks import check_estimator
from test_predict import colour_model, write_export

import sortline
from sortline.config.augment import ViewParams
from sortline.config.extract import ExtractParams
from sortline.data.prepared import Photo
from sortline.data.sources.toy import picture

ROOT = Path(__file__).parents[2]
RELEASED = ROOT / "release/garbage"
# Of scikit-learn's checks; none is expected to fail.
SKIPPED_BY_SCIKIT_LEARN = {"check_array_api_input"}


@pytest.fixture(scope="module")
def drawings(tmp_path_factory):
    """Three drawings of several sizes as files."""
    folder = tmp_path_factory.mktemp("照片")
    for number, side in enumerate((60, 240, 501)):
        picture("star", number, side, 1).save(folder / f"{number}.jpg")
    return sorted(folder.iterdir())


def test_python_gives_what_predict_prints_to_the_last_digit(drawings):
    code, out, err = command("predict", *map(str, drawings), "--json", "--model", str(RELEASED))
    assert code == 0, err
    predictions = sortline.load(RELEASED).predict(drawings)
    assert [{"photo": path.as_posix(), **one.as_dict()} for path, one in zip(drawings, predictions, strict=True)] == (
        json.loads(out)
    )


def test_one_photo_and_several_of_every_kind(tmp_path):
    model = sortline.load(write_export(tmp_path / "export"))
    red = Image.new("RGB", (3, 2), "red")
    red.save(tmp_path / "red.png")
    kinds = [red, np.asarray(red), tmp_path / "red.png", str(tmp_path / "red.png")]
    assert [model.predict(one) for one in kinds] == model.predict(kinds) == model.predict(tuple(kinds))
    assert model.predict(np.stack([np.asarray(red)] * 2)) == [model.predict(red)] * 2
    assert model.predict([]) == [] and model(red) == model.predict(red)
    assert model.predict(np.zeros((2, 2), np.uint8) + 7) == model.predict(Image.new("L", (2, 2), 7))


@pytest.mark.parametrize(
    "photo", [np.zeros((2, 2, 3)), np.zeros((2, 2, 5), np.uint8), np.zeros((0, 2, 3), np.uint8), 7, None]
)
def test_what_is_no_photo_is_said_in_a_line(tmp_path, photo):
    model = sortline.load(write_export(tmp_path / "export"))
    with pytest.raises(sortline.BadImage) as error:
        model.predict(photo)
    assert "\n" not in str(error.value)


def test_features_are_those_by_which_similarity_is_told(drawings):
    """Once more in NumPy from the features: the cosine to the nearest train photo, by what is kept in the model."""
    model = sortline.load(RELEASED)
    kept = {one.name: numpy_helper.to_array(one) for one in onnx.load(RELEASED / "model_int8.onnx").graph.initializer}
    kept = {name.removeprefix("net/similarity/"): array for name, array in kept.items()}
    axes, rows = (kept[f"{name}8"] * kept[f"{name}_step"] for name in ("axes", "rows"))
    features = model.features(drawings)
    assert features.shape == (3, 1280) and features.dtype == np.float32
    places = (features - kept["center"]) @ axes
    cosines = (places / np.linalg.norm(places, axis=1, keepdims=True)) @ rows
    said = [prediction.similarity for prediction in model.predict(drawings)]
    assert said == pytest.approx(cosines.max(1), abs=1e-4)
    assert np.array_equal(model.features(drawings[0]), features[0])


def test_a_model_without_features_says_so(tmp_path):
    with pytest.raises(sortline.UserError, match="no features"):
        sortline.load(write_export(tmp_path / "export")).features(Image.new("RGB", (2, 2)))


def test_an_explanation_is_where_the_class_is(tmp_path):
    model = sortline.load(write_export(tmp_path / "export", colour_model(cam=True)))
    pixels = np.zeros((4, 6, 3), np.uint8)
    pixels[0, 0], pixels[3, 5] = (200, 0, 0), (0, 90, 0)
    why = model.explain(pixels)
    assert why.label["en"] == "Red" and np.array_equal(why.evidence, pixels[..., 0])
    assert np.array_equal(model.explain(pixels, "00_01").evidence, pixels[..., 1])
    assert why.picture().size == (6, 4)
    with pytest.raises(sortline.UserError, match="no class 'x'; there are: 00_00, 00_01"):
        model.explain(pixels, "x")
    with pytest.raises(sortline.UserError, match="not linear"):
        sortline.load(write_export(tmp_path / "plain")).explain(pixels)


@pytest.mark.slow  # it compiles a backbone twice
def test_extract_gives_what_the_stage_keeps(drawings, tmp_path):
    from sortline.backbones import weights
    from sortline.config.weights import WeightsParams
    from sortline.features.extraction import extract as stage

    weights.fetch("efficientnet_lite0", WeightsParams(backbone="efficientnet_lite0"), tmp_path / "w", tmp_path, None)
    photos = [Photo(path.name, path, "0" * 64) for path in drawings]
    stage(photos, ViewParams(count=1), ExtractParams(), tmp_path / "w", tmp_path / "features")
    kept = np.load(tmp_path / "features/pooled.npy")[:, 0]
    assert np.array_equal(sortline.extract(drawings), kept[:, 0])
    both = sortline.extract([Image.open(drawings[0])], pool="mean+max")
    assert np.array_equal(both, kept[:1].reshape(1, -1))
    assert sortline.extract([]).shape == (0, 1280)
    with pytest.raises(sortline.UserError, match="backbone"):
        sortline.extract(drawings, backbone="none_such")


def test_a_head_is_fitted_and_scored_on_rows_it_has_not_seen():
    features, index = make_blobs(120, 8, centers=4, cluster_std=4.0, random_state=0)
    labels = np.array(["ant", "bee", "cat", "dog"])[index]
    head = sortline.fit_head(features, labels)
    assert head.classes.tolist() == ["ant", "bee", "cat", "dog"] and head.out_of_fold.shape == (120, 4)
    assert (head.predict(features) == labels).mean() >= (head.classes[head.out_of_fold.argmax(1)] == labels).mean()
    score = sortline.evaluate(labels, head.out_of_fold, head.classes)
    said = head.classes[head.out_of_fold.argmax(1)]
    assert score.accuracy.accuracy == accuracy_score(labels, said) and score.accuracy.n == 120
    assert score.macro_f1 == pytest.approx(f1_score(labels, said, average="macro"))
    assert score.log_loss == pytest.approx(log_loss(labels, head.out_of_fold), abs=1e-6)
    assert np.array_equal(score.confusion, confusion_matrix(labels, said))
    assert {name: one.n for name, one in score.per_class.items()} == dict.fromkeys(head.classes, 30)
    assert sortline.evaluate(index, head.out_of_fold).accuracy == score.accuracy


def test_rows_of_one_group_come_into_one_fold():
    """Labels that nothing but the group tells: out of fold they cannot be known, photo by photo they can."""
    generator = np.random.default_rng(0)
    scenes = np.repeat(np.arange(40), 4)
    features = generator.normal(size=(40, 16))[scenes] + generator.normal(scale=0.01, size=(160, 16))
    labels = generator.permutation(np.repeat([0, 1], 20))[scenes]
    apart, mixed = (sortline.fit_head(features, labels, groups=g, lbfgs_c=[100.0]) for g in (scenes, None))
    assert (mixed.out_of_fold.argmax(1) == labels).mean() > 0.9 > 0.7 > (apart.out_of_fold.argmax(1) == labels).mean()


@pytest.mark.parametrize(
    ("labels", "more", "said"),
    [([0] * 6, {}, "1 class"), ([0, 0, 0, 0, 0, 1], {}, "class 1 has one row"), ([0, 1] * 3, {"lr": -1}, "lr"),
     ([0, 1] * 3, {"no_such": 1}, "no_such"), ([0, 1] * 3, {"groups": [0] * 6}, "fold"),
     ([0, 1] * 3, {"folds": 1}, "fold"), ([0, 1] * 3, {"groups": [0, 1] * 3}, "fold"), ([0, 1] * 2, {}, "4 labels")],
)  # fmt: skip
def test_mistakes_are_one_line(labels, more, said):
    with pytest.raises(sortline.UserError, match=said):
        sortline.fit_head(np.eye(6), labels, **more)


def test_evaluate_refuses_what_does_not_fit():
    for labels, shape in (([0, 1], (3, 2)), ([0, 2], (2, 2)), ([], (0, 2))):
        with pytest.raises(sortline.UserError, match="evaluate"):
            sortline.evaluate(labels, np.full(shape, 0.5))


def test_the_estimator_keeps_scikit_learns_conventions():
    checks = check_estimator(sortline.SortlineClassifier(folds=2, lbfgs_c=(1.0,)), on_fail="raise", on_skip=None)
    assert {one["check_name"] for one in checks if one["status"] != "passed"} <= SKIPPED_BY_SCIKIT_LEARN
    assert len(checks) > 50


def test_the_other_optimizers_and_their_keys_fit_a_head_too():
    features, labels = make_blobs(60, 8, centers=3, cluster_std=1.0, random_state=1)
    head = sortline.fit_head(features, labels, folds=2, optimizer="adam", lr=0.1, epochs=15, batch_size=20)
    score = sortline.evaluate(labels, head.out_of_fold)
    assert score.accuracy.accuracy > 0.9 and head.predict(features).shape == (60,)
    found = sortline.SortlineClassifier("adam", folds=2, params={"epochs": 15, "batch_size": 20}).fit(features, labels)
    assert found.score(features, labels) > 0.9
