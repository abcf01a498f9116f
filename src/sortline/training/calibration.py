"""Temperature scaling (Guo et al. 2017, arXiv:1706.04599), and the probability below which to say "not sure"."""

import dataclasses

import numpy as np
from scipy.optimize import minimize_scalar

from sortline._core.arrays import log_loss, logits
from sortline._core.doubt import NEVER, Threshold
from sortline.config.training import TrainHeadParams
from sortline.features.heads import Head, softmax
from sortline.training.results import Trained, TrainingSet

RANGE = (0.05, 20.0)  # of temperatures tried


@dataclasses.dataclass(frozen=True)
class Calibrated:
    """Heads with the temperature in them, those of the folds by their number too, out-of-fold probabilities
    (n, classes) likewise, also `by_photo` if there are such, and the threshold."""

    heads: dict[str, Head]
    out_of_fold: np.ndarray
    temperature: float
    threshold: Threshold
    by_photo: np.ndarray | None = None
    fold_heads: dict[str, Head] = dataclasses.field(default_factory=dict)


def calibrate(trained: Trained, labels: np.ndarray, params: TrainHeadParams) -> Calibrated:
    """Fit temperature and threshold on the out-of-fold probabilities, as far as `params` asks for them."""
    temperature = fit_temperature(labels, trained.out_of_fold) if params.calibrate else 1.0
    heads = {name: tempered(head, temperature) for name, head in trained.heads.items()}
    out_of_fold = temper(trained.out_of_fold, temperature)
    wanted = params.reject_accuracy
    threshold = None if wanted is None else reject_threshold(labels, out_of_fold, wanted)
    by_photo = None if trained.by_photo is None else temper(trained.by_photo, temperature)
    folds = {str(fold): tempered(head, temperature) for fold, head in trained.fold_heads.items()}
    return Calibrated(heads, out_of_fold, temperature, threshold, by_photo, folds)


def logits_out_of_fold(data: TrainingSet, heads: dict[str, Head]) -> np.ndarray:
    """Return the plain view's logits, float32 (n, classes), each photo's by the head of its fold."""
    found = np.empty((len(data.labels), data.classes), np.float32)
    for fold, head in heads.items():
        inside = data.folds == int(fold)
        found[inside] = head.logits(data.features[inside, 0])
    return found


def temper(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Return softmax(logits / temperature), float64, for `probabilities` = softmax(logits), (n, classes)."""
    return softmax(logits(probabilities) / temperature)


def fit_temperature(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Return the temperature of minimum log-loss; `probabilities` (n, classes) of photos not trained on."""
    given = logits(probabilities)

    def loss(log_t: float) -> float:
        return log_loss(labels, given / np.exp(log_t))

    found = minimize_scalar(loss, bounds=np.log(RANGE), method="bounded")
    return float(np.exp(found.x))


def tempered(head: Head, temperature: float) -> Head:
    """Return the head with the temperature in it: everything after it needs to know nothing of it."""
    if head.activation != "none":
        return dataclasses.replace(head, scale=head.scale / temperature)
    weight, bias = (np.float32(1 / temperature) * array for array in (head.weight, head.bias))
    return dataclasses.replace(head, weight=weight, bias=bias)


def reject_threshold(labels: np.ndarray, probabilities: np.ndarray, accuracy: float) -> Threshold:
    """Return the lowest top-1 probability such that, of the photos at or above it, at least `accuracy` are correct.

    `probabilities` (n, classes) are of photos the head was not trained on, tempered already. NEVER where no threshold
    gets there. Rounded up to 4 decimals. Source: the risk-coverage trade-off of Geifman and El-Yaniv 2017,
    arXiv:1705.08500, without its confidence bound.
    """
    confidence = np.ceil(probabilities.max(1) * 1e4) / 1e4
    correct = probabilities.argmax(1) == labels
    order = np.argsort(-confidence, kind="stable")
    share = np.cumsum(correct[order]) / np.arange(1, len(order) + 1)
    # Photos of one confidence are accepted together.
    last_of_its_kind = np.append(np.diff(confidence[order]) != 0, True)
    enough = np.flatnonzero((share >= accuracy) & last_of_its_kind)
    return float(confidence[order][enough[-1]]) if len(enough) else NEVER
