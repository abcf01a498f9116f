"""Classes of very different size: what accuracy hides is shown by metrics, summary, card and `sortline new`."""

import numpy as np
import pytest
from own_photos import fill, shipped_project
from sklearn.metrics import balanced_accuracy_score
from test_card import card

from sortline import cli
from sortline._core.files import write_metrics
from sortline.config.base import load
from sortline.config.training import TrainHeadParams
from sortline.data.audit import audit_folder
from sortline.data.audit_report import describe
from sortline.evaluation import metrics

PERCENT = {"accuracy": 0.9877, "accuracy_low": 0.9, "accuracy_high": 1.0}


def test_macro_recall_is_scikit_learns_balanced_accuracy():
    random = np.random.default_rng(0)
    labels, predicted = random.choice(4, 200, p=[0.9, 0.06, 0.03, 0.01]), random.integers(0, 4, 200)
    assert metrics.macro_recall(labels, predicted) == pytest.approx(balanced_accuracy_score(labels, predicted))
    assert metrics.macro_recall(np.array([2, 2]), np.array([2, 0])) == 0.5


def test_one_answer_for_all_is_found_out():
    labels = np.array([1] * 80 + [0])
    always = np.tile([0.1, 0.8, 0.1], (81, 1))
    found = metrics.summary(labels, always, ["defect", "ok", "none"], np.zeros(81, bool))
    assert found["accuracy"] == pytest.approx(80 / 81) == found["majority_share"]
    assert (found["macro_recall"], found["majority_class"], found["never_predicted"]) == (0.5, "ok", ["defect"])
    named = metrics.balance(labels, np.where(np.arange(81) == 3, 0, 1), ["defect", "ok", "none"])
    assert named["never_predicted"] == []  # answered, if wrongly; `none` has no photo that it could be the answer to


def test_the_summary_says_it(tmp_path, monkeypatch, capsys):
    root = shipped_project(tmp_path, monkeypatch)
    found = {"n": 81, "n_deduplicated": 0, "macro_recall": 0.5, "majority_class": "ok", "majority_share": 80 / 81}
    write_metrics(root / "metrics/sample/evaluate.json", found | PERCENT | {"never_predicted": ["defect"]})
    cli.main(["summary", "--task", "sample"])
    said = capsys.readouterr().out
    assert "macro recall      50.0 %" in said and "98.8 % are 'ok'" in said
    assert "never answered    defect" in said


def test_the_card_says_it():
    def never(measured):
        measured["evaluate"] |= {"never_predicted": ["Hats", "Broom"]}

    assert "0.877" in card() and "31.2 % are of the largest class, Cans" in card()
    assert "Never answered" not in card() and "**Never answered: Hats, Broom.**" in card(never)


def test_new_warns_and_puts_balanced_weights_one_word_away(tmp_path, monkeypatch, capsys):
    root = shipped_project(tmp_path, monkeypatch)
    cli.main(["new", "rare", str(fill(tmp_path / "rare", {"ok": 40, "defect": 4}))])
    assert "WARNING: 'ok' has 10 times the photos of 'defect'" in capsys.readouterr().out
    text = (root / "params.yaml").read_text(encoding="utf-8")
    assert load("rare", "train_head", TrainHeadParams).class_weights == "none"
    start = text.index("\nrare:")
    (root / "params.yaml").write_text(
        text[:start] + text[start:].replace("class_weights: none", "class_weights: balanced"), encoding="utf-8"
    )
    assert load("rare", "train_head", TrainHeadParams).class_weights == "balanced"


def test_nine_times_is_no_reason_to_warn(tmp_path):
    assert not any("WARNING" in line for line in describe(audit_folder(fill(tmp_path / "p", {"ok": 36, "rare": 4}))))
    given = fill(tmp_path / "q", {"train/ok": 40, "train/rare": 4, "val/ok": 2, "val/rare": 2})
    assert sum("WARNING" in line for line in describe(audit_folder(given))) == 1
