"""What metrics/<task>/train.json says of a training: a head's out-of-fold score, a net's score on val."""

from typing import Any

import numpy as np

from sortline.config.training import BACKBONE, FOR_LBFGS, TrainHeadParams, TrainParams
from sortline.evaluation import metrics
from sortline.features.heads import softmax
from sortline.training.calibration import Calibrated
from sortline.training.results import Trained, TrainedNet, TrainingSet


def of_heads(data: TrainingSet, params: TrainHeadParams, trained: Trained, calibrated: Calibrated) -> dict[str, Any]:
    """Return what the stage train_head records; the accuracy is out of fold.

    `cv_accuracy` counts photos of scenes that the head has not seen, `cv_scene_accuracy` each scene once,
    `cv_by_photo_accuracy` photos whose scenes it may have seen, as is usual.
    """
    correct = trained.out_of_fold.argmax(1) == data.labels
    scenes = np.arange(len(correct)) if data.groups is None else data.groups
    per_fold = [correct[data.folds == fold].mean() for fold in data.fold_numbers]
    chosen = {key for key in params.chosen_on_folds if params.optimizer != "lbfgs" or key in {BACKBONE, *FOR_LBFGS}}
    return {
        **trained.facts,
        "split": "out of fold; no scene is in two folds of train",
        "solver": params.optimizer,
        "head": (f"one hidden layer of {params.hidden}" if params.hidden else "linear") + f", on the {params.pooling}",
        "checkpoint": trained.checkpoint,
        **metrics.named(metrics.share_by_scene(correct, scenes), "cv_accuracy", "cv_n"),
        "cv_log_loss": metrics.log_loss(data.labels, trained.out_of_fold),
        **metrics.named(metrics.share_of_scenes(correct, scenes), "cv_scene_accuracy", "cv_scene_n"),
        **_by_photo(data, trained),
        "cv_std": float(np.std(per_fold, ddof=1)),
        "folds": len(per_fold),
        # The temperature was fitted on these very predictions.
        "cv_log_loss_tempered": metrics.log_loss(data.labels, calibrated.out_of_fold),
        "temperature": calibrated.temperature,
        "selected_on_folds": sorted({*trained.selected, *chosen}),
        "views": params.views or data.features.shape[1],
        **metrics.answered(data.labels, calibrated.out_of_fold, calibrated.threshold),
        "dataset": data.dataset,
    }


def _by_photo(data: TrainingSet, trained: Trained) -> dict[str, Any]:
    if trained.by_photo is None:
        return {}
    return metrics.named(metrics.share(trained.by_photo.argmax(1) == data.labels), "cv_by_photo_accuracy")


def of_net(params: TrainParams, trained: TrainedNet) -> dict[str, Any]:
    """Return what the stage train records; the accuracy is on val."""
    best = params.checkpoint == "best"
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
        **_scores("val", trained.val_labels, softmax(trained.val_logits)),
        "threshold": None,
        "selected_on_val": ["epoch"] if best else [],
        "dataset": trained.about["dataset"],
    }


def _scores(name: str, labels: np.ndarray, probabilities: np.ndarray) -> dict[str, Any]:
    score = metrics.share(probabilities.argmax(1) == labels)
    loss = metrics.log_loss(labels, probabilities)
    return metrics.named(score, f"{name}_accuracy", f"{name}_n") | {f"{name}_log_loss": loss}
