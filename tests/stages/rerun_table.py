"""What each parameter touches, by hand: for every one another value, and the stages that must then run."""

from typing import Any

# Stages from one on. A stage whose inputs came out as they were does not run: that is what the sets below differ in.
HEAD = {"train_head", "evaluate", "diagnose", "export"}
PIXELS = {"extract"} | HEAD
VIEWS = {"prepare"} | PIXELS
SPLIT = {"prepare"} | HEAD  # split.csv changes, images.csv and views.json do not
REPORT = {"prepare", "evaluate", "export"}  # only data.json and audit.json change
NAME = {"fetch"} | REPORT  # the same photos under another name: raw/<task>.json changes, raw/<task> does not

# The first source works, so those after it are not asked: photos stay as they are, whatever stands there.
UNTRIED: dict[str, Any] = {
    "fetch.sources.archive.url": "http://127.0.0.1:9/other.zip",
    "fetch.sources.archive.name": "other",
    "fetch.sources.archive.inside": "photos",
    "fetch.sources.archive.max_mb": 10,
    "fetch.sources.archive.sha256": "0" * 64,
    "fetch.sources.archive.content_sha256": "0" * 64,
    "fetch.sources.toy.content_sha256": "0" * 64,
    "fetch.sources.toy.per_class": 5,
    "fetch.sources.toy.side": 64,
    "fetch.sources.toy.seed": 2,
    "fetch.sources.idx.path": "other",
    "fetch.sources.idx.content_sha256": "0" * 64,
    "fetch.sources.idx_mirror.url": "http://127.0.0.1:9/other/",
    "fetch.sources.idx_mirror.name": "other",
    "fetch.sources.idx_mirror.max_mb": 10,
    "fetch.sources.idx_mirror.content_sha256": "0" * 64,
    "fetch.sources.sklearn_digits.content_sha256": "0" * 64,
    "fetch.sources.sklearn_digits.side": 32,
    "fetch.sources.sklearn_digits.test": 100,
}

# Parameter, another value for it, the stages that must run.
TABLE: list[tuple[str, Any, set[str]]] = [
    ("fetch.sources.folder.path", "same", NAME),
    ("weights.max_mb", 10, {"weights"}),
    ("weights.backbone", "resnet18", {"weights"} | PIXELS),
    ("weights.width", 0.5, {"weights"} | PIXELS),
    ("weights.seed", 2, {"weights"} | PIXELS),
    ("prepare.table", "tiny", SPLIT),  # the same labels under other names: classes.json changes
    # Limits that no photo or class comes near, and a policy on files that are not there.
    ("prepare.min_per_class", 6, {"prepare"}),
    ("prepare.max_pixels", 10_000, {"prepare"}),
    ("prepare.max_file_mb", 1, {"prepare"}),
    ("prepare.unreadable", "fail", {"prepare"}),
    ("prepare.duplicates.search", "exact", SPLIT),  # the scenes and flags of the near ones go
    ("prepare.duplicates.exact_cross", "report", SPLIT),
    ("prepare.duplicates.exact_train", "drop", SPLIT),
    ("prepare.duplicates.near_cross", "drop", SPLIT),
    ("prepare.duplicates.near_train", "drop", SPLIT),
    ("prepare.split.val_fraction", 0.2, {"prepare"}),  # the photos came with a val of their own
    ("prepare.split.folds", 3, SPLIT),
    ("prepare.split.seed", 1, SPLIT),
    ("prepare.views.count", 3, VIEWS),
    ("prepare.views.seed", 1, VIEWS),
    ("prepare.views.crop_scale", [0.5, 1.0], VIEWS),
    ("prepare.views.crop_ratio", [0.9, 1.1], VIEWS),
    ("prepare.views.flip", 0.0, VIEWS),
    ("prepare.views.brightness", 0.0, VIEWS),
    ("prepare.views.contrast", 0.0, VIEWS),
    ("prepare.views.saturation", 0.0, VIEWS),
    ("prepare.views.gray", 0.5, VIEWS),
    ("prepare.views.rotation", 10.0, VIEWS),
    ("prepare.views.blur", 1.0, VIEWS),
    ("prepare.views.noise", 8.0, VIEWS),
    ("prepare.views.chain.method", "randaugment", VIEWS),
    ("prepare.views.chain.strength", 5.0, VIEWS),
    ("extract.image_size", 64, PIXELS),
    ("extract.resize", "centre_crop", PIXELS),
    ("extract.engine", "mindspore", PIXELS),
    # One file more in the folder of features, read by nobody yet: the head comes out as it was.
    ("extract.pool", "none", {"extract", "train_head", "evaluate", "diagnose"}),
    ("extract.upto", 3, PIXELS),
    ("train_head.optimizer", "lbfgs", HEAD),
    ("train_head.pooling", "mean+max", HEAD),
    ("train_head.views", 1, HEAD),
    ("train_head.seed", 2, HEAD),
    ("train_head.lr", 0.001, HEAD),
    ("train_head.loss", "mse", HEAD),
    ("train_head.ema", 0.5, HEAD),
    ("train_head.schedule", "constant", HEAD),
    ("train_head.warmup_epochs", 0, HEAD),
    ("train_head.momentum", 0.5, HEAD),
    ("train_head.weight_decay", 0.1, HEAD),
    ("train_head.label_smoothing", 0.2, HEAD),
    ("train_head.batch_size", 8, HEAD),
    ("train_head.epochs", 2, HEAD),
    ("train_head.checkpoint", "best", HEAD),
    ("train_head.hidden", 4, HEAD),
    ("train_head.activation", "sigmoid", HEAD),
    ("train_head.dropout", 0.5, HEAD),
    ("train_head.mixup", 0.5, HEAD),
    ("train_head.lr_end", 0.001, HEAD),
    ("train_head.clip_norm", 0.001, HEAD),
    ("train_head.patience", 1, HEAD),
    ("train_head.keep", 2, HEAD),
    # A share that any head reaches, with another threshold than the default's unless it is right on every photo.
    ("train_head.reject_accuracy", 0.01, HEAD),
    ("train_head.class_weights", "balanced", HEAD),
    ("train_head.generated.by", "noise", HEAD),
    ("train_head.generated.count", "even", {"train_head"}),  # of nothing: the same head
    # Of other schedules and optimizers: the same head.
    ("train_head.decay_rate", 0.5, {"train_head"}),
    ("train_head.decay_epochs", 1, {"train_head"}),
    ("train_head.beta2", 0.9, {"train_head"}),
    # Of other losses, and of a loss that no hidden layer has a share in.
    ("train_head.gce_q", 0.5, {"train_head"}),
    ("train_head.bootstrap_beta", 0.8, {"train_head"}),
    ("train_head.contrastive.temperature", 0.2, {"train_head"}),
    ("train_head.calibrate", False, HEAD),
    # Of the other optimizer: the same head.
    ("train_head.lbfgs_c", [1.0], {"train_head"}),
    ("train_head.lbfgs_max_iter", 10, {"train_head"}),
    ("train_head.chosen_on_folds", ["lr"], {"train_head", "export"}),  # noted in train.json, which the card quotes
    ("train_head.track", "dvclive", {"train_head"}),  # the same outputs, and dvclive/ besides
    ("evaluate.checkpoint", "best", {"evaluate", "export"}),
    # export reads evaluate.json; the sheet of wrong photos is not in it.
    ("evaluate.ece_bins", 2, {"evaluate"}),
    ("evaluate.worst_pairs", 1, {"evaluate"}),
    ("evaluate.sheet_columns", 3, {"evaluate"}),
    ("evaluate.sheet_limit", 1, {"evaluate"}),
    ("evaluate.track", "dvclive", {"evaluate"}),
    ("diagnose.severities", [2], {"diagnose", "export"}),
    ("diagnose.robustness.each", 2, {"diagnose", "export"}),
    ("diagnose.robustness.min_mean", 0.0, {"diagnose"}),
    ("diagnose.robustness.min_worst", 0.0, {"diagnose"}),
    ("diagnose.neighbours", 3, {"diagnose"}),
    ("diagnose.suspects", 1, {"diagnose"}),
    ("diagnose.outliers", 1, {"diagnose"}),
    ("export.check_photos", 2, {"export"}),
    ("export.max_difference", 0.01, {"export"}),
    ("export.calibration_photos", 3, {"export"}),
    ("export.calibration_seed", 1, {"export"}),
]
# Not in the table: three classes without bins take no share of a bin and no costs of one (see test_head_loss.py,
# test_costs.py), no head lies about to start from (see test_recipes.py), a linear head has no contrast, all photos have
# labels (see test_pseudo_line.py), there are no maps to cut (see test_mixing.py), and pixels are for nets (see
# test_net_line.py).
APART = {
    "train_head.bin_share",
    "train_head.bin_loss",
    "train_head.contrastive.share",
    "train_head.pseudo.threshold",
    "train_head.pseudo.views",
    "train_head.pseudo.rounds",
    "train_head.cutmix",
    "evaluate.bin_costs",
    "train_head.init_from",
    "extract.pixels",
    "extract.colour",
}
# Its photos are no known data set, and a checksum of them can only be right (see test_sources.py).
APART |= {"fetch.dataset", "fetch.sources.folder.content_sha256"}
# The tiny task has random weights; what else may stand there is tested where weights are fetched.
APART |= {"weights.release", "weights.path", "weights.url", "weights.member", "weights.sha256"}

# Stages that may run besides: val's few answers hang on rounding, and with them whether evaluate.json changes. The
# calibration error does not, where all confidences lie in one bin before and after; nor do the pairs, where one is all.
MAYBE = {"evaluate.ece_bins": {"export"}, "evaluate.worst_pairs": {"export"}}

# One of each kind runs to the end, the others as far as they must to know.
TO_THE_END = {
    "prepare.duplicates.search",
    "prepare.split.folds",
    "prepare.views.seed",
    "extract.resize",
    "extract.pool",
    "train_head.lr",
    "evaluate.checkpoint",
}

# This one is run by DVC itself, to the end: stages between those that it touches do not run. The others are run in the
# tests' own process, and what DVC would do next is read from dvc.yaml: a stage has its whole section in its params (see
# test_parameters.py) and its deps are listed. What an edit of train_head makes DVC run, the experiment of
# test_commands.py says.
BY_DVC: tuple[str, Any, set[str]] = ("prepare.duplicates.search", "exact", SPLIT)
