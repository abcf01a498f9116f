"""The model card, model_card.md filled with the metrics of the stages (Mitchell et al. 2019, arXiv:1810.03993)."""

import re
from pathlib import Path
from typing import Any

from sortline._core.doubt import NEVER
from sortline._core.text import markdown
from sortline.data.classes import WARNING
from sortline.evaluation.metrics import percentages

FRAMED = {
    "squeeze": "squeezed",
    "centre_crop": "cut to its middle square of 7/8 of the shorter side and resized",
    "pad": "laid on a square of grey (128) and resized",
}
TEMPLATE = Path(__file__).with_suffix(".md")
# {name}, {name[key]} or either with a format, {name:.3f}. Braces of code are something else.
FIELD = re.compile(r"\{\w+(\[\w+\])?(:[^{}\s]+)?\}")

# What a person dropped counts as incorrect there.
UNCORRECTED = "labels before any correction"


def model_card(labels: dict[str, Any], backbone: dict[str, Any], metrics: dict[str, dict[str, Any]]) -> str:
    """Return the card as Markdown; `metrics` by stage: data, train, evaluate, diagnose, export.

    `backbone` is what the features record about it, or what is said of a net in its place; `labels` is labels.json.
    """
    # Names of classes, files and sources are a stranger's: nothing in them is markup.
    labels, backbone, metrics = (_shown(content) for content in (labels, backbone, metrics))
    cards = {row["en"]: dict(row["card"]) for row in labels["classes"] if row.get("card")}
    parts = {
        "note": labels["note"],
        "net": "net" in metrics["train"],
        "head": "net" not in metrics["train"],
        "pretrained": metrics["export"].get("pretrained"),
        "three_parts": "near_duplicates" in metrics["data"],
        "two_parts": "near_duplicates" not in metrics["data"],
        "bins": "per_bin" in metrics["evaluate"],
        "threshold": labels.get("threshold") not in (None, NEVER),
        "never_sure": labels.get("threshold") == NEVER,
        "novelty": metrics["evaluate"].get("novelty"),
        "cam": labels.get("cam"),
        "cards": cards,
        "never": metrics["evaluate"]["never_predicted"],
        "digits": "reads" in labels,
        "robust": "robustness" in metrics["diagnose"],
        "sets": labels.get("sets"),
        "unknown": "unknown_below" in labels and "unknown" in metrics["diagnose"],
    }
    text = TEMPLATE.read_text(encoding="utf-8")
    for name, wanted in parts.items():
        # A part inside a line begins and ends there.
        part = rf"<!-- {name} -->(\n?)(.*?)<!-- /{name} -->\1"
        text = re.sub(part, r"\2" if wanted else "", text, flags=re.DOTALL)
    values = metrics | _model(labels, backbone, metrics) | _tables(labels, metrics)
    values |= _doubts(labels, metrics)
    values |= {"class_cards": _class_cards(cards), "novelty": _novelty(metrics["evaluate"].get("novelty") or {})}
    return FIELD.sub(lambda field: field[0].format(**values), text)


def _shown(content: Any) -> Any:
    """Return the content of a JSON file with its texts, keys too, as Markdown that shows them."""
    if isinstance(content, dict):
        return {_shown(key): _shown(value) for key, value in content.items()}
    if isinstance(content, list):
        return [_shown(value) for value in content]
    return markdown(content) if isinstance(content, str) else content


def _model(labels: dict[str, Any], backbone: dict[str, Any], metrics: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return what is said of the model and its files."""
    train, exported, digits = metrics["train"], metrics["export"], "reads" in labels
    scaling = list(zip(backbone["mean"], backbone["std"], strict=True))
    if len(set(scaling)) == 1:  # the same for R, G and B
        scaling = scaling[:1]
    trained = ""
    if "mode" in train:
        trained = f"{train['trainable_parameters']:,} of {train['parameters']:,} parameters trained ({train['mode']})"
    elif "net" in train:
        trained = f"{train['parameters']:,} parameters, trained from pixels"
    bins = ", ".join(row["en"] for row in labels["bins"])
    return {
        "task": labels["task"],
        "note": labels["note"],
        "n_classes": len(labels["classes"]),
        "bins": f" in {len(labels['bins'])} bins ({bins})" if bins else "",
        "classes": ", ".join(row["en"] for row in labels["classes"]),
        "backbone": backbone,
        "trained": trained,
        "optimizer": train.get("solver"),  # the key in train.json
        "pretrained": _lines(map(_credit, exported.get("pretrained", []))),
        "width": f"; width {backbone['width']:g}" if backbone.get("width") else "",
        "channels": 1 if digits else 3,
        "colours": "grey" if digits else "RGB",
        "colours_of_net": "grey, light on dark" if backbone.get("channel_order") == "grey" else "RGB",
        "scaling": ", ".join(f"(x / 255 - {mean:g}) / {std:g}" for mean, std in scaling),
        "int8_mb": exported["int8_bytes"] / 1e6,
        "resized": 100 * exported["resized_agreement"],
        "framed": FRAMED[labels.get("framed", "squeeze")],
        "threshold": labels.get("threshold"),
        "searched": _searched(metrics["data"]),
        "unfamiliar": train.get("unfamiliar_below", 0.0),
    }


def _credit(of: dict[str, Any]) -> str:
    """Return the line on whose weights these are."""
    address = f", {of['address']}" if of["address"] else ""
    return f"- Weights: {of['title']}{address}; licence: {of['licence']}. Cite {of['citation']}."


def _searched(data: dict[str, Any]) -> str:
    """Return what a scene is here, and how its photos were found."""
    if data.get("duplicate_search") != "geometry":
        return "only exact copies were looked for"
    found = data["copies"]
    return (
        f"copies of one picture, {found['pairs']:,} pairs, {found['mirrored']:,} of them mirrored, "
        f"{found['turned']:,} turned, {found['cropped']:,} cropped or rescaled, {found['recoloured']:,} recoloured; "
        "found by local features and verified by geometry"
    )


def _novelty(curves: dict[str, Any]) -> str:
    """Return the rows of the table on new scenes."""
    rows = curves.get("new_scenes", {})
    return "\n".join(
        f"| {name} | {100 * row['accuracy']:.1f} | {100 * row['low']:.1f} to {100 * row['high']:.1f} | {row['n']:,} | "
        f"{100 * row['confidence']:.1f} | {100 * (1 - row['answered']):.1f} |"
        for name, row in rows.items()
    )


def _tables(labels: dict[str, Any], metrics: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return the rows of the tables, and what was chosen by looking at which of the scores in them."""
    evaluated, trained, exported = metrics["evaluate"], metrics["train"], metrics["export"]
    scores = metrics["diagnose"]["corruption_accuracy"]
    corrupted = {kind: one for kind, one in scores.items() if kind != "none 0"}
    worst = sorted(corrupted, key=lambda kind: corrupted[kind]["accuracy"])[:3]
    titles = {row["id"]: row["en"] for row in labels["bins"]}
    pairs = [f"- {one['truth']} taken for {one['predicted']}: {one['count']}" for one in evaluated["confused_pairs"]]
    before, after, chosen = _while_training(trained, evaluated["split"] if "net" in trained else "")
    n, unique = evaluated["n"], evaluated["n_deduplicated"]
    same = f"same prediction in 8 bits, {exported['int8_agreement_split']}"
    accuracies = [
        *before,
        _row("top-1, held out, scenes that train does not show", evaluated, "accuracy_deduplicated", unique),
        _row("top-1, held out, as given", evaluated, "accuracy", n),
        _row(f"top-1, held out, {UNCORRECTED}", evaluated, "given_accuracy", evaluated.get("given_n", 0)),
        _row("top-5, held out", evaluated, "top5", n),
        _row("correct bin, held out", evaluated, "bin_accuracy", n),
        *after,
        *_apart(evaluated),
        _row("top-1, held out, the ONNX file alone", exported, "onnx_accuracy", exported["onnx_n"]),
        _row("top-1, held out, the 8-bit ONNX file alone", exported, "int8_accuracy", exported["int8_n"]),
        _row(same, exported, "int8_agreement", exported["int8_agreement_n"]),
        *(
            _row(f"top-1, digits as photos, {shown}, by `sortline predict`", score, "accuracy", score["n"])
            for shown, score in exported.get("digit_photos", {}).items()
        ),
    ]
    scored = [(name, score) for name, score in evaluated.get("per_bin", {}).items() if score["n"]]
    bins = [_row(titles[name], score, "accuracy", score["n"]) for name, score in scored]
    return {
        "accuracies": _lines(accuracies),
        "chosen": chosen,
        "majority": 100 * evaluated["majority_share"],
        "never": ", ".join(evaluated["never_predicted"]),
        "confused": _lines(pairs) or "No held-out photo was predicted wrongly.",
        "per_bin": _lines(bins),
        "worst_corruptions": _lines(_row(kind, corrupted[kind], "accuracy", corrupted[kind]["n"]) for kind in worst),
        "n_corruptions": len(corrupted),
        "mean_corrupted": 100 * metrics["diagnose"]["mean_corruption_accuracy"],
    }


def _doubts(labels: dict[str, Any], metrics: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return what is said of corrupted photos, of prediction sets, and of what the model does not know."""
    found: dict[str, Any] = {}
    if robust := metrics["diagnose"].get("robustness"):
        worst = robust["families"][robust["worst_family"]]
        shown = [f"{100 * one['accuracy']:.1f} % [{100 * one['low']:.1f}, {100 * one['high']:.1f}]"
                 for one in (robust["corrupted"], worst)]  # fmt: skip
        found |= {"robust": shown[0], "robust_n": robust["corrupted"]["n"], "robust_of": robust["split"]}
        found |= {"worst_family": robust["worst_family"], "worst_of_families": shown[1]}
    if labels.get("sets"):
        scored = metrics["train"]["sets"]["95"]
        found |= {"coverage": 100 * scored["coverage"], "set_size": scored["mean_size"]}
        found["set_limit"] = labels["sets"]["95"]
    if unknown := metrics["diagnose"].get("unknown"):
        found |= {"told": 100 * unknown["told"], "auroc": unknown["mean"], "unknown_below": labels.get("unknown_below")}
    return found


def _apart(evaluated: dict[str, Any]) -> list[str]:
    """Return the rows of the parts that were scored apart, each source of the field too."""
    found = []
    for part in [part for part in ("test", "field") if part in evaluated]:
        found.append(_row(f"top-1, {part}", evaluated[part], "accuracy", evaluated[part]["n"]))
        for source, score in evaluated[part].get("per_source", {}).items():
            found.append(_row(f"top-1, {part}, {source}", score, "accuracy", score["n"]))
    return found


def _while_training(trained: dict[str, Any], split: str) -> tuple[list[str], list[str], str]:
    """Return the rows of the accuracies by which a training was judged, honest ones first, and what was chosen by it.

    `split`: on which part a net was evaluated; photos have but the one that is held out.
    """
    if "cv_accuracy" not in trained:
        part = f"top-1, validation part{', on which the epoch was chosen' if trained['selected_on_val'] else ''}"
        before, after = [], [] if split == "val" else [_row(part, trained, "val_accuracy", trained["val_n"])]
        chosen, where, other = trained["selected_on_val"], "the validation part", f"{split} part"
    else:
        folds, n, scenes = trained["folds"], trained["cv_n"], trained["cv_accuracy_scenes"]
        before = [
            _row(
                f"top-1, new scenes: {folds} folds of train that part none of its {scenes:,} scenes",
                trained,
                "cv_accuracy",
                n,
            ),
            _row("the same, each scene counted once", trained, "cv_scene_accuracy", trained["cv_scene_n"]),
            _row(f"new scenes, {UNCORRECTED}", trained, "cv_given_accuracy", trained.get("cv_given_n", 0)),
        ]
        after = [
            _row("top-1, folds dealt by photo: copies on both sides, as is usual", trained, "cv_by_photo_accuracy", n)
        ]
        chosen, where, other = trained["selected_on_folds"], "the folds", "held-out photos"
    names = ", ".join(chosen) or "nothing"
    return before, after, f"Chosen by looking at {where}: {names}; nothing was chosen on the {other}."


def _row(name: str, metrics: dict[str, Any], key: str, n: int) -> str:
    if metrics.get(key) is None:
        return ""
    value, low, high = percentages(metrics, key, n)
    return f"| {name} | {value:.1f} | {low:.1f} to {high:.1f} | {n:,} |"


def _lines(rows: Any) -> str:
    return "\n".join(row for row in rows if row)


def _class_cards(cards: dict[str, dict[str, str]]) -> str:
    """What the task's table says beside names: its columns, and its warnings below."""
    columns = [column for column in dict.fromkeys(key for card in cards.values() for key in card) if column != WARNING]
    lines = [_cells("class", *columns), _cells(*["---"] * (len(columns) + 1))]
    lines += [_cells(name, *(card.get(column, "") for column in columns)) for name, card in cards.items()]
    warnings = dict.fromkeys(card[WARNING] for card in cards.values() if WARNING in card)
    return "\n".join([*lines, *(f"\n**{text}**" for text in warnings)])


def _cells(*texts: str) -> str:
    return "| " + " | ".join(texts) + " |"
