"""Extraction by Ray, on the cores of one machine or of a cluster: shards of photos go out as bytes, features come back.

It joins the cluster that the variable RAY_ADDRESS names; without one it starts Ray on this machine. Every worker needs
sortline installed, and nothing else: neither the photos nor the backbone.
"""

import io
import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from PIL import Image
from tqdm import tqdm

from sortline._core import sessions
from sortline._core.cores import cores
from sortline._core.errors import UserError
from sortline._core.files import write_csv
from sortline._core.photo_cache import PhotoCache
from sortline.data.images import BadImage, read_rgb
from sortline.data.prepared import Photo
from sortline.features.of_photo import OfPhoto

SHARD, SHARD_BYTES = 2_000, 256 * 2**20  # photos, and bytes of them, that a worker gets at a time at most
SHARDS_A_WORKER = 20  # at least, so that none waits long for the last one
RETRIES = 3  # of a shard whose worker died
REPORT = "unreadable.csv"

Put = Callable[[int, Mapping[str, np.ndarray]], None]
Item = tuple[str, str, bytes]  # a photo's name, its sha256 in images.csv, its file
Found = dict[str, np.ndarray] | str  # its features, or what is wrong with it


class Extractor:
    """A worker: one thread that decodes photos and runs the backbone."""

    def __init__(self) -> None:
        self.session: Any = None

    def run(
        self, model: bytes, work: OfPhoto, names: Sequence[str], shard: list[int], items: Sequence[Item]
    ) -> tuple[list[int], list[Found]]:
        """Return the photos' numbers, `shard`, and the arrays of each that are called `names`, or why it has none.

        `model`: the backbone as ONNX. It comes with each shard, as a worker that died has nothing when it is back.
        """
        self.session = self.session or sessions.session(model)
        return shard, [self._of(work, names, *item) for item in items]

    def _of(self, work: OfPhoto, names: Sequence[str], name: str, sha256: str, content: bytes) -> Found:
        def opened(side: int) -> Image.Image:
            return read_rgb(io.BytesIO(content), Path(name), side=side)

        try:
            found = work(lambda x: tuple(sessions.run(self.session, None, x)), opened, sha256, name)
        except BadImage as error:
            return error.what
        return {what: found[what] for what in names}


def fill(photos: Sequence[Photo], work: OfPhoto, model: onnx.ModelProto, cache: PhotoCache, put: Put) -> None:
    """Put the features of all photos; those that `cache` has are not worked out again, and it gets the others.

    A photo that cannot be read ends nothing: when all else is done, and in the cache, such photos are listed in a
    report beside it, and `UserError` names that.
    """
    missing, bad = [], []
    for index, photo in enumerate(photos):
        if (known := cache.find(photo)) is None:
            missing.append(index)
        else:
            put(index, known)
    shown = tqdm(total=len(photos), initial=len(photos) - len(missing), desc="extract", unit="photo", disable=None)
    with shown:
        for index, found in _worked_out(photos, missing, work, model, cache.names):
            if isinstance(found, str):
                bad.append((photos[index].name, found))
            else:
                cache.add(photos[index], found)
                put(index, found)
            shown.update()
    if bad:
        report = cache.path.with_name(REPORT)
        write_csv(report, ["image", "problem"], sorted(bad))
        raise UserError(
            f"{len(bad)} of {len(photos):,} photos cannot be read; they are listed in {report}, the others are kept; "
            "put them right, or run prepare again, which leaves them out"
        )


def shards(sizes: Sequence[int], workers: int) -> Iterator[list[int]]:
    """Yield the numbers of photos of so many bytes, in order, in shards: SHARDS_A_WORKER a worker or more, of at most
    SHARD photos and, but for a single larger photo, SHARD_BYTES."""
    most = min(SHARD, max(1, len(sizes) // (SHARDS_A_WORKER * workers)))
    part: list[int] = []
    room = SHARD_BYTES
    for number, size in enumerate(sizes):
        if part and (len(part) == most or size > room):
            yield part
            part, room = [], SHARD_BYTES
        part.append(number)
        room -= size
    if part:
        yield part


def _worked_out(
    photos: Sequence[Photo], missing: Sequence[int], work: OfPhoto, model: onnx.ModelProto, names: Sequence[str]
) -> Iterator[tuple[int, Found]]:
    """Yield the missing photos' numbers and what was found, shard by shard, as the workers are done."""
    if not missing:
        return
    with _cluster() as ray:
        workers = max(1, min(int(ray.cluster_resources().get("CPU", 1)), len(missing)))
        worker = ray.remote(num_cpus=1, max_restarts=-1, max_task_retries=RETRIES)(Extractor)
        content = ray.put(model.SerializeToString())
        pool = ray.util.ActorPool([worker.remote() for _ in range(workers)])

        def send(actor: Any, shard: list[int]) -> Any:
            # Read when a worker is free for it, so that memory holds one shard a worker.
            numbers = [missing[i] for i in shard]
            items = [_item(photos[number]) for number in numbers]
            return actor.run.remote(content, work, names, numbers, items)

        sizes = [_size(photos[number].path) for number in missing]
        try:
            for numbers, found in pool.map_unordered(send, list(shards(sizes, workers))):
                yield from zip(numbers, found, strict=True)
        except ray.exceptions.RayActorError as error:
            why = str(error).splitlines()[0]
            raise UserError(f"extract.engine ray: a worker died {RETRIES + 1} times at one shard ({why})") from None


@contextmanager
def _cluster() -> Iterator[Any]:
    """Join the cluster that RAY_ADDRESS names, or start Ray here; leave it afterwards."""
    try:
        import ray
        import ray.util
    except ImportError:
        raise UserError(
            "extract.engine ray: Ray is not installed; run pip install 'sortline[ray]', or set engine: onnxruntime"
        ) from None
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    address = os.environ.get("RAY_ADDRESS")
    own: dict[str, Any] = {} if address else {"num_cpus": cores(), "include_dashboard": False}
    try:
        ray.init(log_to_driver=False, logging_level=logging.ERROR, **own)
    except ConnectionError:
        raise UserError(
            f"extract.engine ray: no cluster answers at RAY_ADDRESS={address}; start it, or unset the variable"
        ) from None
    except Exception as error:  # Ray has no kind of its own for it
        if address or type(error) is not Exception:
            raise
        raise UserError(f"extract.engine ray: Ray does not start here ({str(error).splitlines()[0][:200]})") from None
    try:
        yield ray
    finally:
        ray.shutdown()


def _item(photo: Photo) -> Item:
    try:
        return photo.name, photo.sha256, photo.path.read_bytes()
    except OSError:
        return photo.name, photo.sha256, b""


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
