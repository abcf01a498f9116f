"""recall: copies of single photos, one kind at a time among all photos: how many are linked to their original.

Usage: recall.py --prepared FOLDER --raw FOLDER --out FILE
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from common import PARAMS, firsts, searched
from made import copy
from threadpoolctl import threadpool_limits

from sortline._core import files
from sortline._core.cores import on_all_cores
from sortline._core.errors import run
from sortline.data.copies import Sketch, sketch
from sortline.data.copies.candidates import candidates
from sortline.data.copies.geometry import overlay
from sortline.data.images import open_rgb
from sortline.evaluation.metrics import wilson


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for option in ("--prepared", "--raw", "--out"):
        parser.add_argument(option, type=Path, required=True)
    args = parser.parse_args(argv)
    photos, sketches, found = searched(args.prepared, args.raw)
    first = firsts(found)
    pictures = [sketches[i] for i in first]
    single = np.flatnonzero(np.bincount(found.scene)[found.scene[first]] == 1)
    chosen = np.sort(np.random.default_rng(PARAMS["seed"]).permutation(single)[: PARAMS["photos"]])
    results, foreign = {}, []
    for number, (kind, how) in enumerate(PARAMS["kinds"].items()):

        def make(picture: int, how: dict[str, Any] = how, number: int = number):
            random = np.random.default_rng([PARAMS["seed"], number, picture])
            return sketch(copy(open_rgb(photos[first[picture]].path), how, random, PARAMS["saved"]))

        copies = list(on_all_cores(make, chosen.tolist(), kind))
        a, b = pairs_of_copies(pictures, copies).T
        # Whose picture each shows; the originals are copies of no other photo.
        shows = np.concatenate([np.arange(len(pictures)), chosen])
        own = shows[a] == shows[b]
        linked = np.unique(b[own & (a < len(pictures))]).size
        results[kind] = row(linked, len(chosen)) | {"foreign_pairs": int((~own).sum())}
        others = first[shows[np.column_stack([a, b])[~own]]].tolist()
        foreign += [(kind, photos[x].name, photos[y].name) for x, y in others]
        print(f"{kind}: {results[kind]}", flush=True)
    total = row(sum(one["linked"] for one in results.values()), len(chosen) * len(results))
    files.write_metrics(args.out, {
        "photos": len(photos), "pictures": len(pictures), "single": int(single.size), "kinds": results,
        "order": list(results), "all": total, "foreign": [" | ".join(one) for one in foreign],
    })  # fmt: skip


def pairs_of_copies(pictures: list[Sketch], copies: list[Sketch]) -> np.ndarray:
    """Return the pairs, int64 (P, 2), that `find_copies` finds among both, but those of two pictures: these are known
    already, and a pair does not depend on the others."""
    every, some = [*pictures, *copies], []
    with threadpool_limits(1):
        for mirrored, pairs in candidates(every).items():
            pairs = pairs[pairs[:, 1] >= len(pictures)]

            def laid_over(pair: list[int], mirrored: bool = mirrored) -> Any:
                return overlay(every[pair[0]], every[pair[1]], mirrored)

            laid = on_all_cores(laid_over, pairs.tolist(), "pairs")
            some.append(pairs[[one is not None for one in laid]])
    return np.unique(np.concatenate(some), axis=0)


def row(linked: int, n: int) -> dict[str, Any]:
    low, high = wilson(linked, n)
    return {"linked": linked, "n": n, "recall": linked / n, "recall_low": low, "recall_high": high}


if __name__ == "__main__":
    run(main)
