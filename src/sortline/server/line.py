"""Photos of all requests in one line, worked on by all cores."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

Job = TypeVar("Job")
Result = TypeVar("Result")


class Full(Exception):
    """There is no room for so many more."""


class Line(Generic[Job, Result]):
    """Jobs wait in one line of `length`; `threads` of them are worked on at a time, whichever request they are of.

    That is the batch: on a CPU one thread a photo takes less time than one call with many photos on all threads.
    """

    def __init__(self, work: Callable[[Job], Result], length: int, threads: int) -> None:
        self.work, self.length, self.waiting = work, length, 0
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="photo")
        self._lock = threading.Lock()

    async def results(self, jobs: Sequence[Job], seconds: float) -> list[Result]:
        """Return the result of each job. Raises `Full` at once, and TimeoutError after so many seconds."""
        with self._lock:
            if self.waiting + len(jobs) > self.length:
                raise Full
            self.waiting += len(jobs)
        futures = [self._pool.submit(self.work, job) for job in jobs]
        for future in futures:
            future.add_done_callback(self._leave)
        try:
            async with asyncio.timeout(seconds):
                return list(await asyncio.gather(*map(asyncio.wrap_future, futures)))
        finally:
            for future in futures:
                future.cancel()  # what still waits; what is being worked on is counted until it is done

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _leave(self, _: "Future[Result]") -> None:
        with self._lock:
            self.waiting -= 1
