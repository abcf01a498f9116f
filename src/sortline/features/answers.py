"""What a model says of photos that it was not trained on."""

from dataclasses import dataclass

import numpy as np

from sortline.data.prepared import Part


@dataclass(frozen=True)
class Unseen:
    """Photos with the predictions of a model that was not trained on them.

    `probabilities` float (n, classes); `features` float32 (n, D), by which the photos are compared.
    """

    part: Part
    probabilities: np.ndarray
    features: np.ndarray


@dataclass(frozen=True)
class Familiar:
    """Photos with the predictions of a model that was not trained on them, and how near it has been to them.

    `labels` int (n,); `probabilities` float (n, classes); `similarity` float32 (n,), see `features.similarity`.
    """

    labels: np.ndarray
    probabilities: np.ndarray
    similarity: np.ndarray


@dataclass(frozen=True)
class HeldOut:
    """Photos with a model to be asked about them that has not seen their scenes; `new` is false where it has.

    `folds`: its fold for each photo, see `Predictor.logits`, or None: the model itself. `probabilities` float
    (n, classes): what it says of them as they are; `similarity`: as of `Familiar`, None where it cannot be told.
    """

    part: Part
    folds: list[int | None]
    probabilities: np.ndarray
    similarity: np.ndarray | None
    new: bool = True
