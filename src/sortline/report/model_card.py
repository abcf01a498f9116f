"""The model card, written from the metrics of the stages (Mitchell et al. 2019, arXiv:1810.03993)."""

from typing import Any

from sortline.evaluation.metrics import percentages
from sortline.report.usage import usage

WARNING = "warning"  # the column of a class table that is said once, last


def model_card(labels: dict[str, Any], backbone: dict[str, Any], metrics: dict[str, dict[str, Any]]) -> str:
    """Return the card as Markdown; `metrics` by stage: data, train, evaluate, export."""
    parts = [
        _what(labels, backbone, metrics),
        _data(metrics["data"]),
        _accuracy(metrics),
        _failures(labels, metrics["evaluate"], metrics["diagnose"]),
        _classes(labels),
        _files(labels, metrics["export"]),
        usage(labels["task"], backbone, metrics["export"]["image_size"], "reads" in labels),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _what(labels: dict[str, Any], backbone: dict[str, Any], metrics: dict[str, dict[str, Any]]) -> str:
    warning = f"> **{labels['note']}**\n\n" if labels["note"] else ""
    bins = (
        f" in {len(labels['bins'])} bins ({', '.join(row['en'] for row in labels['bins'])})" if labels["bins"] else ""
    )
    names = ", ".join(row["en"] for row in labels["classes"])
    says = (
        f"# Model card: {labels['task']}\n\n{warning}"
        f"Says which of {len(labels['classes'])} classes{bins} a photo shows: {names}.\n\n"
    )
    train = metrics["train"]
    if "net" in train:
        trained = f"{train['parameters']:,} parameters, trained from pixels"
        if "mode" in train:
            trained = (
                f"{train['trainable_parameters']:,} of {train['parameters']:,} parameters trained ({train['mode']})"
            )
        colours = "grey, light on dark" if backbone["channel_order"] == "grey" else "RGB"
        return says + (
            f"- Net: {train['net']}, {trained} by {train['optimizer']}; "
            f"input {metrics['export']['image_size']} pixels, {colours}.\n"
            f"- Used: epoch {train['epoch']} of {train['epochs_run']}."
        )
    width = f"; width {backbone['width']:g}" if backbone["width"] else ""
    return says + (
        f"- Backbone, frozen: {backbone['title']}{width}, "
        f"input {metrics['export']['image_size']} pixels.\n"
        f"- Head: {metrics['train']['head']}, trained by {metrics['train']['solver']} on {metrics['train']['views']} "
        "views a photo."
    )


def _data(data: dict[str, Any]) -> str:
    if "test" in data:
        return (
            "## Data, and its leaks\n\n"
            f"{data['source']} (fingerprint `{data['dataset']}`): {data['train']:,} pictures to train on, "
            f"{data['val']:,} to choose on, {data['test']:,} to score on. Exact copies of these in train: "
            f"{data['exact_cross']:,}; groups of exact copies inside train: {data['exact_groups_train']:,}. "
            f"Near-duplicates: {data['near_duplicates']}."
        )
    return (
        "## Data, and its leaks\n\n"
        f"{data['source']} (fingerprint `{data['dataset']}`): {data['train']:,} photos to train on, "
        f"{data['val']:,} held out. Of these, {data['exact_cross']:,} had an exact copy in train and another "
        f"{data['near_cross']:,} a near-duplicate ({data['duplicate_hash']}, at most {data['duplicate_threshold']} "
        f"differ); train photos dropped for it: {data['dropped']:,}. Inside train: {data['exact_groups_train']} groups "
        f"of exact copies, {data['near_groups_train']} of near-duplicates; folds never split a group. Mirrored or "
        "rotated copies are not searched for."
    )


def _accuracy(metrics: dict[str, dict[str, Any]]) -> str:
    evaluated, trained, exported = metrics["evaluate"], metrics["train"], metrics["export"]
    if "net" in trained:
        part = f"top-1, validation part{', on which the epoch was chosen' if trained['selected_on_val'] else ''}"
        # Photos have but the one part that is held out.
        more = [] if evaluated["split"] == "val" else [_row(part, trained, "val_accuracy", trained["val_n"])]
        chosen = ", ".join(trained["selected_on_val"]) or "nothing"
        where = (
            f"Chosen by looking at the validation part: {chosen}; nothing was chosen on the {evaluated['split']} part."
        )
    else:
        folds = f"top-1, {trained['folds']} grouped folds of train"
        more = [_row(folds, trained, "cv_accuracy", trained["cv_n"])]
        chosen = ", ".join(trained["selected_on_folds"]) or "nothing"
        where = f"Chosen by looking at the folds: {chosen}; nothing was chosen on the held-out photos."
    agreeing = f"same answer in 8 bits, {exported['int8_agreement_split']}"
    rows = [
        _row("top-1, held out", evaluated, "accuracy", evaluated["n"]),
        _row(
            "top-1, held out, without duplicates of train",
            evaluated,
            "accuracy_deduplicated",
            evaluated["n_deduplicated"],
        ),
        _row("top-5, held out", evaluated, "top5", evaluated["n"]),
        _row("right bin, held out", evaluated, "bin_accuracy", evaluated["n"]),
        *more,
        _row("top-1, held out, the ONNX file alone", exported, "onnx_accuracy", exported["onnx_n"]),
        _row("top-1, held out, the 8-bit ONNX file alone", exported, "int8_accuracy", exported["int8_n"]),
        _row(agreeing, exported, "int8_agreement", exported["int8_agreement_n"]),
    ]
    for shown, row in exported.get("digit_photos", {}).items():
        rows.append(_row(f"top-1, digits as photos, {shown}, by `sortline predict`", row, "accuracy", row["n"]))
    return (
        "## Accuracy\n\n| what | % | 95 % interval (Wilson) | n |\n| --- | --- | --- | --- |\n"
        + "\n".join(row for row in rows if row)
        + f"\n\nHeld out: macro-F1 {evaluated['macro_f1']:.3f}, log-loss {evaluated['log_loss']:.3f}, "
        f"expected calibration error {evaluated['ece']:.3f}. {where}"
    )


def _row(name: str, metrics: dict[str, Any], key: str, n: int) -> str:
    if metrics.get(key) is None:
        return ""
    value, low, high = percentages(metrics, key, n)
    return f"| {name} | {value:.1f} | {low:.1f} to {high:.1f} | {n:,} |"


def _failures(labels: dict[str, Any], evaluated: dict[str, Any], diagnosed: dict[str, Any]) -> str:
    lines = ["## Where it fails", ""]
    pairs = [
        f"- {pair['truth']} taken for {pair['predicted']}: {pair['count']}" for pair in evaluated["confused_pairs"]
    ]
    lines += pairs or ["No held-out photo was answered wrongly."]
    if "per_bin" in evaluated:
        titles = {row["id"]: row["en"] for row in labels["bins"]}
        lines += ["", "| bin | right bin, % | 95 % interval | n |", "| --- | --- | --- | --- |"]
        lines += [
            _row(titles[name], row, "accuracy", row["n"]) for name, row in evaluated["per_bin"].items() if row["n"]
        ]
    spoilt = {kind: one for kind, one in diagnosed["corruption_accuracy"].items() if kind != "none 0"}
    worst = sorted(spoilt, key=lambda kind: spoilt[kind]["accuracy"])[:3]
    mean = f"{100 * diagnosed['mean_corruption_accuracy']:.1f} %"
    lines += [
        "",
        f"On spoilt held-out photos {mean} are right on the mean over {len(spoilt)} kinds and severities. The worst:",
        "",
        "| spoilt by | top-1, % | 95 % interval | n |",
        "| --- | --- | --- | --- |",
        *(_row(kind, spoilt[kind], "accuracy", spoilt[kind]["n"]) for kind in worst),
    ]
    lines += ["", "A photo of anything else still gets one of these classes, often with confidence."]
    if labels.get("threshold"):
        lines[-1] += (
            f" Below a probability of {labels['threshold']:.3f}, chosen out of fold, take the answer for 'not sure'."
        )
    return "\n".join(lines)


def _classes(labels: dict[str, Any]) -> str:
    """What the task's table says beside names: its columns, and its warnings below."""
    cards = {row["en"]: dict(row["card"]) for row in labels["classes"] if row.get("card")}
    if not cards:
        return ""
    columns = [column for column in dict.fromkeys(key for card in cards.values() for key in card) if column != WARNING]
    lines = ["## The classes", "", _cells("class", *columns), _cells(*["---"] * (len(columns) + 1))]
    lines += [_cells(name, *(card.get(column, "") for column in columns)) for name, card in cards.items()]
    warnings = dict.fromkeys(card[WARNING] for card in cards.values() if WARNING in card)
    return "\n".join([*lines, *(f"\n**{text}**" for text in warnings)])


def _cells(*texts: str) -> str:
    return "| " + " | ".join(text.replace("|", "\\|") for text in texts) + " |"


def _files(labels: dict[str, Any], exported: dict[str, Any]) -> str:
    cam = (
        " `cam`, float32 (classes, height, width), shows where it looked (class activation maps)."
        if labels.get("cam")
        else ""
    )
    digits, size = "reads" in labels, exported["image_size"]
    channels = 1 if digits else 3
    shown = " The digit must be light on dark, cut out and centred, as `sortline predict` does first." if digits else ""
    return (
        "## Files\n\n"
        f"- `model.onnx` ({exported['onnx_mb']:.1f} MB, opset 18): `image` uint8 RGB (height, width, 3), any size, "
        "upright, to `probabilities` and `logits`; resizing and scaling are inside. Labels are in its metadata."
        f"{shown}{cam}\n"
        f"- `model_int8.onnx` ({exported['int8_bytes'] / 1e6:.1f} MB): the same in 8 bits (static, per channel, "
        f"calibrated on {exported['int8_calibration_photos']} train photos), for phones and browsers.\n"
        f"- `model.mindir` ({exported['mindir_mb']:.1f} MB): preprocessed float32 "
        f"(1, {channels}, {size}, {size}) to logits.\n"
        "- `labels.json`: classes in output order, and bins.\n\n"
        f"Checked at export on {exported['checked_photos']} held-out photos: logits differ from MindSpore's by at most "
        f"{exported['max_abs_diff_onnx']:.0e} (ONNX) and {exported['max_abs_diff_mindir']:.0e} (MindIR). "
        "Photos of other sizes, up to 12 megapixels, and EXIF-turned ones: same class as with Pillow's resizing in "
        f"{100 * exported['resized_agreement']:.1f} % (n = {exported['resized_n']:,})."
    )
