"""A model card of measurements made up, and its tables."""

import re

from scipy.stats import binomtest

from sortline.report.model_card import model_card

LABELS = {
    "task": "garbage",
    "classes": [
        {"code": "00_00", "en": "Plastic Bottle", "zh": "塑料瓶", "bin": "recyclable"},
        {"code": "03_03", "en": "Banana Peel", "zh": "香蕉皮", "bin": "wet"},
    ],
    "bins": [
        {"id": "recyclable", "en": "Recyclable", "zh": "可回收物", "colour": "#2278cf"},
        {"id": "wet", "en": "Wet", "zh": "湿垃圾", "colour": "#27853b"},
    ],
    "note": "",
}
BACKBONE = {"title": "MobileNetV2 1.0 224, a public release", "width": 0.75,
            "mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25]}  # fmt: skip


def share(prefix, right, n):
    interval = binomtest(right, n).proportion_ci(method="wilson")
    return {prefix: right / n, f"{prefix}_low": interval.low, f"{prefix}_high": interval.high}


def bin_share(right, n):
    if n == 0:
        return {"accuracy": None, "low": None, "high": None, "n": 0}
    interval = binomtest(right, n).proportion_ci(method="wilson")
    return {"accuracy": right / n, "low": interval.low, "high": interval.high, "n": n}


def measured():
    pairs = [("Cans", "Metalware", 7), ("Hats", "Broom", 3)]
    pairs = [dict(zip(("truth", "predicted", "count"), pair, strict=True)) for pair in pairs]
    return {
        "data": {"source": "garbage26", "dataset": "1dc817ecd2e24283", "train": 2125, "val": 1130, "exact_cross": 41,
                 "near_cross": 114, "duplicate_search": "geometry", "dropped": 43, "exact_groups_train": 22,
                 "near_groups_train": 489, "scenes": 907, "scenes_train": 885, "largest_scene": 12,
                 "copies": {"pairs": 2952, "mirrored": 1276, "turned": 937, "cropped": 2635, "recoloured": 408}},
        "train": {"solver": "momentum", "head": "linear, on the mean", "views": 4, "folds": 5, "cv_n": 2127,
                  "cv_scene_n": 885, "selected_on_folds": ["epoch", "lr"], "unfamiliar_below": 0.5123,
                  "cv_accuracy": 0.8412, "cv_accuracy_low": 0.8155, "cv_accuracy_high": 0.8668,
                  "cv_accuracy_scenes": 885, "cv_scene_accuracy": 0.8531, "cv_scene_accuracy_low": 0.8302,
                  "cv_scene_accuracy_high": 0.8759, **share("cv_by_photo_accuracy", 2030, 2127)},
        "evaluate": {"n": 1130, "n_deduplicated": 1014, "macro_f1": 0.93456, "log_loss": 0.23456, "ece": 0.01267,
                     "macro_recall": 0.87654, "majority_class": "Cans", "majority_share": 0.31234,
                     "never_predicted": [],
                     "confused_pairs": pairs, **share("accuracy", 1075, 1130), **share("top5", 1128, 1130),
                     **share("accuracy_deduplicated", 951, 1014), **share("bin_accuracy", 1111, 1130),
                     "per_bin": {"recyclable": bin_share(47, 50), "wet": bin_share(20, 20),
                                 "hazardous": bin_share(0, 0)},
                     "novelty": {"new_scenes": {"0 to 0.5": {**bin_share(20, 50), "confidence": 0.61, "answered": 0.1},
                                                "0.5 to 0.6": {**bin_share(60, 75), "confidence": 0.72,
                                                               "answered": 0.4}}},
                     "field": {**bin_share(30, 40), "per_source": {"kitchen": bin_share(10, 16),
                                                                   "yard": bin_share(20, 24)}}},
        "diagnose": {"mean_corruption_accuracy": 0.61234, "corruption_accuracy": {
            "none 0": bin_share(1075, 1130), "rotation 3": bin_share(339, 1130), "blur 5": bin_share(113, 1130),
            "noise 5": bin_share(226, 1130)}},
        "export": {"image_size": 192, "onnx_mb": 9.2416, "mindir_mb": 9.4602, "checked_photos": 26, "onnx_n": 1129,
                   "max_abs_diff_onnx": 7.6e-06, "max_abs_diff_mindir": 0.0, "resized_agreement": 0.9977,
                   "resized_n": 442, "int8_bytes": 2795312, "int8_calibration_photos": 199, "int8_n": 1128,
                   "int8_agreement_n": 2257, "int8_agreement_split": "all photos", **share("onnx_accuracy", 1073, 1129),
                   **share("int8_accuracy", 1070, 1128), **share("int8_agreement", 2222, 2257)},
    }  # fmt: skip


def card(change=None, labels=LABELS, backbone=BACKBONE):
    """Return the card of `measured()`; `change` edits its nested dicts in place."""
    metrics = measured()
    if change:
        change(metrics)
    return model_card(labels, backbone, metrics)


def tables(text):
    """Return the tables, each a list of rows of cells, and check that each is well-formed (GitHub's Markdown)."""
    found = []
    for block in re.findall(r"(?:^\|.*\n)+", text + "\n", re.MULTILINE):
        assert f"\n\n{block}" in text + "\n", "a table needs an empty line before it"
        rows = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in block.splitlines()]
        assert len({len(row) for row in rows}) == 1, f"rows of different length: {block}"
        assert len(rows) > 2 and all(re.fullmatch(":?-{3,}:?", cell) for cell in rows[1])
        found.append([rows[0], *rows[2:]])
    assert sum("|" in line for line in text.splitlines()) == sum(len(table) + 1 for table in found)
    return found


def row(name, right, n):
    interval = binomtest(right, n).proportion_ci(method="wilson")
    return [name, f"{100 * right / n:.1f}", f"{100 * interval.low:.1f} to {100 * interval.high:.1f}", f"{n:,}"]
