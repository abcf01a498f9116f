"""What the page of a review asks for: its queues, a photo, what has been decided, a rerun of the line."""

import threading
from collections.abc import Callable, Sequence
from typing import Any

from sortline._core.errors import UserError
from sortline.data.corrections import Decision
from sortline.review.album import Album
from sortline.review.journal import Journal
from sortline.review.queues import Queue, cells


class Work:
    """A review of one task; `apply` reruns the line and returns lines that say what it changed."""

    def __init__(
        self, task: str, album: Album, queues: Sequence[Queue], journal: Journal, apply: Callable[[], list[str]]
    ) -> None:
        self.task, self.album, self.queues, self.journal, self._apply = task, album, queues, journal, apply
        self._running = threading.Lock()
        self._said: dict[str, Any] = {"state": "idle", "lines": []}

    def state(self) -> dict[str, Any]:
        """Return what the page needs once: classes, queues, the cells of the confusion matrix."""
        names = self.album.names
        queues = [{"name": q.name, "title": q.title, "about": q.about, "photos": q.photos} for q in self.queues]
        found = [{"label": names[a], "predicted": names[b], "photos": own} for (a, b), own in cells(self.album).items()]
        bins = [row["id"] for row in self.album.classes.bins]
        return {"task": self.task, "classes": names, "bins": bins, "queues": queues, "cells": found}

    def decisions(self) -> dict[str, str]:
        """Return what holds now, by the photo's number; of copies each has it."""
        held = self.journal.decisions()
        keys = ((number, held.get((photo.sha256, photo.given))) for number, photo in enumerate(self.album.photos))
        return {str(number): decision.new for number, decision in keys if decision}

    def photo(self, number: int) -> dict[str, Any]:
        """Return what is shown beside a photo: its label, five guesses, the nearest train photos."""
        album, photo = self.album, self.album.photos[number]
        held: Decision | None = self.journal.decisions().get((photo.sha256, photo.given))
        near = [
            {"photo": other, "label": album.names[album.labels[other]], "similarity": round(similar, 3)}
            for other, similar in album.nearest(number)
        ]
        guesses = [{"class": label, "name": album.names[label], "probability": p} for label, p in album.guesses(number)]
        about = {"photo": number, "name": photo.name, "given": photo.given, "part": photo.part, "note": photo.note}
        now, why = (held.new, held.why) if held else ("", "")
        return about | {"guesses": guesses, "nearest": near, "now": now, "why": why}

    def progress(self) -> dict[str, Any]:
        """Return how the rerun stands: idle, running, done or failed, and its lines."""
        return self._said

    def rerun(self) -> dict[str, Any]:
        """Start a rerun, unless one is under way; return how it stands."""
        if self._running.acquire(blocking=False):
            self._said = {"state": "running", "lines": []}
            threading.Thread(target=self._run, daemon=True).start()
        return self._said

    def _run(self) -> None:
        try:
            self._said = {"state": "done", "lines": self._apply()}
        except UserError as error:
            self._said = {"state": "failed", "lines": [str(error)]}
        except Exception as error:
            self._said = {"state": "failed", "lines": [f"an error of sortline's own: {error!r}"]}
            raise
        finally:
            self._running.release()
