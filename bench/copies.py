"""The search for copies at 2,258, 20,000 and 50,000 photos: seconds, peak memory, disk, and what the index loses.

The first size are the garbage photos, sketched and searched. The others have, besides, photos that are made in their
sketches, as sketching so many would take all the time: of each photo ROUNDS - 1 copies (cropped, recoloured, features
left out and disturbed), and the same again for other scenes, whose pictures are shifted and whose descriptors have
their 128 numbers in another order, so that they are like no other scene's.
"""

import json
import os
import pickle
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
from threadpoolctl import threadpool_limits

from sortline._core.cores import on_all_cores
from sortline.data.copies import Sketch, Sketches, candidates, sketch
from sortline.data.copies.geometry import overlay
from sortline.data.images import open_rgb

SIZES = (2_258, 20_000, 50_000)
ROUNDS = 3
COMPARED = 20_000  # the size at which the inverted index is compared with exhaustive search
ROOT = Path(__file__).parents[1]


def run(repeats: int) -> dict[str, object]:
    """Run once a size, each in a process of its own, for its peak of memory: the largest takes minutes."""
    folder = Path(os.environ.get("SORTLINE_DATA", "")) / "garbage26"
    paths = sorted(folder.rglob("*.jpg"))[: SIZES[0]]
    start = time.perf_counter()
    originals = list(on_all_cores(lambda path: sketch(open_rgb(path)), paths, "sketch"))
    result: dict[str, object] = {"sketched": len(originals), "sketch_seconds": since(start), "repeats": 1, "sizes": {}}
    with tempfile.TemporaryDirectory() as scratch:
        with Path(scratch, "sketches").open("wb") as file:
            pickle.dump(originals, file)
        for size in SIZES:
            result["sizes"][str(size)] = apart(Path(scratch), size)
            print(f"{size}: {result['sizes'][str(size)]}", flush=True)
    return result


def apart(scratch: Path, size: int) -> dict[str, object]:
    out = scratch / f"{size}.json"
    words = [sys.executable, "-m", "bench.copies", str(scratch / "sketches"), str(size), str(out)]
    process = subprocess.Popen(words, cwd=ROOT)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise RuntimeError(f"{size} photos: ended with status {status}")
    return json.loads(out.read_text(encoding="utf-8")) | {"peak_mb": round(usage.ru_maxrss / 1024)}


def measure(originals: list[Sketch], size: int) -> dict[str, object]:
    """Search among so many; the seconds of candidates and of laying them over one another apart."""
    result: dict[str, object] = {}
    with Sketches(size) as disk:
        for number in range(size):
            again, place = divmod(number, len(originals))
            one = of_another_scene(originals[place], again // ROUNDS)
            disk[number] = varied(one, np.random.default_rng(number)) if again % ROUNDS else one
        used = sum(path.stat().st_blocks * 512 for path in Path(disk._folder.name).iterdir())
        result["disk_mb"] = round(used / 1e6)
        kept = [disk[number] for number in range(size)]
        start = time.perf_counter()
        found = candidates.candidates(kept)
        result |= {"candidate_seconds": since(start), "candidates": sum(map(len, found.values()))}
        start = time.perf_counter()
        linked = set()
        with threadpool_limits(1):
            for mirrored, pairs in found.items():
                every = pairs.tolist()
                laid = on_all_cores(
                    lambda pair, way=mirrored: overlay(kept[pair[0]], kept[pair[1]], way), every, "pairs"
                )
                linked |= {tuple(pair) for pair, one in zip(every, laid, strict=True) if one is not None}
        result |= {"verify_seconds": since(start), "pairs": len(linked)}
        result["photos_per_second"] = round(size / (result["candidate_seconds"] + result["verify_seconds"]), 1)
        if size == COMPARED:
            candidates.EXACT_SEARCH = 0
            start = time.perf_counter()
            index = {tuple(pair) for pairs in candidates.candidates(kept).values() for pair in pairs.tolist()}
            result |= {"index_seconds": since(start), "index_recall": round(len(linked & index) / len(linked), 4)}
    return result


def of_another_scene(one: Sketch, scene: int) -> Sketch:
    """Return what a photo of scene number `scene`, with as many features, could look like; 0 is the sketch's own."""
    if scene == 0:
        return one
    random = np.random.default_rng([scene, 1])
    picture = np.roll(one.picture[::-1], random.integers(1, min(one.picture.shape), 2), (0, 1))
    descriptors = np.ascontiguousarray(one.descriptors[:, random.permutation(128)])
    return Sketch(one.points, descriptors, np.ascontiguousarray(picture), hashed(picture))


def hashed(picture: np.ndarray) -> np.ndarray:
    """Return the perceptual hash of a sketch's picture, bool (256,)."""
    low = cv2.dct(cv2.resize(picture, (64, 64)).astype(np.float32))[:16, :16]
    return (low > np.median(low)).ravel()


def varied(one: Sketch, random: np.random.Generator) -> Sketch:
    """Return the sketch of a piece of the picture, 50 to 100 % of it, with a tenth of the features left out."""
    height, width = one.picture.shape
    share = random.uniform(0.5, 1) ** 0.5
    tall, wide = max(1, int(share * height)), max(1, int(share * width))
    top, left = random.integers(0, height - tall + 1), random.integers(0, width - wide + 1)
    places = (one.points - 2 * np.array((left, top))) / share  # a sketch's picture is half as large as its points
    inside = ((places >= 0) & (places < 2 * np.array((width, height)))).all(1) & (random.random(len(places)) < 0.9)
    piece = one.picture[top : top + tall, left : left + wide]
    picture = cv2.convertScaleAbs(cv2.resize(piece, (width, height)), alpha=random.uniform(0.7, 1.2))
    noise = random.integers(-6, 7, (inside.sum(), 128))
    descriptors = np.clip(one.descriptors[inside].astype(int) + noise, 0, 255).astype(np.uint8)
    return Sketch(np.ascontiguousarray(places[inside], np.float32), descriptors, picture, hashed(picture))


def since(start: float) -> float:
    return round(time.perf_counter() - start, 1)


if __name__ == "__main__":
    with Path(sys.argv[1]).open("rb") as file:
        measured = measure(pickle.load(file), int(sys.argv[2]))
    Path(sys.argv[3]).write_text(json.dumps(measured), encoding="utf-8")
