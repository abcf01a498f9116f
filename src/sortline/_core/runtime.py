"""The only place that prepares MindSpore: instruction set, threads, seed, graph mode."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

ISA_VARIABLE = "ONEDNN_MAX_CPU_ISA"
# oneDNN 3.10, as MindSpore 2.10 bundles it, falls back to its reference kernel for 3x3 and depthwise
# convolutions in plain layout on AVX-512; the AVX2 kernels are about 12 times faster for MobileNetV2.
ISA_CAP = "AVX2"


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


@contextmanager
def uncapped() -> Iterator[None]:
    """Lift the cap for a library whose oneDNN of its own starts within the block: OpenVINO's fails under it."""
    cap = os.environ.pop(ISA_VARIABLE, None)
    try:
        yield
    finally:
        if cap:
            os.environ[ISA_VARIABLE] = cap


def prepare(seed: int = 0) -> None:
    """Put MindSpore on the CPU in graph mode with `seed`, quiet."""
    # MindSpore logs WARNING lines about its own internals to stderr.
    os.environ.setdefault("GLOG_v", "3")
    import mindspore

    mindspore.set_context(mode=mindspore.GRAPH_MODE)
    mindspore.set_device("CPU")
    mindspore.set_seed(seed)


@cache
def limit_threads(count: int) -> None:
    """Run MindSpore's kernels on `count` threads; its default, 30, costs LeNet-5 a third of its speed on 2 cores.

    Counts once a process, before the first graph runs: MindSpore refuses to change it.
    """
    import mindspore

    mindspore.device_context.cpu.op_tuning.threads_num(count)
