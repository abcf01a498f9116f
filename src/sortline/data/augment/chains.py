"""Chains of operations on a view of a photo: AugMix and RandAugment."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageEnhance, ImageOps, ImageStat

from sortline.config.augment import ChainParams

CHAINS, DEEPEST = 3, 3  # of AugMix: how many are mixed, and operations of one at most
OPERATIONS = 2  # of a RandAugment


@dataclass(frozen=True)
class Operation:
    """Changes an RGB picture, by a level -1 .. 1; what in `ViewParams` or `DistortionParams` does the like."""

    apply: Callable[[Image.Image, float], Image.Image]
    like: tuple[str, ...] = ()


def _moved(image: Image.Image, matrix: Sequence[float]) -> Image.Image:
    """Read each pixel (x, y) at (a x + b y + c, d x + e y + f); the mean colour fills what comes from outside."""
    fill = tuple(round(value) for value in ImageStat.Stat(image).mean)
    return image.transform(image.size, Image.Transform.AFFINE, tuple(matrix), Image.Resampling.BILINEAR, fillcolor=fill)


def _rotated(image: Image.Image, level: float) -> Image.Image:
    fill = tuple(round(value) for value in ImageStat.Stat(image).mean)
    return image.rotate(30 * level, Image.Resampling.BILINEAR, fillcolor=fill)


# The ranges are those of https://github.com/google-research/augmix.
AUGMIX = {
    "autocontrast": Operation(lambda image, _: ImageOps.autocontrast(image), ("brightness", "contrast")),
    "equalize": Operation(lambda image, _: ImageOps.equalize(image), ("brightness", "contrast")),
    "posterize": Operation(lambda image, level: ImageOps.posterize(image, max(1, 4 - int(4 * abs(level))))),
    "solarize": Operation(lambda image, level: ImageOps.solarize(image, 256 - int(256 * abs(level)))),
    "rotate": Operation(_rotated, ("rotation",)),
    "shear x": Operation(lambda image, level: _moved(image, (1, 0.3 * level, 0, 0, 1, 0)), ("shear",)),
    "shear y": Operation(lambda image, level: _moved(image, (1, 0, 0, 0.3 * level, 1, 0)), ("shear",)),
    "translate x": Operation(lambda image, level: _moved(image, (1, 0, level * image.width / 3, 0, 1, 0)), ("shift",)),
    "translate y": Operation(lambda image, level: _moved(image, (1, 0, 0, 0, 1, level * image.height / 3)), ("shift",)),
}


def _enhancer(enhance: Callable[[Image.Image], ImageEnhance._Enhance], like: str) -> Operation:
    return Operation(lambda image, level: enhance(image).enhance(1 + 0.9 * level), (like,))


RANDAUGMENT = AUGMIX | {
    "identity": Operation(lambda image, _: image),
    "color": _enhancer(ImageEnhance.Color, "saturation"),
    "contrast": _enhancer(ImageEnhance.Contrast, "contrast"),
    "brightness": _enhancer(ImageEnhance.Brightness, "brightness"),
    "sharpness": _enhancer(ImageEnhance.Sharpness, "blur"),  # half of them blur
}
METHODS = {"augmix": AUGMIX, "randaugment": RANDAUGMENT}


def chained(image: Image.Image, params: ChainParams, generator: np.random.Generator) -> Image.Image:
    """Return an RGB picture after chains of operations, which `generator` draws.

    "augmix" (Hendrycks et al. 2020, arXiv:1912.02781, without its consistency loss): CHAINS of up to DEEPEST
    operations, each at a level up to `strength`, mixed by shares of Dirichlet(1), and that with the picture by a share
    of Beta(1, 1).
    "randaugment" (Cubuk et al. 2020, arXiv:1909.13719): OPERATIONS one after another at the level `strength`.
    """
    if params.method == "randaugment":
        return _chain(image, RANDAUGMENT, OPERATIONS, params.strength, params.strength, generator)
    shares, share = generator.dirichlet([1.0] * CHAINS), generator.beta(1.0, 1.0)
    mixed = (1 - share) * np.asarray(image, np.float64)
    for one in shares:
        depth = int(generator.integers(1, DEEPEST + 1))
        mixed += share * one * np.asarray(_chain(image, AUGMIX, depth, 0.1, params.strength, generator))
    return Image.fromarray(np.rint(mixed).astype(np.uint8))


def _chain(
    image: Image.Image,
    known: dict[str, Operation],
    length: int,
    low: float,
    high: float,
    generator: np.random.Generator,
) -> Image.Image:
    operations = list(known.values())
    for _ in range(length):
        operation = operations[generator.integers(len(operations))]
        level, sign = generator.uniform(low, high) / 10, 1 if generator.random() < 0.5 else -1
        image = operation.apply(image, sign * level)
    return image


def like(params: ChainParams) -> set[str]:
    """Return what in `ViewParams` or `DistortionParams` does the like of the chains' operations."""
    return {name for operation in METHODS[params.method].values() for name in operation.like}
