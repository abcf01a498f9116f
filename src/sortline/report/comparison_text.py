"""Two sets of predictions compared, in words and a table for the terminal."""

from typing import Any

from sortline._core.text import printable
from sortline.evaluation.comparison import Pairs, show_p, verdict

NAMED = 10  # photos that changed sides
LEFT_OUT = 3  # photos in one table only


def changed(pairs: Pairs) -> list[dict[str, Any]]:
    """Return a row for each photo that only one of the two classifies correctly."""
    rows = zip(
        pairs.images, pairs.truth, pairs.predicted_a, pairs.predicted_b, pairs.correct_a, pairs.correct_b, strict=True
    )
    return [
        {"image": image, "truth": truth, "a": predicted_a, "b": predicted_b, "right": "A" if correct_a else "B"}
        for image, truth, predicted_a, predicted_b, correct_a, correct_b in rows
        if correct_a != correct_b
    ]


def describe(pairs: Pairs, result: dict[str, Any], reduced: dict[str, Any] | None) -> list[str]:
    """Return the comparison in lines: `result` of `compare` on all photos, `reduced` on the de-duplicated ones."""
    lines = []
    for name, left_out in (("A", pairs.only_a), ("B", pairs.only_b)):
        if left_out:
            shown = ", ".join(left_out[:LEFT_OUT]) + ", ..." * (len(left_out) > LEFT_OUT)
            lines.append(f"left out, with this truth only in {name}: {len(left_out):,} ({shown})")
    by_scene = result["scenes"] < result["n"]
    intervals = "cluster bootstrap" if by_scene else "Wilson's"
    lines += ["", f"{'':<16}{'n':>6}   {'A':<24}{'B':<24}{'B - A, points':<24}p"]
    lines += [_row("all photos", result)]
    lines += [_row("de-duplicated", reduced)] if reduced else []
    lines += [f"In brackets 95 % intervals: {intervals}; of B - A by paired bootstrap, 10,000 resamples."]
    lines += [
        f"p: exact sign test of the {result['scenes']:,} scenes, two-sided." if by_scene else "p: McNemar's exact test."
    ]
    lines += ["The verdict goes by p: with few photos bootstrap is too narrow.", ""]
    lines += [
        f"{'':<16}{'B right':>9}{'B wrong':>9}",
        f"{'A right':<16}{result['both_right']:>9,}{result['only_a_right']:>9,}",
        f"{'A wrong':<16}{result['only_b_right']:>9,}{result['both_wrong']:>9,}",
    ]
    return [printable(line) for line in (*lines, *_sides(pairs), "", verdict(pairs, result))]


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
    rows = changed(pairs)
    wrong = ~pairs.correct_a & ~pairs.correct_b
    otherwise = sum(a != b for a, b, both in zip(pairs.predicted_a, pairs.predicted_b, wrong, strict=True) if both)
    lines = []
    if rows:
        lines += ["", f"changed sides: {len(rows):,}"]
        width = max(len(row["image"]) for row in rows[:NAMED])
        for row in rows[:NAMED]:
            other = "b" if row["right"] == "A" else "a"
            text = f"{row['truth']}; {other.upper()} predicted {row[other]}"
            lines.append(f"  only {row['right']} right   {row['image']:<{width}}   {text}")
        if len(rows) > NAMED:
            lines.append(f"  and {len(rows) - NAMED:,} more (--json has them all)")
    if otherwise:
        lines += [f"wrong in both, with another prediction: {otherwise:,}"]
    return lines
