"""The exported model on photos: needs the export folder and what runs it, nothing of the training side."""

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any, overload

import numpy as np
from PIL import Image
from tqdm import tqdm

from sortline._core.doubt import sure
from sortline._core.errors import UserError
from sortline.data.images import BadImage, NoDigit, Photo, frame, rgb_of
from sortline.export import labels, runtimes
from sortline.export.prediction import Explanation, Guess, Prediction

WORTH_A_BAR = 20  # photos
POOLED = "net/similarity/mean"  # inside the exported graph, see onnx_model.add_similarity
DIGITS = "digits"  # what labels.json says of a model that expects pictures like MNIST's


class Classifier:
    """An export folder (a model and labels.json), open; of several models in it the first of `labels.MODELS`.

    `threads`: on how many a photo is classified, 0 for all cores; 1 where several photos are at a time.
    Raises `UserError` where a file is missing, broken, changed since, or not of the same export as the other.
    """

    def __init__(self, folder: Path, threads: int = 0):
        self.folder = Path(folder)
        self.path = labels.model_file(self.folder)
        for path in (self.folder / "labels.json", self.path):
            if not path.is_file():
                raise UserError(
                    f"{path}: no such file; a model is a folder with model.onnx (or .xml, .tflite) and labels.json"
                )
        self.labels = labels.read(self.folder / "labels.json")
        self.classes = [one.model_dump(exclude_unset=True) for one in self.labels.classes]
        self._bins = {one.id: one.model_dump(exclude_unset=True) for one in self.labels.bins}
        self._runtime = runtimes.open_model(self.path, threads)
        self._outputs = self._runtime.outputs
        _check_contract(self._outputs, self._runtime.labels, self.labels, self.path)

    @property
    def note(self) -> str:
        """What the export says a reader must know; empty for a model of real photos."""
        return self.labels.note or ""

    @property
    def side(self) -> int | None:
        """The `side` of `open_rgb` for photos that the model is shown; of a small digit on one every pixel counts."""
        return None if self.labels.reads == DIGITS else self.labels.image_size

    def probabilities(self, image: Image.Image) -> np.ndarray:
        """Return float32 (classes,) for an RGB image of any size; resizing and scaling are in the graph."""
        return self._run(["probabilities"], image)[0]

    def logits(self, image: Image.Image) -> np.ndarray:
        """Return float32 (classes,), before the softmax."""
        return self._run(["logits"], image)[0]

    def _run(self, outputs: list[str], image: Image.Image) -> list[np.ndarray]:
        if image.mode != "RGB":
            raise ValueError(f"expected an RGB image, got mode {image.mode}; open photos with open_rgb")
        pixels, path = np.asarray(image, dtype=np.uint8), self.path
        what = f"fails on a photo of {image.width} x {image.height} pixels; resize the photo, or export the model again"
        with runtimes.one_line(path, what):
            found = self._runtime.run(outputs, pixels)
        for name, values in zip(outputs, found, strict=True):
            first = 1 if name in ("similarity", "familiarity") else len(self.classes)
            # A logit of a class that is out of the question may be -Inf.
            if values.shape[:1] != (first,) or np.isnan(values).any() or (name != "logits" and np.isinf(values).any()):
                raise UserError(f"{path}: its {name} are not a number for each class; export it again")
        return found

    @overload  # a str is one photo, though a sequence of str too
    def predict(self, photos: Photo, top: int = 5) -> Prediction: ...  # type: ignore[overload-overlap]
    @overload
    def predict(self, photos: Sequence[Photo], top: int = 5) -> list[Prediction]: ...
    def predict(self, photos: Photo | Sequence[Photo], top: int = 5) -> Prediction | list[Prediction]:
        """Classify one photo, or each of several; return `top` guesses (all where there are fewer), ties by label.

        A photo is a path, a Pillow image or uint8 RGB (H, W, 3); several are a list of them, or (n, H, W, 3). Where the
        model reads digits, the digit is cut out first, see `read_digit`; raises `NoDigit` as it does, `BadImage` for
        what is no photo, and `UserError` where the model's answer is none.
        """
        return self._each(photos, lambda image: self._predict(image, top))

    __call__ = predict

    def _predict(self, image: Image.Image, top: int) -> Prediction:
        names = [name for name in ("probabilities", "similarity", "familiarity", "set_scores") if name in self._outputs]
        found = dict(zip(names, self._run(names, image), strict=True))
        probabilities, similarity = (
            found["probabilities"],
            float(found["similarity"][0]) if "similarity" in found else None,
        )
        order = np.argsort(-probabilities, kind="stable")
        best = order[: max(top, 1)]
        certain = bool(sure(probabilities[best[0]], self.labels.threshold))
        guesses = []
        for index in best:
            label = self.classes[index]
            guesses.append(Guess(label, self._bins.get(label.get("bin")), float(probabilities[index])))
        limit = self.labels.unknown_below if "familiarity" in found else self.labels.unfamiliar_below
        known = found.get("familiarity", found.get("similarity"))
        familiar = known is None or limit is None or bool(known[0] >= limit)
        limits = self.labels.sets if "set_scores" in found else {}
        sets = {
            level: tuple(self.classes[index] for index in order if found["set_scores"][index] <= limit)
            for level, limit in limits.items()
        }
        return Prediction(tuple(guesses), certain, similarity, familiar, sets)

    def features(self, photos: Photo | Sequence[Photo]) -> np.ndarray:
        """Return the backbone's features, pooled by their mean: float32 (C,) of one photo, (n, C) of several.

        By these `similarity` is told. Raises `UserError` where the model has no such, as a net trained from pixels.
        """

        def features(image: Image.Image) -> np.ndarray:
            return self._with_features.run([POOLED], {"image": np.asarray(image)})[0][0]

        found = self._each(photos, features)
        return np.stack(found) if isinstance(found, list) else found

    @cached_property
    def _with_features(self) -> Any:
        """The model with one more output: what is inside of it."""
        if self.path.suffix != ".onnx":
            raise UserError(f"{self.path}: gives no features; the ONNX file that it was made of does")
        import onnx  # here, as predicting needs none of it

        from sortline._core import sessions

        model = onnx.load_model_from_string(self.path.read_bytes())
        if not any(POOLED in node.output for node in model.graph.node):
            raise UserError(f"{self.path}: has no features to give; a head on a backbone, exported today, has")
        model.graph.output.append(onnx.helper.make_tensor_value_info(POOLED, onnx.TensorProto.FLOAT, None))
        return sessions.session(model)

    @property
    def explains(self) -> bool:
        """Does the model say where it looked? One with a linear head does."""
        return "cam" in self._outputs

    def evidence(self, image: Image.Image, label: int) -> np.ndarray:
        """Return what speaks for class number `label`, by position in the photo: float32 (h, w), 0 and up."""
        return np.maximum(self._run(["cam"], image)[0][label], 0)

    def explain(self, photo: Photo, code: str | None = None) -> Explanation:
        """Return where `photo` speaks for the class of that code, by default the most probable one.

        Raises `UserError` for a class that is not there, and where the model's head is not linear.
        """
        if not self.explains:
            raise UserError(f"{self.path}: its head is not linear, so the file alone cannot say where it looked")
        image = self._read(photo)
        codes = [one["code"] for one in self.classes]
        code = self._predict(image, 1).label["code"] if code is None else code
        if code not in codes:
            raise UserError(f"{self.path}: no class '{code}'; there are: {', '.join(codes)}")
        index = codes.index(code)
        return Explanation(frame(image, self.labels.framed), self.classes[index], self.evidence(image, index))

    def _each(self, photos: Photo | Sequence[Photo], work: Callable[[Image.Image], Any]) -> Any:
        """Return `work` of a photo, or a list of that of each."""
        if isinstance(photos, list | tuple) or (isinstance(photos, np.ndarray) and photos.ndim == 4):
            return [work(self._read(photo)) for photo in photos]
        return work(self._read(photos))  # type: ignore[arg-type]

    def _read(self, photo: Photo) -> Image.Image:
        """Return what the model is shown of a photo."""
        image = rgb_of(photo, self.side)
        if self.labels.reads == DIGITS:
            from sortline.data.handwriting import read_digit  # SciPy takes a while to load

            image = read_digit(image)
        return image


def predict_files(
    classifier: Classifier, photos: Sequence[Path], top: int = 5
) -> Iterator[tuple[Path, Prediction | BadImage]]:
    """Yield each photo, in order, with its prediction or with what is wrong with the file."""
    quiet = None if len(photos) >= WORTH_A_BAR else True
    for photo in tqdm(photos, unit="photo", leave=False, disable=quiet):
        yield photo, outcome(partial(classifier.predict, photo, top), photo)


def outcome(predict: Callable[[], Prediction], photo: Path) -> Prediction | BadImage:
    """Return what `predict` does, or what is wrong with the photo."""
    try:
        return predict()
    except BadImage as error:
        return error
    except UserError as error:
        return BadImage(photo, str(error))
    except NoDigit:
        return BadImage(photo, "no digit found: nothing stands out from the background")


def _check_contract(outputs: runtimes.Shapes, inside: str | None, known: labels.Labels, path: Path) -> None:
    """Refuse a model with other outputs than the export stage writes, or with other labels."""
    ranks = {"probabilities": 1, "logits": 1, "similarity": 1, "familiarity": 1, "set_scores": 1, "cam": 3}
    proper = all(len(outputs[name]) == rank for name, rank in ranks.items() if name in outputs)
    if not {"probabilities", "logits"} <= set(outputs) or not proper:
        raise UserError(f"{path}: not exported by sortline (a uint8 photo in, probabilities out)")
    count = outputs["probabilities"][-1]
    if isinstance(count, int) and count != len(known.classes):
        raise UserError(f"{path}: {count} classes, labels.json has {len(known.classes)}; export again")
    if inside and labels.parse(inside, path) != known:
        raise UserError(f"{path}: labels.json is not the one that it was exported with; export again")
