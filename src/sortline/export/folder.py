"""The export folder: written, and compared with what was measured."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from PIL import Image

from sortline import __version__
from sortline._core import files, sessions
from sortline._core.arrays import spread
from sortline.config.export import ExportParams
from sortline.evaluation import metrics
from sortline.export import int8, onnx_model, parity
from sortline.export.classifier import Classifier
from sortline.export.network import Network
from sortline.features.heads import softmax

OF_TRAIN = 200  # photos of train that say how often 8 bits change a prediction


def write(
    folder: Path, network: Network, labels: dict[str, Any], dataset: str, train: Sequence[Path], params: ExportParams
) -> dict[str, Any]:
    """Write model.onnx, model_int8.onnx, model.mindir and labels.json; return facts about them.

    `labels`: labels.json; `dataset`: the fingerprint of the data that the model was measured on; `train`: photos, some
    of which calibrate the 8-bit model.
    """
    about = {"labels": labels, "sortline_version": __version__, "dataset": dataset, "backbone": network.info}
    model = onnx_model.self_contained(network.graph, network.preprocessing, network.size, about, network.framed)
    shown = int8.chosen(train, params.calibration_photos, params.calibration_seed)
    onnx.save(model, folder / "model.onnx")
    onnx.save(int8.quantized(model, shown, network.size), folder / "model_int8.onnx")
    (folder / "model.mindir").write_bytes(network.mindir)
    files.write_json(folder / "labels.json", labels)
    return {
        "int8_calibration_photos": len(shown),
        "image_size": network.size,
        "dataset": dataset,
        "pretrained": list(network.pretrained),
        "onnx_mb": (folder / "model.onnx").stat().st_size / 1e6,
        "int8_bytes": (folder / "model_int8.onnx").stat().st_size,
        "mindir_mb": (folder / "model.mindir").stat().st_size / 1e6,
    }


def compare(
    folder: Path, network: Network, photos: Sequence[Path], truth: np.ndarray, params: ExportParams
) -> dict[str, Any]:
    """Return how the files of `folder` agree with `network` on some of the held-out `photos`; `truth` int (n,) are
    classes.

    Raises `UserError` where they do not.
    """
    few = spread(len(photos), params.check_photos)
    some = [photos[index] for index in few]
    classifier, session = Classifier(folder, threads=1), sessions.session(network.graph)

    def reference(images: np.ndarray) -> np.ndarray:
        logits = session.run(["logits"], {"x": network.preprocessing(images)})[0][0]
        return softmax(logits)

    x = parity.network_inputs(some, network.preprocessing, network.size, network.framed)
    result: dict[str, Any] = {"checked_photos": len(few)}
    runs = network.run, folder / "model.mindir", classifier.logits
    result |= parity.logit_differences(*runs, some, x, params.max_difference, network.framed)
    result |= parity.resized_agreement(classifier, reference, photos, network.size, network.framed)
    return result | (parity.digit_photos(classifier, photos, truth) if classifier.labels.reads else {})


def score(folder: Path, photos: Sequence[Path], truth: np.ndarray, train: Sequence[Path], size: int) -> dict[str, Any]:
    """Score both ONNX models alone, from the files of the held-out `photos`, whose classes are `truth`, int (n,).

    And say how often they agree, on these and some of `train`.
    """
    seen = [*photos, *(train[index] for index in spread(len(train), OF_TRAIN))]
    full, small = (
        parity.predicted(_logits(folder / name), seen, size, name) for name in ("model.onnx", "model_int8.onnx")
    )
    accuracy = metrics.share(full[: len(truth)] == truth)
    return metrics.named(accuracy, "onnx_accuracy", "onnx_n") | int8.scores(full, small, truth)


def _logits(model: Path) -> Callable[[Image.Image], np.ndarray]:
    session = sessions.session(model)
    return lambda image: session.run(["logits"], {"image": np.asarray(image)})[0]
