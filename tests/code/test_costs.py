"""Decisions of least expected cost against a search of all of them, and what the stage evaluate says of them."""

import numpy as np
import pytest
from pydantic import ValidationError
from test_evaluation import project, run_stage  # noqa: F401

from sortline._core import files
from sortline._core.errors import UserError
from sortline.config.evaluate import EvaluateParams
from sortline.data.prepared import Classes, Part
from sortline.evaluation import costs
from sortline.evaluation.predictions import Predictions
from sortline.features.answers import Familiar

BIN_OF = np.array([0, 0, 1, 2, 2])
CLASSES = Classes(list("abcde"), [{"id": one} for one in ("dry", "hazardous", "wet")], BIN_OF)


def test_the_matrix_has_what_is_named_and_else_1():
    assert costs.matrix_of({}, CLASSES).tolist() == [[0, 1, 1], [1, 0, 1], [1, 1, 0]]
    assert costs.matrix_of({"hazardous": 5}, CLASSES).tolist() == [[0, 1, 1], [5, 0, 5], [1, 1, 0]]
    whole = {"hazardous": {"wet": 10, "hazardous": 7}, "wet": {"dry": 0.5}}  # the own bin costs nothing
    assert costs.matrix_of(whole, CLASSES).tolist() == [[0, 1, 1], [1, 0, 10], [0.5, 1, 0]]


@pytest.mark.parametrize("given", [{"toxic": 5}, {"wet": {"toxic": 5}}])
def test_a_bin_that_is_none_is_said(given):
    with pytest.raises(UserError, match="no bin 'toxic'; there is: dry, hazardous, wet"):
        costs.matrix_of(given, CLASSES)
    with pytest.raises(UserError, match="needs a task whose classes have bins"):
        costs.matrix_of(given, Classes(["a"], [], None))


def test_no_other_decision_is_expected_to_cost_less():
    random = np.random.default_rng(0)
    probabilities, matrix = random.dirichlet(np.ones(5) / 2, 200), random.uniform(0, 9, (3, 3))
    np.fill_diagonal(matrix, 0)
    found = costs.least(probabilities, BIN_OF, matrix)
    for p, decided in zip(probabilities, found, strict=True):
        each = [sum(p[c] * matrix[BIN_OF[c], put] for c in range(5)) for put in range(3)]
        assert each[BIN_OF[decided]] == pytest.approx(min(each), abs=1e-12)
        assert p[decided] == max(p[c] for c in range(5) if BIN_OF[c] == BIN_OF[decided])
    assert (BIN_OF[found] != BIN_OF[probabilities.argmax(1)]).mean() > 0.1


def test_what_might_be_hazardous_goes_there_once_that_costs_enough():
    might = np.array([[0.7, 0.0, 0.3, 0.0, 0.0]])
    for cost, decided in ((1, 0), (2, 0), (3, 2)):  # 0.7 against 0.3 of the cost
        assert costs.least(might, BIN_OF, costs.matrix_of({"hazardous": cost}, CLASSES)) == [decided]


def test_the_summary_counts_what_was_paid():
    random = np.random.default_rng(1)
    labels, scenes = random.integers(0, 5, 60), np.repeat(np.arange(20), 3)
    probabilities = (random.dirichlet(np.ones(5), 60) + np.eye(5)[labels]) / 2
    matrix = costs.matrix_of({"hazardous": 4}, CLASSES)
    found = costs.summary(labels, probabilities, scenes, BIN_OF, matrix)
    paid = {}
    for name, decided in (
        ("most_probable", probabilities.argmax(1)),
        ("least_cost", costs.least(probabilities, BIN_OF, matrix)),
    ):
        paid[name] = [
            0 if BIN_OF[truth] == BIN_OF[one] else 4 if BIN_OF[truth] == 1 else 1
            for truth, one in zip(labels, decided, strict=True)
        ]
        score = found[name]
        assert score["cost"] == pytest.approx(np.mean(paid[name]))
        assert 0 <= score["cost_low"] <= score["cost"] <= score["cost_high"] <= 4
        assert score["accuracy"] == pytest.approx((decided == labels).mean())
        assert score["bin_accuracy"] == pytest.approx((BIN_OF[decided] == BIN_OF[labels]).mean())
    change = np.mean(paid["least_cost"]) - np.mean(paid["most_probable"])
    assert found["cost_difference"] == pytest.approx(change) and found["n"] == 60 and change != 0


def test_the_interval_of_a_cost_is_by_scene():
    """Twenty photos of a scene that all went wrong tell no more than one does."""
    probabilities = np.eye(5)[np.zeros(200, int)]
    labels = np.where(np.arange(200) < 20, 2, 0)
    matrix = costs.matrix_of({"hazardous": 4}, CLASSES)
    wide, narrow = (
        costs.summary(labels, probabilities, scenes, BIN_OF, matrix)["most_probable"]
        for scenes in (np.arange(200) // 20, np.arange(200))
    )
    assert wide["cost"] == narrow["cost"] == pytest.approx(0.4)
    assert wide["cost_high"] - wide["cost_low"] > 2 * (narrow["cost_high"] - narrow["cost_low"])


def test_where_nothing_is_wrong_the_cost_still_has_an_upper_end():
    labels = np.arange(5)
    matrix = costs.matrix_of({"hazardous": 4}, CLASSES)
    score = costs.summary(labels, np.eye(5), labels, BIN_OF, matrix)["least_cost"]
    assert (score["cost"], score["cost_low"]) == (0, 0) and 0 < score["cost_high"] < 4
    free = costs.summary(labels, np.eye(5), labels, BIN_OF, np.zeros((3, 3)))
    assert free["least_cost"]["cost"] == 0


@pytest.mark.parametrize("given", [{"wet": -1}, {"wet": "much"}, {"wet": {"dry": -1}}, 5])
def test_a_cost_is_no_less_than_nothing(given):
    with pytest.raises(ValidationError):
        EvaluateParams(bin_costs=given)


def test_evaluate_says_what_decisions_cost_where_it_is_asked(project, monkeypatch):  # noqa: F811
    assert run_stage(monkeypatch) == 0
    plain = files.read_json(project / "metrics" / "evaluate.json")
    files.write_text(project / "params.yaml", "tiny:\n  evaluate: {sheet_columns: 3, bin_costs: {wet: 20}}\n")
    assert run_stage(monkeypatch) == 0
    found = files.read_json(project / "metrics" / "evaluate.json")
    # All four may be wet by 0.05 or more, which at 20 is worse than what the rest of them is at 1.
    scores = found.pop("costs")
    assert found == plain and list(scores) == ["val"]  # nothing is known out of fold here
    before, after = scores["val"]["most_probable"], scores["val"]["least_cost"]
    assert (before["cost"], before["bin_accuracy"], before["accuracy"]) == (5, 0.75, 0.5)
    assert (after["cost"], after["bin_accuracy"], after["accuracy"]) == (0.75, 0.25, 0.25)
    assert scores["val"]["cost_difference"] == -4.25 and scores["val"]["n"] == 4


def test_a_bin_that_the_task_has_not_is_one_line(project, monkeypatch, capsys):  # noqa: F811
    files.write_text(project / "params.yaml", "tiny:\n  evaluate: {bin_costs: {hazardous: 5}}\n")
    assert run_stage(monkeypatch) == 2
    assert "evaluate.bin_costs: no bin 'hazardous'; there is: dry, wet" in capsys.readouterr().err


def test_of_train_it_is_what_was_not_trained_on_the_scene():
    labels, scenes = np.array([0, 2, 3]), np.array([4, 4, 9])
    nothing = np.zeros(3, bool)
    part = Part(list("xyz"), labels, labels, nothing, nothing, np.arange(3), scenes, 3)
    sure, unsure = np.eye(5)[labels], np.full((3, 5), 0.2)
    matrix = costs.matrix_of({}, CLASSES)
    both = costs.of(Predictions(part, CLASSES, sure), part, Familiar(labels, unsure, np.ones(3)), matrix)
    assert list(both) == ["val", "out_of_fold"] and both["val"]["least_cost"]["accuracy"] == 1
    assert both["out_of_fold"] == costs.summary(labels, unsure, scenes, BIN_OF, matrix)
    assert list(costs.of(Predictions(part, CLASSES, sure), part, None, matrix)) == ["val"]
