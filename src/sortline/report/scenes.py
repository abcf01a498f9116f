"""A contact sheet of scenes: the photos that show one picture, a scene a row."""

import numpy as np
from PIL import Image

from sortline._core.arrays import spread
from sortline.data.audit import Audit
from sortline.data.images import open_rgb
from sortline.data.layout import UNLABELLED
from sortline.report.contact_sheet import PAPER, Tile, contact_sheet

ROWS, COLUMNS, SIZE = 24, 8, 120  # scenes on the sheet, photos of each, pixels of a photo
HELD_OUT, TRAIN = "#1f77b4", "#9a9a9a"


def scenes_sheet(audit: Audit, held_out: np.ndarray | None = None) -> Image.Image:
    """Draw scenes of two photos or more, from the largest down, evenly over all there are, a row each.

    `held_out` bool (N,): photos framed in blue (default: labelled ones that did not come in train).
    """
    held = ~(audit.mask("train") | audit.mask("") | audit.mask(UNLABELLED)) if held_out is None else held_out
    scene = audit.duplicates.scene
    sizes = np.bincount(scene) if scene.size else np.empty(0, int)
    found = np.argsort(-sizes, kind="stable")[: int((sizes > 1).sum())]
    tiles = []
    for number in found[spread(len(found), ROWS)] if len(found) else []:
        photos = np.flatnonzero(scene == number)
        for i in photos[:COLUMNS]:
            image = open_rgb(audit.folder / audit.photos[i].path, side=2 * SIZE)
            image.thumbnail((2 * SIZE, 2 * SIZE))
            tiles.append(Tile(image, audit.photos[i].path, HELD_OUT if held[i] else TRAIN))
        empty = Tile(Image.new("RGB", (SIZE, SIZE), PAPER), "")
        tiles += [empty] * (-len(tiles) % COLUMNS)
    title = f"{len(sizes):,} scenes, {len(found):,} of two photos or more"
    if len(found) > ROWS:
        title += f", {ROWS} of these shown, the largest first"
    return contact_sheet(tiles, COLUMNS, f"{title}; blue: held out, gray: train", tile_size=SIZE)
