"""A handwritten digit out of a photo, made to look as MNIST's do: light on dark, 28 x 28, centred by mass."""

import numpy as np
from PIL import Image
from scipy import ndimage

from sortline.data.images import NoDigit

SIDE, BOX = 28, 20  # MNIST: fitted into 20 x 20, in 28 x 28 (LeCun et al. 1998, section III.A)
WORKING = 280  # pixels of the longer side that the digit is looked for at
CONTRAST = 24  # minimum of levels, of 255, between paper and ink
DARKEST = 12  # minimum of pixels that a digit's darkest part has
STROKE = 2.6  # pixels of 28 that MNIST's pens are wide, about


def read_digit(image: Image.Image) -> Image.Image:
    """Return the digit of an RGB photo of any size, dark on light or light on dark, as RGB 28 x 28.

    Raises `NoDigit` where nothing stands out from the background.
    """
    grey = image.convert("L")
    scale = WORKING / max(grey.size)
    if scale < 1:
        width, height = (max(1, round(side * scale)) for side in grey.size)
        grey = grey.resize((width, height), Image.Resampling.BOX)
    ink = _main_parts(_ink(np.asarray(grey, dtype=np.float64)))
    rows, columns = (np.flatnonzero(ink.any(axis=axis)) for axis in (1, 0))
    ink = _thickened(ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
    return Image.fromarray(_centred(_fitted(ink))).convert("RGB")


def _ink(grey: np.ndarray) -> np.ndarray:
    """Return how much each pixel stands out, 0 .. 1, whichever of dark and light the ink is."""
    away = grey - _background(grey)
    # Counted in pixels, not in shares: a digit may be small in its photo.
    ranked = np.sort(away, axis=None)
    low, high = ranked[:DARKEST][-1], ranked[-DARKEST:][0]
    away, strongest = (away, high) if high > -low else (-away, -low)
    if strongest < CONTRAST:
        raise NoDigit
    return np.clip(away / strongest, 0, 1)


def _background(grey: np.ndarray) -> np.ndarray:
    """Return the plane of least squares through the edge's pixels, so that a shadow across the paper is no ink."""
    rows, columns = np.indices(grey.shape)
    width = max(1, round(0.03 * min(grey.shape)))
    edge = np.ones(grey.shape, dtype=bool)
    edge[width:-width, width:-width] = False
    edge &= np.abs(grey - np.median(grey[edge])) <= 64
    terms = np.stack([np.ones_like(grey), rows / grey.shape[0], columns / grey.shape[1]], axis=-1)
    plane, *_ = np.linalg.lstsq(terms[edge], grey[edge], rcond=None)
    return terms @ plane


def _main_parts(ink: np.ndarray) -> np.ndarray:
    """Keep what is darker than half-way between paper and ink, its soft edge, and no speck beside it."""
    parts, count = ndimage.label(ink > 0.4, structure=np.ones((3, 3)))
    areas = ndimage.sum_labels(np.ones_like(ink), parts, range(1, count + 1))
    kept = np.isin(parts, 1 + np.flatnonzero(areas >= 0.1 * areas.max()))
    return np.where(ndimage.binary_dilation(kept, np.ones((3, 3))), ink * (ink > 0.1), 0)


def _thickened(ink: np.ndarray) -> np.ndarray:
    """Widen strokes that would be too thin once the digit is as small as MNIST's."""
    solid = ink > 0.5
    inner = ndimage.binary_erosion(solid)
    outline = max(1, np.count_nonzero(solid & ~inner))
    width = 2 * np.count_nonzero(solid) / outline
    wanted = STROKE * max(ink.shape) / BOX
    grow = int(wanted - width)
    return ndimage.grey_dilation(np.pad(ink, grow), size=(grow + 1, grow + 1)) if grow > 0 else ink


def _fitted(ink: np.ndarray) -> np.ndarray:
    """Return uint8, its longer side BOX pixels."""
    image = Image.fromarray((255 * ink).round().astype(np.uint8))
    scale = BOX / max(image.size)
    return np.asarray(image.resize([max(1, round(side * scale)) for side in image.size], Image.Resampling.BILINEAR))


def _centred(digit: np.ndarray) -> np.ndarray:
    """Return uint8 (28, 28) with the digit's centre of mass in the middle, as far as it then still fits."""
    result = np.zeros((SIDE, SIDE), np.uint8)
    mass = ndimage.center_of_mass(digit.astype(float) + 1e-9)
    top, left = (
        int(np.clip(round((SIDE - 1) / 2 - centre), 0, SIDE - length))
        for centre, length in zip(mass, digit.shape, strict=True)
    )
    result[top : top + digit.shape[0], left : left + digit.shape[1]] = digit
    return result
