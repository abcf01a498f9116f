"""Tensors of a MindSpore checkpoint (.ckpt), read and checked here.

`mindspore.load_checkpoint` 2.10 copies a tensor's content to where its dims say without comparing the two: it writes
beyond its memory where the content is longer, and fills up with zeros where it is shorter.
"""

import binascii
import math
from itertools import groupby
from pathlib import Path

import numpy as np
from google.protobuf.message import DecodeError
from mindspore.train.checkpoint_pb2 import Checkpoint

from sortline._core.errors import UserError

# Types by their names in a checkpoint; BFloat16 is the upper half of a float32.
TYPES = {"BFloat16": "<u2", "Bool": "?"} | {
    f"{kind}{bits}": f"<{letter}{bits // 8}"
    for kind, letter, widths in (
        ("Float", "f", (16, 32, 64)),
        ("Int", "i", (8, 16, 32, 64)),
        ("UInt", "u", (8, 16, 32, 64)),
    )
    for bits in widths
}
TEXT = "str"  # what its training noted down, no tensor
MAX_BYTES = 2**31 - 1  # of a protobuf message
CRC_MARK, CRC_BYTES = b"crc_num", 10


def read(path: Path) -> dict[str, np.ndarray]:
    """Return the tensors of a .ckpt file by name; raise `UserError` unless all of it is as it should be."""
    if (size := path.stat().st_size) > MAX_BYTES:
        raise UserError(f"{path}: {size / 1e9:.1f} GB, more than a MindSpore checkpoint can have")
    message = Checkpoint()
    try:
        message.ParseFromString(_checked(path.read_bytes(), path))
    except (DecodeError, UnicodeDecodeError):
        raise UserError(f"{path}: not a MindSpore checkpoint, or one cut off; fetch it again") from None
    arrays: dict[str, np.ndarray] = {}
    # A large tensor comes in several parts, one after the other.
    for name, parts in groupby(message.value, lambda value: value.tag):
        tensors = [value.tensor for value in parts]
        if name in arrays:
            raise UserError(f"{path}: damaged: '{name[:100]}' is in it twice")
        if tensors[0].tensor_type != TEXT:
            arrays[name] = _array(tensors, f"{path}: damaged: '{name[:100]}'")
    if not arrays:
        raise UserError(f"{path}: not a MindSpore checkpoint, or one without any tensor; fetch it again")
    return arrays


def _checked(content: bytes, path: Path) -> bytes:
    """Return the message alone, without the checksum that may follow it."""
    end = len(content) - len(CRC_MARK) - CRC_BYTES
    if end < 0 or content[end : end + len(CRC_MARK)] != CRC_MARK:
        return content
    if binascii.crc32(content[:end]) != int.from_bytes(content[-CRC_BYTES:], "big"):
        raise UserError(f"{path}: damaged: its checksum (CRC) is another; fetch it again")
    return content[:end]


def _array(tensors: list, what: str) -> np.ndarray:
    """Return the array whose parts are the messages `tensors`; `what` begins an error line."""
    (kind, dims), *others = {(one.tensor_type, tuple(one.dims)) for one in tensors}
    if others or kind not in TYPES:
        raise UserError(f"{what} is of type '{kind[:30]}', which no parameter has, or of several; fetch it again")
    content, dtype = b"".join(one.tensor_content for one in tensors), np.dtype(TYPES[kind])
    # [0] is how MindSpore writes a number without dimensions.
    shape = () if dims == (0,) and content else dims
    try:
        if min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize != len(content):
            raise ValueError
        array = np.frombuffer(content, dtype).reshape(shape)  # of nothing, too, there can be too many or too large
    except ValueError:
        raise UserError(
            f"{what} has {len(content):,} bytes, not those of shape {shape[:8]} of {kind}; fetch it again"
        ) from None
    return (array.astype("<u4") << 16).view("<f4") if kind == "BFloat16" else array
