"""What predictions are worth: accuracies with their intervals, macro-F1, log-loss, calibration, confusions.

Everywhere: `labels` int (n,), class indices; `probabilities` float (n, classes), rows summing to 1. The
prediction is the class of highest probability, the first of them in a tie.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.special import ndtri

from sortline._core import arrays
from sortline._core.doubt import Threshold, sure

# Their intervals are of draws of scenes: there is no count of independent photos to work them out from.
BY_SCENE = ("cv_accuracy", "cv_scene_accuracy", "cv_given_accuracy", "given_accuracy")
DRAWS, AT_A_TIME = 2000, 2**24  # of scenes; so many scenes are drawn at a time: 128 MB
TOP = 5  # the k of top-5; tasks of fewer classes take all of them


def wilson(correct: int, n: int) -> tuple[float, float]:
    """Return Wilson's 95 % score interval (low, high) for a share of `correct` out of `n`; (0, 1) for n = 0.

    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).
    Raises ValueError unless 0 <= correct <= n.
    """
    if n == 0:
        return 0.0, 1.0
    if not 0 <= correct <= n:
        raise ValueError(f"{correct} of {n}")
    # Not by scipy.stats, which takes as long to load as a head to train.
    p, z = correct / n, float(ndtri(0.975))
    middle, half = p + z**2 / (2 * n), z * (p * (1 - p) / n + z**2 / (4 * n**2)) ** 0.5
    low, high = (middle - half) / (1 + z**2 / n), (middle + half) / (1 + z**2 / n)
    return low if correct else 0.0, high if correct < n else 1.0


def top_k(labels: np.ndarray, probabilities: np.ndarray, k: int) -> np.ndarray:
    """Return bool (n,): is the true class among the `k` most probable? Ties go to the lower class index."""
    own = np.take_along_axis(probabilities, labels[:, None], axis=1)
    before = np.arange(probabilities.shape[1]) < labels[:, None]
    rank = np.sum((probabilities > own) | ((probabilities == own) & before), axis=1)
    return rank < k


def macro_f1(labels: np.ndarray, predicted: np.ndarray) -> float:
    """Return the mean F1 over the classes in `labels` or in `predicted`; one predicted but never true counts as 0."""
    matrix = confusion(labels, predicted, int(max(labels.max(), predicted.max())) + 1)
    photos = matrix.sum(0) + matrix.sum(1)
    return float(np.mean(2 * np.diag(matrix)[photos > 0] / photos[photos > 0]))


def macro_recall(labels: np.ndarray, predicted: np.ndarray) -> float:
    """Return the mean, over the classes in `labels`, of the share of a class's photos that is correct; also called
    balanced accuracy (Brodersen et al. 2010, ICPR)."""
    return float(np.mean([np.mean(predicted[labels == c] == c) for c in np.unique(labels)]))


def balance(labels: np.ndarray, predicted: np.ndarray, names: Sequence[str]) -> dict[str, Any]:
    """Return what accuracy hides where classes differ in size: the largest class and its share, by which one answer for
    all would be correct, and the classes in `labels` that are never predicted."""
    counts = np.bincount(labels, minlength=len(names))
    never = sorted({*labels.tolist()} - {*predicted.tolist()})
    return {
        "majority_class": names[int(counts.argmax())],
        "majority_share": float(counts.max() / len(labels)),
        "never_predicted": [names[c] for c in never],
    }


def log_loss(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Return the mean negative log of the true class's probability, in nats (0 is taken as the smallest step)."""
    return arrays.log_loss(labels, arrays.logits(probabilities))


def calibration(labels: np.ndarray, probabilities: np.ndarray, bins: int = 15) -> list[dict[str, Any]]:
    """Group photos by confidence, the probability of the predicted class, into `bins` bins of equal width.

    Returns a row a bin: its edges (`above`, `upto`], the mean `confidence` (None without photos), and what `share` has.
    Source: Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, section 2 (there too 15 bins).
    """
    edges = np.linspace(0, 1, bins + 1)
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == labels
    index = np.searchsorted(edges[1:-1], confidence, side="left")
    rows = []
    for i in range(bins):
        inside = index == i
        mean = float(confidence[inside].mean()) if inside.any() else None
        rows.append(
            {"above": float(edges[i]), "upto": float(edges[i + 1]), "confidence": mean, **share(correct[inside])}
        )
    return rows


def ece(rows: Sequence[dict[str, Any]]) -> float:
    """Return the expected calibration error of `calibration`'s rows: mean |accuracy - confidence| over photos."""
    filled = [row for row in rows if row["n"]]
    return sum(row["n"] * abs(row["accuracy"] - row["confidence"]) for row in filled) / sum(row["n"] for row in filled)


def confusion(labels: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Return int (classes, classes): photos of true class (row) predicted as class (column)."""
    # Neither this nor F1 by scikit-learn, which takes longer to load than all the rest of an evaluation takes.
    cells = np.ravel_multi_index((labels, predicted), (classes, classes))
    return np.bincount(cells, minlength=classes**2).reshape(classes, classes)


def confused_pairs(matrix: np.ndarray, names: Sequence[str], limit: int) -> list[dict[str, Any]]:
    """Return the `limit` most frequent errors {truth, predicted, count}, highest count first, then in label order."""
    pairs = [
        {"truth": names[row], "predicted": names[column], "count": int(matrix[row, column])}
        for row, column in np.argwhere(matrix)
        if row != column
    ]
    return sorted(pairs, key=lambda pair: -pair["count"])[:limit]


def share(correct: np.ndarray) -> dict[str, Any]:
    """Return {accuracy, low, high, n} of a bool array, 95 % Wilson; the first three are None where it is empty."""
    n, hits = len(correct), int(np.sum(correct))
    low, high = wilson(hits, n) if n else (None, None)
    return {"accuracy": hits / n if n else None, "low": low, "high": high, "n": n}


def share_by_scene(correct: np.ndarray, scenes: np.ndarray) -> dict[str, Any]:
    """Return {accuracy, low, high, n, scenes} of a bool array (n,) whose photos are not independent: `scenes` int (n,)
    numbers what they show.

    The 95 % interval is of draws of whole scenes, the cluster bootstrap: Field and Welsh 2007, "Bootstrapping clustered
    data", JRSS B 69.
    """
    hits, sizes = _per_scene(correct, scenes)
    low, high = _resampled(lambda a, b, axis: a.sum(axis) / b.sum(axis), hits, sizes)
    return {"accuracy": float(np.mean(correct)), "low": low, "high": high, "n": len(correct), "scenes": len(sizes)}


def share_of_scenes(correct: np.ndarray, scenes: np.ndarray) -> dict[str, Any]:
    """Return {accuracy, low, high, n} with each scene counted once, by the share of its photos that is correct; `n`
    counts scenes."""
    hits, sizes = _per_scene(correct, scenes)
    low, high = _resampled(lambda a, b, axis: (a / b).mean(axis), hits, sizes)
    return {"accuracy": float((hits / sizes).mean()), "low": low, "high": high, "n": len(sizes)}


def _per_scene(correct: np.ndarray, scenes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    _, scene = np.unique(scenes, return_inverse=True)
    return np.bincount(scene, correct), np.bincount(scene)


def _resampled(statistic: Any, hits: np.ndarray, sizes: np.ndarray) -> tuple[float, float]:
    """Return the 95 % percentile interval of `statistic` over DRAWS seeded draws of scenes."""
    if len(sizes) < 2 or (hits == sizes).all() or not hits.any():
        # All draws would be the same: Wilson's interval of as many scenes.
        return wilson(len(sizes) if hits.any() else 0, len(sizes))
    generator, found = np.random.default_rng(0), []
    for some in np.array_split(np.arange(DRAWS), -(-DRAWS * len(sizes) // AT_A_TIME)):
        drawn = generator.integers(0, len(sizes), (len(some), len(sizes)))
        found.append(statistic(hits[drawn], sizes[drawn], axis=-1))
    low, high = np.percentile(np.concatenate(found), [2.5, 97.5])
    return float(low), float(high)


def named(score: dict[str, Any], name: str, n: str | None = None) -> dict[str, Any]:
    """Return what `share` found as keys of a metrics file: `name`, `name`_low, `name`_high, and the count as `n`; of
    `share_by_scene` also `name`_scenes."""
    keys = {name: score["accuracy"], f"{name}_low": score["low"], f"{name}_high": score["high"]}
    keys |= {f"{name}_scenes": score["scenes"]} if "scenes" in score else {}
    return keys | ({n: score["n"]} if n else {})


def percentages(metrics: dict[str, Any], key: str, n: int) -> tuple[float, float, float]:
    """Return (accuracy, low, high) in percent, for people, of `key` in a metrics file; `n`: of how many it is a share.

    Worked out anew from the count: rounded to the file's 4 decimals and again to one, 98.346 would be shown as 98.4.
    """
    if key in BY_SCENE:
        value, low, high = (100 * metrics[name] for name in (key, f"{key}_low", f"{key}_high"))
        return value, low, high
    correct = round(metrics[key] * n)
    low, high = wilson(correct, n)
    return 100 * correct / n, 100 * low, 100 * high


def answered(labels: np.ndarray, probabilities: np.ndarray, threshold: Threshold) -> dict[str, Any]:
    """Return what saying "not sure" below `threshold` does: the share answered, and how many of those are correct."""
    inside = sure(probabilities.max(axis=1), threshold)
    score = share((probabilities.argmax(axis=1) == labels)[inside])
    return {
        "threshold": threshold,
        "answered": float(inside.mean()),
        **named(score, "answered_accuracy", "answered_n"),
    }


def shares_by(correct: np.ndarray, groups: np.ndarray, names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return `share` of each group by name; `groups` int (n,) indexes `names`."""
    return {name: share(correct[groups == i]) for i, name in enumerate(names)}


def summary(
    labels: np.ndarray,
    probabilities: np.ndarray,
    classes: Sequence[str],
    duplicated: np.ndarray,
    *,
    bin_of: np.ndarray | None = None,
    bins: Sequence[str] = (),
    ece_bins: int = 15,
    worst_pairs: int = 5,
) -> dict[str, Any]:
    """Return the metrics of an evaluation, every accuracy with its `_low` and `_high`.

    `classes` names by label; `duplicated` bool (n,): a duplicate is in train, so `accuracy_deduplicated` and
    `deduplicated` leave the photo out (None, and not there, if that leaves none). With `bins` (ids) and `bin_of` int
    (classes,) also `bin_accuracy`. Raises ValueError without photos or on shapes that disagree.
    """
    n = len(labels)
    if n == 0 or probabilities.shape != (n, len(classes)) or duplicated.shape != (n,):
        raise ValueError(f"summary: labels {labels.shape}, probabilities {probabilities.shape}, {len(classes)} classes")
    predicted = probabilities.argmax(axis=1)
    correct = predicted == labels
    accuracies = {
        "accuracy": correct,
        "accuracy_deduplicated": correct[~duplicated],
        "top5": top_k(labels, probabilities, min(TOP, len(classes))),
    }
    if bin_of is not None:
        accuracies["bin_accuracy"] = bin_of[predicted] == bin_of[labels]

    def scores(kept: np.ndarray) -> dict[str, Any]:
        rows = calibration(labels[kept], probabilities[kept], ece_bins)
        found = {
            "macro_f1": macro_f1(labels[kept], predicted[kept]),
            "macro_recall": macro_recall(labels[kept], predicted[kept]),
            "log_loss": log_loss(labels[kept], probabilities[kept]),
            "ece": ece(rows),
            "per_class": shares_by(correct[kept], labels[kept], classes),
        }
        if bin_of is not None:
            found["per_bin"] = shares_by(accuracies["bin_accuracy"][kept], bin_of[labels[kept]], bins)
        return found

    result: dict[str, Any] = {
        "n": n,
        "n_deduplicated": int(np.sum(~duplicated)),
        "confused_pairs": confused_pairs(confusion(labels, predicted, len(classes)), classes, worst_pairs),
        **balance(labels, predicted, classes),
        **scores(np.ones(n, bool)),
    }
    for name, hits in accuracies.items():
        result |= named(share(hits), name)
    if not duplicated.all():
        hits = {name: value[~duplicated] for name, value in accuracies.items() if name in ("top5", "bin_accuracy")}
        result["deduplicated"] = {name: share(value) for name, value in hits.items()} | scores(~duplicated)
    return result
