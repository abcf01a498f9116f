"""Numbers against SciPy, scikit-learn, published values, or a calculation by hand."""

import math

import numpy as np
import pytest
from scipy.stats import bootstrap
from sklearn.metrics import confusion_matrix, f1_score, top_k_accuracy_score

from sortline.evaluation import metrics


def random_predictions(n: int, classes: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    return random.integers(0, classes, n), random.dirichlet(np.full(classes, 0.3), n)


@pytest.mark.parametrize(
    ("correct", "n", "low", "high"),
    [
        (0, 10, 0.0, 0.2775),  # Brown, Cai, DasGupta 2001 and every table since
        (10, 10, 0.7225, 1.0),
        (81, 263, 0.2553, 0.3662),  # Newcombe 1998, table I, method 3
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_matches_published_intervals(correct, n, low, high):
    assert metrics.wilson(correct, n) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(("correct", "n"), [(124, 130), (0, 1), (1, 1), (5, 5), (1234, 10000), (3, 7)])
def test_wilson_matches_the_formula(correct, n):
    z, share = 1.959963984540054, correct / n
    middle, half = share + z**2 / (2 * n), z * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    low, high = ((middle + sign * half) / (1 + z**2 / n) for sign in (-1, 1))
    assert metrics.wilson(correct, n) == pytest.approx((low, high), abs=1e-12)


def test_wilson_at_the_ends_is_exact_and_knows_nothing_of_nothing():
    assert all(metrics.wilson(0, n)[0] == 0.0 and metrics.wilson(n, n)[1] == 1.0 for n in range(1, 200))
    assert metrics.wilson(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize("arguments", [(5, 4), (-1, 4)])
def test_wilson_refuses_what_is_no_share(arguments):
    with pytest.raises(ValueError):
        metrics.wilson(*arguments)


@pytest.mark.parametrize(("classes", "k"), [(2, 1), (10, 1), (10, 5), (26, 5), (26, 25)])
def test_top_k_matches_scikit_learn(classes, k):
    labels, probabilities = random_predictions(400, classes)
    expected = top_k_accuracy_score(labels, probabilities[:, 1] if classes == 2 else probabilities, k=k,
                                    labels=range(classes))  # fmt: skip
    assert metrics.top_k(labels, probabilities, k).mean() == pytest.approx(expected)


def test_top_k_breaks_ties_as_argmax_does():
    probabilities = np.array([[0.4, 0.4, 0.2]] * 3)
    labels = np.arange(3)
    assert metrics.top_k(labels, probabilities, 1).tolist() == (probabilities.argmax(axis=1) == labels).tolist()
    assert metrics.top_k(labels, probabilities, 2).tolist() == [True, True, False]
    assert metrics.top_k(labels, probabilities, 3).all()


@pytest.mark.parametrize("classes", [2, 10, 26])
def test_confusions_and_macro_f1_match_scikit_learn(classes):
    labels, probabilities = random_predictions(60, classes)
    labels, predicted = labels.astype(np.uint8), probabilities.argmax(axis=1)
    expected = confusion_matrix(labels, predicted, labels=range(classes))
    np.testing.assert_array_equal(metrics.confusion(labels, predicted, classes), expected)
    assert metrics.macro_f1(labels, predicted) == pytest.approx(
        f1_score(labels, predicted, average="macro", zero_division=0), abs=1e-12
    )


def test_the_interval_by_scene_is_scipys_bootstrap():
    random = np.random.default_rng(1)
    scenes, correct = random.integers(0, 90, 400), random.random(400) < 0.8
    _, scene = np.unique(scenes, return_inverse=True)
    hits, sizes = np.bincount(scene, correct), np.bincount(scene)
    found = bootstrap(
        (hits, sizes), lambda a, b, axis: a.sum(axis) / b.sum(axis), paired=True, n_resamples=2000,
        method="percentile", rng=np.random.default_rng(0),
    ).confidence_interval  # fmt: skip
    share = metrics.share_by_scene(correct, scenes)
    assert (share["low"], share["high"]) == pytest.approx((found.low, found.high), abs=1e-12)


def test_macro_f1_counts_classes_that_occur():
    # Class 0: precision 1/2, recall 1 -> 2/3. Class 1: precision 1, recall 1/2 -> 2/3. Class 2, only ever
    # predicted: 0. Class 3 occurs nowhere.
    labels, predicted = np.array([0, 1, 1, 1, 1]), np.array([0, 0, 1, 1, 2])
    assert metrics.macro_f1(labels, predicted) == pytest.approx((2 / 3 + 2 / 3 + 0) / 3)
    assert metrics.macro_f1(np.array([3, 3]), np.array([3, 3])) == 1.0


def test_log_loss_is_the_mean_negative_log_of_the_truth():
    labels, probabilities = random_predictions(50, 7)
    expected = -np.mean([math.log(row[label]) for label, row in zip(labels, probabilities, strict=True)])
    assert metrics.log_loss(labels, probabilities) == pytest.approx(expected)


def test_log_loss_of_a_truth_given_no_chance_is_large_but_finite():
    assert 30 < metrics.log_loss(np.array([1]), np.array([[1.0, 0.0, 0.0]])) < 1000


def test_calibration_by_hand():
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.45, 0.55]])
    labels = np.array([0, 1, 0, 1])
    rows = metrics.calibration(labels, probabilities, bins=4)
    # (0.5, 0.75] holds 0.7 and 0.55, both right; (0.75, 1] holds 0.9 (right) and 0.8 (wrong).
    assert [row["n"] for row in rows] == [0, 0, 2, 2]
    assert [row["accuracy"] for row in rows] == [None, None, 1.0, 0.5]
    assert rows[2]["confidence"] == pytest.approx(0.625) and rows[3]["confidence"] == pytest.approx(0.85)
    assert (rows[3]["above"], rows[3]["upto"]) == (0.75, 1.0)
    assert (rows[3]["low"], rows[3]["high"]) == metrics.wilson(1, 2)
    assert metrics.ece(rows) == pytest.approx(0.5 * abs(1 - 0.625) + 0.5 * abs(0.5 - 0.85))


def test_calibration_bins_hold_their_upper_edge_and_lose_nobody():
    rows = metrics.calibration(np.array([0, 0, 0]), np.array([[0.5, 0.5], [1.0, 0.0], [0.75, 0.25]]), bins=4)
    assert [row["n"] for row in rows] == [0, 1, 1, 1]


def test_ece_matches_a_plain_loop():
    labels, probabilities = random_predictions(500, 6, seed=3)
    expected = 0.0
    for i in range(15):
        inside = [(p.max(), p.argmax() == y) for p, y in zip(probabilities, labels, strict=True)
                  if i / 15 < p.max() <= (i + 1) / 15]  # fmt: skip
        if inside:
            confidence, right = np.array(inside).mean(axis=0)
            expected += len(inside) / 500 * abs(confidence - right)
    assert metrics.ece(metrics.calibration(labels, probabilities)) == pytest.approx(expected)


def test_confusion_has_true_classes_in_rows_and_keeps_absent_ones():
    matrix = metrics.confusion(np.array([0, 0, 2]), np.array([0, 2, 2]), classes=4)
    assert matrix.tolist() == [[1, 0, 1, 0], [0, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]]


def test_confused_pairs_are_directed_and_most_first():
    matrix = np.array([[5, 1, 0], [2, 9, 1], [0, 0, 3]])
    pairs = metrics.confused_pairs(matrix, ["a", "b", "c"], limit=2)
    assert pairs == [
        {"truth": "b", "predicted": "a", "count": 2},
        {"truth": "a", "predicted": "b", "count": 1},
    ]
    assert metrics.confused_pairs(np.eye(3, dtype=int), ["a", "b", "c"], limit=5) == []


def small_summary(**more):
    """Four photos of four classes in two bins: right, wrong within the bin, wrong across bins, right."""
    labels = np.array([0, 0, 1, 3])
    duplicated = more.pop("duplicated", np.array([True, False, False, False]))
    return metrics.summary(labels, small_probabilities(), ["a", "b", "c", "d"], duplicated, **more)


def small_probabilities():
    probabilities = np.full((4, 4), 0.1)
    probabilities[np.arange(4), [0, 1, 2, 3]] = 0.7
    return probabilities


def test_summary_by_hand():
    result = small_summary(bin_of=np.array([0, 0, 1, 1]), bins=["x", "y"])
    assert result["n"] == 4 and result["n_deduplicated"] == 3
    assert result["accuracy"] == 0.5 and result["accuracy_deduplicated"] == pytest.approx(1 / 3)
    assert (result["accuracy_deduplicated_low"], result["accuracy_deduplicated_high"]) == metrics.wilson(1, 3)
    assert result["bin_accuracy"] == 0.75 and result["top5"] == 1.0
    assert result["per_bin"]["x"]["n"] == 3 and result["per_bin"]["x"]["accuracy"] == pytest.approx(2 / 3)
    assert result["per_class"]["a"]["accuracy"] == 0.5
    assert result["per_class"]["c"] == {"accuracy": None, "low": None, "high": None, "n": 0}
    assert result["confused_pairs"][0] == {"truth": "a", "predicted": "b", "count": 1}
    for name in ("accuracy", "accuracy_deduplicated", "top5", "bin_accuracy"):
        assert result[f"{name}_low"] <= result[name] <= result[f"{name}_high"]


def test_summary_without_duplicates_is_the_summary_of_the_rest():
    bins = {"bin_of": np.array([0, 0, 1, 1]), "bins": ["x", "y"]}
    reduced = small_summary(**bins)["deduplicated"]
    rest = metrics.summary(
        np.array([0, 1, 3]), small_probabilities()[1:], ["a", "b", "c", "d"], np.zeros(3, bool), **bins
    )
    for name in ("macro_f1", "log_loss", "ece", "per_class", "per_bin"):
        assert reduced[name] == rest[name]
    for name in ("top5", "bin_accuracy"):
        assert reduced[name] == {
            "accuracy": rest[name],
            "low": rest[f"{name}_low"],
            "high": rest[f"{name}_high"],
            "n": 3,
        }


@pytest.mark.parametrize("n", [1, 7, 130, 2125, 4999])
def test_percentages_of_a_rounded_file_are_those_of_the_counts(n):
    for correct in {0, 1, n // 3, n - n // 26, n}:
        low, high = metrics.wilson(correct, n)
        file = {"accuracy": round(correct / n, 4)}
        assert metrics.percentages(file, "accuracy", n) == (100 * correct / n, 100 * low, 100 * high)


def test_summary_without_bins_or_without_unduplicated_photos():
    result = small_summary(duplicated=np.ones(4, dtype=bool))
    assert not any("bin" in key for key in result)
    assert result["n_deduplicated"] == 0 and "deduplicated" not in result
    assert [result[f"accuracy_deduplicated{end}"] for end in ("", "_low", "_high")] == [None] * 3


def test_summary_refuses_arrays_that_disagree():
    with pytest.raises(ValueError):
        small_summary(duplicated=np.zeros(3, dtype=bool))
    with pytest.raises(ValueError):
        metrics.summary(np.zeros(0, int), np.zeros((0, 2)), ["a", "b"], np.zeros(0, bool))
