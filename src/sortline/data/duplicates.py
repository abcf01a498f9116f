"""Copies among photos: exact (the same decoded pixels), near (one picture, mirrored, turned, cropped ...), scenes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from sortline.data.copies import KINDS, Sketch, find_copies


@dataclass(frozen=True)
class Match:
    """Two photos (by index) that are copies: `distance` is the percentage of the common area that does not agree, 0
    where `exact`; `kind` as `copies.find_copies` has it."""

    photo: int
    copy: int
    distance: int
    exact: bool
    kind: int = 0

    @property
    def how(self) -> str:
        """In what the one differs from the other."""
        if self.exact:
            return "exact copy"
        return ", ".join(name for bit, name in enumerate(KINDS) if self.kind >> bit & 1) or "as it is"


@dataclass(frozen=True)
class Duplicates:
    """Copies among N photos. A *picture* is a set of exact copies, a *scene* all copies of one original.

    picture: int64 (N,), the picture that each photo shows, numbered in order of first appearance.
    pairs: int64 (P, 4), rows (picture a, picture b, distance, kind), a < b: near copies, closest first.
    scene: int64 (N,), photos linked by exact or near copies, directly or through others, numbered by first photo.
    """

    picture: np.ndarray
    pairs: np.ndarray
    scene: np.ndarray

    def exact_groups(self, among: np.ndarray) -> list[list[int]]:
        """Return the sets of two or more exact copies among the photos of the mask `among` (bool, (N,))."""
        return _sets(self.picture, among)

    def near_groups(self, among: np.ndarray) -> list[list[int]]:
        """Return the scenes of which two pictures or more are in the mask, each as its photos there."""
        return [photos for photos in _sets(self.scene, among) if len(set(self.picture[photos])) > 1]

    def nearest(self, of: np.ndarray, among: np.ndarray) -> list[Match]:
        """Return, for each photo of the mask `of` that has one, its closest copy in the (other) mask `among`."""
        first = self._first(among)
        # Both directions of every pair, closest first; the first row of a picture is its closest.
        ways = np.stack([self.pairs, self.pairs[:, [1, 0, 2, 3]]], axis=1).reshape(-1, 4)
        ways = ways[first[ways[:, 1]] >= 0]
        pictures, rows = np.unique(ways[:, 0], return_index=True)
        closest = {int(picture): ways[row].tolist() for picture, row in zip(pictures, rows, strict=True)}
        matches = []
        for photo in np.flatnonzero(of):
            picture = int(self.picture[photo])
            if first[picture] >= 0:
                matches.append(Match(int(photo), int(first[picture]), 0, True))
            elif picture in closest:
                _, other, distance, kind = closest[picture]
                matches.append(Match(int(photo), int(first[other]), distance, False, kind))
        return matches

    def near_matches(self, among: np.ndarray, limit: int | None = None) -> list[Match]:
        """Return the near pairs inside the mask, one a pair of pictures (by its first photo), the closest `limit`."""
        first = self._first(among)
        rows = self.pairs[(first[self.pairs[:, :2]] >= 0).all(axis=1)][:limit]
        return [Match(int(first[a]), int(first[b]), distance, False, kind) for a, b, distance, kind in rows.tolist()]

    def kinds(self) -> dict[str, int]:
        """Return how many pairs of pictures there are, and how many of them differ in what; some in several ways."""
        kinds = self.pairs[:, 3]
        counts = {name: int((kinds >> bit & 1).sum()) for bit, name in enumerate(KINDS)}
        return {"pairs": len(kinds), **counts, "as_it_is": int((kinds == 0).sum())}

    def _first(self, among: np.ndarray) -> np.ndarray:
        """Return the first photo of each picture inside the mask, -1 where there is none: int64 (pictures,)."""
        first = np.full(self.picture.max(initial=-1) + 1, -1, dtype=np.int64)
        inside = np.flatnonzero(among)[::-1]
        first[self.picture[inside]] = inside
        return first


def find_duplicates(pixels: Sequence[str], sketch_of: Callable[[int], Sketch] | None = None) -> Duplicates:
    """Find copies among N photos, in order: `pixels` are digests of what they decode to; without `sketch_of`, which
    returns the sketch of a photo, exact ones alone."""
    picture = _numbered(pixels)
    _, firsts = np.unique(picture, return_index=True)
    pairs = np.empty((0, 4), np.int64) if sketch_of is None else find_copies([*map(sketch_of, firsts.tolist())])
    graph = coo_array((np.ones(len(pairs), bool), (pairs[:, 0], pairs[:, 1])), shape=(firsts.size, firsts.size))
    scene = connected_components(graph, directed=False)[1][picture] if picture.size else picture
    return Duplicates(picture, pairs, _numbered(scene.tolist()))


def firsts(number: np.ndarray, among: np.ndarray) -> np.ndarray:
    """Return a mask of the first photo of each picture or scene among the photos of the mask."""
    inside = np.flatnonzero(among)
    mask = np.zeros(among.size, bool)
    mask[inside[np.unique(number[inside], return_index=True)[1]]] = True
    return mask


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
