"""Is a photo of anything the model knows? How strongly it speaks for its classes, less what no train photo explains.

The energy of the logits (Liu et al. 2020, arXiv:2010.03759) less the features' distance from the subspace of the train
photos, as in ViM (Wang et al. 2022, arXiv:2203.10807). studies/robustness compares it with other scores.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from sortline.features import similarity

SHARE = 0.2  # of the energy's spread that the distance's is scaled to
UNKNOWN = 0.05  # share of photos of scenes not trained on that count as nothing the model knows


@dataclass(frozen=True)
class Familiarity:
    """`weight`: of the distance; `below`: the score below which a photo is nothing that the model knows."""

    weight: float
    below: float

    def score(self, logits: np.ndarray, distance: np.ndarray) -> np.ndarray:
        """Return float (n,), the higher the better known, of logits (n, classes) and `Reference.distance` (n,)."""
        return logsumexp(logits, axis=1) - self.weight * distance


def fit(logits: np.ndarray, distance: np.ndarray) -> Familiarity:
    """Return weight and limit by photos out of fold: their logits (n, classes) and distance (n,)."""
    spread = float(distance.std())
    # Where all train photos lie in the subspace, the distance says nothing.
    weight = SHARE * float(logsumexp(logits, axis=1).std()) / spread if spread > 1e-6 else 0.0
    scores = Familiarity(weight, 0).score(logits, distance)
    return Familiarity(weight, float(np.floor(np.quantile(scores, UNKNOWN) * 1e4) / 1e4))


def distances(features: np.ndarray, folds: np.ndarray) -> np.ndarray:
    """Return each train photo's distance, float32 (n,), from the subspace of the other folds; features (n, C)."""
    found = np.empty(len(features), np.float32)
    for fold in np.unique(folds):
        inside = folds == fold
        found[inside] = similarity.fit(features[~inside]).distance(features[inside])
    return found
