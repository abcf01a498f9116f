"""Two sets of predictions of the same photos: which is correct where, and whether the difference may be chance."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sortline._core.errors import UserError
from sortline._core.files import csv_reader
from sortline.evaluation import metrics

COLUMNS = ("image", "truth", "predicted", "correct")
FLAGS = ("in_train_exact", "in_train_near")
RESAMPLES = 10_000


@dataclass(frozen=True)
class Pairs:
    """The photos in both tables, in A's order; arrays of length n. `only_a` and `only_b` name the photos left out."""

    images: list[str]
    truth: list[str]
    predicted_a: list[str]
    predicted_b: list[str]
    correct_a: np.ndarray  # bool
    correct_b: np.ndarray  # bool
    scenes: np.ndarray  # int, photos of a number show one scene; each its own where a table does not say
    duplicated: np.ndarray | None  # bool, has a duplicate in train; None where a table does not say
    only_a: list[str]
    only_b: list[str]


def read_predictions(content: bytes, name: str) -> dict[tuple[str, str], dict[str, str]]:
    """Return the rows of a predictions.csv, as evaluate writes them, by (image, truth).

    Raises `UserError` with `name` for what is not such a table, or names a photo twice.
    """
    try:
        reader = csv_reader(content.decode("utf-8-sig"))
        missing = [column for column in COLUMNS if column not in (reader.fieldnames or ())]
        if missing:
            raise UserError(f"{name}: no column {', '.join(missing)}; expected predictions.csv as evaluate writes it")
        rows = {}
        for number, row in enumerate(reader, start=2):
            where = f"{name}, row {number}"
            if None in row.values() or row["correct"] not in ("0", "1"):
                raise UserError(f"{where}: not a whole row, or `correct` is neither 0 nor 1; run evaluate again")
            key = row["image"], row["truth"]
            if key in rows:
                raise UserError(f"{where}: {row['image']} is in the table twice; run evaluate again")
            rows[key] = row
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{name}: not a UTF-8 CSV table ({error})") from None
    return rows


def pair(a: dict[tuple[str, str], dict[str, str]], b: dict[tuple[str, str], dict[str, str]]) -> Pairs:
    """Join two tables of `read_predictions` on image and truth. Raises `UserError` if they share no photo."""
    both = [key for key in a if key in b]
    if not both:
        raise UserError("A and B have no photo in common (same image, same truth); compare two runs on one data set")
    scenes = np.arange(len(both))
    if all("scene" in table[both[0]] for table in (a, b)):
        _, scenes = np.unique([a[key]["scene"] for key in both], return_inverse=True)
    duplicated = None
    if all(flag in row for row in (a[both[0]], b[both[0]]) for flag in FLAGS):
        duplicated = np.array([any(table[key][flag] == "1" for table in (a, b) for flag in FLAGS) for key in both])
    return Pairs(
        [image for image, _ in both],
        [truth for _, truth in both],
        [a[key]["predicted"] for key in both],
        [b[key]["predicted"] for key in both],
        np.array([a[key]["correct"] == "1" for key in both]),
        np.array([b[key]["correct"] == "1" for key in both]),
        scenes,
        duplicated,
        [image for image, truth in a if (image, truth) not in b],
        [image for image, truth in b if (image, truth) not in a],
    )


def sign_test(net: np.ndarray) -> float:
    """Return the two-sided p of a sign-flip test; `net` int (scenes,): the photos of a scene that only B has correct,
    less those that only A has.

    Were neither better, the net of each scene could as well have the other sign: all combinations are counted, exactly.
    Where every scene is one photo, this is McNemar's exact test (Psychometrika 12, 1947). Source: R. A. Fisher, "The
    Design of Experiments", 1935, section 21.
    """
    sizes = np.abs(net[net != 0])
    total = int(sizes.sum())
    chances = np.ones(1)  # of every sum that the scenes so far can have, the lowest first
    for size in sizes:
        chances = (np.pad(chances, (0, 2 * size)) + np.pad(chances, (2 * size, 0))) / 2
    sums = np.arange(-total, total + 1)
    return float(min(1.0, chances[np.abs(sums) >= abs(int(net.sum()))].sum()))


def bootstrap(net: np.ndarray, sizes: np.ndarray, seed: int = 0) -> tuple[float, float]:
    """Return the 95 % percentile interval of accuracy B - accuracy A over 10,000 resamples of the scenes, seeded.

    `net` int (scenes,) as in `sign_test`, `sizes` int (scenes,) their photos. Scenes with the same two numbers are
    alike, so scenes drawn with replacement are one draw of multinomial counts. Source: Efron and Tibshirani, "An
    Introduction to the Bootstrap", 1993, chapter 13; Field and Welsh 2007, "Bootstrapping clustered data", JRSS B 69.
    """
    kinds, counts = np.unique(np.stack([net, sizes], 1), axis=0, return_counts=True)
    drawn = np.random.default_rng(seed).multinomial(len(net), counts / len(net), size=RESAMPLES)
    low, high = np.percentile((drawn @ kinds[:, 0]) / (drawn @ kinds[:, 1]), [2.5, 97.5])
    return float(low), float(high)


def paired_by_scene(a: np.ndarray, b: np.ndarray, scenes: np.ndarray) -> dict[str, float]:
    """Return the difference b - a of two shares of correct predictions of the same photos, its 95 % interval and p.

    `a`, `b` float (n,), 0 to 1 (a mean over seeds, say); `scenes` int (n,): photos of a scene are not independent, so
    the standard error is robust to clusters (Liang and Zeger 1986, Biometrika 73).
    """
    from scipy.stats import norm  # here, as it takes half a second to load

    differences = np.asarray(b, float) - np.asarray(a, float)
    mean = float(differences.mean())
    _, scene = np.unique(scenes, return_inverse=True)
    sums = np.bincount(scene, differences - mean)
    count = len(sums)
    error = float(np.sqrt((sums**2).sum() * count / max(count - 1, 1)) / len(differences))
    p = float(2 * norm.sf(abs(mean) / error)) if error else 1.0
    low, high = norm.interval(0.95, mean, error) if error else (mean, mean)
    return {"difference": mean, "difference_low": float(low), "difference_high": float(high), "p": p}


def holm(p: Sequence[float]) -> list[float]:
    """Return p values corrected for how many were tried (Holm 1979, Scandinavian Journal of Statistics 6)."""
    order = np.argsort(p, kind="stable")
    corrected = np.maximum.accumulate(np.asarray(p)[order] * np.arange(len(p), 0, -1)).clip(max=1)
    found = np.empty(len(p))
    found[order] = corrected
    return found.tolist()


def compare(correct_a: np.ndarray, correct_b: np.ndarray, scenes: np.ndarray) -> dict[str, Any]:
    """Return the 2x2 counts, each accuracy with its interval, the p of `sign_test` and the difference B - A.

    `correct_a`, `correct_b` bool (n,), n >= 1, of the same photos; `scenes` int (n,), what they show.
    """
    only_a, only_b = correct_a & ~correct_b, correct_b & ~correct_a
    _, scene, sizes = np.unique(scenes, return_inverse=True, return_counts=True)
    net = np.bincount(scene, only_b).astype(int) - np.bincount(scene, only_a).astype(int)
    low, high = bootstrap(net, sizes)

    def score(correct: np.ndarray) -> dict[str, Any]:
        return metrics.share(correct) if sizes.max() == 1 else metrics.share_by_scene(correct, scenes)

    return {
        "n": len(correct_a),
        "scenes": len(sizes),
        "a": score(correct_a),
        "b": score(correct_b),
        "both_right": int(np.sum(correct_a & correct_b)),
        "only_a_right": int(only_a.sum()),
        "only_b_right": int(only_b.sum()),
        "both_wrong": int(np.sum(~correct_a & ~correct_b)),
        "p": sign_test(net),
        "difference": int(net.sum()) / len(correct_a),
        "difference_low": low,
        "difference_high": high,
    }


def verdict(pairs: Pairs, result: dict[str, Any]) -> str:
    """Say in one sentence what `compare`'s `result` means."""
    n, only_a, only_b, p = (result[key] for key in ("n", "only_a_right", "only_b_right", "p"))
    if only_a + only_b == 0:
        if pairs.predicted_a == pairs.predicted_b:
            return f"A and B give the same prediction for all {n:,} photos."
        return f"A and B are right on the same photos; only their wrong predictions differ (n = {n:,})."
    if only_a == only_b:
        return f"A and B are right equally often: {_photos(only_a)} each that the other gets wrong (n = {n:,})."
    winner, more = ("B", only_b - only_a) if only_b > only_a else ("A", only_a - only_b)
    shown = show_p(p) if p < 0.0001 else f"= {show_p(p)}"
    return f"{winner} is right on {_photos(more)} more; with n = {n:,} that is {_chance(p)} (p {shown})."


def show_p(p: float) -> str:
    """Return p as text, "0.38"."""
    return "< 0.0001" if p < 0.0001 else f"{p:.1g}" if p < 0.01 else f"{p:.2f}"


def _chance(p: float) -> str:
    if p >= 0.2:
        return "well within chance"
    if p >= 0.05:
        return "still within chance"
    return "unlikely to be chance alone" if p >= 0.01 else "hardly chance"


def _photos(count: int) -> str:
    return f"{count:,} photo{'s' * (count != 1)}"
