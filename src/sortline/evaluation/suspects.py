"""Train photos whose label may be wrong, by cleanlab, and photos unlike any other."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Suspects:
    """Findings over n train photos.

    `labels`: indices of suspected label errors, the least likely label first; `quality` float (n,): each label's
    out-of-fold probability. `outliers`: indices of the photos least like their neighbours, one a scene, oddest first;
    `typicality` float (n,), 0 (odd) to 1. `neighbours` int (n, k): indices of the nearest photos of other scenes.
    """

    labels: np.ndarray
    quality: np.ndarray
    outliers: np.ndarray
    typicality: np.ndarray
    neighbours: np.ndarray


def find(
    labels: np.ndarray, out_of_fold: np.ndarray, features: np.ndarray, scenes: np.ndarray, neighbours: int, limit: int
) -> Suspects:
    """Look for label errors by confident learning, and for outliers by distance to the nearest neighbours.

    `labels`, `scenes` int (n,); `out_of_fold` (n, classes) probabilities; `features` float32 (n, D). Copies say nothing
    of a photo: neighbours are of other scenes. At most `limit` outliers.
    Sources: Northcutt, Jiang and Chuang 2021, arXiv:1911.00068; Kuan and Mueller 2022, arXiv:2207.03061.
    """
    # Here, as it takes seconds to load.
    from cleanlab.filter import find_label_issues
    from sklearn.neighbors import NearestNeighbors

    probabilities = out_of_fold.astype(np.float64)
    probabilities /= probabilities.sum(1, keepdims=True)
    issues = find_label_issues(labels, probabilities, return_indices_ranked_by="self_confidence", n_jobs=1)
    largest = int(np.unique(scenes, return_counts=True)[1].max())
    k = min(neighbours, len(labels) - largest)
    nearest = NearestNeighbors(n_neighbors=k + largest, metric="cosine").fit(features)
    distances, found = nearest.kneighbors(features)
    # Those of other scenes come first, each in its order of distance.
    others = np.argsort(scenes[found] == scenes[:, None], axis=1, kind="stable")[:, :k]
    distances, found = (np.take_along_axis(one, others, 1) for one in (distances, found))
    typicality = np.exp(-distances.mean(1)) if k else np.ones(len(labels))
    order = np.argsort(typicality, kind="stable")
    order = order[np.sort(np.unique(scenes[order], return_index=True)[1])][:limit]  # one of a scene is enough
    own = probabilities[np.arange(len(labels)), labels]
    return Suspects(np.asarray(issues), own, order, typicality, found)


def agreement(found: Suspects, labels: np.ndarray) -> np.ndarray:
    """Return the share of each photo's neighbours that bear its label, float (n,)."""
    alike = labels[found.neighbours] == labels[:, None]
    return alike.mean(1) if alike.size else np.ones(len(labels))


COLUMNS = ["image", "label", "suggested", "label_probability", "suggested_probability", "neighbours_agree"]


def rows(found: Suspects, images: list[str], labels: np.ndarray, out_of_fold: np.ndarray, names: list[str]) -> list:
    """Return the table of suspected label errors, a list of cells each; the header is `COLUMNS`."""
    table, shares = [], agreement(found, labels)
    for i in found.labels:
        numbers = found.quality[i], out_of_fold[i].max(), shares[i]
        table.append([images[i], names[labels[i]], names[out_of_fold[i].argmax()], *(f"{x:.4f}" for x in numbers)])
    return table
