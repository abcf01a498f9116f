"""What a model says of a photo: typed, and as the JSON that `predict --json` and the HTTP API give."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image


@dataclass(frozen=True)
class Guess:
    """One class (`code`, `en`, `zh`, `bin`), its bin (`id`, `en`, `zh`, `colour`) or None, its probability.

    A class that its table says more about has that as `card`: lines [name, text].
    """

    label: dict[str, Any]
    bin: dict[str, Any] | None
    probability: float

    def as_dict(self) -> dict[str, Any]:
        return {"class": self.label, "bin": self.bin, "probability": round(self.probability, 6)}


@dataclass(frozen=True)
class Prediction:
    """The most probable classes of one photo, best first; never empty.

    `sure`: is the best one as probable as the threshold that was chosen out of fold? See `_core.doubt`.
    `similarity`: the cosine to the nearest photo that the model was trained on, None where it cannot tell; `familiar`:
    is that as high as of photos of scenes it does not know, but for one in 40?
    """

    top: tuple[Guess, ...]
    sure: bool = True
    similarity: float | None = None
    familiar: bool = True

    @property
    def doubt(self) -> str:
        """Why the best guess should not be taken, in a few words for people; empty where nothing speaks against it."""
        return "unlike anything trained on" if not self.familiar else "" if self.sure else "not sure"

    @property
    def label(self) -> dict[str, Any]:
        return self.top[0].label

    @property
    def bin(self) -> dict[str, Any] | None:
        return self.top[0].bin

    @property
    def probability(self) -> float:
        return self.top[0].probability

    def as_dict(self) -> dict[str, Any]:
        """Return JSON content: the best guess's keys, `sure`, `similarity`, `familiar`, and all guesses, `top`."""
        similarity = None if self.similarity is None else round(self.similarity, 4)
        known = {"sure": self.sure, "similarity": similarity, "familiar": self.familiar}
        return {**self.top[0].as_dict(), **known, "top": [guess.as_dict() for guess in self.top]}


@dataclass(frozen=True)
class Explanation:
    """Where a photo speaks for class `label`. `evidence`: float32 (h, w), by position, 0 and up."""

    image: Image.Image
    label: dict[str, Any]
    evidence: np.ndarray

    def picture(self) -> Image.Image:
        """Return the photo, grey, with the evidence over it in colour."""
        from sortline.report.overlay import overlay  # Matplotlib takes a while to load

        return overlay(self.image, self.evidence)
