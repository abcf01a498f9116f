"""Train photos whose label may be wrong, and photos unlike any other, by cleanlab."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Suspects:
    """Findings over n train photos.

    `labels`: indices of suspected label errors, the least likely label first; `quality` float (n,): each label's
    out-of-fold probability. `outliers`: indices of the photos least like their neighbours, oddest first;
    `typicality` float (n,), 0 (odd) to 1. `neighbours` int (n, k): indices of each photo's nearest others.
    """

    labels: np.ndarray
    quality: np.ndarray
    outliers: np.ndarray
    typicality: np.ndarray
    neighbours: np.ndarray


def find(labels: np.ndarray, out_of_fold: np.ndarray, features: np.ndarray, neighbours: int, limit: int) -> Suspects:
    """Look for label errors by confident learning, and for outliers by distance to the nearest neighbours.

    `labels` int (n,); `out_of_fold` (n, classes) probabilities; `features` float32 (n, D). At most `limit` outliers.
    Sources: Northcutt, Jiang and Chuang 2021, arXiv:1911.00068; Kuan and Mueller 2022, arXiv:2207.03061.
    """
    # Here, as it takes seconds to load.
    from cleanlab.filter import find_label_issues
    from cleanlab.outlier import OutOfDistribution
    from sklearn.neighbors import NearestNeighbors

    probabilities = out_of_fold.astype(np.float64)
    probabilities /= probabilities.sum(1, keepdims=True)
    issues = find_label_issues(labels, probabilities, return_indices_ranked_by="self_confidence", n_jobs=1)
    k = min(neighbours, len(labels) - 1)
    nearest = NearestNeighbors(n_neighbors=k, metric="cosine").fit(features)
    typicality = OutOfDistribution({"knn": nearest, "k": k}).score(features=features)
    order = np.argsort(typicality, kind="stable")[:limit]
    own = probabilities[np.arange(len(labels)), labels]
    return Suspects(np.asarray(issues), own, order, typicality, nearest.kneighbors(return_distance=False))


def agreement(found: Suspects, labels: np.ndarray) -> np.ndarray:
    """Return the share of each photo's neighbours that bear its label, float (n,)."""
    return (labels[found.neighbours] == labels[:, None]).mean(1)


COLUMNS = ["image", "label", "suggested", "label_probability", "suggested_probability", "neighbours_agree"]


def rows(found: Suspects, images: list[str], labels: np.ndarray, out_of_fold: np.ndarray, names: list[str]) -> list:
    """Return the table of suspected label errors, a list of cells each; the header is `COLUMNS`."""
    table, shares = [], agreement(found, labels)
    for i in found.labels:
        numbers = found.quality[i], out_of_fold[i].max(), shares[i]
        table.append([images[i], names[labels[i]], names[out_of_fold[i].argmax()], *(f"{x:.4f}" for x in numbers)])
    return table
