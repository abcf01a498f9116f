"""A model from elsewhere, tried first in a process of its own with limits on memory and time.

A model of 111 bytes can ask for all the memory there is, as soon as it is opened. Run as a module it tries the model in
the folder it is given.
"""

import subprocess
import sys
from pathlib import Path

from sortline._core.errors import UserError, run
from sortline.export.labels import model_file

MEMORY_GB, SECONDS = 4, 60  # of addresses; of processor time, and again as much of waiting
SIDE = 64  # pixels of the grey picture that it is tried on


def check(folder: Path) -> None:
    """Raise `UserError` unless the model in `folder` opens, answers, and takes no more than the limits above."""
    command = [sys.executable, "-m", "sortline.export.trial", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=2 * SECONDS)
    except subprocess.TimeoutExpired:
        raise UserError(f"{model_file(folder)}: takes more than {2 * SECONDS:g} s to open; it was not used") from None
    if done.returncode == 2 and done.stderr.startswith("error: "):
        raise UserError(done.stderr.splitlines()[0].removeprefix("error: "))
    if done.returncode:
        limits = f"more than {MEMORY_GB} GB of memory or {SECONDS} s"
        raise UserError(f"{model_file(folder)}: ends the process that opens it, or takes {limits}; it was not used")


def main(argv: list[str]) -> None:
    _limit()
    # Only now, so that what they allocate counts too.
    from PIL import Image

    from sortline.export.classifier import Classifier

    (folder,) = map(Path, argv)
    if model_file(folder).suffix == ".onnx":
        _check_weights(model_file(folder))
    classifier = Classifier(folder)
    classifier.probabilities(Image.new("RGB", (SIDE, SIDE), "grey"))


def _limit() -> None:
    try:
        import resource
    except ImportError:  # Windows has no such limits; the time is limited all the same
        return
    memory, wanted = MEMORY_GB * 2**30, {resource.RLIMIT_CORE: (0, 0), resource.RLIMIT_CPU: (SECONDS, SECONDS + 5)}
    for what, (soft, hard) in (wanted | {resource.RLIMIT_AS: (memory, memory)}).items():
        most = resource.getrlimit(what)[1]  # which may not be raised
        hard = hard if most == resource.RLIM_INFINITY else min(hard, most)
        resource.setrlimit(what, (min(soft, hard), hard))


def _check_weights(path: Path) -> None:
    """Refuse weights that are NaN, or that lie in other files, which a model from elsewhere could name at will."""
    import numpy as np
    import onnx
    from google.protobuf.message import DecodeError
    from onnx import numpy_helper
    from onnx.external_data_helper import uses_external_data

    from sortline.export import sums

    if not path.is_file():
        return  # Classifier says so
    content = path.read_bytes()
    sums.check(path, content)
    try:
        tensors = onnx.load_model_from_string(content).graph.initializer
    except DecodeError:
        raise UserError(f"{path}: not an ONNX model; export it again") from None
    for tensor in tensors:
        if uses_external_data(tensor):
            raise UserError(
                f"{path}: its weights lie in other files, which no export of sortline does; it was not used"
            )
        if tensor.data_type in (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.DOUBLE):
            try:
                values = numpy_helper.to_array(tensor)
            except (ValueError, TypeError) as error:
                raise UserError(f"{path}: weights '{tensor.name[:60]}' are damaged ({str(error)[:80]})") from None
            if np.isnan(values).any():
                raise UserError(f"{path}: weights '{tensor.name[:60]}' hold NaN; the file is damaged, export it again")


if __name__ == "__main__":
    run(main)
