"""Which device trains and extracts: one key of params.yaml for all tasks. No stage depends on it: another device reruns
nothing, as its results differ in their last bits alone."""

import os
from pathlib import Path

from sortline._core.errors import UserError
from sortline._core.files import read_yaml
from sortline._core.runtime import DEVICES

VARIABLE = "SORTLINE_DEVICE"
DEFAULT = "cpu"


def chosen(path: Path = Path("params.yaml")) -> str:
    """Return one of DEVICES: what SORTLINE_DEVICE says, else `device` of params.yaml, else "cpu"."""
    said = os.environ.get(VARIABLE)
    there = read_yaml(path) if path.is_file() and not said else {}
    where, device = (VARIABLE, said) if said else (f"{path}: device", there.get("device", DEFAULT))
    if device not in DEVICES:
        raise UserError(f"{where} is {device!r}: it should be {', '.join(DEVICES[:-1])} or {DEVICES[-1]}")
    return str(device)
