"""A model in OpenVINO, which is an extra."""

import sys
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sortline._core.cores import cores
from sortline._core.runtime import uncapped


def no_statistics() -> None:
    """Keep OpenVINO, which is to be imported next, from sending statistics of its use: it does so without asking."""
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # as where that is not installed


class OpenVinoSession:
    """An `openvino.Model` on the CPU, for as many calls at a time as there are cores, each `threads` wide; 0: for one
    call on all cores."""

    def __init__(self, model: Any, threads: int) -> None:
        no_statistics()
        import openvino

        own: dict[str, Any] = {"INFERENCE_PRECISION_HINT": "f32"}  # else it may compute in 16 bits
        if threads:
            own |= {"NUM_STREAMS": cores(), "INFERENCE_NUM_THREADS": threads * cores()}
        with uncapped():
            self._compiled = openvino.Core().compile_model(model, "CPU", own)
        self._local = threading.local()

    def run(self, outputs: Sequence[str], inputs: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        """Return the named outputs; may be called from several threads."""
        if not hasattr(self._local, "request"):
            self._local.request = self._compiled.create_infer_request()
        found = self._local.request.infer(inputs)
        return [found[name].copy() for name in outputs]
