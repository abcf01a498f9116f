"""`sortline doctor`: is this machine fit for the line, what is here, what is missing, does it compute correctly."""

import argparse
import configparser
import importlib.util
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sortline import __version__
from sortline._core import runtime
from sortline._core.cores import cores
from sortline._core.errors import UserError
from sortline._core.files import read_json
from sortline._core.text import json_text
from sortline.cli._shared import paths, repair, supply
from sortline.cli._shared.tasks import listed_tasks, model_of
from sortline.config import device
from sortline.data.layout import UNLABELLED
from sortline.data.listing import list_folder

SUMMARY = "check this machine: versions, processor, data, weights, models, and a short test run"
EPILOG = """examples:
  sortline doctor
  sortline doctor --json
  sortline doctor --deep
  sortline doctor --mend

exit code: 0 usable (warnings say what could be better), 1 something must be mended"""

PACKAGES = ("mindspore", "onnxruntime", "numpy", "pillow", "scikit-learn", "dvc")
SELF_TEST = "sortline.cli._shared.selftest"
TOLERANCE = 1e-3  # largest difference of an engine's numbers from NumPy's
LOCK = Path("requirements.lock")
SLOW = 8  # times NumPy's time; oneDNN's reference kernel takes about 30, a fit one 0.1 to 2
GIB = 2**30
DISK_WARN, DISK_FAIL = 2 * GIB, GIB // 4
ELSEWHERE = "run sortline in the project's root folder"
COLOURS = {"ok": "green", "warn": "yellow", "fail": "bold red"}


@dataclass(frozen=True)
class Check:
    """One line: `status` ok, warn or fail; what was looked at; what was found; what to do about it (or empty)."""

    status: str
    name: str
    found: str
    advice: str = ""


def add(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="print the checks as a JSON list")
    deep = "also compare every object of DVC's cache with its name, which takes as long as reading all of them"
    command.add_argument("--deep", action="store_true", help=deep)
    command.add_argument("--mend", action="store_true", help="mend what a killed run has left, as sortline run does")


def main(options: argparse.Namespace) -> int:
    """Return 0 if nothing failed, 1 otherwise; warnings do not count."""
    machine = [*versions(), *processor(), *project(), _dvc(Path(".dvc")), *_faults(options.mend)]
    machine += [_disk(shutil.disk_usage(".").free), *[_cache()] * options.deep]
    checks = [*machine, *map(self_test, ("onnxruntime", "mindspore")), optional_engine()]
    if options.json:
        print(json_text([asdict(check) for check in checks]))
    else:
        show(checks)
    return int(any(check.status == "fail" for check in checks))


def versions() -> list[Check]:
    python = Check("ok", "python", platform.python_version())
    if sys.version_info[:2] != (3, 11):
        python = Check("fail", "python", python.found, "use Python 3.11")
    locked = locked_versions(LOCK)
    return [python, Check("ok", "sortline", __version__), *(package(name, locked.get(name)) for name in PACKAGES)]


def package(name: str, locked: str | None) -> Check:
    from importlib import metadata

    try:
        installed = metadata.version(name)
    except metadata.PackageNotFoundError:
        return Check("fail", name, "not installed", f"pip install -r {LOCK}")
    if name == "numpy" and int(installed.split(".")[0]) >= 2:
        return Check("fail", name, installed, "MindSpore 2.10 breaks on NumPy 2: pip install 'numpy<2'")
    if locked and installed != locked:
        return Check("warn", name, installed, f"{LOCK} has {locked}; results were made with that")
    return Check("ok", name, installed)


def locked_versions(path: Path) -> dict[str, str]:
    """Return {package: version} of a pip lock file; empty where there is none."""
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    pins = re.findall(r"^([A-Za-z0-9_.-]+)==([^\s;\\]+)", text, re.MULTILINE)
    return {name.lower(): version for name, version in pins}


def processor() -> list[Check]:
    flags = runtime.cpu_flags()
    known = [name for flag, name in (("avx2", "AVX2"), ("avx512f", "AVX-512")) if flag in flags]
    described = ", ".join(known) or ("neither AVX2 nor AVX-512" if flags else "instruction sets unknown")
    cpuinfo, count = Path("/proc/cpuinfo"), cores()
    text = cpuinfo.read_text(encoding="utf-8", errors="replace") if cpuinfo.is_file() else ""
    name = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    model = name[1] if name else platform.processor() or platform.machine()
    # Importing sortline sets the cap; the self-test measures whether it is a good one.
    cap = runtime.isa_cap()
    why = "past the slow kernels for AVX-512" if cap == runtime.ISA_CAP else "from your environment"
    capped = f"{cap} ({runtime.ISA_VARIABLE}), {why}" if cap else "none, and none needed without AVX-512"
    return [
        Check("ok", "processor", f"{model}, {count} core{'s' * (count != 1)}, {described}"),
        Check("ok", "oneDNN cap", capped),
    ]


def project() -> list[Check]:
    """Return a line for SORTLINE_DATA and three for each listed task; nothing here uses the network."""
    checks = [_data_folder()]
    try:
        tasks = listed_tasks()
    except UserError as error:
        there = ("fail", "mend params.yaml") if paths.PARAMS.exists() else ("warn", ELSEWHERE)
        return [*checks, Check(there[0], "tasks", str(error), there[1])]
    for task in tasks:
        try:
            checks += [_need(task, need) for need in supply.needs(task)]
        except UserError as error:
            checks.append(Check("fail", task, str(error), "mend params.yaml"))
        if found := model_of(task):
            checks.append(Check("ok", f"{task} model", found.as_posix()))
        else:
            checks.append(Check("warn", f"{task} model", "not made yet", f"sortline run --task {task}"))
    return checks


def _data_folder() -> Check:
    from sortline.data.sources.base import data_folder

    try:
        folder = data_folder()
    except UserError as error:
        return Check("fail", "SORTLINE_DATA", str(error))
    if folder is not None and not folder.is_dir():
        return Check("fail", "SORTLINE_DATA", f"{folder}: no such folder", "set it to a folder that is there")
    return Check("ok", "SORTLINE_DATA", str(folder or "not set; what is not in data/ yet is downloaded"))


def _need(task: str, need: supply.Need) -> Check:
    name = f"{task} {need.what}"
    if need.fetched:
        return Check("ok", name, f"in {need.folder.as_posix()}{_described(need)}")
    ok, why = need.on_disk()
    if ok:
        return Check("ok", name, f"not fetched yet; available: {why}")
    hint = "set SORTLINE_DATA to a folder that has them"
    if need.host:
        return Check("warn", name, f"not here; a run tries to download them from {need.host}", f"or {hint}")
    return Check("warn", name, f"not here: {why}", hint)


def _described(need: supply.Need) -> str:
    """Return what the stage recorded about the files, for example ", 2,258 files of garbage26"."""
    photos = need.what == "photos"
    path = need.folder.with_name(f"{need.folder.name}.json") if photos else need.folder / "backbone.json"
    if not path.is_file():
        return ""
    about = read_json(path)
    if not photos:
        return f", release {about['release']}"
    bare = len(list_folder(need.folder / UNLABELLED).files) if (need.folder / UNLABELLED).is_dir() else 0
    return f", {about['files']:,} files of {about['name']}" + f", {bare:,} of them without a label" * bool(bare)


def _dvc(folder: Path) -> Check:
    if not folder.is_dir():
        return Check("warn", "dvc project", "none in this folder", ELSEWHERE)
    config = configparser.ConfigParser()
    try:
        config.read([folder / "config", folder / "config.local"], encoding="utf-8")
    except configparser.Error as error:
        return Check("fail", "dvc project", " ".join(str(error).split()), "mend .dvc/config")
    remotes = re.findall(r"""^'?remote "([^"]*)""", "\n".join(config.sections()), re.MULTILINE)
    return Check("ok", "dvc remote", ", ".join(remotes) or "none set; only dvc push and pull need one")


def _cache() -> Check:
    from sortline.cli._shared import cache

    try:
        damaged, count = cache.verify()
    except UserError as error:
        return Check("warn", "dvc cache", str(error), ELSEWHERE)
    if damaged:
        return Check("fail", "dvc cache", f"{len(damaged):,} of {count:,} objects are damaged", cache.advice(damaged))
    return Check("ok", "dvc cache", f"{count:,} objects, each as its name says")


def _faults(mend: bool) -> list[Check]:
    """Return a line for each thing that a killed run has left, and mend it if asked to."""
    try:
        found = repair.faults()
    except UserError as error:
        return [Check("fail", "dvc project", str(error), ELSEWHERE)]
    if mend:
        for fault in found:
            fault.mend()
        return [Check("ok", "mended", f"{fault.found}; {fault.remedy}") for fault in found]
    advice = "sortline run mends it; only that: sortline doctor --mend"
    return [Check("warn", "to mend", fault.found, advice) for fault in found]


def _disk(free: int) -> Check:
    status = "fail" if free < DISK_FAIL else "warn" if free < DISK_WARN else "ok"
    advice = "" if status == "ok" else "free some space; dvc gc -w drops old results"
    return Check(status, "disk", f"{free / GIB:.1f} GiB free here", advice)


def optional_engine() -> Check:
    """Test OpenVINO, if it is there: nothing needs it but what is told to."""
    if importlib.util.find_spec("openvino"):
        return self_test("openvino")
    return Check("ok", "openvino", "not installed; extract.engine: openvino needs pip install 'sortline[openvino]'")


def self_test(engine: str) -> Check:
    """Run one layer in the engine, in a process of its own, and judge its numbers and its time."""
    name = f"test {engine}"
    command = [sys.executable, "-m", SELF_TEST, engine]
    try:
        done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", errors="replace", timeout=60)
    except subprocess.TimeoutExpired:
        return Check("fail", name, "no answer within 60 s", f"see what it does: python {' '.join(command[1:])}")
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        return Check("fail", name, f"ended with exit code {done.returncode}: {last[:150]}", f"pip install -r {LOCK}")
    try:
        wanted = "cpu" if engine == "openvino" else device.chosen()
    except UserError as error:
        return Check("fail", name, str(error), "mend params.yaml, or the variable")
    return judge(engine, json.loads(done.stdout.splitlines()[-1]), wanted)


def judge(engine: str, measured: dict[str, Any], wanted: str = "cpu") -> Check:
    """Turn the measurement of `sortline.cli._shared.selftest` into a check; `wanted` is the device of params.yaml."""
    name, time, numpy_time = f"test {engine}", measured["engine_ms"], measured["numpy_ms"]
    if not measured["max_abs_diff"] <= TOLERANCE:
        advice = f"reinstall the packages: pip install --force-reinstall -r {LOCK}"
        return Check("fail", name, f"wrong numbers: {measured['max_abs_diff']:.2g} away from NumPy's", advice)
    there = measured["devices"]
    if wanted not in (*there, "auto"):
        advice = f"set device: cpu, or auto, or install what {engine} needs for it"
        return Check("fail", name, f"no device {wanted}; found: {', '.join(there)}", advice)
    found = f"same numbers as NumPy; first layer {time:.1f} ms a photo on one core (NumPy {numpy_time:.1f})"
    found += f"; devices: {', '.join(there)}"
    if time > SLOW * numpy_time:
        cap = os.environ.get(runtime.ISA_VARIABLE)
        advice = f"unset {runtime.ISA_VARIABLE} ({cap})" if cap else f"set {runtime.ISA_VARIABLE}={runtime.ISA_CAP}"
        return Check("warn", name, found, f"a slow convolution kernel: {advice}, or wait till the machine is less busy")
    return Check("ok", name, found)


def show(checks: Sequence[Check]) -> None:
    """Print the checks on stdout as aligned lines, each advice below its finding, and the counts."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for check in checks:
        found = Text(check.found)
        if check.advice:
            found.append(f"\n-> {check.advice}", "bold")
        table.add_row(Text(check.status, COLOURS[check.status]), check.name, found)
    console = Console()
    console.print(table)
    counts = Counter(check.status for check in checks)
    console.print(f"\n{counts['ok']} ok, {counts['warn']} to look at, {counts['fail']} failed", highlight=False)
