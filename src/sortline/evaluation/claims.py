"""What can be checked of a report's figure: each check says yes (it is so), no, or unknown, and why."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from sortline.config.replay import Report

Answer = Literal["yes", "no", "unknown"]
NOT_SAID = "the report does not say"


@dataclass(frozen=True)
class Finding:
    """Of one check: whether the report has this fault, and what that rests on."""

    check: str
    found: Answer
    why: str


@dataclass(frozen=True)
class Seen:
    """What there is beside the report's own words: its log, the task's split, and its runs replayed.

    `losses`: of each epoch of the log, its mean; `not_finite`: epochs with a loss that is no number; `lowest_loss` of
    any line; `steps` of the longest epoch; `minimum`: the lowest loss that its smoothing allows. `in_both` of `held`
    photos of the task show a scene that train shows.
    `runs`: as `library.replay` leaves them.
    """

    losses: Sequence[float] = ()
    not_finite: int = 0
    lowest_loss: float | None = None
    steps: int | None = None
    minimum: float | None = None
    in_both: int | None = None
    held: int | None = None
    runs: dict[str, Any] | None = None


def check(report: Report, seen: Seen) -> list[Finding]:
    """Return the findings of every check, in their order."""
    return [Finding(name, *test(report, seen)) for name, test in CHECKS.items()]


def _chosen_on_test(report: Report, seen: Seen) -> tuple[Answer, str]:
    if report.chosen_on is None:
        return "unknown", NOT_SAID
    if report.chosen_on != "test":
        return "no", f"chosen on: {report.chosen_on}"
    gains = _differences(seen, "best_epoch", "last_epoch")
    gain = f"; here the best epoch on the photos scored is up to {max(gains):.1f} points over the last" if gains else ""
    return "yes", f"epoch or setting were chosen by the photos that the figure is of{gain}"


def _in_both(report: Report, seen: Seen) -> tuple[Answer, str]:
    if report.split == "none":
        return "yes", "no photo was held out: the figure is of photos trained on"
    if report.split == "scene":
        return "no", "no scene was parted"
    here = ""
    if seen.in_both is not None and seen.held:
        here = f"here {seen.in_both:,} of {seen.held:,} held-out photos show a scene that train shows"
    costs = _differences(seen, "last_epoch", "new_scenes")
    if costs:
        here += f"; new scenes are up to {max(costs):.1f} points harder"
    if report.split is None:
        return "unknown", f"{NOT_SAID}{'; ' * bool(here)}{here}"
    if seen.in_both is None or not seen.held:
        return "unknown", here.removeprefix("; ") or "its photos are not here to look at"
    return ("yes" if seen.in_both else "no"), here


def _dropped(report: Report, seen: Seen) -> tuple[Answer, str]:
    if report.drops_remainder is False:
        return "no", "every photo was scored"
    if report.drops_remainder is None or report.held_n is None or report.batch_size is None:
        return "unknown", NOT_SAID
    scored = report.held_n // report.batch_size * report.batch_size
    answer: Answer = "yes" if scored < report.held_n else "no"
    return answer, f"{scored:,} of {report.held_n:,} photos are scored in whole batches of {report.batch_size}"


def _repeats(report: Report, seen: Seen) -> tuple[Answer, str]:
    steps = report.steps or seen.steps
    if steps is None or report.train_n is None:
        return "unknown", NOT_SAID
    batch = report.batch_size or 1
    passes = steps * batch / report.train_n
    if report.batch_size is None and passes <= 1:
        return "unknown", f"{steps:,} steps an epoch, of batches whose size is not said"
    if passes < 1.5:
        share = "one pass" if passes > 0.9 else f"{passes:.2g} passes"
        return "no", f"{steps:,} steps of {batch} are {share} over {report.train_n:,} photos"
    more = "" if report.batch_size else " or more"
    return "yes", f"{steps:,} steps of {batch} are {passes:.0f}{more} passes over {report.train_n:,} photos, not one"


def _smoothing(report: Report, seen: Seen) -> tuple[Answer, str]:
    if report.label_smoothing is None or seen.minimum is None:
        return "unknown", NOT_SAID
    if not report.label_smoothing:
        return "no", "none was asked for"
    if seen.lowest_loss is None:
        return "unknown", f"no loss of its log is here to be compared with the minimum, {seen.minimum:.3f}"
    about = f"lowest loss {seen.lowest_loss:.3f}, minimum with smoothing {report.label_smoothing:g} {seen.minimum:.3f}"
    if seen.lowest_loss < seen.minimum - 1e-3:
        return "yes", about
    return "unknown", f"{about}: what of its log is here does not tell"


def _said(field: str, answers: dict[str, tuple[Answer, str]]) -> Callable[[Report, Seen], tuple[Answer, str]]:
    """Return the check of what the report says itself in one field."""
    return lambda report, seen: answers.get(getattr(report, field), ("unknown", NOT_SAID))


_softmax = _said(
    "net_ends_in",
    {
        "logits": ("no", "the net ends in logits"),
        "softmax": ("yes", "the net ends in softmax, and the loss takes softmax of that again"),
    },
)
_sampling = _said(
    "tested_by",
    {
        "argmax": ("no", "tested by the most probable class"),
        "sampling": ("yes", "a class was drawn from the probabilities in place of the most probable one"),
    },
)


def _diverges(report: Report, seen: Seen) -> tuple[Answer, str]:
    told = []
    guess = float(np.log(report.classes)) if report.classes else None
    if seen.not_finite:
        told.append(f"its log has losses that are no number, in {seen.not_finite:,} epochs")
    if guess is not None and seen.losses and max(seen.losses) > 1.5 * guess:
        told.append(f"its log has a loss of {max(seen.losses):.2f}; guessing among {report.classes} has {guess:.2f}")
    for name, run in (seen.runs or {}).items():
        highest = max(run["curves"]["loss"], default=0)
        if run["was"].get("diverged"):
            told.append(f"{name}: {run['was']['diverged']}")
        elif guess is not None and highest > 1.5 * guess:
            told.append(f"{name}: an epoch with a mean loss of {highest:.3g} here")
    if told:
        return "yes", "; ".join(told)
    if not seen.runs and not seen.losses:
        return "unknown", NOT_SAID
    return "no", "no loss above that of guessing, and none that is no number, in what is here"


def _differences(seen: Seen, a: str, b: str) -> list[float]:
    """Return, of every run that has both figures, a - b in points."""
    both = [run["was"] for run in (seen.runs or {}).values() if {a, b} <= run["was"].keys()]
    return [100 * (run[a] - run[b]) for run in both]


CHECKS: dict[str, Callable[[Report, Seen], tuple[Answer, str]]] = {
    "selection on the test set": _chosen_on_test,
    "photos in both parts": _in_both,
    "samples dropped by batching": _dropped,
    "repeats inside epochs": _repeats,
    "smoothing that is inactive": _smoothing,
    "softmax twice": _softmax,
    "testing by sampling": _sampling,
    "a rate that diverges": _diverges,
}
