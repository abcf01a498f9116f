"""Random small distortions of grey pictures, a whole epoch at once: shift, rotation, scale, shear, elastic."""

from dataclasses import dataclass

import numpy as np

BLOCK = 1000  # pictures at a time: what is worked on stays near the processor


@dataclass(frozen=True)
class Distortion:
    """How far each picture is moved, at most, drawn evenly; all 0: pictures stay as they are.

    `shift` pixels; `rotation` and `shear` degrees; `scale`: factor from 1 - x to 1 + x; `elastic` pixels: the
    displacement's strength (alpha of Simard et al. 2003, "Best practices for convolutional neural networks applied to
    visual document analysis"), its field smoothed by a Gaussian of `elastic_sigma` pixels.
    """

    shift: float = 0.0
    rotation: float = 0.0
    scale: float = 0.0
    shear: float = 0.0
    elastic: float = 0.0
    elastic_sigma: float = 4.0

    @property
    def any(self) -> bool:
        return any((self.shift, self.rotation, self.scale, self.shear, self.elastic))


def distort(images: np.ndarray, how: Distortion, generator: np.random.Generator) -> np.ndarray:
    """Return uint8 (n, S, S) distorted, each picture by draws of its own; what comes from outside is 0.

    Each pixel is read by bilinear interpolation from where the inverse map puts it. Where `how.any` is false, nothing
    is drawn.
    """
    if not how.any:
        return images
    blocks = [_distort(images[start : start + BLOCK], how, generator) for start in range(0, len(images), BLOCK)]
    return np.concatenate(blocks)


def _distort(images: np.ndarray, how: Distortion, generator: np.random.Generator) -> np.ndarray:
    count, side = images.shape[:2]
    draws = generator.uniform(-1, 1, (6, count)).astype(np.float32)
    fields = generator.uniform(-1, 1, (2, count, side, side)).astype(np.float32) if how.elastic else None
    matrix = matrices(how, draws[:4])
    centre = (side - 1) / 2
    grid = np.arange(side, dtype=np.float32) - centre
    # The map from a place in the result to the place in the picture, both from the centre: (2, n, rows, columns).
    places = matrix[:, :, 0, None, None] * grid[:, None] + matrix[:, :, 1, None, None] * grid
    places += (centre + how.shift * draws[4:])[:, :, None, None]
    if fields is not None:
        smooth = gaussian(side, how.elastic_sigma)
        places += how.elastic * (smooth @ fields @ smooth.T)
    return sample(images, places[0], places[1])


def matrices(how: Distortion, draws: np.ndarray) -> np.ndarray:
    """Return the inverse maps [row, column] x [row, column], float32 (2, n, 2), of draws -1 .. 1, (4, n).

    Draws: rotation, scale of rows, scale of columns, shear.
    """
    turn, shear = np.radians(how.rotation) * draws[0], np.tan(np.radians(how.shear) * draws[3])
    rows, columns = 1 / (1 + how.scale * draws[1]), 1 / (1 + how.scale * draws[2])
    cos, sin = np.cos(turn), np.sin(turn)
    # Rotation, then shear of columns by rows, then scale.
    first = np.stack([rows * cos, rows * -sin], axis=-1)
    second = np.stack([columns * (sin + shear * cos), columns * (cos - shear * sin)], axis=-1)
    return np.stack([first, second]).astype(np.float32)


def gaussian(side: int, sigma: float) -> np.ndarray:
    """Return the matrix that smooths along an axis of length `side`, float32 (side, side); beyond the edge is 0."""
    apart = np.arange(side)[:, None] - np.arange(side)
    full = np.exp(-0.5 * (np.arange(-4 * side, 4 * side + 1) / sigma) ** 2).sum()
    return (np.exp(-0.5 * (apart / sigma) ** 2) / full).astype(np.float32)


def sample(images: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Read uint8 (n, S, S) at places float32 (n, S, S) by bilinear interpolation, rounded to uint8; outside is 0."""
    count, side = images.shape[:2]
    padded = np.zeros((count, side + 2, side + 2), np.float32)
    padded[:, 1:-1, 1:-1] = images
    rows, columns = (np.clip(places + 1, 0, side + 0.999) for places in (rows, columns))
    top, left = rows.astype(np.int32), columns.astype(np.int32)
    down, right = rows - top, columns - left
    at = top * (side + 2) + left + (np.arange(count, dtype=np.int32) * (side + 2) ** 2)[:, None, None]
    flat = padded.ravel()
    upper = flat[at] * (1 - right) + flat[at + 1] * right
    lower = flat[at + side + 2] * (1 - right) + flat[at + side + 3] * right
    return (upper * (1 - down) + lower * down + 0.5).astype(np.uint8)
