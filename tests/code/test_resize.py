"""resize: antialiased, bilinear, over the whole photo."""

import numpy as np
import pytest
from PIL import Image
from test_images import picture

from sortline.data.images import resize


def triangle_weights(before: int, after: int) -> np.ndarray:
    """Antialiased linear interpolation by its definition: float (after, before), rows sum to 1."""
    scale = before / after
    support = max(scale, 1.0)
    centres = (np.arange(after) + 0.5) * scale
    distance = np.abs(np.arange(before)[None] + 0.5 - centres[:, None]) / support
    weights = np.maximum(0, 1 - distance)
    return weights / weights.sum(axis=1, keepdims=True)


@pytest.mark.parametrize(("width", "height", "size"), [(97, 61, 32), (20, 31, 48), (224, 224, 64)])
def test_resize_is_antialiased_bilinear_over_the_whole_photo(width, height, size):
    pixels = np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8)
    expected = np.einsum(
        "yh,xw,hwc->yxc", triangle_weights(height, size), triangle_weights(width, size), pixels.astype(float)
    )
    result = resize(Image.fromarray(pixels), size)
    assert result.dtype == np.uint8
    assert result.shape == (size, size, 3)
    assert np.abs(result - expected).max() <= 1.5


def test_resize_to_the_same_size_changes_nothing():
    assert np.array_equal(resize(Image.fromarray(picture(32, 32)), 32), picture(32, 32))
