"""What a task has trained, behind one face: pictures, or what `extract` kept of them, to logits. Without MindSpore."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from PIL import Image

from sortline._core import arrays, files, parameters, sessions
from sortline._core.cores import cores
from sortline._core.errors import UserError
from sortline.backbones.preprocessing import Preprocessing, to_grey
from sortline.data import prepared
from sortline.data.datasets import open_picture
from sortline.data.images import frame, resize
from sortline.data.prepared import Part
from sortline.features import similarity
from sortline.features.answers import Familiar, HeldOut, Unseen
from sortline.features.evidence import class_activation
from sortline.features.familiarity import Familiarity
from sortline.features.heads import MAPS, Head, dropped, load_head, softmax
from sortline.features.mapper import Mapper
from sortline.features.store import FeatureStore

BATCH_BYTES = 2**21  # of a net's inputs that are predicted at once
# Out-of-fold predictions: what they are called, the file, the column of split.csv with their folds.
SERIES = (("new scenes", "out_of_fold", "fold"), ("copies on both sides", "by_photo", "photo_fold"))


class Predictor(ABC):
    """A trained model. `size`: pixels a side of its pictures; `about`: head.json; `checkpoint`: the one that is used;
    `framed`: how a photo becomes a square. All methods may be called from several threads."""

    size: int

    def __init__(self, folder: Path, features: Path, checkpoint: str | None) -> None:
        self.folder, self.store = folder, FeatureStore(features)
        self.about: dict[str, Any] = files.read_json(folder / "head.json")
        self.checkpoint = checkpoint or self.about["checkpoint"]
        self.framed: str = self.store.about.get("resize", "squeeze")

    def picture(self, image: Image.Image) -> np.ndarray:
        """Return a photo as the model sees it, uint8 RGB (S, S, 3)."""
        return resize(frame(image, self.framed), self.size)

    def open(self, photo: Path) -> np.ndarray:
        """Return the same of a photo's file, decoded as `extract` decodes it; raise what `open_picture` raises."""
        return self.picture(open_picture(photo, self.size))

    @abstractmethod
    def logits(self, pictures: np.ndarray, fold: int | None = None) -> np.ndarray:
        """Return logits float32 (n, classes) of uint8 RGB (n, S, S, 3); `fold`: by what was trained without that."""

    @abstractmethod
    def probabilities(self, part: Part, dataset: str | None = None) -> np.ndarray:
        """Return probabilities float64 (n, classes) of the photos of `part`, from what `extract` kept of them.

        Raises `UserError` where that is of other photos, or of another data set than `dataset` (None: any).
        """

    @abstractmethod
    def evidence(self, picture: np.ndarray, label: int) -> np.ndarray | None:
        """Return what speaks for class `label`, by position in uint8 RGB (S, S, 3): float32 (h, w), 0 and up.

        None where the model does not weigh the features of a backbone.
        """

    def similarity(self, part: Part) -> np.ndarray | None:
        """Return how like each photo of `part` is to the nearest train photo, float32 (n,); None where there are no
        features of a backbone to tell by."""
        return None

    @property
    def tells(self) -> Familiarity | None:
        """By what it tells photos of what it knows from others, if it does."""
        return Familiarity(**self.about["familiarity"]) if "familiarity" in self.about else None

    @abstractmethod
    def seen(self, pictures: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return what `tells` scores of uint8 RGB (n, S, S, 3): logits (n, classes), distance (n,)."""

    def familiarity_out_of_fold(self) -> np.ndarray:
        """Return the score of each train photo, float32 (n,), by a model that was trained on no photo of its scene."""
        return arrays.read(self.folder / "familiarity.npy")

    def familiar(self, split: Path) -> dict[str, Familiar]:
        """Return the train photos out of fold, once of folds that keep scenes together, once of folds that do not."""
        return {}

    def varied(self, pictures: np.ndarray) -> np.ndarray:
        """Return what slightly different models say of uint8 RGB (n, S, S, 3), float64 (models, n, classes)."""
        return softmax(self.logits(pictures))[None]

    @abstractmethod
    def features(self, part: Part) -> np.ndarray:
        """Return by what the photos of `part` can be compared, float32 (n, D), from what `extract` kept of them."""

    @abstractmethod
    def features_of(self, pictures: np.ndarray) -> np.ndarray:
        """Return the same of uint8 RGB (n, S, S, 3)."""

    @abstractmethod
    def unseen(self, split: Path) -> Unseen:
        """Return the photos of split.csv whose labels can be doubted, as the model was not trained on them."""

    def held_out(self, split: Path) -> HeldOut:
        """Return the photos of split.csv that a model can be asked about anew: train, by folds, or of the part to be
        scored on those whose scenes train does not show; all of it where there is none such."""
        part = prepared.read_part(split)
        new = ~np.isin(part.scenes, prepared.read_part(split, "train").scenes)
        if new.any():
            part = part.some(new)
        near = self.similarity(part)
        return HeldOut(part, [None] * len(part.images), self.probabilities(part), near, bool(new.any()))


def load(folder: Path, features: Path, checkpoint: str | None = None) -> Predictor:
    """Open models/<task>/head with data/features/<task>; `checkpoint` None: the one that head.json names.

    Raises `UserError` where a file is missing or damaged.
    """
    kind = NetPredictor if "net" in files.read_json(folder / "head.json") else HeadPredictor
    return kind(folder, features, checkpoint)


class HeadPredictor(Predictor):
    """A head on the features of a frozen backbone."""

    def __init__(self, folder: Path, features: Path, checkpoint: str | None) -> None:
        super().__init__(folder, features, checkpoint)
        self.head = load_head(folder, self.checkpoint)
        self.size = self.store.about["image_size"]

    @cached_property
    def _mapper(self) -> Mapper:
        return Mapper(self.store)

    @cached_property
    def _fold_heads(self) -> dict[int | None, Head]:
        """The heads that were each trained without a fold."""
        return {int(path.stem): load_head(path.parent, path.stem) for path in self.folder.glob("folds/*.safetensors")}

    def logits(self, pictures: np.ndarray, fold: int | None = None) -> np.ndarray:
        if fold is not None and fold not in self._fold_heads:
            raise UserError(
                f"{self.folder}: no head of fold {fold}, as earlier versions kept none; run dvc repro again"
            )
        head = self.head if fold is None else self._fold_heads[fold]
        return head.logits(self._mapper.features(pictures, head.pooling))

    def seen(self, pictures: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        features, mean = self._mapper.seen(pictures, self.head.pooling)
        return self.head.logits(features), self.reference.distance(mean)

    def probabilities(self, part: Part, dataset: str | None = None) -> np.ndarray:
        what = "maps" if self.head.pooling in MAPS else "pooled"
        kept = self.store.read(what, part.total, dataset)
        return self.head.probabilities(kept[:, 0][part.rows])

    def evidence(self, picture: np.ndarray, label: int) -> np.ndarray:
        return class_activation(self.head, self._mapper.map(picture), label)

    @cached_property
    def reference(self) -> similarity.Reference:
        """The photos that the head was trained on, to tell how like another is to them."""
        return similarity.read(self.folder / "reference.safetensors")

    def similarity(self, part: Part) -> np.ndarray:
        return self.reference.similarity(self.store.pooled(part.total)[part.rows])

    def familiar(self, split: Path) -> dict[str, Familiar]:
        train, found = prepared.read_part(split, "train"), {}
        for name, file, column in SERIES:
            path = self.folder / f"{file}.npy"
            if path.exists():
                near = self.reference.out_of_fold(prepared.read_folds(split, column))
                found[name] = Familiar(train.labels, arrays.read(path), near)
        return found

    def unseen(self, split: Path) -> Unseen:
        train = prepared.read_part(split, "train")
        return Unseen(train, arrays.read(self.folder / "out_of_fold.npy"), self.features(train))

    def features(self, part: Part) -> np.ndarray:
        return self.store.pooled(part.total)[part.rows]

    def varied(self, pictures: np.ndarray) -> np.ndarray:
        return dropped(self.head, self._mapper.features(pictures, self.head.pooling))

    def features_of(self, pictures: np.ndarray) -> np.ndarray:
        return self._mapper.pooled(pictures)[:, 0]

    def held_out(self, split: Path) -> HeldOut:
        known = self.familiar(split)[SERIES[0][0]]
        folds = prepared.read_folds(split).tolist()
        return HeldOut(prepared.read_part(split, "train"), folds, known.probabilities, known.similarity)


class NetPredictor(Predictor):
    """A net that was trained whole, or the last layers of one on cached maps.

    It runs from net.onnx, and where maps were cached tail.onnx, with the checkpoint's parameters put into them.
    """

    def __init__(self, folder: Path, features: Path, checkpoint: str | None) -> None:
        super().__init__(folder, features, checkpoint)
        self.path = folder / f"{self.checkpoint}.safetensors"
        self.arrays = parameters.read(self.path)
        self.size = self.about["image_size"]
        self.preprocessing = Preprocessing(tuple(self.about["mean"]), tuple(self.about["std"]))
        self.graph: onnx.ModelProto = parameters.in_onnx(folder / "net.onnx", self.arrays, self.path)

    @cached_property
    def _net(self) -> Any:
        return sessions.session(self.graph)

    @property
    def head(self) -> Head | None:
        """The linear head of a backbone that was trained with it; None where the net has none."""
        if not {"head.weight", "head.bias"} <= self.arrays.keys():
            return None
        return Head(self.arrays["head.weight"], self.arrays["head.bias"], pooling="mean")

    @cached_property
    def reference(self) -> similarity.Reference | None:
        """The photos that the net was trained on, as it sees them; None unless it was also trained out of fold."""
        path = self.folder / "reference.safetensors"
        return similarity.read(path) if self.head and path.exists() else None

    def logits(self, pictures: np.ndarray, fold: int | None = None) -> np.ndarray:
        return self._net.run(["logits"], {"x": self.preprocessing(pictures)})[0]

    def seen(self, pictures: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        assert self.reference is not None  # there is none without a familiarity
        logits, mean = self._net.run(["logits", "mean"], {"x": self.preprocessing(pictures)})
        return logits, self.reference.distance(mean)

    def probabilities(self, part: Part, dataset: str | None = None) -> np.ndarray:
        return softmax(self._run("logits", part, dataset))

    def _run(self, output: str, part: Part, dataset: str | None = None) -> np.ndarray:
        """Return what the net puts out of the photos of `part`, from what `extract` kept of them."""
        kept = self._kept(part, dataset)
        prepare: Callable[[np.ndarray], np.ndarray]
        if self.store.blocks is None:
            net, prepare = self._net, self.preprocessing
        else:
            tail = parameters.in_onnx(self.folder / "tail.onnx", self.arrays, self.path, part=True)
            net, prepare = sessions.session(tail), partial(np.asarray, dtype=np.float32)
        size = max(1, BATCH_BYTES // kept[:1].nbytes)
        batches = [part.rows[start : start + size] for start in range(0, len(part.rows), size)]
        with ThreadPoolExecutor(cores()) as pool:
            found = pool.map(lambda rows: net.run([output], {"x": prepare(kept[rows])})[0], batches)
            return np.concatenate(list(found))

    def evidence(self, picture: np.ndarray, label: int) -> np.ndarray | None:
        if self.head is None:
            return None
        feature_map = self._net.run(["map"], {"x": self.preprocessing(picture[None])})[0][0]
        return class_activation(self.head, feature_map, label)

    def similarity(self, part: Part) -> np.ndarray | None:
        return None if self.reference is None else self.reference.similarity(self._run("mean", part))

    def familiar(self, split: Path) -> dict[str, Familiar]:
        if self.reference is None:
            return {}
        names = [SERIES[0][1], "similarity"]
        probabilities, near = (arrays.read(self.folder / f"{name}.npy") for name in names)
        return {SERIES[0][0]: Familiar(prepared.read_part(split, "train").labels, probabilities, near)}

    def unseen(self, split: Path) -> Unseen:
        if self.reference is not None:
            train = prepared.read_part(split, "train")
            return Unseen(train, arrays.read(self.folder / "out_of_fold.npy"), self.features(train))
        val = prepared.read_part(split, "val")
        return Unseen(val, self.probabilities(val), self.features(val))

    def features(self, part: Part) -> np.ndarray:
        if self.store.blocks is not None:
            return self.store.pooled(part.total)[part.rows]
        return self._kept(part)[part.rows].reshape(len(part.images), -1).astype(np.float32)

    def features_of(self, pictures: np.ndarray) -> np.ndarray:
        if self.store.blocks is not None:
            return Mapper(self.store).pooled(pictures)[:, 0]
        kept = to_grey(pictures) if self.store.about["channels"] == 1 else pictures
        return kept.reshape(len(pictures), -1).astype(np.float32)

    def _kept(self, part: Part, dataset: str | None = None) -> np.ndarray:
        """Return the inputs of all photos: pictures, or the plain view's maps, (n, C, h, w)."""
        kept = self.store.inputs(part.total, dataset)
        return kept if self.store.blocks is None else kept[:, 0]
