"""What several rooms compute with NumPy, and its .npy files."""

import errno
import os
import tokenize
from pathlib import Path

import numpy as np
from numpy.typing import DTypeLike
from scipy.special import log_softmax

from sortline._core.errors import UserError


def spread(count: int, wanted: int) -> list[int]:
    """Return at most `wanted` indices, evenly over `count`."""
    return np.unique(np.linspace(0, count - 1, min(wanted, count)).round().astype(int)).tolist()


def logits(probabilities: np.ndarray) -> np.ndarray:
    """Return the logarithms, float64, 0 taken as the smallest step: their softmax is `probabilities`."""
    return np.log(np.maximum(probabilities.astype(np.float64), np.finfo(np.float64).tiny))


def on_disk(path: Path, kind: DTypeLike, shape: tuple[int, ...]) -> np.ndarray:
    """Return a new array mapped to the .npy file `path`, its room reserved; raise OSError where there is none.

    Else a disk that is full would end the process (SIGBUS) in the midst of filling the array.
    """
    array = np.lib.format.open_memmap(path, "w+", kind, shape)
    if hasattr(os, "posix_fallocate"):
        with path.open("r+b") as stream:
            try:
                os.posix_fallocate(stream.fileno(), 0, path.stat().st_size)
            except OSError as error:
                if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS):  # not every file system can
                    raise
    return array


def read(path: Path, mapped: bool = False) -> np.ndarray:
    """Return the array of a .npy file, in memory or `mapped`; raise `UserError` where it is missing or damaged."""
    try:
        if mapped:
            return np.lib.format.open_memmap(path, "r")
        with path.open("rb") as stream:
            return np.lib.format.read_array(stream, allow_pickle=False)
    # What NumPy raises where a file is cut, of other bytes, or says a shape that it does not have.
    except (OSError, ValueError, EOFError, SyntaxError, TypeError, OverflowError, tokenize.TokenError) as error:
        why = " ".join(str(error).split())[:150]
        raise UserError(
            f"{path}: missing or damaged ({why}); remove its folder, then `dvc repro` makes it anew"
        ) from None


def log_loss(labels: np.ndarray, logits: np.ndarray) -> float:
    """Return the mean negative log of softmax(logits) at the labels, in nats; logits (n, classes), labels int (n,)."""
    return float(-log_softmax(logits.astype(np.float64), axis=1)[np.arange(len(labels)), labels].mean())
