"""What prepare shows: how many photos the classes have, and contact sheets of views, of copies, of digits."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from sortline._core.arrays import spread
from sortline._core.files import write_csv
from sortline._core.text import printable
from sortline.data.audit import Audit
from sortline.data.augment.views import render
from sortline.data.datasets import open_picture
from sortline.data.duplicates import Match
from sortline.data.images import open_rgb
from sortline.data.preparation import Preparation
from sortline.data.split import Split, class_counts
from sortline.report import figures
from sortline.report.contact_sheet import Tile, contact_sheet, save, shown
from sortline.report.scenes import scenes_sheet

SIZE = 224  # pixels a view is rendered at
PHOTOS = 8  # photos on the sheet of views
PAIRS = 24  # pairs of each kind on the sheet of duplicates
DIGITS = 10  # digits of a class on their sheet
CROSS, TRAIN, CONFLICT = "#1f77b4", "#9a9a9a", "#d62728"


def draw(prepared: Preparation, plots: Path) -> None:
    """Write the classes' legend, how many photos each has as table and chart, and the data set's contact sheets."""
    rows, names = prepared.classes["classes"], prepared.names
    legend = [(label, *(row[key] for key in ("code", "en", "zh"))) for label, row in enumerate(rows)]
    write_csv(plots / "classes.csv", ("number", "code", "en", "zh"), legend)
    counts = class_counts(prepared.split, len(names))
    write_csv(plots / "class_counts.csv", ("class", *counts), zip(names, *counts.values(), strict=True))
    figures.class_counts(names, counts, plots / "class_counts.png")
    for name in prepared.dataset.sheets:
        save(SHEETS[name](prepared), plots / "photos" / f"{name}.png")


def remarks(prepared: Preparation, plots: Path) -> Iterator[str]:
    """Yield what to know: class names that charts cannot show, files that were left out."""
    names = prepared.names
    lost = figures.undrawable(names)
    if lost:
        yield (
            f"WARNING: no installed font can draw {len(lost)} of the {len(names)} class names; in figures they are "
            f"numbers, '{names[lost[0]]}' is 'class {lost[0]}': see {(plots / 'classes.csv').as_posix()}"
        )
    if found := prepared.metrics.get("corrections"):
        kinds = ", ".join(f"{found[kind]} {kind}" for kind in ("confirmed", "relabelled", "dropped", "unsure"))
        yield f"corrections: {kinds}; changed in {found['changed'] or 'no part'}, by fold {found['changed_folds']}"
    for one in prepared.gone:
        yield printable(f"WARNING: a decision about a photo that is gone: {one.photo} ({one.old} -> {one.new})")
    for problem in prepared.audit.problems:
        yield printable(f"left out: {problem.path}: {problem.what}")


def views_sheet(prepared: Preparation) -> Image.Image:
    """Draw all views (at most 8) of one train photo of each of PHOTOS classes, a photo a row."""
    audit, split, plan, names = prepared.audit, prepared.split, prepared.views, prepared.names
    columns = min(plan.count, 8)
    tiles = []
    for label in spread(len(names), PHOTOS):
        photo = audit.photos[np.flatnonzero((split.label == label) & (split.split == "train"))[0]]
        image = open_rgb(audit.folder / photo.path)
        for view in range(columns):
            picture = Image.fromarray(render(image, plan, view, photo.sha256, SIZE))
            caption = f"{shown(names, label)}\n{photo.path}" if view == 0 else f"view {view}"
            tiles.append(Tile(picture, caption))
    title = f"{columns} of {plan.count} views" if columns < plan.count else f"{columns} views"
    return contact_sheet(tiles, columns, f"{title} a photo; the left one is the plain view")


def digits_sheet(prepared: Preparation) -> Image.Image:
    """Draw the first DIGITS of each class of the train part, as it came."""
    audit, names = prepared.audit, prepared.names
    given, tiles = audit.mask("train"), []
    for label in range(len(names)):
        for i in np.flatnonzero(given & (prepared.split.label == label))[:DIGITS]:
            path = audit.photos[i].path
            tiles.append(Tile(open_picture(audit.folder / path), f"{shown(names, label)}\n{path}"))
    return contact_sheet(tiles, DIGITS, f"The first {DIGITS} of each digit in the train part", tile_size=84)


def duplicates_sheet(prepared: Preparation) -> Image.Image:
    """Draw pairs of copies (audit.json lists all): those of two classes, val photos in train, pairs inside train."""
    audit, split, names = prepared.audit, prepared.split, prepared.names
    pairs = _pairs(audit, split)
    tiles = []
    for match in pairs:
        across = split.raw[match.photo] != split.raw[match.copy]
        colour = CONFLICT if _conflict(match, split) else CROSS if across else TRAIN
        how = match.how if match.exact else f"{match.how}; {100 - match.distance} % agree"
        for i in (match.photo, match.copy):
            photo = audit.photos[i]
            image = open_rgb(audit.folder / photo.path, side=SIZE)
            image.thumbnail((SIZE, SIZE))
            caption = f"{how}\n{shown(names, split.label[i])}\n{photo.path}"
            tiles.append(Tile(image, caption, colour))
    title = f"{len(pairs)} pairs of copies" if pairs else "No copies found"
    legend = "blue: val and train; gray: inside train; red: two classes"
    return contact_sheet(tiles, 6, f"{title}; {legend}")


def _pairs(audit: Audit, split: Split) -> list[Match]:
    """Return the pairs to show: at most PAIRS of two classes, across the splits, and inside train."""
    copies, train = audit.duplicates, split.raw == "train"
    cross = sorted(copies.nearest(split.held_out, train), key=lambda match: (not match.exact, match.distance))
    exact = [Match(group[0], other, 0, True) for group in copies.exact_groups(train) for other in group[1:]]
    near = copies.near_matches(train)
    conflicts = [match for match in [*cross, *exact, *near] if _conflict(match, split)]
    cross, exact, near = ([match for match in kind if not _conflict(match, split)] for kind in (cross, exact, near))
    exact = exact[: PAIRS // 4]
    # Spread over the distances up to the farthest pair, which shows whether the search goes too far.
    some = spread(len(near), PAIRS - len(exact))
    return [*conflicts[:PAIRS], *cross[:PAIRS], *exact, *(near[i] for i in some)]


def _conflict(match: Match, split: Split) -> bool:
    return bool(split.label[match.photo] != split.label[match.copy])


def _scenes(prepared: Preparation) -> Image.Image:
    return scenes_sheet(prepared.audit, prepared.split.held_out)


SHEETS = {"views": views_sheet, "duplicates": duplicates_sheet, "scenes": _scenes, "digits": digits_sheet}
