"""What the store keeps of one photo: the same function on one machine and on many."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from sortline.backbones.preprocessing import Preprocessing
from sortline.config.augment import ViewParams
from sortline.data.augment.views import decoded_side, render
from sortline.data.images import frame


@dataclass(frozen=True)
class OfPhoto:
    """Works out the features of every view of a photo; `size` is the backbone's, `framed` as `images.frame` has it."""

    views: ViewParams
    size: int
    preprocessing: Preprocessing
    framed: str = "squeeze"

    @property
    def side(self) -> int:
        """The `side` of `open_rgb` that the views need."""
        return decoded_side(self.views, self.size)

    def __call__(
        self, run: Callable[[np.ndarray], tuple[np.ndarray, ...]], image: Image.Image, sha256: str, name: object
    ) -> dict[str, np.ndarray]:
        """Return the arrays by their names in the store, of the RGB image that `images.csv` calls `sha256`.

        `run`: the backbone, as `engines.Engine` has it. Raises RuntimeError, with `name`, where it gives NaN or Inf.
        """
        image = frame(image, self.framed)
        pixels = np.stack([render(image, self.views, view, sha256, self.size) for view in range(self.views.count)])
        mean, maximum, last, *inner = run(self.preprocessing(pixels))
        if not (np.isfinite(mean).all() and np.isfinite(maximum).all()):
            raise RuntimeError(f"{name}: the backbone gave NaN or Inf")
        return {"pooled": np.stack((mean, maximum), 1), "maps": last[:1], **dict(zip(["inner"], inner, strict=False))}
