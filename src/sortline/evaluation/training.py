"""What metrics/<task>/train.json says of a training: a head's out-of-fold score, a net's score on val."""

from typing import Any, Protocol

import numpy as np

from sortline._core.doubt import Threshold
from sortline.config.training import BACKBONE, FOR_LBFGS, TrainHeadParams, TrainParams
from sortline.data.prepared import Part
from sortline.evaluation import coverage, metrics
from sortline.evaluation.predictions import Predictions
from sortline.features.heads import softmax
from sortline.training.calibration import Calibrated
from sortline.training.results import OutOfFold, Trained, TrainedNet, TrainingSet


def of_heads(data: TrainingSet, params: TrainHeadParams, trained: Trained, calibrated: Calibrated) -> dict[str, Any]:
    """Return what the stage train_head records; the accuracy is out of fold.

    `cv_accuracy` counts photos of scenes that the head has not seen, `cv_scene_accuracy` each scene once,
    `cv_by_photo_accuracy` photos whose scenes it may have seen, as is usual.
    """
    chosen = {key for key in params.chosen_on_folds if params.optimizer != "lbfgs" or key in {BACKBONE, *FOR_LBFGS}}
    return {
        **trained.facts,
        "solver": params.optimizer,
        "head": (f"one hidden layer of {params.hidden}" if params.hidden else "linear") + f", on the {params.pooling}",
        "checkpoint": trained.checkpoint,
        **_folds(data.labels, data.folds, data.groups, trained.out_of_fold, calibrated),
        **_by_photo(data, trained),
        "selected_on_folds": sorted({*trained.selected, *chosen}),
        "views": params.views or data.features.shape[1],
        "dataset": data.dataset,
    }


class Tempered(Protocol):
    """Out-of-fold probabilities (n, classes) with a temperature in them, and what counts as sure by them."""

    @property
    def out_of_fold(self) -> np.ndarray: ...
    @property
    def temperature(self) -> float: ...
    @property
    def threshold(self) -> Threshold: ...


def _folds(
    labels: np.ndarray, folds: np.ndarray, scenes: np.ndarray, untempered: np.ndarray, calibrated: Tempered
) -> dict[str, Any]:
    """Return what is said of out-of-fold probabilities (n, classes), before and with their temperature."""
    correct = untempered.argmax(1) == labels
    per_fold = [correct[folds == fold].mean() for fold in np.unique(folds)]
    return {
        "sets": coverage.out_of_fold(labels, calibrated.out_of_fold, folds, scenes),
        "split": "out of fold; no scene is in two folds of train",
        **metrics.named(metrics.share_by_scene(correct, scenes), "cv_accuracy", "cv_n"),
        "cv_log_loss": metrics.log_loss(labels, untempered),
        **metrics.named(metrics.share_of_scenes(correct, scenes), "cv_scene_accuracy", "cv_scene_n"),
        "cv_std": float(np.std(per_fold, ddof=1)),
        "folds": len(per_fold),
        # The temperature was fitted on these very predictions.
        "cv_log_loss_tempered": metrics.log_loss(labels, calibrated.out_of_fold),
        "temperature": calibrated.temperature,
        **metrics.answered(labels, calibrated.out_of_fold, calibrated.threshold),
    }


def _by_photo(data: TrainingSet, trained: Trained) -> dict[str, Any]:
    if trained.by_photo is None:
        return {}
    return metrics.named(metrics.share(trained.by_photo.argmax(1) == data.labels), "cv_by_photo_accuracy")


def on_given_labels(train: Predictions, given: Part) -> dict[str, Any]:
    """Return the out-of-fold accuracy on the labels that the photos came with: `given`, train before any correction.

    Labels that were changed to agree with a model speak for it. Photos that were dropped count as incorrect: the score
    before the correction is one of the same photos. Nothing where no label was corrected.
    """
    part = train.val
    if len(given.rows) == len(part.rows) and (given.labels == part.labels).all():
        return {}
    correct = np.zeros(len(given.rows), bool)
    correct[np.isin(given.rows, part.rows)] = train.labels == part.given
    share = metrics.share_by_scene(correct, given.scenes)
    changed = {"relabelled": int((part.given != part.labels).sum()), "dropped": len(given.rows) - len(part.rows)}
    return metrics.named(share, "cv_given_accuracy", "cv_given_n") | {"cv_given_changed": changed}


def of_net(params: TrainParams, trained: TrainedNet, unseen: OutOfFold | None = None) -> dict[str, Any]:
    """Return what the stage train records: the accuracy on val; with `unseen` the out-of-fold one too."""
    best = params.checkpoint == "best"
    temperature = 1.0
    more: dict[str, Any] = {"threshold": None}
    if unseen is not None:
        temperature = unseen.temperature
        more = _folds(unseen.labels, unseen.folds, unseen.scenes, unseen.untempered, unseen)
        more |= {"selected_on_folds": sorted(params.chosen_on_folds), "unfamiliar_below": unseen.unfamiliar_below}
    return {
        "split": "validation part" + ("; the epoch was chosen on it" if best else ""),
        "net": params.net,
        "parameters": trained.counts["parameters"],
        **({"mode": params.mode, "trainable_parameters": trained.counts["trainable"]} if params.mode else {}),
        "optimizer": params.optimizer,
        "schedule": params.schedule,
        "checkpoint": params.checkpoint,
        "epoch": trained.about["epoch"],
        "epochs_run": len(trained.curve),
        "train_n": trained.train_n,
        **_scores("val", trained.val_labels, softmax(trained.val_logits / temperature)),
        **more,
        "selected_on_val": ["epoch"] if best else [],
        "dataset": trained.about["dataset"],
    }


def _scores(name: str, labels: np.ndarray, probabilities: np.ndarray) -> dict[str, Any]:
    score = metrics.share(probabilities.argmax(1) == labels)
    loss = metrics.log_loss(labels, probabilities)
    return metrics.named(score, f"{name}_accuracy", f"{name}_n") | {f"{name}_log_loss": loss}
