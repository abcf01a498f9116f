"""The batch norms of the networks of tests/golden/make_mobilenetv2.py and make_resnet.py."""

import numpy as np

PARTS = ("gamma", "beta", "moving_mean", "moving_variance")


def waves(k: int, channels: int, gamma: float) -> dict[str, np.ndarray]:
    """Return the PARTS of the k-th norm, float32 (channels,) each: no two alike, none trivial; `gamma` is its mean."""
    i = np.arange(channels)
    values = (
        gamma + 0.25 * np.sin(i + k),
        0.2 * np.cos(2 * i + k),
        0.1 * np.sin(3 * i + 2 * k),
        1 + 0.6 * np.cos(5 * i + 3 * k),
    )
    return {part: value.astype(np.float32) for part, value in zip(PARTS, values, strict=True)}
