"""Copies among photos: exact (the same decoded pixels) and near (perceptual hashes that differ in few bits)."""

from collections.abc import Sequence
from dataclasses import dataclass

import imagehash
import numpy as np
from PIL import Image
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from sortline._core.errors import UserError

HASHES = {"phash": imagehash.phash, "dhash": imagehash.dhash}
MAX_PAIRS = 5_000_000  # 120 MB of pairs; more means that the threshold says nothing about these photos


@dataclass(frozen=True)
class Match:
    """Two photos (by index) that are copies: `distance` in bits of the hash, 0 where `exact`."""

    photo: int
    copy: int
    distance: int
    exact: bool


@dataclass(frozen=True)
class Duplicates:
    """Copies among N photos. A *picture* is a set of exact copies, numbered by its first photo.

    picture: int64 (N,), the picture that each photo shows.
    pairs: int64 (P, 3), rows (picture a, picture b, distance), a < b: near-duplicates, closest first.
    group: int64 (N,), photos linked by exact or near copies, directly or through others, numbered by first photo.
    """

    picture: np.ndarray
    pairs: np.ndarray
    group: np.ndarray

    def exact_groups(self, among: np.ndarray) -> list[list[int]]:
        """Return the sets of two or more exact copies among the photos of the mask `among` (bool, (N,))."""
        return _sets(self.picture, among)

    def near_groups(self, among: np.ndarray) -> list[list[int]]:
        """Return the sets of photos of the mask, two pictures or more, linked by near copies inside the mask."""
        first = self._first(among)
        sets = _sets(_components(first.size, self._inside(first))[self.picture], among)
        return [photos for photos in sets if len(set(self.picture[photos])) > 1]

    def nearest(self, of: np.ndarray, among: np.ndarray) -> list[Match]:
        """Return, for each photo of the mask `of` that has one, its closest copy in the (other) mask `among`."""
        first = self._first(among)
        # Both directions of every pair, closest first; the first row of a picture is its closest.
        ways = np.stack([self.pairs, self.pairs[:, [1, 0, 2]]], axis=1).reshape(-1, 3)
        ways = ways[first[ways[:, 1]] >= 0]
        pictures, rows = np.unique(ways[:, 0], return_index=True)
        closest = {int(picture): ways[row] for picture, row in zip(pictures, rows, strict=True)}
        matches = []
        for photo in np.flatnonzero(of):
            picture = int(self.picture[photo])
            if first[picture] >= 0:
                matches.append(Match(int(photo), int(first[picture]), 0, True))
            elif picture in closest:
                _, other, distance = closest[picture]
                matches.append(Match(int(photo), int(first[other]), int(distance), False))
        return matches

    def near_matches(self, among: np.ndarray, limit: int | None = None) -> list[Match]:
        """Return the near pairs inside the mask, one a pair of pictures (by its first photo), the closest `limit`."""
        first = self._first(among)
        rows = self._inside(first)[:limit]
        return [Match(int(first[a]), int(first[b]), int(distance), False) for a, b, distance in rows]

    def near_other(self, among: np.ndarray) -> np.ndarray:
        """Return a mask of the photos with a near (not exact) copy among the photos of the mask."""
        has, (a, b) = self._first(among) >= 0, self.pairs[:, :2].T
        return np.isin(self.picture, np.concatenate([a[has[b]], b[has[a]]]))

    def near_repeats(self, among: np.ndarray) -> np.ndarray:
        """Return a mask of the photos to leave out so that no two of `among` are near copies; first ones stay."""
        first = self._first(among)
        neighbours: dict[int, list[int]] = {}
        for a, b, _ in self._inside(first):
            neighbours.setdefault(a, []).append(b)
            neighbours.setdefault(b, []).append(a)
        kept: set[int] = set()
        for picture in sorted(np.flatnonzero(first >= 0), key=lambda picture: first[picture]):
            if not any(other in kept for other in neighbours.get(picture, ())):
                kept.add(picture)
        return among & ~np.isin(self.picture, list(kept))

    def firsts(self, among: np.ndarray) -> np.ndarray:
        """Return a mask of the first photo of each picture among the photos of the mask."""
        return among & (self._first(among)[self.picture] == np.arange(among.size))

    def _first(self, among: np.ndarray) -> np.ndarray:
        """Return the first photo of each picture inside the mask, -1 where there is none: int64 (pictures,)."""
        first = np.full(self.picture.max(initial=-1) + 1, -1, dtype=np.int64)
        inside = np.flatnonzero(among)[::-1]
        first[self.picture[inside]] = inside
        return first

    def _inside(self, first: np.ndarray) -> np.ndarray:
        """Return the pairs of pictures that both have a first photo, see `_first`."""
        return self.pairs[(first[self.pairs[:, :2]] >= 0).all(axis=1)]


def perceptual_hash(image: Image.Image, name: str, size: int) -> np.ndarray:
    """Return the bits of an image's hash, bool (size * size,).

    phash: signs of the lowest size x size DCT coefficients of the gray picture against their median (Zauner 2010,
    "Implementation and benchmarking of perceptual image hash functions"); dhash: gray differences of neighbours.
    """
    return HASHES[name](image, hash_size=size).hash.ravel()


def find_duplicates(pixels: Sequence[str], bits: np.ndarray, threshold: int) -> Duplicates:
    """Find copies among N photos, in order: `pixels` (digests of decoded pixels), `bits` bool (N, B) their hashes.

    Raises `UserError` where more than MAX_PAIRS pictures are near each other.
    """
    picture = _numbered(pixels)
    _, firsts = np.unique(picture, return_index=True)
    pairs = hamming_pairs(bits[firsts], threshold)
    group = _components(firsts.size, pairs)[picture]
    return Duplicates(picture, pairs, _numbered(group.tolist()))


def exact_duplicates(pixels: Sequence[str]) -> Duplicates:
    """Find exact copies alone among photos, given digests of their pixels."""
    return Duplicates(_numbered(pixels), np.empty((0, 3), dtype=np.int64), _numbered(pixels))


def hamming_pairs(bits: np.ndarray, threshold: int, block: int = 512) -> np.ndarray:
    """Return all pairs of rows of `bits`, bool (N, B), that differ in at most `threshold` bits: int64 (P, 3).

    Rows are (a, b, distance) with a < b, sorted by distance, then a, then b. Needs `block` x N float32 at a time: with
    bits as +1 and -1, distance = (B - dot product) / 2, exactly. Raises `UserError` beyond MAX_PAIRS.
    """
    signs = bits.astype(np.float32) * 2 - 1
    count, width = signs.shape
    found = [np.empty((0, 3), dtype=np.int64)]
    total = 0
    for start in range(0, count, block):
        products = signs[start : start + block] @ signs[start:].T
        near = np.triu(products >= width - 2 * threshold, 1)
        total += np.count_nonzero(near)
        if total > MAX_PAIRS:
            raise UserError(
                f"more than {MAX_PAIRS:,} pairs of photos within distance {threshold}: the photos are too alike for "
                f"this hash; lower prepare's duplicates.threshold"
            )
        a, b = np.nonzero(near)
        distances = ((width - products[a, b]) / 2).astype(np.int64)
        found.append(np.column_stack([a + start, b + start, distances]))
    pairs = np.concatenate(found)
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0], pairs[:, 2]))]


def _components(count: int, pairs: np.ndarray) -> np.ndarray:
    """Number the connected components of `count` nodes linked by `pairs`: int (count,)."""
    graph = coo_array((np.ones(len(pairs), dtype=bool), (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    return connected_components(graph, directed=False)[1]


def _numbered(values: Sequence[object]) -> np.ndarray:
    """Replace values by numbers in order of first appearance."""
    numbers: dict[object, int] = {}
    return np.array([numbers.setdefault(value, len(numbers)) for value in values], dtype=np.int64)


def _sets(number: np.ndarray, among: np.ndarray) -> list[list[int]]:
    """Group the photos of the mask by number; return the groups of two or more, by first photo."""
    sets: dict[int, list[int]] = {}
    for photo in np.flatnonzero(among).tolist():
        sets.setdefault(number[photo], []).append(photo)
    return [photos for photos in sets.values() if len(photos) > 1]
