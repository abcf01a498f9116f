"""An audit in plain words, for somebody who sees the line for the first time."""

from collections import Counter
from pathlib import PurePosixPath

from sortline.data.audit import Audit
from sortline.data.find_photos import SUFFIXES
from sortline.data.layout import PHOTO_SUFFIXES, SPLIT_FOLDERS

MAX_NAMED = 5  # files named one by one


def describe(audit: Audit) -> list[str]:
    """Return lines on classes, split, files left out, and copies."""
    lines = [f"  {text}" for text in [*_classes(audit), *_left_out(audit), *_deeper(audit), *_copies(audit)]]
    return [f"found in {audit.folder}:", *lines]


def _classes(audit: Audit) -> list[str]:
    lines = []
    for split, counts in audit.counts().items():
        smallest, largest = min(counts, key=counts.__getitem__), max(counts, key=counts.__getitem__)
        spread = f"{counts[smallest]:,} ('{smallest}') to {counts[largest]:,} ('{largest}') each"
        spread = spread if counts[smallest] < counts[largest] else f"{counts[largest]:,} each"
        where = f"{split}: " if split else ""
        lines.append(f"{where}{sum(counts.values()):,} photos in {len(counts):,} classes, {spread}")
    if audit.tree.given:
        return [*lines, "val is what the model is measured on; it never trains on it"]
    return [*lines, "no val/ in it: photos of every class are held out to measure the model on"]


def _left_out(audit: Audit) -> list[str]:
    lines = []
    suffix = {problem: PurePosixPath(problem.path).suffix.lower() for problem in audit.problems}
    named = [problem for problem in audit.problems if suffix[problem] in PHOTO_SUFFIXES]
    if named:
        lines.append(f"left out, cannot be read: {_files(len(named))}")
        lines += [f"  {problem.path}: {problem.what}" for problem in named[:MAX_NAMED]]
        lines += [f"  and {len(named) - MAX_NAMED:,} more; sortline audit names them all"] * (len(named) > MAX_NAMED)
    others = [kind for problem, kind in suffix.items() if problem not in named]
    # A phone's own format: whole classes may be missing for it.
    foreign = Counter(kind for kind in others if kind in SUFFIXES)
    if foreign:
        lines.append(f"left out, save them as JPEG to use them: {_files(foreign.total())} ({_kinds(foreign)})")
    no_photos = Counter(kind for kind in others if kind not in SUFFIXES)
    if no_photos:
        lines.append(f"left out, no photos: {_files(no_photos.total())} ({_kinds(no_photos)})")
    if audit.tree.ignored:
        tops = Counter(_top(PurePosixPath(path), audit.tree.given) for path in audit.tree.ignored)
        shown = ", ".join(f"'{top}'" for top, _ in tops.most_common(MAX_NAMED)) + ", ..." * (len(tops) > MAX_NAMED)
        lines.append(f"not looked at, in no class folder: {_files(len(audit.tree.ignored))} ({shown})")
    return lines


def _top(path: PurePosixPath, given: bool) -> str:
    """Return what to name of a path outside the class folders: its first folder, below train/ and val/ one more."""
    inside = given and path.parts[0].casefold() in SPLIT_FOLDERS
    return PurePosixPath(*path.parts[: 1 + inside]).as_posix()


def _deeper(audit: Audit) -> list[str]:
    deeper = [photo for photo in audit.photos if PurePosixPath(photo.path).parent.name != photo.folder]
    if not deeper:
        return []
    first = deeper[0]
    return [f"{len(deeper):,} photos lie deeper; they count for the class above, '{first.path}' for '{first.folder}'"]


def _copies(audit: Audit) -> list[str]:
    copies, train, val = audit.duplicates, ~audit.mask("val"), audit.mask("val")
    exact, near = copies.exact_groups(train), copies.near_groups(train)
    again = sum(len(group) - 1 for group in exact)
    alike = sum(map(len, near))
    lines = []
    if again or alike:
        inside = " in train" if audit.tree.given else ""
        lines.append(f"copies{inside}: {again:,} exact, {alike:,} photos nearly alike; no split or fold parts them")
    if audit.tree.given:
        matches = copies.nearest(val, train)
        same = sum(match.exact for match in matches)
        if matches:
            lines.append(f"of val, {same:,} photos are in train too and {len(matches) - same:,} nearly are")
    conflicts = audit.conflicts([photo.folder for photo in audit.photos])
    for group in conflicts[:MAX_NAMED]:
        lines.append("the same photo in two classes: " + " = ".join(audit.photos[i].path for i in group))
    if len(conflicts) > MAX_NAMED:
        lines.append(f"and {len(conflicts) - MAX_NAMED:,} more such photos; sortline audit names them")
    return lines


def _kinds(suffixes: Counter[str]) -> str:
    return ", ".join(f"{count:,} {suffix or 'without a suffix'}" for suffix, count in suffixes.most_common(MAX_NAMED))


def _files(count: int) -> str:
    return f"{count:,} file{'s' * (count != 1)}"
