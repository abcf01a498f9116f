"""sortline: a reproducible image-classification line, DVC stages around MindSpore.

What it has trained, from Python: `sortline.load("garbage")("photo.jpg").label["en"]`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sortline._core import signals
from sortline._core.runtime import cap_instruction_set

if TYPE_CHECKING:
    from sortline.export.classifier import Classifier

__all__ = ["Classifier", "__version__", "load"]
__version__ = "0.1.0"

# Here, because oneDNN reads the cap when MindSpore loads, and this runs before any module of ours can import it.
cap_instruction_set()
# Here too, as a stage loads for seconds before it runs. DVC names the stage to what it starts, msrun a worker's role.
if {"DVC_STAGE", "MS_ROLE"} & os.environ.keys():
    signals.as_stage()


def load(model: str | Path) -> Classifier:
    """Return an exported model: that of an export folder, or of a task of the project in the current folder.

    Raises `UserError` where there is none, or a file of it is missing or broken.
    """
    from sortline.cli._shared.tasks import model_folder
    from sortline.export.classifier import Classifier

    return Classifier(Path(model) if Path(model).is_dir() else model_folder(None, str(model)))


def __getattr__(name: str) -> Any:
    # On demand: ONNX Runtime takes a while to load.
    if name == "Classifier":
        from sortline.export.classifier import Classifier

        return Classifier
    raise AttributeError(f"module 'sortline' has no attribute '{name}'")
