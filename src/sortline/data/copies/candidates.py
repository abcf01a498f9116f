"""Pairs of photos that may be copies: near in their local features, taken together, or in their hashes."""

from collections.abc import Iterator, Sequence

import faiss
import numpy as np
from threadpoolctl import threadpool_limits

from sortline.data.copies.sketch import HASH, MIRRORED, Sketch, comparable

WORDS, DEPTH = 64, 32  # of the codebook; numbers kept of a descriptor
SAMPLE = 60_000  # descriptors that the codebook is made from
NEIGHBOURS = 10  # of a photo as it is and as many of its mirror image
SIMILARITY = 0.12  # below, of 3,098 pairs of garbage_26x100 that are copies, all but 2 lie above
FEW = 200  # photos up to which SIMILARITY does not count: their codebook is made of themselves, and nothing is near
BITS = 76  # of 256 in which the hashes of two copies may differ
EXACT_SEARCH = 30_000  # photos up to which every one is compared with every other, which is quicker there
CELLS = 128  # of the inverted index that are looked into; 32 lose 5 in 100 of hard copies
CHUNK = 2_048


def candidates(sketches: Sequence[Sketch]) -> dict[bool, np.ndarray]:
    """Return pairs (a, b), int64 (P, 2), sorted, by whether a has to be mirrored first; a != b, both ways round once.

    Local features: VLAD (Jegou et al. 2010, "Aggregating local descriptors into a compact image representation") and
    its nearest neighbours, in an inverted index where there are many photos. Hashes: of the eight symmetries.
    """
    if not sketches:
        return {}
    codebook, bits = _Codebook(sketches), np.stack([one.bits for one in sketches])
    index = _index(np.concatenate(list(codebook.vectors(sketches, False))))
    similar = SIMILARITY if len(sketches) > FEW else -np.inf

    def pairs(mirrored: bool) -> np.ndarray:
        return _unique([*_neighbours(index, codebook.vectors(sketches, mirrored), similar), *_alike(bits, mirrored)])

    return {mirrored: pairs(mirrored) for mirrored in (False, True)}


class _Codebook:
    """Means of WORDS clusters of descriptors, on their first DEPTH principal components."""

    def __init__(self, sketches: Sequence[Sketch]) -> None:
        each = max(1, SAMPLE // len(sketches))
        sample = comparable(np.concatenate([one.descriptors[:each] for one in sketches])[:SAMPLE])
        sample = sample if len(sample) else np.zeros((1, 128), np.float32)
        self.mean = sample.mean(0)
        values, axes = np.linalg.eigh(np.cov(sample.T, bias=True))
        self.axes = np.ascontiguousarray(axes[:, np.argsort(-values)[:DEPTH]], np.float32)
        words = min(WORDS, len(sample))
        clusters = faiss.Kmeans(DEPTH, words, niter=15, seed=1, min_points_per_centroid=1)
        clusters.train(np.ascontiguousarray((sample - self.mean) @ self.axes))
        self.words: np.ndarray = clusters.centroids  # type: ignore[assignment]

    def vectors(self, sketches: Sequence[Sketch], mirrored: bool) -> Iterator[np.ndarray]:
        """Yield unit vectors, float32 (n, words * DEPTH), of CHUNK photos at a time."""
        order = MIRRORED if mirrored else slice(None)
        for start in range(0, len(sketches), CHUNK):
            with threadpool_limits(1):  # these matrices are too small to share out
                found = [self._vector(one.descriptors[:, order]) for one in sketches[start : start + CHUNK]]
            yield np.stack(found)

    def _vector(self, descriptors: np.ndarray) -> np.ndarray:
        points = (comparable(descriptors) - self.mean) @ self.axes
        word = ((self.words**2).sum(1) - 2 * points @ self.words.T).argmin(1)
        of_word = (np.arange(len(self.words))[:, None] == word).astype(np.float32)
        sums = of_word @ points - of_word.sum(1, keepdims=True) * self.words
        sums /= np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-6)
        vector = (np.sign(sums) * np.sqrt(np.abs(sums))).ravel()
        return vector / max(np.linalg.norm(vector), 1e-6)


def _index(vectors: np.ndarray) -> faiss.Index:
    count, width = vectors.shape
    kind = f"IVF{int(4 * count**0.5)},SQfp16" if count > EXACT_SEARCH else "Flat"
    index = faiss.index_factory(width, kind, faiss.METRIC_INNER_PRODUCT)
    if count > EXACT_SEARCH:
        faiss.extract_index_ivf(index).nprobe = CELLS
    index.train(vectors)
    index.add(vectors)
    return index


def _neighbours(index: faiss.Index, chunks: Iterator[np.ndarray], similar: float) -> Iterator[np.ndarray]:
    start = 0
    for vectors in chunks:
        similarity, found = index.search(vectors, NEIGHBOURS + 1)
        own = np.repeat(np.arange(start, start + len(vectors)), found.shape[1])
        yield np.column_stack([own, found.ravel()])[similarity.ravel() >= similar]
        start += len(vectors)


def _alike(bits: np.ndarray, mirrored: bool) -> Iterator[np.ndarray]:
    """Yield the pairs whose hashes differ in few bits, with a turned by 0, 90, 180 or 270 degrees, and mirrored."""
    packed = np.packbits(bits, axis=1)
    index = faiss.index_binary_factory(
        HASH * HASH, f"BIVF{int(4 * len(bits) ** 0.5)}" if len(bits) > EXACT_SEARCH else "BFlat"
    )
    if isinstance(index, faiss.IndexBinaryIVF):
        index.nprobe = CELLS
    index.train(packed)
    index.add(packed)
    # A hash holds the signs of a picture's cosine transform: turning the picture turns that, and changes signs.
    grid = bits.reshape(-1, HASH, HASH)
    odd = np.arange(HASH) % 2 == 1
    across, down = np.broadcast_to(odd, (HASH, HASH)), np.broadcast_to(odd[:, None], (HASH, HASH))
    grid = grid ^ across if mirrored else grid
    for turned in (grid, grid ^ across ^ down, grid.swapaxes(1, 2) ^ down, grid.swapaxes(1, 2) ^ across):
        query = np.packbits(turned.reshape(len(bits), -1), axis=1)
        distance, found = index.search(query, NEIGHBOURS + 1)
        own = np.repeat(np.arange(len(bits)), found.shape[1])
        yield np.column_stack([own, found.ravel()])[distance.ravel() <= BITS]


def _unique(pairs: list[np.ndarray]) -> np.ndarray:
    every = np.sort(np.concatenate(pairs), axis=1)
    return np.unique(every[(every[:, 0] >= 0) & (every[:, 0] < every[:, 1])], axis=0)
