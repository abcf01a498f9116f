"""What a rerun has changed, photo by photo: scored on the labels as they were, and on those that hold now.

Labels that were changed to agree with a model speak for it, whatever it is worth: both scores stand side by side.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from sortline.evaluation.comparison import compare, show_p

Rows = Mapping[str, Mapping[str, str]]  # of a predictions.csv, by image


def by_image(rows: Mapping[tuple[str, str], Mapping[str, str]]) -> Rows:
    """Return what `read_predictions` read by the photo alone: a corrected one bears another truth than before."""
    return {image: row for (image, _), row in rows.items()}


def before_and_after(before: Rows, after: Rows) -> dict[str, Any]:
    """Return `compare` of two tables on the photos in both, once by the first's labels and once by the second's.

    Also how many photos and which labels are not in both. No photo in common: neither comparison is there.
    """
    both = [image for image in before if image in after]
    counts: dict[str, Any] = {"gone": len(before) - len(both), "new": len(after) - len(both)}
    counts["relabelled"] = sum(before[image]["truth"] != after[image]["truth"] for image in both)
    if not both:
        return counts
    old, new = (np.array([table[image]["predicted"] for image in both]) for table in (before, after))
    scenes = np.array([int(before[image].get("scene") or place) for place, image in enumerate(both)])
    for name, table in (("old_labels", before), ("new_labels", after)):
        truth = np.array([table[image]["truth"] for image in both])
        counts[name] = compare(old == truth, new == truth, scenes)
    return counts


def lines(part: str, found: Mapping[str, Any]) -> list[str]:
    """Return for people what `before_and_after` found in a part: "val", "folds"."""
    said = []
    for name, what in (("old_labels", "labels as they were"), ("new_labels", "labels as they are now")):
        if name in found:
            one = found[name]
            low, high = (f"{100 * one[f'difference_{end}']:+.1f}" for end in ("low", "high"))
            said.append(
                f"{part}, {what}: {one['a']['accuracy']:.1%} before, {one['b']['accuracy']:.1%} after, difference "
                f"{100 * one['difference']:+.1f} points (95 % {low} to {high}, p {show_p(one['p'])}, n = {one['n']:,})"
            )
    words = {"relabelled": "relabelled", "gone": "no longer in it", "new": "new in it"}
    moved = ", ".join(f"{found[key]} {word}" for key, word in words.items() if found[key])
    return [*said, *([f"{part}: {moved}"] if moved else [])]
