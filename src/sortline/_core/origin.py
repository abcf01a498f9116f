"""What a result is made of: its parameters, and as hashes its code, the libraries it runs on, what its inputs hold."""

from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from sortline._core import runtime
from sortline._core.files import content_sha256, sha256_file

PACKAGE = Path(__file__).parents[1]
LIBRARIES = ("mindspore", "numpy", "onnxruntime", "pillow")


def origin(params: dict[str, Any], inputs: Sequence[Path]) -> dict[str, Any]:
    """Return what decides the result of a stage, as JSON: equal for two runs, their results are too."""
    return {"params": params, "inputs": content(inputs), "code": code()}


def code(rooms: Sequence[str] = (".",)) -> str:
    """Return the sha256 of this package's code, or of some of its rooms, of the versions of what it runs on, and of the
    device."""
    paths = {path for room in rooms for path in (PACKAGE / room).rglob("*.py")}
    hashes = {path.relative_to(PACKAGE).as_posix(): sha256_file(path) for path in paths}
    return content_sha256(hashes | {name: metadata.version(name) for name in LIBRARIES} | {"device": runtime.used()})


def content(paths: Sequence[Path]) -> str:
    """Return the sha256 of the names and the content of files, and of all files in folders."""
    files = [file for path in paths for file in ([path] if path.is_file() else sorted(path.rglob("*")))]
    return content_sha256({file.as_posix(): sha256_file(file) for file in files if file.is_file()})
