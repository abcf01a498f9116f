"""The view plan: K seeded, augmented views of every photo; view 0 is the plain evaluation view."""

import hashlib

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter, ImageStat

from sortline.config.augment import ViewParams
from sortline.data.augment.crops import box_at, cut, extent
from sortline.data.images import resize


def render(image: Image.Image, plan: ViewParams, view: int, key: str, size: int) -> np.ndarray:
    """Return view number `view` of an RGB photo as uint8 (size, size, 3).

    View 0 is `images.resize` of the whole photo. Any other is a random resized crop (Szegedy et al. 2015,
    arXiv:1409.4842), flipped left-right with probability `plan.flip`, then its brightness, contrast and saturation each
    multiplied by a factor drawn from 1 - x to 1 + x. Last it is made gray with probability `plan.gray`, turned by up to
    `plan.rotation` degrees either way (its mean colour fills the corners), blurred by a Gaussian of up to `plan.blur`
    pixels, and gets Gaussian noise of standard deviation `plan.noise` (of 255). The crop covers a share of the area
    drawn from `crop_scale`; its width-to-height ratio, relative to the photo's own, is drawn log-uniformly from
    `crop_ratio`.

    The draws depend on `plan.seed`, `key` (the photo's sha256) and `view` alone: neither other photos nor the
    other numbers of the plan shift them. Raises `ValueError` where `view` is not in the plan.
    """
    if not 0 <= view < plan.count:
        raise ValueError(f"view {view} is not in a plan of {plan.count} views")
    if view == 0:
        return resize(image, size)
    generator = _generator(plan.seed, key, view)
    # All at once and always all: what the plan does not use shifts no other draw.
    area, ratio, x, y, mirror, *jitter, gray, turn, blur = generator.random(11).tolist()
    width, height = extent(plan.crop_scale, plan.crop_ratio, (area, ratio))
    box = box_at(image.size, (min(1.0, width), min(1.0, height)), (x, y))
    image = cut(image, box, size, flip=mirror < plan.flip)
    strengths = (plan.brightness, plan.contrast, plan.saturation)
    enhancers = (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color)
    for enhancer, strength, draw in zip(enhancers, strengths, jitter, strict=True):
        image = enhancer(image).enhance(1 + strength * (2 * draw - 1))
    if gray < plan.gray:
        image = image.convert("L").convert("RGB")
    if plan.rotation:
        fill = tuple(round(value) for value in ImageStat.Stat(image).mean)
        image = image.rotate(plan.rotation * (2 * turn - 1), Image.Resampling.BILINEAR, fillcolor=fill)
    if plan.blur:
        image = image.filter(ImageFilter.GaussianBlur(plan.blur * blur))
    pixels = np.array(image)
    if plan.noise:
        pixels = np.clip(np.rint(pixels + generator.normal(0, plan.noise, pixels.shape)), 0, 255).astype(np.uint8)
    return pixels


def _generator(seed: int, key: str, view: int) -> np.random.Generator:
    digest = hashlib.sha256(f"{seed} {key} {view}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest, "big"))
