"""Corrupted photos: what an unsteady hand, poor light or a mixed-up program does to them, in five severities."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from PIL import Image, ImageFilter

from sortline.evaluation import imagenet_c, phone

SEVERITIES = (1, 2, 3, 4, 5)
SEED = 0


def blur(pixels: np.ndarray, severity: int) -> np.ndarray:
    """Gaussian of 1 to 6 pixels, as in ImageNet-C."""
    return np.array(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur((1, 2, 3, 4, 6)[severity - 1])))


def noise(pixels: np.ndarray, severity: int) -> np.ndarray:
    """Gaussian, standard deviation 0.08 to 0.38 of the range, as in ImageNet-C; the same on every photo."""
    return imagenet_c.whole(pixels + _normal(pixels.shape, severity))


@cache
def _normal(shape: tuple[int, ...], severity: int) -> np.ndarray:
    return 255 * np.random.default_rng(SEED).normal(0, (0.08, 0.12, 0.18, 0.26, 0.38)[severity - 1], shape)


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
    fill = tuple(int(value) for value in np.rint(imagenet_c.mean_colour(pixels)))
    angle = (15, 30, 45, 60, 90)[severity - 1]
    return np.array(Image.fromarray(pixels).rotate(angle, Image.Resampling.BILINEAR, fillcolor=fill))


def swapped_channels(pixels: np.ndarray, severity: int) -> np.ndarray:
    """Blue for red: the mix-up of RGB and BGR; it has one severity."""
    return np.ascontiguousarray(pixels[..., ::-1])


Corrupt = Callable[[np.ndarray, int], np.ndarray]  # uint8 RGB (S, S, 3) to the same, by a severity

# What photos of val are tried in. ImageNet-C: Hendrycks and Dietterich 2019, arXiv:1903.12261.
CORRUPTIONS: dict[str, Corrupt] = {
    "blur": blur,
    "noise": noise,
    "JPEG": jpeg,
    "darkness": darkness,
    "brightness": brightness,
    "rotation": rotation,
    "swapped channels": swapped_channels,
}
ALIKE = ("swapped channels", "turned")  # they have one severity


@dataclass(frozen=True)
class Kind:
    """A corruption, its family, and what in training does the like: names of `ViewParams` or `DistortionParams`."""

    corrupt: Corrupt
    family: str
    like: tuple[str, ...] = ()


# What photos meet, those that a model has not seen, see `robustness`; mixed-up channels are a program's mistake.
KINDS: dict[str, Kind] = {
    "Gaussian noise": Kind(noise, "noise", ("noise",)),
    "shot noise": Kind(imagenet_c.shot_noise, "noise", ("noise",)),
    "impulse noise": Kind(imagenet_c.impulse_noise, "noise", ("noise",)),
    "Gaussian blur": Kind(blur, "blur", ("blur",)),
    "defocus": Kind(imagenet_c.defocus, "blur", ("blur",)),
    "hand motion": Kind(imagenet_c.motion, "blur"),
    "JPEG": Kind(jpeg, "file"),
    "pixelate": Kind(imagenet_c.pixelate, "file"),
    "darkness": Kind(darkness, "light", ("brightness",)),
    "brightness": Kind(brightness, "light", ("brightness",)),
    "contrast": Kind(imagenet_c.contrast, "light", ("contrast",)),
    "half in shadow": Kind(phone.half_in_shadow, "light"),
    "white balance": Kind(phone.white_balance, "light"),
    "rotation": Kind(rotation, "frame", ("rotation",)),
    "turned": Kind(phone.turned, "frame"),
    "small": Kind(phone.small, "frame", ("scale",)),
    "cut off": Kind(phone.cut_off, "frame", ("crop_scale", "shift")),
    "cluttered ground": Kind(phone.cluttered, "frame"),
}


def grid(severities: Sequence[int], names: Sequence[str] = tuple(CORRUPTIONS)) -> list[tuple[str, int]]:
    """Return every (corruption, severity) to be tried."""
    return [(name, one) for name in names for one in ([1] if name in ALIKE else severities)]
