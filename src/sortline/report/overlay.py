"""A photo with the evidence for a class laid over it."""

import matplotlib
import numpy as np
from PIL import Image

MAP_COLOURS = "inferno"


def overlay(photo: Image.Image, evidence: np.ndarray, strength: float = 0.55) -> Image.Image:
    """Return the RGB `photo`, grey, with `evidence` (h, w) over it in colour; each map is scaled to its own peak."""
    peak = float(evidence.max())
    scaled = Image.fromarray(np.uint8(255 * evidence / peak) if peak > 0 else np.zeros(evidence.shape, np.uint8))
    heat = np.asarray(scaled.resize(photo.size, Image.Resampling.BICUBIC), np.float32) / 255
    colours = matplotlib.colormaps[MAP_COLOURS](heat)[..., :3] * 255
    grey = np.asarray(photo.convert("L").convert("RGB"), np.float32)
    share = (strength * np.sqrt(heat))[..., None]
    return Image.fromarray(np.uint8((1 - share) * grey + share * colours))
