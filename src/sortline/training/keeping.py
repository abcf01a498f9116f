"""What a training that is killed goes on from: the loop's state, and what the loop's caller has noted so far."""

import hashlib
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load, save

from sortline._core import files

EVERY = 15.0  # seconds of training that a kill costs at most
SHARE = 20  # and one in so many goes to writing, where that takes long
FACTS = "facts"
DIGEST = hashlib.sha256().digest_size

Arrays = dict[str, np.ndarray]


def nothing() -> tuple[Arrays, Any]:
    return {}, None


@dataclass
class Keeper:
    """Keeps a training's state in one file of `folder`; `own` returns the caller's part: arrays, and what JSON holds.

    Beside it may lie files that the caller writes anew after it goes on, such as checkpoints.
    """

    folder: Path
    own: Callable[[], tuple[Arrays, Any]] = nothing
    due: float = field(default_factory=lambda: time.monotonic() + EVERY)

    @property
    def is_due(self) -> bool:
        return time.monotonic() >= self.due

    @property
    def path(self) -> Path:
        return self.folder / "state.bin"

    def write(self, arrays: Arrays, facts: dict[str, Any]) -> None:
        """Write the loop's `arrays` and `facts` and the caller's own, whole even in a power cut."""
        begin = time.monotonic()
        own_arrays, own_facts = self.own()
        text = json.dumps([facts, own_facts]).encode()
        named = {f"loop {name}": array for name, array in arrays.items()}
        named |= {f"own {name}": array for name, array in own_arrays.items()}
        content = save({**named, FACTS: np.frombuffer(text, np.uint8)})
        for path in self.folder.iterdir():
            _flush(path)
        with files.replacing(self.path) as temporary:
            temporary.write_bytes(hashlib.sha256(content).digest() + content)
            _flush(temporary)
        end = time.monotonic()
        self.due = end + max(EVERY, SHARE * (end - begin))

    def read(self) -> tuple[tuple[Arrays, dict[str, Any]], tuple[Arrays, Any]] | None:
        """Return what was written last, (the loop's, the caller's own); None where there is nothing, or it is cut."""
        content = self.path.read_bytes() if self.path.is_file() else b""
        if hashlib.sha256(content[DIGEST:]).digest() != content[:DIGEST]:
            return None
        arrays = load(content[DIGEST:])
        facts, own_facts = json.loads(arrays.pop(FACTS).tobytes())
        loops, own = (_under(prefix, arrays) for prefix in ("loop ", "own "))
        return (loops, facts), (own, own_facts)


def _under(prefix: str, arrays: Arrays) -> Arrays:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def _flush(path: Path) -> None:
    """Have the system put the file onto the disk now."""
    with path.open("rb+") as stream:
        os.fsync(stream.fileno())
