"""The view plan: K seeded, augmented views of every photo; view 0 is the plain evaluation view."""

import hashlib
import math

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter, ImageStat

from sortline.config.augment import ViewParams
from sortline.data.augment.chains import chained
from sortline.data.augment.crops import box_at, cut, extent
from sortline.data.images import GAP, resize


def decoded_side(plan: ViewParams, size: int) -> int:
    """Return the `side` of `open_rgb` at which the smallest crop of the plan still has `size` pixels a side."""
    smallest = min(min(extent(plan.crop_scale, plan.crop_ratio, (0, ratio))) for ratio in (0, 1))
    return size if plan.count == 1 else max(size, math.ceil(size / smallest / GAP))


def render(image: Image.Image, plan: ViewParams, view: int, key: str, size: int) -> np.ndarray:
    """Return view number `view` of an RGB photo as uint8 (size, size, 3).

    View 0 is `images.resize` of the whole photo. Any other is a crop as in `crops`, flipped, put through chains of
    operations, with changed brightness, contrast and saturation, made gray, turned (its mean colour fills the corners),
    blurred, and noisy, as `ViewParams` says, in that order. The draws depend on `plan.seed`, `key` (the photo's sha256)
    and `view` alone: neither other photos nor the other numbers of the plan shift them. Raises `ValueError` for a view
    not in the plan.
    """
    if not 0 <= view < plan.count:
        raise ValueError(f"view {view} is not in a plan of {plan.count} views")
    if view == 0:
        return resize(image, size)
    drawn_from = int.from_bytes(hashlib.sha256(f"{plan.seed} {key} {view}".encode()).digest(), "big")
    generator = np.random.default_rng(drawn_from)
    # All at once and always all: what the plan does not use shifts no other draw.
    area, ratio, x, y, mirror, *jitter, gray, turn, blur = generator.random(11).tolist()
    width, height = extent(plan.crop_scale, plan.crop_ratio, (area, ratio))
    box = box_at(image.size, (min(1.0, width), min(1.0, height)), (x, y))
    image = cut(image, box, size, flip=mirror < plan.flip)
    if plan.chain:
        image = chained(image, plan.chain, np.random.default_rng([drawn_from, 1]))
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
