"""`sortline compare A B`: two sets of predictions on the same photos, and whether their difference may be chance."""

import argparse
import json
import subprocess
from pathlib import Path
from typing import Any

from sortline._core.errors import UserError
from sortline.cli._shared import places
from sortline.evaluation.comparison import Pairs, compare, pair, read_predictions, show_p, verdict

NAMED = 10  # photos that changed sides
LEFT_OUT = 3  # photos in one table only


def main(options: argparse.Namespace) -> int:
    (name_a, content_a), (name_b, content_b) = _read(options.a), _read(options.b)
    pairs = pair(read_predictions(content_a, name_a), read_predictions(content_b, name_b))
    result = compare(pairs.right_a, pairs.right_b)
    kept = None if pairs.duplicated is None else ~pairs.duplicated
    reduced = compare(pairs.right_a[kept], pairs.right_b[kept]) if kept is not None and kept.any() else None
    if options.json:
        content = {
            "a": name_a,
            "b": name_b,
            "only_in_a": pairs.only_a,
            "only_in_b": pairs.only_b,
            "all": result,
            "deduplicated": reduced,
            "changed": _changed(pairs),
            "verdict": verdict(pairs, result),
        }
        print(json.dumps(content, ensure_ascii=False, indent=2))
    else:
        print("\n".join([f"A  {name_a}", f"B  {name_b}", *_report(pairs, result, reduced)]))
    return 0


def _read(argument: str) -> tuple[str, bytes]:
    """Return the name and content of the predictions that a file, folder, task, or `REVISION:` of one stands for."""
    for path in _candidates(argument):
        if path.is_file():
            return path.as_posix(), path.read_bytes()
    revision, colon, inside = argument.partition(":")
    if not colon:
        places_tried = "a predictions.csv, a folder with one, a task of plots/, or REVISION:PATH"
        raise UserError(f"{argument}: no predictions there; expected {places_tried}")
    if _git("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}") is None:
        raise UserError(f"{argument}: no such file, and '{revision}' is no git revision; see: git log --oneline")
    for path in _candidates(inside.replace("\\", "/")):
        content = _git("cat-file", "blob", f"{revision}:./{path.as_posix()}")
        if content is not None:
            return f"{revision}:{path.as_posix()}", content
    raise UserError(f"{argument}: no predictions at '{inside}' in revision {revision}; was evaluate committed there?")


def _candidates(argument: str) -> list[Path]:
    path = Path(argument)
    inside = Path("evaluate/predictions.csv")
    return [path, path / "predictions.csv", path / inside, places.plots(argument) / inside]


def _git(*words: str) -> bytes | None:
    """Return what git prints, None where it refuses."""
    try:
        done = subprocess.run(["git", *words], capture_output=True)
    except FileNotFoundError:
        raise UserError("git is not installed, so REVISION:PATH cannot be read; name files") from None
    return done.stdout if done.returncode == 0 else None


def _changed(pairs: Pairs) -> list[dict[str, Any]]:
    rows = zip(pairs.images, pairs.truth, pairs.said_a, pairs.said_b, pairs.right_a, pairs.right_b, strict=True)
    return [
        {"image": image, "truth": truth, "a": said_a, "b": said_b, "right": "A" if right_a else "B"}
        for image, truth, said_a, said_b, right_a, right_b in rows
        if right_a != right_b
    ]


def _report(pairs: Pairs, result: dict[str, Any], reduced: dict[str, Any] | None) -> list[str]:
    lines = []
    for name, left_out in (("A", pairs.only_a), ("B", pairs.only_b)):
        if left_out:
            shown = ", ".join(left_out[:LEFT_OUT]) + ", ..." * (len(left_out) > LEFT_OUT)
            lines.append(f"left out, with this truth only in {name}: {len(left_out):,} ({shown})")
    lines += ["", f"{'':<16}{'n':>6}   {'A':<24}{'B':<24}{'B - A, points':<24}p"]
    lines += [_row("all photos", result)]
    lines += [_row("de-duplicated", reduced)] if reduced else []
    lines += ["In brackets 95 % intervals: Wilson's; of B - A by paired bootstrap, 10,000 resamples."]
    lines += ["p: McNemar's exact test, two-sided. The verdict goes by p: with few photos bootstrap is too narrow.", ""]
    lines += [
        f"{'':<16}{'B right':>9}{'B wrong':>9}",
        f"{'A right':<16}{result['both_right']:>9,}{result['only_a_right']:>9,}",
        f"{'A wrong':<16}{result['only_b_right']:>9,}{result['both_wrong']:>9,}",
    ]
    return [*lines, *_sides(pairs), "", verdict(pairs, result)]


def _row(name: str, result: dict[str, Any]) -> str:
    accuracies = [
        f"{100 * share['accuracy']:.1f} % ({100 * share['low']:.1f} to {100 * share['high']:.1f})"
        for share in (result["a"], result["b"])
    ]
    keys = ("difference", "difference_low", "difference_high")
    # + 0.0 turns -0.0 into 0.0.
    value, low, high = (round(100 * result[key], 1) + 0.0 for key in keys)
    difference = f"{value:+.1f} ({low:+.1f} to {high:+.1f})"
    return f"{name:<16}{result['n']:>6,}   {accuracies[0]:<24}{accuracies[1]:<24}{difference:<24}{show_p(result['p'])}"


def _sides(pairs: Pairs) -> list[str]:
    changed = _changed(pairs)
    wrong = ~pairs.right_a & ~pairs.right_b
    otherwise = sum(a != b for a, b, both in zip(pairs.said_a, pairs.said_b, wrong, strict=True) if both)
    lines = []
    if changed:
        lines += ["", f"changed sides: {len(changed):,}"]
        width = max(len(row["image"]) for row in changed[:NAMED])
        for row in changed[:NAMED]:
            answers = f"{row['truth']}; {_other(row)}"
            lines.append(f"  only {row['right']} right   {row['image']:<{width}}   {answers}")
        if len(changed) > NAMED:
            lines.append(f"  and {len(changed) - NAMED:,} more (--json has them all)")
    if otherwise:
        lines += [f"wrong in both, with another answer: {otherwise:,}"]
    return lines


def _other(row: dict[str, Any]) -> str:
    name = "b" if row["right"] == "A" else "a"
    return f"{name.upper()} said {row[name]}"
