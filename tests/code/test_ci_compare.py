"""What `.ci/run` lets differ on another machine, and what not."""

import importlib.util
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
spec = importlib.util.spec_from_file_location("compare_metrics", ROOT / ".ci/compare.py")
compare = importlib.util.module_from_spec(spec)
spec.loader.exec_module(compare)


@pytest.mark.parametrize(
    "key", ["threshold", "temperature", "answered", "answered_n", "ece", "deduplicated.ece", "cv_log_loss_tempered",
            "accuracy_low", "corruption_accuracy.blur 1.accuracy", "max_abs_diff_onnx"],
)  # fmt: skip
def test_what_rounding_can_move_has_a_tolerance(key):
    assert compare.tolerance(key) > 0


@pytest.mark.parametrize(
    "key", ["n", "cv_n", "train", "exact_cross", "scenes", "onnx_n", "int8_agreement_n", "image_size",
            "corruption_accuracy.blur 1.n", "n_deduplicated"],
)  # fmt: skip
def test_counts_and_whole_settings_have_to_be_equal(key):
    assert compare.tolerance(key) < 1


def test_every_committed_number_that_is_no_count_or_setting_has_one():
    exact = set()
    for path in compare.of_the_line(ROOT / "metrics/garbage"):
        for key, value in compare.flat(json.loads(path.read_text(encoding="utf-8"))).items():
            if isinstance(value, float) and not compare.tolerance(key):
                exact.add(key)
    assert exact == set()
