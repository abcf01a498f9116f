"""Reads training logs: what MindSpore's callbacks print, in the wordings of `log_lines`, and sortline's own."""

import codecs
import io
import re
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from tqdm import tqdm

from sortline._core.errors import UserError
from sortline.report.log_lines import BLANKS, ENTRY, MEANT

MAX_LINE = 10**6  # bytes; a longer line counts as several
ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
KEPT = 3  # lines that say nothing we know, kept to be shown


@dataclass
class Epoch:
    """What a log says of one epoch: `losses` and `step_times` (ms) as printed, in order; `samples` a second; accuracies
    on train and on photos that are not trained on. None where not stated."""

    losses: array = field(default_factory=lambda: array("d"))
    step_times: array = field(default_factory=lambda: array("d"))
    last_step: int = 0
    stated_seconds: float | None = None
    stated_step_ms: float | None = None
    samples: float | None = None
    train_accuracy: float | None = None
    held_accuracy: float | None = None
    bad_line: int = 0  # where the first loss is that is not finite; 0 for none
    bad_step: int = 0

    @property
    def step_ms(self) -> float | None:
        """Milliseconds a step: as stated, else the mean of those that the log has a time of."""
        mean = sum(self.step_times) / len(self.step_times) if self.step_times else None
        return mean if self.stated_step_ms is None else self.stated_step_ms

    @property
    def seconds(self) -> float | None:
        """Seconds of the epoch: as stated, else the sum of its steps, where the log has the time of each."""
        whole = len(self.step_times) == self.last_step > 0
        return sum(self.step_times) / 1000 if self.stated_seconds is None and whole else self.stated_seconds

    @property
    def finite(self) -> np.ndarray:
        """The losses that are numbers, float64."""
        values = np.frombuffer(self.losses) if self.losses else np.empty(0)
        return values[np.isfinite(values)]

    @property
    def mean(self) -> float:
        """Mean of the finite losses; NaN where there is none."""
        return float(self.finite.mean()) if self.finite.size else float("nan")


@dataclass
class Part:
    """Epochs in a row, by number. A log has a second part where the numbers go back: a run resumed or begun again."""

    line: int
    epochs: dict[int, Epoch] = field(default_factory=dict)
    repeats: bool = False  # the same step came twice: several devices write into one log


@dataclass
class TrainingLog:
    """`other` counts the lines without loss or time, `damaged` those of them that look as if they meant to have one.

    `other_shown` and `damaged_shown` are the first of them: (line number, text).
    """

    parts: list[Part] = field(default_factory=list)
    other: int = 0
    damaged: int = 0
    other_shown: list[tuple[int, str]] = field(default_factory=list)
    damaged_shown: list[tuple[int, str]] = field(default_factory=list)

    @property
    def epochs(self) -> list[tuple[int, Epoch]]:
        """All parts' epochs with their numbers."""
        return [pair for part in self.parts for pair in part.epochs.items()]


def read_log(path: Path) -> TrainingLog:
    """Read a log file in UTF-8, GBK or (from PowerShell) UTF-16. Raises `UserError` if it has no loss and no time."""
    if path.exists() and not path.is_file():
        raise UserError(f"{path}: cannot be read (not a file); name a log file")
    try:
        # A log of every step is millions of lines.
        log = parse(tqdm(_lines(path), desc=path.name, unit=" lines", unit_scale=True, delay=2, disable=None))
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); name a log file") from None
    if not log.parts:
        wanted = "'epoch: 1 step: 100, loss is 0.78' or 'epoch time: 515.0 ms'"
        raise UserError(f"{path}: no line of MindSpore's LossMonitor or TimeMonitor in it, such as {wanted}")
    return log


def _lines(path: Path) -> Iterator[str]:
    with path.open("rb") as stream:
        if stream.peek(2)[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            yield from io.TextIOWrapper(stream, encoding="utf-16", errors="replace", newline="\n")
        else:
            yield from map(_decoded, iter(partial(stream.readline, MAX_LINE), b""))


def _decoded(raw: bytes) -> str:
    # Line by line: a log that several programs write may hold both.
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("gb18030", errors="replace")


def parse(lines: Iterable[str]) -> TrainingLog:
    """Collect the epochs of a log's lines. Lines are numbered from 1; empty ones do not count."""
    reader = _Reader()
    for number, line in enumerate(lines, start=1):
        text = BLANKS.sub(" ", ANSI.sub("", line) if "\x1b" in line else line)
        known = False
        # Two processes may have written into one line.
        for entry in ENTRY.finditer(text):
            known = True
            reader.take(entry, number)
        if not known and text.strip("\ufeff \t\r\n\x00"):
            reader.pass_over(number, text)
    return reader.log


class _Reader:
    """The state between lines: which epoch a time belongs to, and whether the numbers went back."""

    def __init__(self) -> None:
        self.log = TrainingLog()
        self.newest = 0  # epoch of the part's last loss
        self.steps: set[int] = set()  # seen in it
        self.first = 0  # the smallest of these
        self.untimed = False  # a loss came since the last time

    def take(self, entry: re.Match[str], line: int) -> None:
        if entry["epoch"] is not None:
            value = float("nan") if entry["invalid"] else float(entry["loss"])
            self._loss(int(entry["epoch"]), int(entry["step"]), value, line)
        elif entry["whole_epoch"]:
            self._loss(int(entry["whole_epoch"]), int(entry["iterations"]), float(entry["average"]), line)
            self._time(float(entry["cost"]), float(entry["cost_step"]), line)
        elif entry["time"] and not entry["eval"]:
            step = _milliseconds(entry["step_time"], entry["step_unit"]) if entry["step_time"] else None
            self._time(_milliseconds(entry["time"], entry["unit"]), step, line)
        elif not entry["eval"]:
            self._detail(entry, line)

    def pass_over(self, line: int, text: str) -> None:
        log, shown = self.log, (line, text)
        log.other += 1
        if len(log.other_shown) < KEPT:
            log.other_shown.append(shown)
        if MEANT.search(text):
            log.damaged += 1
            if len(log.damaged_shown) < KEPT:
                log.damaged_shown.append(shown)

    def _loss(self, number: int, step: int, value: float, line: int) -> None:
        if not self.log.parts or self._went_back(number, step):
            self.log.parts.append(Part(line))
            self.newest, self.steps = number, set()
        part = self.log.parts[-1]
        if number > self.newest:
            self.newest, self.steps = number, set()
        if number == self.newest:
            part.repeats |= step in self.steps
            self.first = min(self.first, step) if self.steps else step
            self.steps.add(step)
        epoch = part.epochs.setdefault(number, Epoch())
        epoch.losses.append(value)
        epoch.last_step = max(epoch.last_step, step)
        if not np.isfinite(value) and not epoch.bad_line:
            epoch.bad_line, epoch.bad_step = line, step
        self.untimed = True

    def _went_back(self, number: int, step: int) -> bool:
        part = self.log.parts[-1]
        if number == self.newest:
            return len(self.steps) >= 3 and step <= self.first
        if number > self.newest:
            return False
        # Of several devices one may be late with the end of the epoch before.
        late = part.repeats and number == self.newest - 1 and number in part.epochs
        return not (late and 2 * step > part.epochs[number].last_step)

    def _time(self, whole_ms: float, step_ms: float | None, line: int) -> None:
        part = self._part(line)
        # TimeMonitor does not name its epoch: it is that of the loss before it. Without a loss since the last time it
        # is the next epoch, unless several devices tell the time of one.
        number = self.newest if self.untimed or part.repeats else max(part.epochs, default=0) + 1
        self.untimed = False
        epoch = part.epochs.setdefault(number, Epoch())
        # Of several devices the slowest one counts.
        epoch.stated_seconds = max(epoch.stated_seconds or 0, whole_ms / 1000)
        if step_ms is not None:
            epoch.stated_step_ms = max(epoch.stated_step_ms or 0, step_ms)

    def _detail(self, entry: re.Match[str], line: int) -> None:
        """Take what is said of the epoch of the last loss, or time: of a step, of the speed, an accuracy."""
        part = self._part(line)
        epoch = part.epochs.setdefault(max(part.epochs, default=1) if self.newest == 0 else self.newest, Epoch())
        if entry["this_step"]:
            epoch.step_times.append(float(entry["this_step"]))
        elif entry["samples"]:
            epoch.samples = float(entry["samples"])
        else:
            name = "train_accuracy" if entry["part"].lower() == "train" else "held_accuracy"
            setattr(epoch, name, float(entry["accuracy"]))

    def _part(self, line: int) -> Part:
        if not self.log.parts:
            self.log.parts.append(Part(line))
        return self.log.parts[-1]


def _milliseconds(number: str, unit: str | None) -> float:
    return float(number) * (1000 if (unit or "").lower() == "s" else 1)
