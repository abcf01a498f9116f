"""Which photos without a label are worth a person's next hour: those the model doubts, of as many kinds as can be."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import entropy, rankdata

from sortline._core.errors import UserError

POOL = 5  # times the wanted photos that are doubtful enough to be chosen from


@dataclass(frozen=True)
class Ranked:
    """`chosen` int (n,): photos in the order to look at; of all N photos `margin` float (N,), the best guess's
    probability less the second's, and `disagreement` float (N,), 0 and up, in nats."""

    chosen: np.ndarray
    margin: np.ndarray
    disagreement: np.ndarray


def rank(draws: np.ndarray, features: np.ndarray, count: int, seed: int = 0) -> Ranked:
    """Choose `count` of N photos. `draws` float (K, N, classes): probabilities of K slightly different models, see
    `heads.dropped`; `features` float32 (N, D).

    The 5 * count most doubtful photos are parted into `count` clusters, and of each the most doubtful is taken: near
    copies count once. Sources: margin, Scheffer et al. 2001; disagreement of models with dropped features, Houlsby et
    al. 2011, arXiv:1112.5745, and Gal et al. 2017, arXiv:1703.02910; clusters, Citovsky et al. 2021, arXiv:2107.14263.
    """
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits

    if count < 1:
        raise UserError("choose at least one photo")
    mean = draws.mean(0)
    best = np.sort(mean, 1)[:, -2:] if mean.shape[1] > 1 else np.tile(mean, 2)
    margin = best[:, 1] - best[:, 0]
    disagreement = np.maximum(entropy(mean, axis=1) - entropy(draws, axis=2).mean(0), 0)
    order = np.argsort(-_doubt(margin, disagreement), kind="stable")
    pool = order[: POOL * count]
    if len(pool) <= count:
        return Ranked(pool, margin, disagreement)
    own = features[pool] / np.maximum(np.linalg.norm(features[pool], axis=1, keepdims=True), 1e-6)
    with threadpool_limits(1):  # with more, sums and so clusters would depend on how many
        cluster = KMeans(count, n_init=1, random_state=seed).fit_predict(own)
    _, firsts = np.unique(cluster, return_index=True)  # the pool is in order of doubt
    places = [*np.sort(firsts)]
    places += [place for place in range(len(pool)) if place not in set(places)][: count - len(places)]
    return Ranked(pool[places], margin, disagreement)


def _doubt(margin: np.ndarray, disagreement: np.ndarray) -> np.ndarray:
    """Return the mean of both ranks, 1 for the surest: the two are on no common scale. Equals share a rank, so that
    the place in the folder says nothing: one model alone disagrees with itself nowhere."""
    return (rankdata(-margin) + rankdata(disagreement.round(12))) / 2  # what is less is rounding
