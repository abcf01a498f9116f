"""Training a head on cached features, and its out-of-fold score, by either solver."""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from tqdm import tqdm

from sortline import fit
from sortline.errors import UserError
from sortline.heads import Head, pool, softmax
from sortline.measure import log_loss
from sortline.params.train_head import TrainHeadParams

# What only this solver reads.
MOMENTUM_KEYS = (
    "lr", "schedule", "warmup_epochs", "momentum", "weight_decay", "label_smoothing", "batch_size", "epochs",
)  # fmt: skip


@dataclass(frozen=True)
class TrainingSet:
    """The train photos: pooled features float32 (n, K, 2, C), labels int (n,), folds int (n,)."""

    pooled: np.ndarray
    labels: np.ndarray
    folds: np.ndarray
    classes: int

    @property
    def fold_numbers(self) -> np.ndarray:
        return np.unique(self.folds)


@dataclass(frozen=True)
class Trained:
    """The result: heads by checkpoint name, out-of-fold probabilities (n, classes) of the kept one, and the record.

    `curve` has one row a point of `curve_x`: an epoch (momentum) or a candidate C (lbfgs).
    """

    heads: dict[str, Head]
    checkpoint: str
    out_of_fold: np.ndarray
    curve: list[dict[str, float]]
    curve_x: str
    facts: dict[str, object] = field(default_factory=dict)
    selected: list[str] = field(default_factory=list)


def _rows(data: TrainingSet, params: TrainHeadParams) -> tuple[np.ndarray, np.ndarray]:
    """Return (features (n * views, D), the photo of each row): all rows of a photo are neighbours.

    Raises `UserError` on NaN or Inf.
    """
    views = params.views or data.pooled.shape[1]
    features = pool(data.pooled[:, :views], params.pooling)
    if not np.isfinite(features).all():
        raise UserError("the features hold NaN or Inf; run `dvc repro -f extract@TASK`")
    return np.ascontiguousarray(features.reshape(-1, features.shape[-1])), np.repeat(np.arange(len(features)), views)


def accuracy(probabilities: np.ndarray, labels: np.ndarray) -> float:
    return float((probabilities.argmax(1) == labels).mean())


def train_momentum(data: TrainingSet, params: TrainHeadParams) -> Trained:
    """Train by Momentum in MindSpore: one head per fold on the others, all at once, then the head on everything."""
    features, photo = _rows(data, params)
    labels, plain = data.labels[photo], pool(data.pooled[:, 0], params.pooling)
    recipe = fit.Recipe(seed=params.seed, **{key: getattr(params, key) for key in MOMENTUM_KEYS})
    members = [np.flatnonzero(data.folds[photo] != fold) for fold in data.fold_numbers]

    out_of_fold, curve, best = {}, [], 0
    for epoch in _progress(fit.train(features, labels, members, data.classes, recipe), params.epochs, "folds"):
        scores = np.empty((len(data.labels), data.classes))
        for model, fold in enumerate(data.fold_numbers):
            held_out = data.folds == fold
            scores[held_out] = softmax(plain[held_out] @ epoch.weight[model].T + epoch.bias[model])
        curve.append(
            {
                "epoch": epoch.number,
                "lr": epoch.lr,
                "fold_train_loss": float(epoch.loss.mean()),
                "oof_loss": log_loss(data.labels, scores),
                "oof_accuracy": accuracy(scores, data.labels),
            }
        )
        best = min(range(len(curve)), key=lambda i: (-curve[i]["oof_accuracy"], curve[i]["oof_loss"]))
        out_of_fold |= ({"best": scores} if best == len(curve) - 1 else {}) | {"last": scores}
    heads = {}
    whole = fit.train(features, labels, [np.arange(len(features))], data.classes, recipe)
    for index, epoch in enumerate(_progress(whole, params.epochs, "all of train")):
        curve[index]["train_loss"] = float(epoch.loss[0])
        head = Head(epoch.weight[0], epoch.bias[0], params.pooling)
        heads |= ({"best": head} if index == best else {}) | {"last": head}
    selected = ["epoch"] if params.checkpoint == "best" else []
    kept = out_of_fold[params.checkpoint]
    return Trained(heads, params.checkpoint, kept, curve, "epoch", {"best_epoch": best + 1}, selected)


def _progress(epochs, total: int, what: str):
    return tqdm(epochs, total=total, desc=f"train on {what}", unit="epoch", disable=None)


def train_lbfgs(data: TrainingSet, params: TrainHeadParams) -> Trained:
    """Train the same head by scikit-learn's L-BFGS, C chosen by out-of-fold accuracy (then log-loss)."""
    features, photo = _rows(data, params)
    plain = pool(data.pooled[:, 0], params.pooling)
    strengths = sorted(params.lbfgs_c)
    scores = np.empty((len(strengths), len(data.labels), data.classes))
    converged = True
    with tqdm(total=len(strengths) * len(data.fold_numbers), desc="L-BFGS on folds", unit="fit", disable=None) as bar:
        for fold in data.fold_numbers:
            inside, held_out = data.folds[photo] != fold, data.folds == fold
            fitted = _fit_path(features[inside], data.labels[photo[inside]], strengths, params.lbfgs_max_iter)
            for index, (weight, bias, fine) in enumerate(fitted):
                scores[index, held_out] = softmax(plain[held_out] @ weight.T + bias)
                converged &= fine
                bar.update()
    curve = [
        {"c": c, "oof_loss": log_loss(data.labels, p), "oof_accuracy": accuracy(p, data.labels)}
        for c, p in zip(strengths, scores, strict=True)
    ]
    chosen = min(range(len(strengths)), key=lambda i: (-curve[i]["oof_accuracy"], curve[i]["oof_loss"]))
    whole = _fit_path(features, data.labels[photo], strengths[: chosen + 1], params.lbfgs_max_iter)
    weight, bias, fine = list(whole)[-1]
    head = Head(weight, bias, params.pooling)
    facts = {"c": strengths[chosen], "converged": converged and fine}
    selected = ["C"] if len(strengths) > 1 else []
    return Trained({"best": head, "last": head}, "last", scores[chosen], curve, "c", facts, selected)


def _fit_path(
    features: np.ndarray, labels: np.ndarray, strengths: Sequence[float], max_iter: int
) -> Iterator[tuple[np.ndarray, np.ndarray, bool]]:
    """Yield (weight (classes, D), bias (classes,), converged) for ascending C, each started from the one before."""
    # scikit-learn's own tolerance, 1e-4, would end at once where the fit before is near: every C the same answer.
    model = LogisticRegression(max_iter=max_iter, tol=1e-5, warm_start=True)
    for strength in strengths:
        model.set_params(C=strength)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model.fit(features, labels)
        weight, bias = model.coef_.astype(np.float32), model.intercept_.astype(np.float32)
        if len(bias) == 1:
            # For two classes scikit-learn keeps one row: the logit of the second against a zero first.
            weight, bias = np.vstack((0 * weight, weight)), np.concatenate((0 * bias, bias))
        yield weight, bias, not any(issubclass(warning.category, ConvergenceWarning) for warning in caught)


SOLVERS = {"momentum": train_momentum, "lbfgs": train_lbfgs}
