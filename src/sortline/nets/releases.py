"""What each published MobileNetV2 release means: padding, preprocessing, parameter naming."""

from dataclasses import dataclass

import numpy as np

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Preprocessing:
    """From a uint8 RGB image already resized (Pillow BILINEAR, antialiased) to the network's input.

    Each channel becomes `(x / 255 - mean) / std`, as `x * scale + shift` in float32, channels first.
    """

    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    @property
    def scale(self) -> np.ndarray:
        """Factor per RGB channel, float32 (3,)."""
        return (1 / (255 * np.array(self.std))).astype(np.float32)

    @property
    def shift(self) -> np.ndarray:
        """Offset per RGB channel, float32 (3,)."""
        return (-np.array(self.mean) / np.array(self.std)).astype(np.float32)

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Turn uint8 RGB (n, S, S, 3) into float32 (n, 3, S, S)."""
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] != 3:
            raise ValueError(f"expected uint8 (n, S, S, 3), got {images.dtype} {images.shape}")
        return np.ascontiguousarray((images * self.scale + self.shift).transpose(0, 3, 1, 2))


@dataclass(frozen=True)
class Release:
    """A published set of MobileNetV2 weights."""

    title: str
    padding: str  # "same": TensorFlow's; "symmetric": PyTorch's and MindSpore's
    preprocessing: Preprocessing
    naming: str  # a key of sortline.nets.checkpoints.NAMINGS
    bn_eps: float
    licence: str


RELEASES = {
    "tensorflow": Release(
        title="MobileNetV2 1.0 224, TensorFlow model garden (8-bit release restored to float32)",
        padding="same",
        preprocessing=Preprocessing((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
        naming="folded",
        bn_eps=1e-3,
        licence="Apache-2.0",
    ),
    "mindcv": Release(
        title="MobileNetV2 1.0 224, MindCV",
        padding="symmetric",
        preprocessing=Preprocessing(IMAGENET_MEAN, IMAGENET_STD),
        naming="mindcv",
        bn_eps=1e-5,
        licence="Apache-2.0",
    ),
    "course": Release(
        title="MobileNetV2 1.0 224, MindSpore course checkpoint (200 epochs)",
        padding="symmetric",
        preprocessing=Preprocessing(IMAGENET_MEAN, IMAGENET_STD),
        naming="course",
        bn_eps=1e-5,
        licence="not stated",
    ),
    "random": Release(
        title="MobileNetV2 with seeded random weights (proves the pipeline, not the accuracy)",
        padding="symmetric",
        preprocessing=Preprocessing((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
        naming="random",
        bn_eps=1e-5,
        licence="none",
    ),
}
