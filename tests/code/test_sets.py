"""Prediction sets: their scores, limits and coverage against counting, in the exported graph, and as they are said."""

import csv
import io
import json
import tracemalloc

import numpy as np
import pytest
from PIL import Image
from small_model import small_model
from test_predict import LABELS, write_export

from sortline import cli
from sortline.cli._shared.prediction_table import either
from sortline.evaluation import coverage
from sortline.export.classifier import Classifier
from sortline.features import sets

RNG = np.random.default_rng(0)


def drawn(count, classes=6, sharp=2.0):
    """Return probabilities, and labels that are drawn by them: the model is right about how often it is right."""
    logits = sharp * RNG.normal(size=(count, classes))
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    return probabilities, (probabilities.cumsum(1) > RNG.random((count, 1))).argmax(1)


def by_hand(row):
    """The definition, class by class: walk down the sorted probabilities."""
    found = np.empty(len(row))
    for index, own in enumerate(row):
        before = [other for other in row if other > own]
        found[index] = sum(before) + 0.1 * max(0, len(before) + 1 - 2)
    return found


def test_scores_are_the_probability_of_the_classes_before():
    probabilities, _ = drawn(20)
    probabilities[0] = 1 / 6  # as probable: none is before another
    expected = np.array([by_hand(row) for row in probabilities])
    assert sets.scores(probabilities) == pytest.approx(expected, abs=1e-12)
    assert (sets.scores(probabilities)[0] == 0).all()
    assert (sets.scores(probabilities)[np.arange(20), probabilities.argmax(1)] == 0).all()


def test_scores_of_many_classes_take_memory_for_one_number_a_class_not_one_a_pair():
    probabilities = RNG.dirichlet(np.ones(1000), 60)
    tracemalloc.start()
    found = sets.scores(probabilities)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 12 * probabilities.nbytes
    assert found[:2] == pytest.approx(np.array([by_hand(row) for row in probabilities[:2]]), abs=1e-12)


def test_a_limit_covers_as_many_as_it_says():
    probabilities, labels = drawn(4000)
    fresh, truth = drawn(20_000)
    found = sets.limits(labels, probabilities)
    assert list(found) == ["90", "95"] and found["90"] < found["95"]
    for level, limit in found.items():
        own = sets.scores(probabilities)[np.arange(4000), labels]
        rank = np.ceil(4001 * int(level) / 100)
        assert (own <= limit).sum() >= rank > (own < limit - 1e-4).sum()
        inside = sets.scores(fresh)[np.arange(len(truth)), truth] <= limit
        assert inside.mean() == pytest.approx(int(level) / 100, abs=0.015)


def test_of_too_few_photos_every_class_is_in():
    probabilities, labels = drawn(10)
    limit = sets.limits(labels, probabilities)["95"]  # no 11th of 10
    assert (sets.scores(probabilities) <= limit).all()


def test_coverage_is_counted():
    probabilities, labels = drawn(300)
    found = coverage.of(labels, probabilities, {"90": 0.5})["90"]
    held = [by_hand(row) <= 0.5 for row in probabilities]
    assert found["coverage"] == pytest.approx(np.mean([row[label] for row, label in zip(held, labels, strict=True)]))
    assert found["mean_size"] == pytest.approx(np.mean([row.sum() for row in held])) and found["n"] == 300
    assert found["one_class"] == pytest.approx(np.mean([row.sum() == 1 for row in held]))
    assert found["coverage_low"] < found["coverage"] < found["coverage_high"]
    assert coverage.of(labels, probabilities, {}) == {}


def test_out_of_fold_a_photos_own_fold_sets_no_limit():
    """The photos of fold 0 are all wrong: with limits of their own they would be covered."""
    probabilities, labels = drawn(400, sharp=6)
    folds = np.repeat([0, 1], (100, 300))
    labels[folds == 0] = probabilities[folds == 0].argmin(1)
    labels[folds == 1] = probabilities[folds == 1].argmax(1)
    found = coverage.out_of_fold(labels, probabilities, folds, np.arange(400))["95"]
    assert found["coverage"] == pytest.approx(0.75) and found["n"] == 400
    assert found["limit"] == sets.limits(labels, probabilities)["95"]


def careful(folder, **more):
    labels = LABELS | {"sets": {"90": 0.3, "95": 0.85}, "threshold": 0.999, **more}
    return write_export(folder, small_model(labels), labels)


def test_the_exported_graph_gives_the_scores_and_the_classifier_its_sets(tmp_path):
    classifier = Classifier(careful(tmp_path / "export"))
    sizes = set()
    for colour in 128 + RNG.integers(-110, 111, (30, 3)) // np.array([[1], [8], [30]]).repeat(10, 0):
        image = Image.new("RGB", (9, 7), tuple(colour.tolist()))
        probabilities, found = classifier._run(["probabilities", "set_scores"], image)
        assert found == pytest.approx(by_hand(probabilities), abs=1e-6)
        prediction, order = classifier(image, top=1), np.argsort(-probabilities, kind="stable")
        for level, limit in (("90", 0.3), ("95", 0.85)):
            codes = [LABELS["classes"][index]["code"] for index in order if by_hand(probabilities)[index] <= limit]
            assert [one["code"] for one in prediction.sets[level]] == codes
            assert prediction.as_dict()["sets"][level] == codes and codes[0] == prediction.label["code"]
        sizes.add(len(prediction.among))
    assert sizes == {1, 2, 3}


def test_a_model_without_sets_has_none(tmp_path):
    labels = LABELS | {"sets": {"95": 0.5}}
    prediction = Classifier(write_export(tmp_path / "old", labels=labels))(Image.new("RGB", (2, 2), "#0000ff"))
    assert prediction.sets == {} and prediction.among == (prediction.label,) and prediction.as_dict()["sets"] == {}
    prediction = Classifier(write_export(tmp_path / "older", small_model(), LABELS))(
        Image.new("RGB", (2, 2), "#0000ff")
    )
    assert prediction.sets == {}


def test_predict_says_which_classes_it_may_be(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    careful(tmp_path / "careful")
    Image.new("RGB", (8, 6), (130, 125, 60)).save("two.png")
    assert cli.main(["predict", "two.png", "--model", "careful", "--top", "1"]) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "two.png" in line]
    assert "not sure: Red 红 or Green 绿" in line
    assert cli.main(["predict", "two.png", "--model", "careful", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["sets"]["95"] == ["00_00", "00_01"]
    assert cli.main(["predict", "two.png", "--model", "careful", "--csv"]) == 0
    (row,) = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert row["set_95"] == "00_00 00_01"
    careful(tmp_path / "sure", threshold=0.1)
    assert cli.main(["predict", "two.png", "--model", "sure", "--top", "1"]) == 0
    assert " or " not in capsys.readouterr().out


def test_how_names_are_joined():
    assert [either(names) for names in (["A"], ["A", "B"], ["A", "B", "C"], list("ABCD"))] == [
        "A",
        "A or B",
        "A, B or C",
        "one of 4: A, B, C, D",
    ]
