"""Training runs by name, most of them as reports have them: `train.preset` gives the keys that are left out."""

from typing import Any

PRESETS: dict[str, dict[str, Any]] = {
    "report_lenet5": {
        "net": "lenet5", "optimizer": "momentum", "momentum": 0.9, "weight_decay": 0, "batch_size": 32, "epochs": 3,
        "lr": 0.01, "schedule": "constant", "warmup_epochs": 0, "checkpoint": "last", "augment": {},
    },
    # Linear decay 0.8 -> 0 over 90 epochs, which here are epochs: the report's own were of 90 repeats each.
    "report_mushrooms": {
        "net": "resnet50", "zero_last": True, "optimizer": "momentum", "momentum": 0.9, "weight_decay": 1e-4,
        "lr": 0.8, "schedule": "linear", "warmup_epochs": 0, "label_smoothing": 0.1, "batch_size": 32, "epochs": 90,
        "every": 5, "keep": 10, "checkpoint": "last", "crops": {},
    },
    # The head fitted on the frozen features (`start`), then everything at a small rate, smaller the deeper.
    "two_phase": {
        "net": "mobilenet_v2", "mode": "full", "start": "fitted", "optimizer": "momentum", "momentum": 0.9, "lr": 0.01,
        "layer_decay": 0.9, "clip_norm": 1, "schedule": "cosine", "weight_decay": 1e-4, "label_smoothing": 0.1,
        "batch_size": 32, "epochs": 8, "checkpoint": "last",
        "crops": {"scale": [0.6, 1.0], "ratio": [0.8, 1.25], "flip": 0.5},
    },
    "report_cnn": {
        "net": "digits_cnn", "optimizer": "adam", "weight_decay": 1e-5, "clip_norm": 10, "batch_size": 16,
        "lr": 3e-4, "schedule": "step", "decay_rate": 0.9, "decay_epochs": 2, "warmup_epochs": 0,
        "epochs": 64, "patience": 48, "checkpoint": "best", "augment": {},
    },
}  # fmt: skip
