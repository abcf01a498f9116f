"""draw: pairs to be looked at by eye: of those found, and of those that the features call near but are not linked.

Usage: draw.py --prepared FOLDER --raw FOLDER --features FOLDER --out FILE
"""

import argparse
import hashlib
from pathlib import Path

import numpy as np
from common import PARAMS, firsts, searched

from sortline._core import files
from sortline._core.errors import run
from sortline.data.copies.geometry import _matches
from sortline.data.copies.sketch import MIRRORED, Sketch, comparable
from sortline.data.prepared import Photo
from sortline.features.store import FeatureStore

HEADER = ("sample", "a", "b", "sha256_a", "sha256_b", "distance", "matches", "cosine")


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for option in ("--prepared", "--raw", "--features", "--out"):
        parser.add_argument(option, type=Path, required=True)
    args = parser.parse_args(argv)
    photos, sketches, found = searched(args.prepared, args.raw)
    first = firsts(found)
    a, b = first[found.pairs[:, 0]], first[found.pairs[:, 1]]
    distance = found.pairs[:, 2]
    matches = np.array([matched(sketches[i], sketches[j]) for i, j in zip(a, b, strict=True)])
    wanted = PARAMS["drawn"]
    samples = {
        "random": np.sort(
            np.argsort([drawn(photos[i], photos[j]) for i, j in zip(a, b, strict=True)])[: wanted["random"]]
        ),
        "weakest": np.argsort(-distance, kind="stable")[: wanted["weakest"]],
        "fewest": np.argsort(matches, kind="stable")[: wanted["fewest"]],
    }
    rows = []

    def add(sample: str, i: int, j: int, *about: object) -> None:
        one, other = photos[i], photos[j]
        rows.append((sample, one.name, other.name, one.sha256, other.sha256, *about))

    for sample, chosen in samples.items():
        for k in chosen.tolist():
            add(sample, a[k], b[k], distance[k], matches[k], "")
    for i, j, cosine in near(args.features, args.prepared, found.scene, first):
        add("missed", i, j, "", matched(sketches[i], sketches[j]), f"{cosine:.4f}")
    files.write_csv(args.out, HEADER, rows)
    print({sample: sum(row[0] == sample for row in rows) for sample in (*samples, "missed")}, f"of {len(a):,} pairs")


def drawn(a: Photo, b: Photo) -> str:
    """Return what orders pairs at random, each on its own: a better search leaves most of the sample as it was."""
    return hashlib.sha256(f"{PARAMS['seed']} {a.sha256} {b.sha256}".encode()).hexdigest()


def matched(a: Sketch, b: Sketch) -> int:
    """Return how many features match, the way round in which more do."""
    ways = (a.descriptors, a.descriptors[:, MIRRORED])
    return max(len(_matches(comparable(one), comparable(b.descriptors))[0]) for one in ways)


def near(features: Path, prepared: Path, scene: np.ndarray, first: np.ndarray) -> list[tuple[int, int, float]]:
    """Return the pairs of one class, but of two scenes, that are near in the features, nearest first."""
    label = np.array([int(row["label"]) for row in files.read_csv(prepared / "split.csv")])
    vectors = FeatureStore(features).read("pooled", len(label))[:, 0, 0].astype(np.float64)
    vectors -= vectors.mean(0)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    cosine = np.triu(vectors @ vectors.T, 1)
    cosine[(label[:, None] != label) | (scene[:, None] == scene)] = 0
    once = np.isin(np.arange(len(label)), first)  # of exact copies one
    rows = [(int(i), int(j)) for i, j in np.argwhere(cosine > PARAMS["missed_cosine"]) if once[i] and once[j]]
    return sorted(((i, j, float(cosine[i, j])) for i, j in rows), key=lambda row: -row[2])


if __name__ == "__main__":
    run(main)
