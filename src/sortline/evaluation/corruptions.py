"""Corrupted photos: what an unsteady hand, poor light or a mixed-up program does to them, in five severities."""

import io
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image, ImageFilter

SEVERITIES = (1, 2, 3, 4, 5)
SEED = 0


def blur(pixels: np.ndarray, severity: int) -> np.ndarray:
    """Gaussian of 1 to 6 pixels, as in ImageNet-C."""
    return np.array(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur((1, 2, 3, 4, 6)[severity - 1])))


def noise(pixels: np.ndarray, severity: int) -> np.ndarray:
    """Gaussian, standard deviation 0.08 to 0.38 of the range, as in ImageNet-C; the same on every photo."""
    drawn = np.random.default_rng(SEED).normal(0, (0.08, 0.12, 0.18, 0.26, 0.38)[severity - 1], pixels.shape)
    return np.clip(np.rint(pixels + 255 * drawn), 0, 255).astype(np.uint8)


def jpeg(pixels: np.ndarray, severity: int) -> np.ndarray:
    """JPEG of quality 25 down to 7, as in ImageNet-C."""
    stored = io.BytesIO()
    Image.fromarray(pixels).save(stored, "JPEG", quality=(25, 18, 15, 10, 7)[severity - 1])
    return np.array(Image.open(stored))


def darkness(pixels: np.ndarray, severity: int) -> np.ndarray:
    """Brightness times 0.7 down to 0.15."""
    return np.rint(pixels * (0.7, 0.5, 0.35, 0.25, 0.15)[severity - 1]).astype(np.uint8)


def brightness(pixels: np.ndarray, severity: int) -> np.ndarray:
    """0.1 to 0.5 of the range added, clipped, as overexposed."""
    return np.clip(pixels + np.rint(255 * (0.1, 0.2, 0.3, 0.4, 0.5)[severity - 1]), 0, 255).astype(np.uint8)


def rotation(pixels: np.ndarray, severity: int) -> np.ndarray:
    """15 to 90 degrees to the left, the corners filled with the mean colour."""
    fill = tuple(int(value) for value in np.rint(pixels.mean((0, 1))))
    angle = (15, 30, 45, 60, 90)[severity - 1]
    return np.array(Image.fromarray(pixels).rotate(angle, Image.Resampling.BILINEAR, fillcolor=fill))


def swapped_channels(pixels: np.ndarray, severity: int) -> np.ndarray:
    """Blue for red: the mix-up of RGB and BGR; it has one severity."""
    return np.ascontiguousarray(pixels[..., ::-1])


# uint8 RGB (S, S, 3) to the same. ImageNet-C: Hendrycks and Dietterich 2019, arXiv:1903.12261.
CORRUPTIONS: dict[str, Callable[[np.ndarray, int], np.ndarray]] = {
    "blur": blur,
    "noise": noise,
    "JPEG": jpeg,
    "darkness": darkness,
    "brightness": brightness,
    "rotation": rotation,
    "swapped channels": swapped_channels,
}


def grid(severities: Sequence[int]) -> list[tuple[str, int]]:
    """Return every (corruption, severity) to be tried; swapped channels have one severity."""
    return [(name, one) for name in CORRUPTIONS for one in ([1] if name == "swapped channels" else severities)]
