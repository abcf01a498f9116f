"""Compare a task's metrics in the working tree with the committed ones (HEAD), within stated tolerances.

Another CPU may round a convolution differently; a photo on the edge may then change sides. Everything else is exact.
"""

import json
import subprocess
import sys
from pathlib import Path

# End of a key's path -> largest difference that passes: accuracies 1 photo in 100, losses and calibration a little.
TOLERANCES = {"_mb": 0.05, "_bytes": 5000, "cv_std": 0.005, "loss": 0.01, "loss_tempered": 0.01,
              "ece": 0.01, "macro_f1": 0.015, "temperature": 0.02, ".threshold": 0.02, "answered": 0.01,
              "answered_n": 25, "answered_accuracy_scenes": 25, "unfamiliar_below": 0.005, "majority_share": 1e-4,
              "recall": 0.015}  # fmt: skip
# The same where it stands anywhere in the path.
ANYWHERE = {"accuracy": 0.01, "robustness.": 0.05, "sets.": 0.02, "unknown.": 0.03, "top5": 0.01,
            "agreement": 0.01, "diff": 1e-3}  # fmt: skip
# Which photos are wrong, and how alike, follows from the accuracies; an epoch is no quantity that can be close.
SKIPPED = ("confused_pairs", "per_class", "per_bin", "novelty", "best_epoch", "selected_on_folds")


def flat(content: dict, prefix: str = "") -> dict:
    rows = {}
    for key, value in content.items():
        if key not in SKIPPED:
            rows |= flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return rows


def tolerance(key: str) -> float:
    limits = [limit for end, limit in TOLERANCES.items() if f".{key}".endswith(end)]
    limits += [limit for part, limit in ANYWHERE.items() if part in key]
    return max(limits, default=0.0)


def of_the_line(folder: Path) -> list[Path]:
    """Return what the task's stages write; backbones.json is of `sortline backbones`, which CI does not run."""
    return sorted(path for path in folder.glob("*.json") if path.name != "backbones.json")


def main(task: str) -> int:
    wrong = compared = 0
    for path in of_the_line(Path("metrics", task)):
        committed = subprocess.run(["git", "show", f"HEAD:{path.as_posix()}"], capture_output=True, check=True).stdout
        before, after = flat(json.loads(committed)), flat(json.loads(path.read_text(encoding="utf-8")))
        for key in sorted(before.keys() | after.keys()):
            old, new = before.get(key), after.get(key)
            numbers = isinstance(old, (int, float)) and isinstance(new, (int, float))
            same = abs(old - new) <= tolerance(key) if numbers else old == new
            compared += 1
            if not same:
                wrong += 1
                print(f"{path}: {key} was {old}, is {new} (tolerance {tolerance(key):g})")
    print(f"{task}: {compared} figures compared with the committed ones, {wrong} differ")
    return 1 if wrong or not compared else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
