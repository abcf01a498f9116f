"""sortline.smoothing: targets and the least loss they allow, against the definition and SciPy."""

import numpy as np
import pytest
from scipy.stats import entropy

from sortline.training.targets import least_loss, smooth_targets, smoothing_floor

LABELS = np.array([0, 1, 2, 3, 3, 3])
BINS = np.array([0, 0, 0, 1])  # class 3 is alone in its bin


def test_plain_targets():
    targets = smooth_targets(LABELS, 4, 0.3)
    assert targets.dtype == np.float32 and targets.sum(1) == pytest.approx(np.ones(6))
    assert targets[0] == pytest.approx([0.7, 0.1, 0.1, 0.1])


def test_a_share_stays_in_the_bin():
    targets = smooth_targets(LABELS, 4, 0.3, bin_of=BINS, bin_share=0.5)
    assert targets.sum(1) == pytest.approx(np.ones(6))
    assert targets[0] == pytest.approx([0.7, 0.125, 0.125, 0.05])  # 0.05 for all others, 0.075 more for the mates
    assert targets[3] == pytest.approx([0.1, 0.1, 0.1, 0.7])  # no mates: as without
    whole = smooth_targets(LABELS, 4, 0.3, bin_of=BINS, bin_share=1.0)
    assert whole[0] == pytest.approx([0.7, 0.15, 0.15, 0.0])


def test_balanced_targets_give_every_class_the_same_weight():
    targets = smooth_targets(LABELS, 4, 0.3, balanced=True)
    weight = targets.sum(1)
    assert [weight[label == LABELS].sum() for label in range(4)] == pytest.approx([1.5] * 4)
    assert weight.mean() == pytest.approx(1)


def test_the_least_loss_is_the_entropy():
    assert smoothing_floor(26, 0.1) == pytest.approx(0.647, abs=5e-4)
    assert least_loss(smooth_targets(np.arange(26), 26, 0.1)) == pytest.approx(smoothing_floor(26, 0.1), abs=1e-6)
    assert least_loss(smooth_targets(LABELS, 4, 0.0)) == 0
    balanced = smooth_targets(LABELS, 4, 0.3, bin_of=BINS, bin_share=0.5, balanced=True)
    expected = np.mean([row.sum() * entropy(row / row.sum()) for row in balanced.astype(float)])
    assert least_loss(balanced) == pytest.approx(expected, abs=1e-6)
