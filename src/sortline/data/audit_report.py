"""What an audit found, as JSON for machines and as lines for people."""

from collections import Counter
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from sortline._core.text import printable
from sortline.data.audit import Audit, imbalance
from sortline.data.duplicates import Match
from sortline.data.layout import PHOTO_SUFFIXES, SPLIT_FOLDERS, UNLABELLED, UNREADABLE_SUFFIXES

MAX_PAIRS = 5000  # near pairs listed in audit.json; the groups are complete
MAX_NAMED = 5  # files named one by one where not all are


def audit_report(
    audit: Audit, train: np.ndarray | None = None, label: Sequence[Any] | np.ndarray | None = None
) -> dict[str, Any]:
    """Return audit.json's content.

    `train`: bool (N,), the photos of raw train, all others with a label being val (default: as they came, all where no
    split was given). `label`: (N,), anything that tells classes apart (default: the class folders).
    """
    train = audit.mask("train") | audit.mask("") if train is None else train
    label = [photo.folder for photo in audit.photos] if label is None else label
    copies, everything = audit.duplicates, np.ones(train.size, dtype=bool)

    def pair(match: Match) -> dict[str, Any]:
        paths = {"photo": audit.photos[match.photo].path, "copy": audit.photos[match.copy].path}
        same = bool(label[match.photo] == label[match.copy])
        how = {"agreement": 1 - match.distance / 100, "how": match.how, "exact": match.exact}
        return paths | how | {"same_class": same}

    def paths(groups: list[list[int]]) -> list[list[str]]:
        return [[audit.photos[i].path for i in group] for group in groups]

    return {
        "files": _count(audit),
        "usable": len(audit.photos),
        "problems": [{"path": problem.path, "what": problem.what} for problem in audit.problems],
        "ignored": audit.tree.ignored,
        "junk": [printable(str(one.path)) for one in audit.tree.left_out if one.junk],
        "classes": audit.counts(),
        "search": audit.search,
        "scenes": int(np.unique(copies.scene).size),
        "copies": copies.kinds(),
        "exact_groups": paths(copies.exact_groups(everything)),
        "label_conflicts": paths(audit.conflicts(label)),
        "near_groups": paths(copies.near_groups(everything)),
        "near_pairs": [pair(match) for match in copies.near_matches(everything, MAX_PAIRS)],
        "val_in_train": [pair(match) for match in copies.nearest(~train & ~audit.mask(UNLABELLED), train)],
    }


def describe(audit: Audit, every: bool = False) -> list[str]:
    """Return lines on classes, split, files left out and copies; files are named one by one, `every` one or a few."""
    limit = None if every else MAX_NAMED
    lines = [*_classes(audit), *_left_out(audit, limit), *_deeper(audit), *_copies(audit, limit)]
    found = f"{len(audit.photos):,} usable photo{_s(len(audit.photos))} of {_files(_count(audit))}"
    return [printable(line) for line in (f"found in {audit.folder}: {found}", *(f"  {line}" for line in lines))]


def _count(audit: Audit) -> int:
    """Return how many files there were to look at, those among them that could not be opened too."""
    return len(audit.tree.entries) + sum(not one.junk for one in audit.tree.left_out)


def _classes(audit: Audit) -> list[str]:
    lines = []
    for split, counts in audit.counts().items():
        if split == UNLABELLED:
            lines.append(f"{split}: {sum(counts.values()):,} photos without a label")
            continue
        smallest, largest = min(counts, key=counts.__getitem__), max(counts, key=counts.__getitem__)
        spread = f"{counts[largest]:,} each"
        if counts[smallest] < counts[largest]:
            spread = f"{counts[smallest]:,} ('{smallest}') to {counts[largest]:,} ('{largest}') each"
        where = f"{split}: " if split else ""
        lines.append(f"{where}{sum(counts.values()):,} photos in {len(counts):,} classes, {spread}")
    if found := imbalance(audit):
        largest, smallest, times = found
        lines.append(
            f"WARNING: '{largest}' has {times:,} times the photos of '{smallest}': accuracy says little of so rare a "
            "class, macro recall does; class_weights: balanced trains on each alike"
        )
    if audit.tree.given:
        return [*lines, "val is what the model is measured on; it never trains on it"]
    return [*lines, "no val/ in it: photos of every class are held out to measure the model on"]


def _left_out(audit: Audit, limit: int | None) -> list[str]:
    lines = []
    suffix = {problem: PurePosixPath(problem.path).suffix.lower() for problem in audit.problems}
    # What is in no class folder was not even opened.
    named = [one for one in audit.problems if limit is None or suffix[one] in PHOTO_SUFFIXES or not one.folder]
    if named:
        files = [f"  {problem.path}: {problem.what}" for problem in named]
        lines += [f"left out, cannot be read: {_files(len(named))}", *_first(files, limit, "  ")]
    others = [suffix[problem] for problem in audit.problems if problem not in named]
    # A phone's own format: whole classes may be missing for it.
    foreign = Counter(kind for kind in others if kind in UNREADABLE_SUFFIXES)
    no_photos = Counter(kind for kind in others if kind not in UNREADABLE_SUFFIXES)
    for kinds, what in ((foreign, "save them as JPEG to use them"), (no_photos, "no photos")):
        if kinds:
            shown = ", ".join(f"{n:,} {kind or 'without a suffix'}" for kind, n in kinds.most_common(MAX_NAMED))
            lines.append(f"left out, {what}: {_files(kinds.total())} ({shown})")
    junk = Counter(one.path.name for one in audit.tree.left_out if one.junk)
    if junk:
        shown = ", ".join(f"{n:,} '{name}'" for name, n in junk.most_common(limit or None))
        more = ", ..." * (limit is not None and len(junk) > limit)
        lines.append(f"left out, hidden or left behind by systems and cameras: {shown}{more}")
    if audit.tree.ignored:
        # Named by the first folder outside the class folders; below train/ and val/ that is one more.
        paths = [PurePosixPath(path).parts for path in audit.tree.ignored]
        given = SPLIT_FOLDERS if audit.tree.given else ()
        tops = Counter("/".join(parts[: 1 + (parts[0].casefold() in given)]) for parts in paths)
        shown = ", ".join(f"'{top}'" for top, _ in tops.most_common(MAX_NAMED)) + ", ..." * (len(tops) > MAX_NAMED)
        lines.append(f"not looked at, in no class folder: {_files(len(audit.tree.ignored))} ({shown})")
    return lines


def _deeper(audit: Audit) -> list[str]:
    deeper = [photo for photo in audit.photos if photo.folder not in ("", PurePosixPath(photo.path).parent.name)]
    what = f"{len(deeper):,} photos lie deeper; they count for the class above"
    return [f"{what}, '{first.path}' for '{first.folder}'" for first in deeper[:1]]


def _copies(audit: Audit, limit: int | None) -> list[str]:
    copies, train, val = audit.duplicates, audit.mask("train") | audit.mask(""), audit.mask("val")
    again = sum(len(group) - 1 for group in copies.exact_groups(train))
    scenes, inside = np.unique(copies.scene[train]).size, " in train" if audit.tree.given else ""
    lines = []
    if scenes < train.sum():
        kinds = [f"{count:,} {name}" for name, count in list(copies.kinds().items())[1:-1] if count]
        lines.append(
            f"copies{inside}: {train.sum():,} photos show {scenes:,} scenes, {again:,} are exact copies; no split or "
            f"fold parts a scene"
        )
        lines += [f"  pairs of copies by what differs: {', '.join(kinds)}"] * bool(kinds)
    shared = np.isin(copies.scene, copies.scene[train]) & val
    if shared.any():
        matches = copies.nearest(val, train)
        same = [f"  {audit.photos[m.photo].path} = {audit.photos[m.copy].path}" for m in matches if m.exact]
        lines.append(
            f"of val's {val.sum():,} photos, {shared.sum():,} show a scene of train, {len(same):,} of them as exact "
            f"copies"
        )
        lines += _first(same, limit, "  ")
    conflicts = audit.conflicts([photo.folder for photo in audit.photos])
    paths = [" = ".join(audit.photos[i].path for i in group) for group in conflicts]
    return lines + _first([f"the same photo in two classes: {path}" for path in paths], limit)


def _first(lines: list[str], limit: int | None, indent: str = "") -> list[str]:
    if limit is None or len(lines) <= limit:
        return lines
    return [*lines[:limit], f"{indent}and {len(lines) - limit:,} more; sortline audit names them all"]


def _files(count: int) -> str:
    return f"{count:,} file{_s(count)}"


def _s(count: int) -> str:
    return "s" * (count != 1)
