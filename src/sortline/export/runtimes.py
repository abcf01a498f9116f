"""What runs an exported model: ONNX Runtime, OpenVINO or LiteRT, by the file that the folder holds, behind one face."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from PIL import Image

from sortline._core.errors import UserError
from sortline._core.openvino_session import OpenVinoSession, no_statistics
from sortline.data.images import resize
from sortline.export import sums

LABELS, SIDE = ["sortline", "labels"], ["sortline", "side"]  # where OpenVINO's file has labels.json, and its own size
Shapes = Mapping[str, Sequence[int | str | None]]  # of each output; what is no whole number is of any size


class Runtime(Protocol):
    """A model that is open. `outputs`: its float32 outputs; `labels`: labels.json as the file itself holds it, if it
    does. `run`: the named outputs of a photo, uint8 (H, W, 3), from any number of threads."""

    outputs: Shapes
    labels: str | None

    def run(self, names: Sequence[str], pixels: np.ndarray) -> list[np.ndarray]: ...


@contextmanager
def one_line(path: Path, what: str) -> Iterator[None]:
    """Turn whatever a runtime raises into one line: their errors share no base class, nor are all their own."""
    try:
        yield
    except (MemoryError, UserError):
        raise
    except Exception as error:
        # Where in the graph and in the runtime's code stands first.
        raise UserError(f"{path}: {what} ({' '.join(str(error).split())[-120:].strip()})") from None


def open_model(path: Path, threads: int) -> Runtime:
    """Open the model file, `threads` wide, 0 for all cores; raise `UserError` where it is none of sortline's."""
    return OPENERS[path.suffix](path, threads)


class OnnxRuntime:
    """model.onnx."""

    def __init__(self, path: Path, threads: int) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 4  # its errors are raised, too
        # As bytes: ONNX Runtime's own file reader depends on the system's encoding of file names.
        content = _content(path)
        with one_line(path, "not a model that ONNX Runtime can load; export it again"):
            cpu = ["CPUExecutionProvider"]
            # Falling back, from the CPU to the CPU, would print four lines.
            self._session = onnxruntime.InferenceSession(content, options, providers=cpu, enable_fallback=0)
        with one_line(path, "a name in it is damaged; export it again"):
            inputs = {one.name: (one.type, len(one.shape)) for one in self._session.get_inputs()}
            outputs = {one.name: (one.type, one.shape) for one in self._session.get_outputs()}
            self.labels = self._session.get_modelmeta().custom_metadata_map.get("labels")
        self.outputs = _floats(outputs, "tensor(float)")
        if inputs != {"image": ("tensor(uint8)", 3)}:
            raise _foreign(path)

    def run(self, names: Sequence[str], pixels: np.ndarray) -> list[np.ndarray]:
        return self._session.run(list(names), {"image": pixels})


class OpenVino:
    """model.xml, with the weights in model.bin beside it."""

    def __init__(self, path: Path, threads: int) -> None:
        no_statistics()
        openvino = _needed("openvino", "openvino", path)
        with one_line(path, "not a model that OpenVINO can load; export it again"):
            # As text and bytes, as above; a model from elsewhere could name any file otherwise.
            weights = openvino.Tensor(np.frombuffer(_content(path.with_suffix(".bin")), np.uint8))
            model = openvino.Core().read_model(_content(path), weights)
            inputs = [(one.any_name, one.element_type.to_string(), len(one.partial_shape)) for one in model.inputs]
            outputs = {one.any_name: (one.element_type.to_string(), _sizes(one.partial_shape)) for one in model.outputs}
            self.labels = model.get_rt_info(LABELS).astype(str) if model.has_rt_info(LABELS) else None
            self._side = int(model.get_rt_info(SIDE).astype(str)) if model.has_rt_info(SIDE) else None
            self._session = OpenVinoSession(model, threads)
        self.outputs = _floats(outputs, "f32")
        if inputs != [("image", "u8", 3)]:
            raise _foreign(path)

    def run(self, names: Sequence[str], pixels: np.ndarray) -> list[np.ndarray]:
        # The graph resizes as Pillow does, and ten times as slowly; what has its size already it leaves as it is.
        pixels = _resized(pixels, self._side) if self._side else np.ascontiguousarray(pixels)
        return self._session.run(names, {"image": pixels})


class LiteRt:
    """model.tflite, which takes photos of its own size: they are resized here, by the line's own resizing."""

    def __init__(self, path: Path, threads: int) -> None:
        self._interpreter = _needed("ai_edge_litert.interpreter", "litert", path).Interpreter
        self._threads, self._content, self._local = threads, _content(path), threading.local()
        with one_line(path, "not a model that LiteRT can load; export it again"):
            runner = self._runner()
            inputs = [(name, one["dtype"], list(one["shape"])) for name, one in runner.get_input_details().items()]
            outputs = {name: (one["dtype"], one["shape"][1:]) for name, one in runner.get_output_details().items()}
        self.labels: str | None = None
        self.outputs = _floats(outputs, np.float32)
        (name, kind, shape), *others = inputs
        if others or name != "image" or kind is not np.uint8 or len(shape) != 4 or shape[1] != shape[2]:
            raise _foreign(path)
        self._side = int(shape[1])

    def run(self, names: Sequence[str], pixels: np.ndarray) -> list[np.ndarray]:
        found = self._runner()(image=_resized(pixels, self._side)[None])
        return [found[name][0].copy() for name in names]

    def _runner(self) -> Any:
        """Return what runs the model in this thread: none may be called from two."""
        if not hasattr(self._local, "runner"):
            opened = self._interpreter(model_content=self._content, num_threads=self._threads or None)
            self._local.runner = opened.get_signature_runner()
        return self._local.runner


OPENERS: dict[str, Callable[[Path, int], Runtime]] = {".onnx": OnnxRuntime, ".xml": OpenVino, ".tflite": LiteRt}


def _content(path: Path) -> bytes:
    """Read the file; raise `UserError` where it is not what it was when it was exported."""
    content = path.read_bytes()
    sums.check(path, content)
    return content


def _resized(pixels: np.ndarray, side: int) -> np.ndarray:
    """Return uint8 (H, W, 3) as `images.resize` makes it (side, side, 3)."""
    return resize(Image.fromarray(pixels), side)


def _needed(module: str, extra: str, path: Path) -> Any:
    import importlib

    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise UserError(f"{path}: needs {error.name}: pip install 'sortline[{extra}]'") from None


def _floats(outputs: Mapping[str, tuple[Any, Sequence[Any]]], kind: Any) -> Shapes:
    return {name: list(shape) for name, (own, shape) in outputs.items() if own == kind}


def _sizes(shape: Any) -> list[int | None]:
    return [one.get_length() if one.is_static else None for one in shape]


def _foreign(path: Path) -> UserError:
    return UserError(f"{path}: not exported by sortline (a uint8 photo in, probabilities out)")
