"""What a person sees of a training while it runs: a bar, a line an epoch in a log, and the speed at its end."""

import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

if TYPE_CHECKING:
    from sortline.training.loop import Epoch

FOLDER = Path("build/logs")  # in the project, a folder a task: not in Git, and no out, since it tells of time


def log_of(task: str, stage: str) -> Path:
    return FOLDER / task / f"{stage}.log"


@dataclass
class Progress:
    """Shows a training of `total` epochs of `samples` each.

    `log`: where a line an epoch goes, in the format that `sortline curves` reads; None: nowhere, and nothing is said at
    the end. The lines of a training that broke off stay where another run goes on from it.
    """

    what: str
    total: int
    samples: int
    log: Path | None = None
    tempo: list[tuple[float, int]] = field(default_factory=list)  # seconds and steps of each epoch of this process

    def watch(self, epochs: Iterator["Epoch"], done: int = 0) -> Iterator["Epoch"]:
        """Yield the epochs, with a bar where stdout is a terminal; `done`: how many are not yielded any more."""
        self.bar = tqdm(epochs, total=self.total, initial=done, desc=self.what, unit="epoch", disable=None)
        yield from self.bar

    def note(self, epoch: "Epoch", row: dict[str, float]) -> None:
        """Show what `row`, of the curves, says of the epoch."""
        held = "oof" if "oof_accuracy" in row else "val"
        accuracies = f"train accuracy: {row['train_accuracy']:.4f}, {held} accuracy: {row[f'{held}_accuracy']:.4f}"
        if not epoch.steps:
            return  # another process trained it, and wrote its line
        self.tempo.append((epoch.seconds, epoch.steps))
        speed = _speed(epoch.seconds, epoch.steps, self.samples)
        self.bar.set_postfix_str(f"{accuracies}, {speed}")
        if self.log is not None:
            self.log.parent.mkdir(parents=True, exist_ok=True)
            with self.log.open("w" if epoch.number == 1 else "a", encoding="utf-8") as stream:
                stream.write(
                    f"{time.strftime('%Y-%m-%d %H:%M:%S')} epoch: {epoch.number}/{self.total}, "
                    f"step: {epoch.steps}/{epoch.steps}, loss: {row['train_loss']:.6g}, {accuracies}, "
                    f"lr: {epoch.lr:.6g}, epoch time: {epoch.seconds:.3f} s, "
                    f"per step time: {1000 * epoch.seconds / epoch.steps:.3f} ms, "
                    f"samples per second: {self.samples / epoch.seconds:.1f}\n"
                )

    def end(self) -> None:
        """Say how quick it was; call it when no more epochs are wanted."""
        self.bar.close()
        if self.log is not None and self.tempo:
            # The first epoch has the compiling in it.
            settled = self.tempo[1:] or self.tempo
            seconds = statistics.median(seconds for seconds, _ in settled)
            speed = _speed(seconds, settled[-1][1], self.samples)
            print(f"{self.what}: {speed} (median); sortline curves {self.log.as_posix()} draws it")


def _speed(seconds: float, steps: int, samples: int) -> str:
    return f"{1000 * seconds / steps:.3g} ms a step, {samples / seconds:,.0f} samples a second"
