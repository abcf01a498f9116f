"""What was worked out of single photos: a run that goes on after a kill, or has more photos, works out the others."""

import hashlib
import io
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np

from sortline._core import files
from sortline._core.errors import NO_ROOM
from sortline._core.unfinished import fresh

LIMIT = 2 * 2**30  # bytes that may stay when all is done
KEY, DIGEST = 32, 16  # bytes

Kinds = Mapping[str, tuple[type, tuple[int, ...]]]


class Photo(Protocol):
    """A photo's file, and what else its result depends on, such as the sha256 that its views are drawn from."""

    @property
    def path(self) -> Path: ...
    @property
    def sha256(self) -> str: ...


SomePhoto = TypeVar("SomePhoto", bound=Photo)


@dataclass(frozen=True)
class Place:
    """Where the cache of a task lies, and what decides its content besides the photos, as JSON."""

    folder: Path
    made_of: dict[str, Any]


class PhotoCache:
    """One file of records of one size, each a photo's key, its arrays and a checksum, in the order in which they came.

    Nothing of it is trusted: a record counts whose checksum is right, and the key is of the photo's own bytes. `kinds`:
    type and shape of each array. May be used by several threads.
    """

    def __init__(self, path: Path, kinds: Kinds) -> None:
        arrays = [(name, *kind) for name, kind in kinds.items()]
        self.record = np.dtype([("key", np.uint8, (KEY,)), *arrays, ("digest", np.uint8, (DIGEST,))])
        self.names, self.size, self.lock = list(kinds), self.record.itemsize, threading.Lock()
        self.path, self.found, self.used = path, 0, set[int]()
        self.stream = path.open("a+b", buffering=0)
        self.count = self.stream.seek(0, io.SEEK_END) // self.size
        self.stream.truncate(self.count * self.size)  # what a kill has cut
        self.before = self.count
        self.rows = {self._read(row, KEY): row for row in range(self.count)}

    def of(self, photo: SomePhoto, work: Callable[[SomePhoto], dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
        """Return what `work` makes of the photo, by name; from the file where it is there."""
        key = _key(photo)
        if (known := self._known(key)) is not None:
            return known
        done = work(photo)
        self._add(key, done)
        return done

    def find(self, photo: Photo) -> dict[str, np.ndarray] | None:
        """Return what the file has of the photo, by name; None where it has nothing."""
        return self._known(_key(photo))

    def add(self, photo: Photo, arrays: Mapping[str, np.ndarray]) -> None:
        """Keep what was worked out of the photo elsewhere."""
        self._add(_key(photo), arrays)

    def _known(self, key: bytes | None) -> dict[str, np.ndarray] | None:
        if key in self.rows:
            content = self._read(self.rows[key], self.size)
            if _digest(content[:-DIGEST]) == content[-DIGEST:]:
                self.found += self.rows[key] < self.before  # not the copies of one photo
                self.used.add(self.rows[key])
                record = np.frombuffer(content, self.record)[0]
                return {name: record[name] for name in self.names}
        return None

    def _read(self, row: int, count: int) -> bytes:
        with self.lock:
            self.stream.seek(row * self.size)
            return self.stream.read(count)

    def _add(self, key: bytes | None, arrays: Mapping[str, np.ndarray]) -> None:
        if key is None:
            return
        record = np.zeros(1, self.record)
        record["key"] = np.frombuffer(key, np.uint8)
        for name in self.names:
            record[name] = arrays[name]
        content = record.tobytes()[:-DIGEST]
        with self.lock:
            try:
                written = self.stream.write(content + _digest(content))
            except OSError as error:
                if error.errno not in NO_ROOM:
                    raise
                written = 0
            if written == self.size:
                self.rows[key] = self.count
                self.used.add(self.count)
                self.count += 1
            else:  # without room for it the work goes on
                self.stream.truncate(self.count * self.size)

    def finish(self) -> None:
        """Close the file; leave in it the records asked for alone, and none where they are more than LIMIT."""
        if len(self.used) * self.size > LIMIT:
            self.stream.close()
            files.remove(self.path)
        elif len(self.used) < self.count:
            with files.replacing(self.path) as temporary:
                with temporary.open("wb") as stream:
                    for row in sorted(self.used):
                        stream.write(self._read(row, self.size))
                self.stream.close()
        self.stream.close()


@contextmanager
def opened(place: Place | None, kinds: Kinds) -> Iterator[PhotoCache | None]:
    """Yield the cache at `place`; None where there is to be none.

    A cache of anything else is removed there. After the block the cache has the photos that were asked for alone; an
    error leaves it as it is.
    """
    if place is None:
        yield None
        return
    kind = [(name, np.dtype(one).str, shape) for name, (one, shape) in kinds.items()]
    made_of = json.dumps([place.made_of, kind], sort_keys=True).encode()
    path = place.folder / f"{hashlib.sha256(made_of).hexdigest()[:16]}.bin"
    for other in place.folder.glob("*"):
        if other != path or fresh():
            files.remove(other)
    place.folder.mkdir(parents=True, exist_ok=True)
    cache = PhotoCache(path, kinds)
    try:
        yield cache
    except BaseException:
        cache.stream.close()
        raise
    cache.finish()
    if cache.found:
        print(f"{cache.found:,} photos were worked out before")


def _key(photo: Photo) -> bytes | None:
    """Return what names the photo: its file's bytes of now, and what its views are drawn from; None without a file."""
    try:
        content = files.sha256_file(photo.path)
    except OSError:
        return None
    return hashlib.sha256(f"{photo.sha256} {content}".encode()).digest()


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=DIGEST).digest()
