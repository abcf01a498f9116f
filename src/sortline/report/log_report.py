"""What a training log says, in words, and what is odd about it."""

import statistics
from collections.abc import Sequence

from sortline.report.training_log import TrainingLog
from sortline.training.targets import smoothing_minimum

ROUNDING = 1e-3  # a loss printed from half precision may be that far below the minimum


def describe(name: str, log: TrainingLog, smoothing: float = 0.0, classes: int = 0, photos: int = 0) -> list[str]:
    """Return what a log says, in lines: its epochs, losses, times, and what is odd about it.

    `smoothing` over `classes` is what the run was to train with, `photos` what its train set holds; 0: not known.
    """
    numbers = [number for number, _ in log.epochs]
    steps = max(epoch.last_step for _, epoch in log.epochs)
    length = f", {steps:,} steps each" if steps else ""
    lines = [f"{name}: {_count(len(set(numbers)), 'epoch')} ({min(numbers)} to {max(numbers)}){length}"]
    rows = [("loss", _losses(log)), ("time", _times(log)), ("speed", _speed(log)), ("accuracy", _accuracies(log))]
    for k, (before, part) in enumerate(zip(log.parts, log.parts[1:], strict=False), start=2):
        begun = f"line {part.line:,} goes back to epoch {min(part.epochs)} after epoch {max(before.epochs)}"
        rows.append((f"part {k}", f"{begun}: a run resumed or begun again; drawn as a line of its own"))
    if any(part.repeats for part in log.parts):
        rows.append(("devices", "steps come more than once, as from several devices: mean of the losses, slowest time"))
    rows += _under("not finite", _not_finite(log))
    if smoothing:
        rows += _under("minimum", _minimum(log, smoothing, classes))
    if photos and steps > photos:
        times = -(-steps // photos)
        rows += _under("repeats", [
            f"{steps:,} steps an epoch, with {photos:,} train photos: whatever the batch size, an epoch",
            f"passes over them {times} times or more; is there a repeat() in the data set?",
        ])  # fmt: skip
    rows += _under("not read", _not_read(log))
    return lines + [f"  {about:<11} {text}" for about, text in rows if text]


def _under(about: str, texts: Sequence[str]) -> list[tuple[str, str]]:
    return [("" if i else about, text) for i, text in enumerate(texts)]


def _losses(log: TrainingLog) -> str:
    by_epoch = [(number, epoch) for number, epoch in log.epochs if epoch.finite.size]
    if not by_epoch:
        return "" if any(epoch.losses for _, epoch in log.epochs) else "none in this log"
    (first, start), (last, end), low = by_epoch[0], by_epoch[-1], min(by_epoch, key=lambda pair: pair[1].mean)
    lowest = f"lowest {low[1].mean:.4g} (epoch {low[0]})"
    return f"{start.mean:.4g} (epoch {first}) to {end.mean:.4g} (epoch {last}), {lowest}; {kind([log])}"


def kind(logs: Sequence[TrainingLog]) -> str:
    """Say what the loss of an epoch is in these logs."""
    one = max(len(epoch.losses) for log in logs for _, epoch in log.epochs) <= 1
    return "the one printed in each epoch" if one else "mean of those printed in each epoch"


def _times(log: TrainingLog) -> str:
    seconds = [epoch.seconds for _, epoch in log.epochs if epoch.seconds is not None]
    if not seconds:
        return "none in this log"
    median, shortest, longest = (_duration(value) for value in (statistics.median(seconds), min(seconds), max(seconds)))
    steps = [epoch.step_ms for _, epoch in log.epochs if epoch.step_ms is not None]
    per_step = f", {statistics.median(steps):.4g} ms a step" if steps else ""
    return f"{median} an epoch (median; {shortest} to {longest}){per_step}, {_duration(sum(seconds))} in all"


def _speed(log: TrainingLog) -> str:
    samples = [epoch.samples for _, epoch in log.epochs if epoch.samples is not None]
    return f"{statistics.median(samples):,.5g} samples a second (median)" if samples else ""


def _accuracies(log: TrainingLog) -> str:
    """Say the last epoch's accuracies, and what lies between them."""
    for number, epoch in reversed(log.epochs):
        train, held = epoch.train_accuracy, epoch.held_accuracy
        if train is not None and held is not None:
            gap = f"{100 * (train - held):+.1f} points on train"
            return f"{100 * held:.1f} % not trained on, {100 * train:.1f} % on train ({gap}), epoch {number}"
    return ""


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"


def _not_finite(log: TrainingLog) -> list[str]:
    bad = [(number, epoch) for number, epoch in log.epochs if epoch.bad_line]
    lines = []
    for number, epoch in bad[:3]:
        count = len(epoch.losses) - epoch.finite.size
        first = f"first at step {epoch.bad_step:,} (line {epoch.bad_line:,})"
        lines.append(f"epoch {number}: {_count(count, 'loss', 'losses')} nan or inf, {first}")
    if len(bad) > 3:
        lines.append(f"and in {_count(len(bad) - 3, 'more epoch')}")
    return lines


def _minimum(log: TrainingLog, smoothing: float, classes: int) -> tuple[str, str]:
    """Compare with the minimum loss that smoothed targets allow; no batch can be below that, whatever the network."""
    minimum = smoothing_minimum(classes, smoothing)
    # Spread over all classes, as nn.CrossEntropyLoss does, the same smoothing moves less and the minimum is lower.
    lower = smoothing_minimum(classes, smoothing * (classes - 1) / classes)
    lows = [(number, float(epoch.finite.min())) for number, epoch in log.epochs if epoch.finite.size]
    below = [(number, low) for number, low in lows if low < minimum - ROUNDING]
    about = f"{minimum:.3f} is the minimum loss that smoothing {smoothing:g} over {classes} classes allows;"
    if not below:
        return about, "no loss is below it"
    lowest = min(value for _, value in below)
    seen = f"first below it in epoch {below[0][0]}, lowest {lowest:.4g}: label smoothing is not active in this loss"
    if lowest < lower - ROUNDING:
        return about, seen
    return about, f"{seen}, unless it is spread over all classes as by nn.CrossEntropyLoss (minimum {lower:.3f})"


def _not_read(log: TrainingLog) -> list[str]:
    if not log.other:
        return []
    like = f"{log.damaged:,} of them much like a loss or a time, " if log.damaged else ""
    lines = [f"{_count(log.other, 'line')}, {like}the first:"]
    for number, text in dict.fromkeys([*log.damaged_shown, *log.other_shown]):
        clean = "".join(letter if letter.isprintable() else " " for letter in text).strip()
        lines.append(f"line {number:,}: {clean if len(clean) <= 80 else clean[:79] + '…'}")
    return lines


def _count(n: int, one: str, many: str | None = None) -> str:
    return f"{n:,} {one if n == 1 else many or one + 's'}"
