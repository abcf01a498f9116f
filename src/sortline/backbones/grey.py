"""Preprocessing of the small nets: one grey channel, scaled as the reports scale MNIST."""

from dataclasses import dataclass

import numpy as np

# Pillow's RGB to L (ITU-R 601-2), in 65,536ths.
LUMA = (19595, 38470, 7471)


@dataclass(frozen=True)
class GreyPreprocessing:
    """From uint8 pixels already resized (Pillow BILINEAR) to the net's input: `x / (255 std) - mean / std`, float32."""

    mean: tuple[float] = (0.1307,)
    std: tuple[float] = (0.3081,)

    @property
    def scale(self) -> np.ndarray:
        """Factor, float32 (1,)."""
        return (1 / (255 * np.array(self.std))).astype(np.float32)

    @property
    def shift(self) -> np.ndarray:
        """Offset, float32 (1,)."""
        return (-np.array(self.mean) / np.array(self.std)).astype(np.float32)

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Turn uint8 RGB (n, S, S, 3) or grey (n, S, S) into float32 (n, 1, S, S)."""
        grey = to_grey(images) if images.ndim == 4 else images
        if grey.dtype != np.uint8 or grey.ndim != 3:
            raise ValueError(f"expected uint8 (n, S, S, 3) or (n, S, S), got {images.dtype} {images.shape}")
        return np.ascontiguousarray((grey * self.scale + self.shift)[:, None])


GREY = GreyPreprocessing()


def to_grey(images: np.ndarray) -> np.ndarray:
    """Turn uint8 RGB (..., 3) into uint8 (...), as Pillow's `convert("L")` does."""
    return ((images.astype(np.uint32) @ np.array(LUMA, np.uint32) + 0x8000) >> 16).astype(np.uint8)
