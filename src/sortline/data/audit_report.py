"""What an audit found, as JSON for machines and as lines for people."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from sortline.data.audit import Audit
from sortline.data.duplicates import Match

MAX_PAIRS = 5000  # near pairs listed in audit.json; the groups are complete


def audit_report(
    audit: Audit, train: np.ndarray | None = None, label: Sequence[Any] | np.ndarray | None = None
) -> dict[str, Any]:
    """Return audit.json's content.

    `train`: bool (N,), the photos of raw train, all others being val (default: as they came, all where no split was
    given). `label`: (N,), anything that tells classes apart (default: the class folders).
    """
    train = ~audit.mask("val") if train is None else train
    label = [photo.folder for photo in audit.photos] if label is None else label
    copies, everything = audit.duplicates, np.ones(train.size, dtype=bool)

    def pair(match: Match) -> dict[str, Any]:
        paths = {"photo": audit.photos[match.photo].path, "copy": audit.photos[match.copy].path}
        same = bool(label[match.photo] == label[match.copy])
        return paths | {"distance": match.distance, "exact": match.exact, "same_class": same}

    def paths(groups: list[list[int]]) -> list[list[str]]:
        return [[audit.photos[i].path for i in group] for group in groups]

    return {
        "files": len(audit.tree.entries),
        "usable": len(audit.photos),
        "problems": [{"path": problem.path, "what": problem.what} for problem in audit.problems],
        "ignored": audit.tree.ignored,
        "classes": audit.counts(),
        "hash": {"name": audit.hash_name, "bits": audit.hash_size**2, "threshold": audit.threshold},
        "exact_groups": paths(copies.exact_groups(everything)),
        "label_conflicts": paths(audit.conflicts(label)),
        "near_groups": paths(copies.near_groups(everything)),
        "near_pairs": [pair(match) for match in copies.near_matches(everything, MAX_PAIRS)],
        "val_in_train": [pair(match) for match in copies.nearest(~train, train)],
    }


def summary(audit: Audit) -> list[str]:
    """Return the lines that `sortline audit` prints: files left out by name, everything else as counts."""
    copies, train, val = audit.duplicates, ~audit.mask("val"), audit.mask("val")
    folders = [photo.folder for photo in audit.photos]
    exact, near = copies.exact_groups(train), copies.near_groups(train)
    lines = [f"{problem.path}: {problem.what}" for problem in audit.problems]
    files, left_out = len(audit.tree.entries), len(audit.problems)
    lines.append(f"{_count(len(audit.photos), 'usable photo')} of {_count(files, 'file')}, {left_out:,} left out")
    for split, counts in audit.counts().items():
        if set(counts) != {""}:
            smallest, largest = (end(counts, key=lambda name: counts[name]) for end in (min, max))
            spread = f"{counts[smallest]} ({smallest}) to {counts[largest]} ({largest}) photos each"
            spread = spread if counts[smallest] < counts[largest] else f"{counts[largest]} photos each"
            lines.append(f"{split or 'no train and val'}: {sum(counts.values()):,} in {len(counts)} classes, {spread}")
    if audit.tree.ignored:
        lines.append(f"{_count(len(audit.tree.ignored), 'file')} outside class folders, not looked at")
    inside = "train" if audit.tree.given else "the folder"
    lines.append(f"exact copies in {inside}: {_groups(exact)}")
    lines.append(f"near-duplicates in {inside} ({_criterion(audit)}): {_groups(near)}")
    if audit.tree.given:
        matches = copies.nearest(val, train)
        same = [match for match in matches if match.exact]
        lines.append(f"val photos also in train: {len(same)} exactly, {len(matches) - len(same)} as near-duplicates")
        lines += [f"  {audit.photos[m.photo].path} = {audit.photos[m.copy].path}" for m in same[:10]]
    for group in audit.conflicts(folders)[:10]:
        lines.append("one photo in two classes: " + " = ".join(audit.photos[i].path for i in group))
    return lines


def _groups(groups: list[list[int]]) -> str:
    return f"{_count(len(groups), 'group')}, {sum(map(len, groups)):,} photos" if groups else "none"


def _count(n: int, thing: str) -> str:
    return f"{n:,} {thing}{'s' * (n != 1)}"


def _criterion(audit: Audit) -> str:
    return f"{audit.hash_name}, {audit.hash_size**2} bits, distance at most {audit.threshold}"
