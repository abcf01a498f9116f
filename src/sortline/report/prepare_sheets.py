"""Contact sheets of what prepare did: the views of some photos, and the copies that it found."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from sortline._core.files import replacing
from sortline.config.augment import ViewParams
from sortline.data.audit import Audit
from sortline.data.augment.views import render
from sortline.data.duplicates import Match
from sortline.data.images import open_rgb
from sortline.data.split import Split
from sortline.report.contact_sheet import Tile, contact_sheet, shown

SIZE = 224  # pixels a view is rendered at
PHOTOS = 8  # photos on the sheet of views
PAIRS = 24  # pairs of each kind on the sheet of duplicates
CROSS, TRAIN, CONFLICT = "#1f77b4", "#9a9a9a", "#d62728"


def views_sheet(audit: Audit, split: Split, names: Sequence[str], plan: ViewParams) -> Image.Image:
    """Draw all views (at most 8) of one train photo of each of PHOTOS classes, a photo a row."""
    columns = min(plan.count, 8)
    classes = np.unique(np.linspace(0, len(names) - 1, PHOTOS).round().astype(int))
    tiles = []
    for label in classes:
        photo = audit.photos[np.flatnonzero((split.label == label) & (split.split == "train"))[0]]
        image = open_rgb(audit.folder / photo.path)
        for view in range(columns):
            picture = Image.fromarray(render(image, plan, view, photo.sha256, SIZE))
            caption = f"{shown(names, label)}\n{photo.path}" if view == 0 else f"view {view}"
            tiles.append(Tile(picture, caption))
    title = f"{columns} of {plan.count} views" if columns < plan.count else f"{columns} views"
    return contact_sheet(tiles, columns, f"{title} a photo; the left one is the plain view")


def duplicates_sheet(audit: Audit, split: Split, names: Sequence[str]) -> Image.Image:
    """Draw pairs of copies, worst first: those of two classes, then val photos in train, then inside train.

    Of many pairs a selection is shown; audit.json lists them all.
    """
    pairs = _pairs(audit, split)
    tiles = []
    for match in pairs:
        distance = "exact copy" if match.exact else f"distance {match.distance}"
        for i in (match.photo, match.copy):
            photo = audit.photos[i]
            image = open_rgb(audit.folder / photo.path)
            image.thumbnail((SIZE, SIZE))
            tiles.append(
                Tile(image, f"{distance}\n{shown(names, split.label[i])}\n{photo.path}", _colour(match, split))
            )
    title = f"{len(pairs)} pairs of copies" if pairs else "No copies found"
    threshold = f"{audit.hash_name}, near up to distance {audit.threshold} of {audit.hash_size**2}"
    legend = "blue: val and train; gray: inside train; red: two classes"
    return contact_sheet(tiles, 6, f"{title} ({threshold}); {legend}")


def _pairs(audit: Audit, split: Split) -> list[Match]:
    """Return the pairs to show: at most PAIRS of two classes, across the splits, and inside train."""
    copies, train = audit.duplicates, split.raw == "train"
    cross = sorted(copies.nearest(~train, train), key=lambda match: (not match.exact, match.distance))
    exact = [Match(group[0], other, 0, True) for group in copies.exact_groups(train) for other in group[1:]]
    near = copies.near_matches(train)
    conflicts = [match for match in [*cross, *exact, *near] if _conflict(match, split)]
    cross, exact, near = ([match for match in kind if not _conflict(match, split)] for kind in (cross, exact, near))
    exact = exact[: PAIRS // 4]
    # Spread over the distances up to the farthest pair, which shows whether the threshold is right.
    places = np.linspace(0, len(near) - 1, min(len(near), PAIRS - len(exact))).round().astype(int)
    return [*conflicts[:PAIRS], *cross[:PAIRS], *exact, *(near[i] for i in places)]


def _conflict(match: Match, split: Split) -> bool:
    return bool(split.label[match.photo] != split.label[match.copy])


def _colour(match: Match, split: Split) -> str:
    if _conflict(match, split):
        return CONFLICT
    return CROSS if split.raw[match.photo] != split.raw[match.copy] else TRAIN


def save(sheet: Image.Image, path: Path) -> None:
    with replacing(path) as temporary:
        sheet.save(temporary)
