"""Decisions as they are made, by however many tabs and commands at a time: none is lost, none is overwritten unseen."""

from pathlib import Path

from filelock import FileLock

from sortline.data import corrections
from sortline.data.corrections import UNDONE, Decision


class Taken(Exception):
    """Somebody has decided about the photo since it was shown; `now` is what holds."""

    def __init__(self, now: str) -> None:
        super().__init__(now)
        self.now = now


class Journal:
    """corrections/<task>.csv, which is read again before each line that is appended; `lock`: a file beside."""

    def __init__(self, path: Path, lock: Path) -> None:
        lock.parent.mkdir(parents=True, exist_ok=True)
        self.path, self._lock = path, FileLock(lock)
        corrections.create(path)

    def decisions(self) -> dict[tuple[str, str], Decision]:
        """Return what holds now, by `Decision.key`."""
        return corrections.current(corrections.read(self.path))

    def decide(self, decision: Decision, seen: str) -> None:
        """Append a decision. Raises `Taken` where what holds is not `seen`, what its photo was shown with."""
        with self._lock:
            now = self.decisions().get(decision.key)
            if (held := now.new if now else UNDONE) != seen:
                raise Taken(held)
            corrections.append(self.path, decision)
