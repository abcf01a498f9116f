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
        """The `side` of `open_rgb` that the crops need."""
        return decoded_side(self.views, self.size)

    def __call__(
        self,
        run: Callable[[np.ndarray], tuple[np.ndarray, ...]],
        opened: Callable[[int], Image.Image],
        sha256: str,
        name: object,
    ) -> dict[str, np.ndarray]:
        """Return the arrays by their names in the store, of the photo that `images.csv` calls `sha256`.

        `run`: the backbone, as `engines.Engine` has it; `opened` returns the photo as `open_rgb` does for a `side`.
        Raises RuntimeError, with `name`, where the backbone gives NaN or Inf.
        """
        # The plain view is what every prediction is of: it is decoded as for one, also where crops need more pixels.
        plain = image = frame(opened(self.size), self.framed)
        if self.side != self.size:
            image = frame(opened(self.side), self.framed)
        of_view = [plain, *[image] * (self.views.count - 1)]
        pixels = np.stack([render(one, self.views, view, sha256, self.size) for view, one in enumerate(of_view)])
        mean, maximum, last, *inner = run(self.preprocessing(pixels))
        if not (np.isfinite(mean).all() and np.isfinite(maximum).all()):
            raise RuntimeError(f"{name}: the backbone gave NaN or Inf")
        return {"pooled": np.stack((mean, maximum), 1), "maps": last, **dict(zip(["inner"], inner, strict=False))}
