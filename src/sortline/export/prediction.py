"""What a model says of a photo: typed, and as the JSON that `predict --json` and the HTTP API give."""

from dataclasses import dataclass, field
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
    is it anything the model knows, as 19 in 20 photos of scenes that are new to it are? `sets`: by level, "90" and "95"
    percent, the classes among which the photo's is so often, of photos of new scenes, the most probable first; none
    where it cannot tell.
    """

    top: tuple[Guess, ...]
    sure: bool = True
    similarity: float | None = None
    familiar: bool = True
    sets: dict[str, tuple[dict[str, Any], ...]] = field(default_factory=dict)

    @property
    def among(self) -> tuple[dict[str, Any], ...]:
        """The classes of the set of 95 %; without sets the most probable one alone."""
        return self.sets.get("95") or (self.label,)

    @property
    def doubt(self) -> str:
        """Why the best guess should not be taken, in a few words for people; empty where nothing speaks against it."""
        return "nothing I know" if not self.familiar else "" if self.sure else "not sure"

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
        """Return JSON content: the best guess's keys, `sure`, `similarity`, `familiar`, `sets` (codes), and `top`, all
        guesses."""
        similarity = None if self.similarity is None else round(self.similarity, 4)
        sets = {level: [one["code"] for one in classes] for level, classes in self.sets.items()}
        known = {"sure": self.sure, "similarity": similarity, "familiar": self.familiar, "sets": sets}
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
