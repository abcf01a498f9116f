"""sortline: a reproducible image-classification line, DVC stages around MindSpore.

What it has trained, from Python: `sortline.load("garbage").predict("photo.jpg").label["en"]`; see docs/python.md.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sortline._core import errors, signals
from sortline._core.errors import UserError
from sortline._core.runtime import cap_instruction_set, keep_protobuf_fast

if TYPE_CHECKING:
    from sortline.data.images import BadImage
    from sortline.export.classifier import Classifier
    from sortline.export.prediction import Explanation, Guess, Prediction
    from sortline.library.estimator import SortlineClassifier
    from sortline.library.heads import Evaluation, FittedHead, evaluate, fit_head
    from sortline.library.photos import extract

# On demand: what they stand on takes from a tenth of a second (ONNX Runtime) to three seconds (MindSpore) to load.
_PLACES = {
    "sortline.data.images": ("BadImage",),
    "sortline.export.classifier": ("Classifier",),
    "sortline.export.prediction": ("Explanation", "Guess", "Prediction"),
    "sortline.library.estimator": ("SortlineClassifier",),
    "sortline.library.heads": ("Evaluation", "FittedHead", "evaluate", "fit_head"),
    "sortline.library.photos": ("extract",),
}
_LAZY = {name: module for module, names in _PLACES.items() for name in names}

__all__ = [
    "BadImage", "Classifier", "Evaluation", "Explanation", "FittedHead", "Guess", "Prediction", "SortlineClassifier",
    "UserError", "__version__", "evaluate", "extract", "fit_head", "load",
]  # fmt: skip
__version__ = "0.1.0"

# Here, because MindSpore reads these when it loads, and this runs before any module of ours can import it.
cap_instruction_set()
keep_protobuf_fast()
# Here too, as a stage loads for seconds before it runs.
if started := signals.role():
    signals.while_loading()
if started == "stage":
    errors.while_loading()


def load(model: str | Path) -> Classifier:
    """Return an exported model: that of an export folder, or of a task of the project in the current folder.

    Raises `UserError` where there is none, or a file of it is missing or broken.
    """
    from sortline.cli._shared.tasks import model_folder
    from sortline.export.classifier import Classifier

    return Classifier(Path(model) if Path(model).is_dir() else model_folder(None, str(model)))


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'sortline' has no attribute '{name}'")
    return getattr(importlib.import_module(_LAZY[name]), name)


def __dir__() -> list[str]:
    return __all__
