"""Random small distortions of grey pictures, a whole epoch at once: shift, rotation, scale, shear, elastic."""

import numpy as np

from sortline.config.augment import DistortionParams

BLOCK = 1000  # pictures at a time: what is worked on stays near the processor


def distort(images: np.ndarray, params: DistortionParams, generator: np.random.Generator) -> np.ndarray:
    """Return uint8 (n, S, S) distorted, each picture by draws of its own; what comes from outside is 0.

    Each pixel is read by bilinear interpolation from where the inverse map puts it. `elastic` is the strength (alpha)
    of Simard et al. 2003, "Best practices for convolutional neural networks applied to visual document analysis". Where
    `params.any` is false, nothing is drawn.
    """
    if not params.any:
        return images
    starts = range(0, len(images), BLOCK)
    return np.concatenate([_distort(images[start : start + BLOCK], params, generator) for start in starts])


def _distort(images: np.ndarray, params: DistortionParams, generator: np.random.Generator) -> np.ndarray:
    count, side = images.shape[:2]
    draws = generator.uniform(-1, 1, (6, count)).astype(np.float32)
    fields = generator.uniform(-1, 1, (2, count, side, side)).astype(np.float32) if params.elastic else None
    matrix = matrices(params, draws[:4])
    centre = (side - 1) / 2
    grid = np.arange(side, dtype=np.float32) - centre
    # The map from a point of the result to the point of the picture, both from the centre: (2, n, rows, columns).
    points = matrix[:, :, 0, None, None] * grid[:, None] + matrix[:, :, 1, None, None] * grid
    points += (centre + params.shift * draws[4:])[:, :, None, None]
    if fields is not None:
        smooth = gaussian(side, params.elastic_sigma)
        points += params.elastic * (smooth @ fields @ smooth.T)
    return sample(images, points[0], points[1])


def matrices(params: DistortionParams, draws: np.ndarray) -> np.ndarray:
    """Return the inverse maps [row, column] x [row, column], float32 (2, n, 2), of draws -1 .. 1, (4, n).

    Draws: rotation, scale of rows, scale of columns, shear.
    """
    turn, shear = np.radians(params.rotation) * draws[0], np.tan(np.radians(params.shear) * draws[3])
    rows, columns = 1 / (1 + params.scale * draws[1]), 1 / (1 + params.scale * draws[2])
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
    """Read uint8 (n, S, S) at points float32 (n, S, S) by bilinear interpolation, rounded to uint8; outside is 0."""
    count, side = images.shape[:2]
    padded = np.pad(images.astype(np.float32), ((0, 0), (1, 1), (1, 1)))
    rows, columns = (np.clip(points + 1, 0, side + 0.999) for points in (rows, columns))
    top, left = rows.astype(np.int32), columns.astype(np.int32)
    down, right = rows - top, columns - left
    at = top * (side + 2) + left + (np.arange(count, dtype=np.int32) * (side + 2) ** 2)[:, None, None]
    flat = padded.ravel()
    upper = flat[at] * (1 - right) + flat[at + 1] * right
    lower = flat[at + side + 2] * (1 - right) + flat[at + side + 3] * right
    return (upper * (1 - down) + lower * down + 0.5).astype(np.uint8)
