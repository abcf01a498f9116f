"""The linear head by scikit-learn's L-BFGS, its strength of regularisation chosen on the folds."""

import sys
import warnings
from collections.abc import Iterator, Sequence

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from sortline._core.arrays import log_loss
from sortline.config.training import TrainHeadParams
from sortline.features.heads import Head, pool, softmax
from sortline.training.heads import training_rows
from sortline.training.loop import best_row
from sortline.training.results import Trained, TrainingSet


# One thread: with more, the weights would depend on how many, and on a busy machine threads wait for one another.
@threadpool_limits.wrap(limits=1)
def train_lbfgs(data: TrainingSet, params: TrainHeadParams) -> Trained:
    """Train a linear head by L-BFGS, C chosen by out-of-fold accuracy (then log-loss).

    A fit that has not converged is said in a line on stderr, and in the facts.
    """
    features, photo = training_rows(data, params)
    plain = pool(data.features[:, 0], params.pooling)
    strengths = sorted(params.lbfgs_c)
    logits = np.empty((len(strengths), len(data.labels), data.classes))
    converged, tried = True, list[list[Head]]()
    with tqdm(total=len(strengths) * len(data.fold_numbers), desc="L-BFGS on folds", unit="fit", disable=None) as bar:
        for fold in data.fold_numbers:
            inside, held_out = data.folds[photo] != fold, data.folds == fold
            rows = features[inside], data.labels[photo[inside]]
            tried.append([])
            for weight, bias, fine in _fit_path(*rows, data.classes, strengths, params):
                logits[len(tried[-1]), held_out] = plain[held_out] @ weight.T + bias
                tried[-1].append(Head(weight, bias, params.pooling))
                converged &= fine
                bar.update()
    curve = [
        {"c": c, "oof_loss": log_loss(data.labels, one), "oof_accuracy": float((one.argmax(1) == data.labels).mean())}
        for c, one in zip(strengths, logits, strict=True)
    ]
    chosen = best_row(curve, "oof")
    whole = _fit_path(features, data.labels[photo], data.classes, strengths[: chosen + 1], params)
    weight, bias, fine = list(whole)[-1]
    converged &= fine
    head = Head(weight, bias, params.pooling)
    by_photo = None
    if data.photo_folds is not None:
        by_photo = np.empty((len(data.labels), data.classes))
        for fold in np.unique(data.photo_folds):
            inside, held_out = data.photo_folds[photo] != fold, data.photo_folds == fold
            rows = features[inside], data.labels[photo[inside]]
            ((*found, _),) = _fit_path(*rows, data.classes, [strengths[chosen]], params)
            by_photo[held_out] = softmax(plain[held_out] @ found[0].T + found[1])
    facts: dict[str, object] = {"c": strengths[chosen], "converged": converged}
    if not converged:
        print(
            f"NOTE: L-BFGS has not converged in {params.lbfgs_max_iter} iterations; raise lbfgs_max_iter, or "
            "take larger C out of lbfgs_c",
            file=sys.stderr,
        )
    selected = ["C"] if len(strengths) > 1 else []
    of_folds = {fold: heads[chosen] for fold, heads in zip(data.fold_numbers.tolist(), tried, strict=True)}
    answers = softmax(logits[chosen])
    return Trained(
        {"best": head, "last": head}, "last", answers, curve, "c", facts, selected, of_folds, by_photo=by_photo
    )


@threadpool_limits.wrap(limits=1)
def fit_head(features: np.ndarray, labels: np.ndarray, classes: int, params: TrainHeadParams) -> Head:
    """Return a linear head on the rows of `features` (n, D) alone, by the only C of `params`; see `train_lbfgs`."""
    (strength,) = params.lbfgs_c
    ((weight, bias, _),) = _fit_path(features, labels, classes, [strength], params)
    return Head(weight, bias, params.pooling)


def _fit_path(
    features: np.ndarray, labels: np.ndarray, classes: int, strengths: Sequence[float], params: TrainHeadParams
) -> Iterator[tuple[np.ndarray, np.ndarray, bool]]:
    """Yield (weight (classes, D), bias (classes,), converged) for ascending C, each started from the one before.

    A class that `labels` lacks gets a bias so low that it is never predicted.
    """
    # scikit-learn's own tolerance, 1e-4, would end at once where the fit before is near: every C the same fit.
    model = LogisticRegression(max_iter=params.lbfgs_max_iter, tol=1e-5, warm_start=True)
    if params.class_weights == "balanced":
        model.set_params(class_weight="balanced")
    for strength in strengths:
        model.set_params(C=strength)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model.fit(features, labels)
        found, offset = model.coef_.astype(np.float32), model.intercept_.astype(np.float32)
        if len(offset) == 1:
            # For two classes scikit-learn keeps one row: the logit of the second against a zero first.
            found, offset = np.vstack((0 * found, found)), np.concatenate((0 * offset, offset))
        weight = np.zeros((classes, features.shape[1]), np.float32)
        bias = np.full(classes, offset.min() - 100, np.float32)
        weight[model.classes_], bias[model.classes_] = found, offset
        yield weight, bias, not any(issubclass(warning.category, ConvergenceWarning) for warning in caught)
