"""An audit in plain words, for somebody who sees the line for the first time."""

from collections import Counter
from pathlib import PurePosixPath

from sortline.cli._shared.photos import SUFFIXES
from sortline.data.audit import Audit
from sortline.data.layout import PHOTO_SUFFIXES, SPLIT_FOLDERS

MOST = 5  # files named one by one


def lines(audit: Audit) -> list[str]:
    """Return lines on classes, split, files left out, and copies."""
    said = [f"  {text}" for text in [*_classes(audit), *_left_out(audit), *_deeper(audit), *_copies(audit)]]
    return [f"found in {audit.folder}:", *said]


def _classes(audit: Audit) -> list[str]:
    said = []
    for split, counts in audit.counts().items():
        least, most = min(counts, key=counts.get), max(counts, key=counts.get)
        spread = f"{counts[least]:,} ('{least}') to {counts[most]:,} ('{most}') each"
        spread = spread if counts[least] < counts[most] else f"{counts[most]:,} each"
        where = f"{split}: " if split else ""
        said.append(f"{where}{sum(counts.values()):,} photos in {len(counts):,} classes, {spread}")
    if audit.tree.given:
        return [*said, "val is what the model is measured on; it never trains on it"]
    return [*said, "no val/ in it: photos of every class are held out to measure the model on"]


def _left_out(audit: Audit) -> list[str]:
    said = []
    suffix = {problem: PurePosixPath(problem.path).suffix.lower() for problem in audit.problems}
    named = [problem for problem in audit.problems if suffix[problem] in PHOTO_SUFFIXES]
    if named:
        said.append(f"left out, cannot be read: {_files(len(named))}")
        said += [f"  {problem.path}: {problem.what}" for problem in named[:MOST]]
        said += [f"  and {len(named) - MOST:,} more; sortline audit names them all"] * (len(named) > MOST)
    others = [kind for problem, kind in suffix.items() if problem not in named]
    # A phone's own format: whole classes may be missing for it.
    foreign = Counter(kind for kind in others if kind in SUFFIXES)
    if foreign:
        said.append(f"left out, save them as JPEG to use them: {_files(foreign.total())} ({_kinds(foreign)})")
    others = Counter(kind for kind in others if kind not in SUFFIXES)
    if others:
        said.append(f"left out, no photos: {_files(others.total())} ({_kinds(others)})")
    if audit.tree.ignored:
        tops = Counter(_top(PurePosixPath(path), audit.tree.given) for path in audit.tree.ignored)
        shown = ", ".join(f"'{top}'" for top, _ in tops.most_common(MOST)) + (", ..." if len(tops) > MOST else "")
        said.append(f"not looked at, in no class folder: {_files(len(audit.tree.ignored))} ({shown})")
    return said


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
    said = []
    if again or alike:
        inside = " in train" if audit.tree.given else ""
        said.append(f"copies{inside}: {again:,} exact, {alike:,} photos nearly alike; no split or fold parts them")
    if audit.tree.given:
        matches = copies.nearest(val, train)
        same = sum(match.exact for match in matches)
        if matches:
            said.append(f"of val, {same:,} photos are in train too and {len(matches) - same:,} nearly are")
    conflicts = audit.conflicts([photo.folder for photo in audit.photos])
    for group in conflicts[:MOST]:
        said.append("the same photo in two classes: " + " = ".join(audit.photos[i].path for i in group))
    if len(conflicts) > MOST:
        said.append(f"and {len(conflicts) - MOST:,} more such photos; sortline audit names them")
    return said


def _kinds(suffixes: Counter[str]) -> str:
    return ", ".join(f"{count:,} {suffix or 'without a suffix'}" for suffix, count in suffixes.most_common(MOST))


def _files(count: int) -> str:
    return f"{count:,} file{'s' * (count != 1)}"
