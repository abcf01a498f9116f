"""A split with a person's decisions about labels in it; what the photos came with is kept beside."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sortline._core.errors import UserError
from sortline.data.audit import Audit
from sortline.data.corrections import DROP, UNSURE, Decision, current
from sortline.data.names import check_new_class, check_words
from sortline.data.split import Split


@dataclass(frozen=True)
class Corrected:
    """`split` and the content of classes.json after all decisions; `counts`: of data.json, empty without a decision;
    `gone`: decisions about a photo that is not there, or no longer under that label."""

    split: Split
    classes: dict[str, Any]
    counts: dict[str, Any]
    gone: Sequence[Decision] = ()


def correct(
    audit: Audit, split: Split, classes: dict[str, Any], decisions: Sequence[Decision], min_per_class: int
) -> Corrected:
    """Put decisions into a split. Scenes, val and folds stay as they were dealt by the labels that the photos came
    with, so that before and after are of the same photos.

    Raises `UserError` where a decision names no class, or a class has too few photos by them.
    """
    if not (holding := current(decisions)):
        return Corrected(split, classes, {})
    names = [row["en"] or row["code"] for row in classes["classes"]]
    check_words(names, "corrections")
    label, part = split.label.copy(), split.split.copy()
    labelled = [(i, photo) for i, photo in enumerate(audit.photos) if split.label[i] >= 0]
    here = {(photo.sha256, names[split.label[i]]) for i, photo in labelled}
    rows, found = _classes([one.new for key, one in holding.items() if key in here and one.is_label], classes)
    met: set[tuple[str, str]] = set()
    kinds: Counter[str] = Counter()
    for i, photo in labelled:
        decision = holding.get((photo.sha256, names[split.label[i]]))
        taken_in = holding.get((photo.sha256, ""))
        if taken_in and taken_in.new == names[split.label[i]]:
            met.add(taken_in.key)
        if decision is None:
            continue
        met.add(decision.key)
        if decision.new == DROP:
            part[i] = "dropped"
        elif decision.new != UNSURE:
            label[i] = found[decision.new]
        kinds[_kind(decision, found)] += 1
    named = [row["en"] or row["code"] for row in rows]
    _check_counts(label, part, named, min_per_class)
    there = {photo.sha256: names[split.label[i]] for i, photo in labelled}
    missing = [one for key, one in holding.items() if key not in met and there.get(one.sha256) != one.new]
    gone = [one for one in missing if one.old]
    waiting = sum(not one.old and one.new not in (DROP, UNSURE) for one in missing)
    changed = (label != split.label) | (part != split.split)
    counts: dict[str, Any] = {kind: kinds[kind] for kind in ("confirmed", "relabelled", "dropped", "unsure")}
    counts |= {"gone": len(gone), "not_taken_in": waiting, **_places(split, changed)}
    if not changed.any():
        return Corrected(split, classes, counts, gone)
    kept = replace(split, label=label, split=part, given_label=split.label, given_split=split.split)
    return Corrected(kept, classes | {"classes": rows}, counts, gone)


def _kind(decision: Decision, labels: Mapping[str, int]) -> str:
    if decision.new in (DROP, UNSURE):
        return "dropped" if decision.new == DROP else "unsure"
    return "confirmed" if labels[decision.new] == labels[decision.old] else "relabelled"


def _places(split: Split, changed: np.ndarray) -> dict[str, Any]:
    """Return how many labels changed in each part and each fold that has any."""
    parts, folds = Counter(split.split[changed].tolist()), Counter(split.fold[changed & (split.fold >= 0)].tolist())
    found: dict[str, Any] = {"changed": {name: parts[name] for name in sorted(parts)}}
    return found | {"changed_folds": {str(fold): folds[fold] for fold in sorted(folds)}}


def _classes(chosen: Sequence[str], classes: Mapping[str, Any]) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """Return the rows of classes.json with the classes that are new in `chosen` after the others, and {name: label}.

    A class that was added as "NAME (BIN)" is called NAME by the page after the next run: either is that one class.
    """
    rows = list(classes["classes"])
    found = {one: label for label, row in enumerate(rows) for one in (row["code"], row["en"] or row["code"])}
    for text in sorted(dict.fromkeys(chosen), key=lambda text: not (classes["bins"] and text.endswith(")"))):
        if text not in found:
            rows.append(added(text, [row["en"] or row["code"] for row in rows], classes["bins"]))
            found |= {text: len(rows) - 1, rows[-1]["en"]: len(rows) - 1}
    return rows, found


def added(text: str, names: Sequence[str], bins: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    """Return the row of classes.json of a class that a reviewer adds to `names`; of a task with bins "NAME (BIN)".

    Raises `UserError` where it cannot be called so, or has no bin.
    """
    name, bin_id = text, ""
    if bins:
        ids = [row["id"] for row in bins]
        name, _, bin_id = text.removesuffix(")").rpartition(" (")
        if not name or bin_id not in ids:
            raise UserError(f"corrections: '{text}' is no class; to add one write its bin too, as in 'Name ({ids[0]})'")
    check_new_class(name, names, "corrections")
    return {"code": text, "en": name, "zh": "", "bin": bin_id}


def _check_counts(label: np.ndarray, part: np.ndarray, names: Sequence[str], least: int) -> None:
    for number, name in enumerate(names):
        own = part[label == number]
        train, val = int((own == "train").sum()), int((own == "val").sum())
        if train < least or val < 1:
            raise UserError(
                f"class '{name}': with the corrections {train} train and {val} val photos, fewer than {least} and 1; "
                "label more photos so, or take decisions back (sortline review)"
            )
