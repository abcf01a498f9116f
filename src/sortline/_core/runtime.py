"""The only place that prepares MindSpore: instruction set, device, threads, seed, graph mode."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from sortline._core.errors import UserError

ISA_VARIABLE = "ONEDNN_MAX_CPU_ISA"
# oneDNN 3.10, as MindSpore 2.10 bundles it, falls back to its reference kernel for 3x3 and depthwise
# convolutions in plain layout on AVX-512; the AVX2 kernels are about 12 times faster for MobileNetV2.
ISA_CAP = "AVX2"
PROTOBUF_VARIABLE = "PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION"
DEVICES = ("cpu", "gpu", "ascend", "auto")
# As MindSpore and ONNX Runtime call them, and what brings them to ONNX Runtime.
TARGETS = {"cpu": "CPU", "gpu": "GPU", "ascend": "Ascend"}
PROVIDERS = {"cpu": "CPUExecutionProvider", "gpu": "CUDAExecutionProvider", "ascend": "CANNExecutionProvider"}
PACKAGES = {"gpu": "onnxruntime-gpu", "ascend": "onnxruntime-cann"}
_used = {"device": "cpu"}  # of this process


def cpu_flags() -> set[str]:
    """Return the CPU's feature flags in /proc/cpuinfo's spelling; empty where they cannot be read."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return set()
    return next((set(line.split(":", 1)[1].split()) for line in lines if line.startswith("flags")), set())


def cpu_has_avx512() -> bool:
    """Tell whether the CPU has AVX-512. Where the flags cannot be read (Windows, macOS) assume it on x86-64."""
    flags = cpu_flags()
    return "avx512f" in flags if flags else sys.platform == "win32"


def isa_cap() -> str | None:
    """Return the value ONEDNN_MAX_CPU_ISA has, or is given on import; None for no cap."""
    return os.environ.get(ISA_VARIABLE) or (ISA_CAP if cpu_has_avx512() else None)


def cap_instruction_set() -> None:
    """Set the cap for this process, unless the user has set one; works only before MindSpore is imported."""
    cap = isa_cap()
    if cap:
        os.environ[ISA_VARIABLE] = cap


def keep_protobuf_fast() -> None:
    """Keep MindSpore from setting the protobuf that is written in Python, unless the user has; works only before it
    is imported. That one takes ten times as long to read and write an ONNX file; the bytes are the same."""
    os.environ.setdefault(PROTOBUF_VARIABLE, "upb")


@contextmanager
def uncapped() -> Iterator[None]:
    """Lift the cap for a library whose oneDNN of its own starts within the block: OpenVINO's fails under it."""
    cap = os.environ.pop(ISA_VARIABLE, None)
    try:
        yield
    finally:
        if cap:
            os.environ[ISA_VARIABLE] = cap


def use(device: str) -> None:
    """Have this process compute on `device`, one of DEVICES; "auto" is the fastest there is."""
    _used["device"] = device


def used() -> str:
    """Return what `use` was told, by default "cpu"."""
    return _used["device"]


def target() -> str:
    """Return the device that MindSpore is to use, one of TARGETS; raise `UserError` where it is not there."""
    device = _used["device"]
    if device == "auto":
        return there()[-1]
    if device != "cpu" and device not in there():
        raise UserError(f"device {device}: MindSpore finds none here, or not its drivers; set device: cpu, or auto")
    return device


def provider() -> str:
    """Return what runs a backbone in ONNX Runtime on the device; raise `UserError` where it is not installed."""
    import onnxruntime

    device, installed = _used["device"], onnxruntime.get_available_providers()
    if device == "auto":
        return [name for name in PROVIDERS.values() if name in installed][-1]
    if PROVIDERS[device] not in installed:
        raise UserError(
            f"device {device}: this ONNX Runtime has no {PROVIDERS[device]}; install {PACKAGES[device]} in place of "
            "onnxruntime, set extract.engine: mindspore, or device: cpu"
        )
    return PROVIDERS[device]


def there() -> list[str]:
    """Return the devices that MindSpore can use here, the fastest last."""
    _quiet()
    import mindspore

    before = logging.root.manager.disable
    logging.disable(logging.WARNING)  # it says at length why it cannot use the others
    try:
        return [device for device, name in TARGETS.items() if mindspore.hal.is_available(name)]
    finally:
        logging.disable(before)


def _quiet() -> None:
    # MindSpore logs WARNING lines about its own internals to stderr.
    os.environ.setdefault("GLOG_v", "3")


def prepare(seed: int = 0) -> None:
    """Put MindSpore on the device that is used, by default the CPU, in graph mode with `seed`, quiet."""
    _quiet()
    import mindspore

    mindspore.set_context(mode=mindspore.GRAPH_MODE)
    mindspore.set_device(TARGETS[target()])
    mindspore.set_seed(seed)


@contextmanager
def eager() -> Iterator[None]:
    """Run cells operator by operator within the block: the same bits, and for a few inputs no second of compiling."""
    import mindspore

    mindspore.set_context(mode=mindspore.PYNATIVE_MODE)
    try:
        yield
    finally:
        mindspore.set_context(mode=mindspore.GRAPH_MODE)


@cache
def limit_threads(count: int) -> None:
    """Run MindSpore's kernels on `count` threads; its default, 30, costs LeNet-5 a third of its speed on 2 cores.

    Counts once a process, before the first graph runs: MindSpore refuses to change it.
    """
    import mindspore

    mindspore.device_context.cpu.op_tuning.threads_num(count)
