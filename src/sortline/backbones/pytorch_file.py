"""The tensors of a file that PyTorch saved, read without PyTorch and without running anything that the file names."""

import io
import math
import pickle
import pickletools
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sortline._core.errors import UserError

MAGIC, VERSION = 0x1950A86A20F9469CFC6C, 1001
STORAGES = {
    "FloatStorage": np.float32, "DoubleStorage": np.float64, "HalfStorage": np.float16, "LongStorage": np.int64,
    "IntStorage": np.int32, "ByteStorage": np.uint8, "BoolStorage": np.bool_,
}  # fmt: skip
ENCRYPTED = 1  # of a ZIP's flags
PUTS, GETS = ("PUT", "BINPUT", "LONG_BINPUT"), ("GET", "BINGET", "LONG_BINGET")
SHARED = 16  # times that one thing may come, as tied weights do, on the mean
# What a pickle that is none, or is cut off, may raise (an unknown name is an UnpicklingError), and a ZIP of a kind that
# zipfile does not know: a RuntimeError.
BROKEN = (pickle.UnpicklingError, zipfile.BadZipFile, ArithmeticError, AttributeError, EOFError, LookupError,
          MemoryError, RuntimeError, TypeError, ValueError)  # fmt: skip


@dataclass(frozen=True, eq=False)  # what a file holds is not compared
class Storage:
    """Numbers of the file, in one row, by the key under which they stand at its end."""

    key: str
    dtype: Any
    count: int


@dataclass(frozen=True, eq=False)
class Strided:
    """A tensor: where in its storage it begins, its shape, and its strides, in numbers."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def sound(self) -> bool:
        """Tell whether each part is of its type; a file may put anything there."""
        storage, sizes = self.storage, (self.shape, self.strides)
        if not isinstance(storage, Storage) or not all(isinstance(one, tuple) for one in sizes):
            return False
        numbers = (storage.count, self.offset, *self.shape, *self.strides)
        return isinstance(storage.key, str) and all(isinstance(number, int) and number >= 0 for number in numbers)

    def of(self, numbers: np.ndarray) -> np.ndarray:
        """Return it as an array of its own, in C order; ValueError where it reaches out of its storage's numbers."""
        if numbers.dtype != self.storage.dtype:
            raise ValueError("a storage of two types")
        last = self.offset + sum((size - 1) * stride for size, stride in zip(self.shape, self.strides, strict=True))
        # Strides of zero would make much of little.
        if last >= len(numbers) or math.prod(self.shape) > len(numbers):
            raise ValueError("a tensor larger than its storage")
        strides = [stride * numbers.itemsize for stride in self.strides]
        return np.lib.stride_tricks.as_strided(numbers[self.offset :], self.shape, strides).copy()


class _Reader(pickle.Unpickler):
    """Knows tensors, their storages and ordered dictionaries; refuses every other name, so nothing else is called."""

    def find_class(self, module: str, name: str) -> Any:
        known: dict[tuple[str, str], Callable[..., Any]] = {
            ("collections", "OrderedDict"): _empty,
            ("torch._utils", "_rebuild_tensor_v2"): _tensor,
        }
        if module == "torch" and name in STORAGES:
            return name
        if (module, name) not in known:
            raise pickle.UnpicklingError(f"it names {module}.{name}, which is no tensor")
        return known[module, name]

    def persistent_load(self, about: Any) -> Storage:
        what, name, key, _, count, *view = about
        if what != "storage" or any(part is not None for part in view):
            raise pickle.UnpicklingError("it holds more than tensors")
        return Storage(key, np.dtype(STORAGES[name]), count)


def _empty() -> OrderedDict[str, Strided]:
    """Return what a state dict is filled into; OrderedDict itself would copy what a file gives it, at any number."""
    return OrderedDict()


def _tensor(storage: Storage, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: Any) -> Strided:
    return Strided(storage, offset, shape, strides)


def read(path: Path) -> dict[str, np.ndarray]:
    """Return the tensors of a state dict by name, saved by `torch.save`: a ZIP, or its format from before PyTorch 1.6.

    The state dict may be the entry `state_dict` of what was saved. Raises `UserError` for any other file, one that
    names anything but tensors, and one that is cut off.
    """
    stream = io.BytesIO(path.read_bytes())
    try:
        tensors, numbers = (_zipped if zipfile.is_zipfile(stream) else _in_a_row)(stream)
        there = sum(map(len, numbers.values()))
        if sum(math.prod(tensor.shape) for tensor in tensors.values()) > SHARED * there:
            raise ValueError("more in its tensors than in the file")
        return {name: tensor.of(numbers[tensor.storage.key]) for name, tensor in tensors.items()}
    except BROKEN as error:
        raise UserError(f"{path.name}: not weights saved by PyTorch, or cut off ({error})") from None


def _in_a_row(stream: io.BytesIO) -> tuple[dict[str, Strided], dict[str, np.ndarray]]:
    """Read PyTorch's format from before 1.6: return the tensors, and the numbers of each storage by its key."""
    stream.seek(0)
    head = [_load(stream) for _ in range(3)]
    if head[:2] != [MAGIC, VERSION] or not head[2]["little_endian"]:
        raise ValueError("not PyTorch's format from before 1.6")
    tensors, keys = _tensors(_load(stream)), _load(stream)
    storages = {tensor.storage.key: tensor.storage for tensor in tensors.values()}
    return tensors, {key: _numbers(stream, storages[key]) for key in keys}


def _zipped(stream: io.BytesIO) -> tuple[dict[str, Strided], dict[str, np.ndarray]]:
    """The same of a ZIP: NAME/data.pkl, and the numbers of each storage as NAME/data/KEY, nothing compressed."""
    with zipfile.ZipFile(stream) as archive:
        if any(info.compress_type != zipfile.ZIP_STORED or info.flag_bits & ENCRYPTED for info in archive.infolist()):
            raise ValueError("compressed or encrypted, which PyTorch's files are not")
        (pickled,) = [name for name in archive.namelist() if name.count("/") == 1 and name.endswith("/data.pkl")]
        root = pickled.removesuffix("data.pkl")
        if f"{root}byteorder" in archive.namelist() and archive.read(f"{root}byteorder") != b"little":
            raise ValueError("its numbers are not little-endian")
        tensors, numbers = _tensors(_load(io.BytesIO(archive.read(pickled)))), {}
        storages = {tensor.storage.key: tensor.storage for tensor in tensors.values()}.values()
        # Files of a ZIP may lie over one another.
        if sum(storage.count * storage.dtype.itemsize for storage in storages) > len(stream.getbuffer()):
            raise ValueError("more numbers than the file has")
        for storage in storages:
            content = archive.read(f"{root}data/{storage.key}")
            if len(content) != storage.count * storage.dtype.itemsize:
                raise ValueError("numbers are missing")
            numbers[storage.key] = np.frombuffer(content, storage.dtype)
    return tensors, numbers


def _tensors(saved: Any) -> dict[str, Strided]:
    """Return the state dict in what was saved."""
    found = saved.get("state_dict", saved)
    if not all(isinstance(name, str) and isinstance(one, Strided) and one.sound() for name, one in found.items()):
        raise ValueError("it holds more than tensors")
    return found


def _load(stream: io.BytesIO) -> Any:
    """Return what the next pickle of the stream holds."""
    start = stream.tell()
    _check(stream)
    stream.seek(start)
    return _Reader(stream).load()


def _check(stream: io.BytesIO) -> None:
    """Follow the next pickle by sizes alone; ValueError where what it makes would be far larger than itself.

    Such as a tuple of one tuple twice, of that one twice, and so on, which takes for ever to hash.
    """
    stack: list[int] = []  # how much each thing holds, what comes several times counted each time
    marks: list[int] = []
    memo: dict[Any, int] = {}
    most = len(stream.getbuffer())
    for code, place, _ in pickletools.genops(stream):
        if code.name in PUTS:
            # Python's reader makes room for all places up to the one that is named: for 64 GB at most.
            if not 0 <= (place or 0) <= most:
                raise ValueError("it names a place that it cannot have")
            memo[place] = stack[-1]
        elif code.name == "MEMOIZE":
            memo[len(memo)] = stack[-1]
        elif code.name in GETS:
            stack.append(memo[place])
        elif code.name == "MARK":
            marks.append(len(stack))
        elif code.name in ("POP", "POP_MARK"):  # may take a mark, and PyTorch does not write them
            raise ValueError("it takes back what it made")
        else:
            before = code.stack_before
            marked = pickletools.markobject in before
            first = marks.pop() - before.index(pickletools.markobject) if marked else len(stack) - len(before)
            size = 1 + sum(stack[first:])
            if first < 0 or size > SHARED * most:
                raise ValueError("it holds one thing too often")
            stack[first:] = [size] * len(code.stack_after)


def _numbers(stream: io.BytesIO, storage: Storage) -> np.ndarray:
    (count,) = np.frombuffer(stream.read(8), "<i8")
    content = stream.read(int(count) * storage.dtype.itemsize)
    if count != storage.count or len(content) != count * storage.dtype.itemsize:
        raise ValueError("numbers are missing")
    return np.frombuffer(content, storage.dtype)
