"""From resized pixels to a net's input: the one definition, in colour and in grey."""

from dataclasses import dataclass

import numpy as np

# Pillow's RGB to L (ITU-R 601-2), in 65,536ths.
LUMA = (19595, 38470, 7471)


@dataclass(frozen=True)
class Preprocessing:
    """From uint8 pixels already resized (Pillow BILINEAR, antialiased) to a net's input, of `channels` channels.

    Each channel, in the order RGB or grey alone, becomes `(x / 255 - mean) / std`, as `x * scale + shift` in float32.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]

    @property
    def channels(self) -> int:
        return len(self.mean)

    @property
    def scale(self) -> np.ndarray:
        """Factor per channel, float32 (channels,)."""
        return (1 / (255 * np.array(self.std))).astype(np.float32)

    @property
    def shift(self) -> np.ndarray:
        """Offset per channel, float32 (channels,)."""
        return (-np.array(self.mean) / np.array(self.std)).astype(np.float32)

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Turn uint8 RGB (n, S, S, 3), for a grey input also grey (n, S, S), into float32 (n, channels, S, S)."""
        if self.channels == 1:
            images = (to_grey(images) if images.ndim == 4 else images)[..., None]
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] != self.channels:
            raise ValueError(f"expected uint8 pixels of {self.channels} channels, got {images.dtype} {images.shape}")
        # Plane by plane: pixel by pixel, three values each, the same bits take several times as long.
        planes = np.ascontiguousarray(images.transpose(0, 3, 1, 2)) * self.scale[:, None, None]
        planes += self.shift[:, None, None]
        return planes


IMAGENET = Preprocessing((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
HALF = Preprocessing((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))  # to -1 ... 1
UNSCALED = Preprocessing((0.0,) * 3, (1.0,) * 3)  # 0 to 1
GREY = Preprocessing((0.1307,), (0.3081,))  # as reports scale MNIST


def to_grey(images: np.ndarray) -> np.ndarray:
    """Turn uint8 RGB (..., 3) into uint8 (...), as Pillow's `convert("L")` does."""
    return ((images.astype(np.uint32) @ np.array(LUMA, np.uint32) + 0x8000) >> 16).astype(np.uint8)
