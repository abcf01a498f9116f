"""Whether two photos show the same picture: local features that one affine map carries over, and what then agrees."""

from dataclasses import dataclass

import cv2
import numpy as np

from sortline.data.copies.sketch import MIRRORED, SIDE, SMALL, Sketch, comparable

MATCHES, MANY = 7, 15  # features carried over: at least, and so many that little of the rest need agree
AGREEMENT, LITTLE = 0.5, 0.15  # share of the common area that must agree: with MATCHES features, with MANY
COSINE, RATIO = 0.75, 0.8  # a match: how near, and how much nearer than the next one (Lowe 2004)
TOLERANCE = 4.0  # pixels of SIDE
SOLID, SPREAD = 0.7, 8.0  # where less agrees, the features must spread over so many pixels of SIDE across their line
SCALES, STRETCH = (0.12, 8.0), 2.5  # of a copy to its picture; how much more in one direction than in the other
BLOCK = 8  # pixels of SMALL: the common area is compared in such squares, each by its own correlation
CORRELATION, CONTRAST = 0.6, 6.0  # of a square that agrees; standard deviation of one that shows anything
TURNED, CROPPED, RELIT = 5.0, 0.9, 0.15  # degrees; share of both pictures in common; change of contrast


@dataclass(frozen=True)
class Overlay:
    """How photo a lies on photo b: the share of the common area that agrees, 0 to 1, and in what they differ."""

    agreement: float
    mirrored: bool
    turned: bool
    cropped: bool
    recoloured: bool


def overlay(a: Sketch, b: Sketch, mirrored: bool) -> Overlay | None:
    """Lay a, or its mirror image, on b; None where they are no copies.

    The map is found by RANSAC (Fischler and Bolles 1981). Two pictures of like things share a few features, or a mark
    in a corner; but what lies around those then does not agree.
    """
    if min(len(a.points), len(b.points)) < MATCHES:
        return None
    picture, points, descriptors = a.picture, a.points, a.descriptors
    if mirrored:
        picture, descriptors = np.ascontiguousarray(picture[:, ::-1]), descriptors[:, MIRRORED]
        points = points * (-1, 1) + (2 * picture.shape[1] - 1, 0)
    own, others = _matches(comparable(descriptors), comparable(b.descriptors))
    if len(own) < MATCHES:
        return None
    found, inside = cv2.estimateAffine2D(
        np.ascontiguousarray(points[own], np.float32), b.points[others], method=cv2.RANSAC,
        ransacReprojThreshold=TOLERANCE, maxIters=1000, confidence=0.99,
    )  # fmt: skip
    count = 0 if found is None else int(inside.sum())
    if count < MATCHES or not _plausible(found[:, :2]):
        return None
    agreement, common, gain = _agreement(picture, b.picture, found)
    if agreement < np.interp(count, (MATCHES, MANY), (AGREEMENT, LITTLE)):
        return None
    # What two photos have from one shop, a line of letters below them, is no picture.
    if agreement < SOLID and _spread(points[own[inside[:, 0] > 0]]) < SPREAD:
        return None
    angle = np.degrees(np.arctan2(found[1, 0] - found[0, 1], found[0, 0] + found[1, 1]))
    return Overlay(agreement, mirrored, abs(angle) > TURNED, common < CROPPED, abs(np.log(gain)) > RELIT)


def _matches(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows of a and of b that are each other's nearest, and clearly so."""
    cosine = a @ b.T
    rows, nearest = np.arange(len(a)), cosine.argmax(1)
    mutual = cosine.argmax(0)[nearest] == rows
    best = cosine[rows, nearest]
    rows = np.flatnonzero(mutual & (best > COSINE))
    others = cosine[rows]
    others[np.arange(len(rows)), nearest[rows]] = -1
    clear = 1 - best[rows] < RATIO**2 * (1 - others.max(1, initial=-1))
    return rows[clear], nearest[rows[clear]]


def _plausible(linear: np.ndarray) -> bool:
    """Whether a map, float64 (2, 2), may be that of a copy: no mirroring, not too small, large or stretched."""
    larger, smaller = np.linalg.svd(linear, compute_uv=False)
    sized = SCALES[0] <= smaller and larger <= SCALES[1] and larger <= STRETCH * smaller
    return bool(sized and np.linalg.det(linear) > 0)


def _spread(points: np.ndarray) -> float:
    """Return the standard deviation of points (n, 2) across the line along which they lie."""
    return float(np.linalg.eigvalsh(np.cov(points.T))[0].clip(0) ** 0.5)


def _agreement(a: np.ndarray, b: np.ndarray, found: np.ndarray) -> tuple[float, float, float]:
    """Return the share of the common area's squares that agree, the share of both pictures that is common, and the
    change of contrast from a to b; `found` float64 (2, 3) maps a to b in pixels of SIDE."""
    found = found * (1, 1, SMALL / SIDE)
    if np.linalg.det(found[:, :2]) > 1:  # compared at the coarser of the two
        return _compare(b, a, cv2.invertAffineTransform(found), False)
    return _compare(a, b, found, True)


def _compare(moved: np.ndarray, fixed: np.ndarray, found: np.ndarray, forward: bool) -> tuple[float, float, float]:
    size = fixed.shape[::-1]
    inside = cv2.warpAffine(np.ones_like(moved), found, size, flags=cv2.INTER_NEAREST)
    # Smoothed by as much as it shrinks, or fine patterns would turn into others.
    scale = np.linalg.det(found[:, :2]) ** 0.5
    over = cv2.warpAffine(_smooth(moved, 0.75 / scale), found, size)
    first, second, whole = (_squares(one) for one in (over, _smooth(fixed, 0.75), inside.astype(np.float32)))
    first, second = (one[whole.min(1) > 0] for one in (first, second))
    contrast = np.stack([first.std(1), second.std(1)])
    textured = contrast.max(0) > CONTRAST
    common = inside.sum() / max(fixed.size, moved.size * scale**2)
    if not textured.any():
        return 0.0, common, 1.0
    first, second = (one[textured] - one[textured].mean(1, keepdims=True) for one in (first, second))
    contrast = contrast[:, textured]
    correlation = (first * second).mean(1) / np.maximum(contrast.prod(0), 1e-3)
    agrees = correlation > CORRELATION
    gain = np.median(contrast[1, agrees] / contrast[0, agrees]) if agrees.any() else 1.0
    return float(agrees.mean()), float(common), float(gain if forward else 1 / gain)


def _smooth(picture: np.ndarray, sigma: float) -> np.ndarray:
    return cv2.GaussianBlur(picture.astype(np.float32), (0, 0), sigma)


def _squares(picture: np.ndarray) -> np.ndarray:
    """Cut into squares of BLOCK pixels: (n, BLOCK * BLOCK); what is left over at the right and below falls away."""
    height, width = (side // BLOCK * BLOCK for side in picture.shape)
    cut = picture[:height, :width].reshape(height // BLOCK, BLOCK, width // BLOCK, BLOCK)
    return cut.swapaxes(1, 2).reshape(-1, BLOCK * BLOCK)
