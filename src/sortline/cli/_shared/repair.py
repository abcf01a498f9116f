"""What a killed run leaves that would stop or mislead the next one, seen and mended by `sortline run` and `doctor`.

DVC writes its lock files in place and counts on Git; what follows from that is found here, as is what is left of ours.
"""

import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psutil

from sortline._core.errors import UserError
from sortline._core.files import remove, write_text
from sortline.cli._shared import lock_file, outputs, paths
from sortline.cli._shared.git import has_git

CONFIG = ".dvc/config.local"
RWLOCK = Path(".dvc/tmp/rwlock")
# The command of a DVC, or of a stage that someone runs by hand.
IS_BUSY = re.compile(r"(^|[/\\ ])dvc(\.exe)?( |$)|dvc\.cli|(^|[/\\ ])stages[/\\]\w+\.py")
PATIENCE = 20  # seconds that a stage without its DVC gets to end in order


@dataclass(frozen=True)
class Fault:
    """What is wrong, what mending it does, and the function that does so."""

    found: str
    remedy: str
    mend: Callable[[], None]


def mend() -> None:
    """Mend what is found, with a line each."""
    for fault in faults():
        fault.mend()
        print(f"mended: {fault.found}; {fault.remedy}", flush=True)


def faults() -> list[Fault]:
    """Return what is wrong in the project of the current folder. What a DVC that runs there may hold is left alone."""
    if not Path(".dvc").is_dir() or not paths.PARAMS.is_file():
        return []
    found = [*without_git()]
    busy, orphans = _processes()
    if not busy:
        found += [*orphaned(orphans), *stale_locks(), *cut_locks(), *left_overs()]
    return found


def without_git() -> Iterator[Fault]:
    """A download without Git's folder: DVC runs there only if it is told so."""
    if not has_git():
        from dvc.config import Config

        config = Config(Path(".dvc").absolute(), validate=False)
        if not config.get("core", {}).get("no_scm"):
            found = "this folder is not in Git (a download without it?), where DVC does not run by itself"
            yield Fault(found, f"{CONFIG} now says core.no_scm = true", partial(_do_without_git, config))


def _do_without_git(config: Any) -> None:
    with config.edit("local") as local:
        local.setdefault("core", {})["no_scm"] = True


def orphaned(stages: list[psutil.Process]) -> Iterator[Fault]:
    if stages:
        numbers = ", ".join(str(stage.pid) for stage in stages)
        yield Fault(f"a stage still runs whose DVC has gone (process {numbers})", "ended", partial(_end, stages))


def stale_locks() -> Iterator[Fault]:
    """`rwlock`: {"read": ..., "write": ...} with the processes that use a path. No DVC runs here, so none does."""
    text = RWLOCK.read_text(encoding="utf-8", errors="replace") if RWLOCK.is_file() else "{}"
    try:
        content = json.loads(text)
        held = any(content.values())
        why = "names processes that have gone"
    except (ValueError, AttributeError):
        held, why = True, "is cut: DVC was killed while it wrote it"
    if held:
        yield Fault(f"{RWLOCK.as_posix()} {why}", "removed", partial(remove, RWLOCK))


def cut_locks() -> Iterator[Fault]:
    """The lock files of the line and of the studies."""
    for lock in outputs.locks():
        if not lock.is_file() or not lock.with_name("dvc.yaml").is_file():
            continue
        try:
            text, lost = lock_file.mended(lock)
        except (UserError, UnicodeDecodeError):
            continue  # DVC says what is wrong with dvc.yaml
        if lost or not text:
            names = f"{', '.join(lost[:3])}{', ...' if len(lost) > 3 else ''}"
            found = (
                f"{lock.as_posix()} has lost {len(lost)} entries ({names})" if lost else f"{lock.as_posix()} is empty"
            )
            mend = partial(write_text, lock, text) if text else partial(remove, lock)  # DVC refuses one without stages
            yield Fault(found, "what the last commit has is back, the rest DVC makes again", mend)


def left_overs() -> Iterator[Fault]:
    """Files and folders that a killed stage had not finished; not in the photos of a task, which are not ours."""
    found: list[Path] = []
    for root in map(Path, outputs.roots()):
        for folder, folders, files in os.walk(root):
            unfinished = [name for name in [*folders, *files] if name.startswith(".tmp-")]
            found += [Path(folder) / name for name in unfinished]
            folders[:] = [] if root == paths.raw("") else [name for name in folders if name not in unfinished]
    if found:
        names = ", ".join(path.as_posix() for path in found[:3]) + (", ..." if len(found) > 3 else "")
        yield Fault(f"half-written files of a run that was killed ({names})", "removed", partial(_remove_all, found))


def _remove_all(found: list[Path]) -> None:
    for path in found:
        remove(path)


def _processes() -> tuple[list[psutil.Process], list[psutil.Process]]:
    """Return the processes that are at work in the project, and the stages whose DVC is not among them."""
    root = Path.cwd()
    busy: list[psutil.Process] = []
    stages: list[psutil.Process] = []
    for process in psutil.process_iter(["name", "cmdline", "cwd"]):
        about = process.info
        if not about["cwd"] or not Path(about["cwd"]).is_relative_to(root) or process.pid == os.getpid():
            continue
        if _is_stage(process, root):
            stages.append(process)
        elif re.match(r"python|dvc", about["name"] or "", re.IGNORECASE):
            busy += [process] if IS_BUSY.search(" ".join((about["cmdline"] or [])[:5])) else []
    return busy, [stage for stage in stages if not set(_parents(stage)) & set(busy)]


def _is_stage(process: psutil.Process, root: Path) -> bool:
    """Whether a DVC of the project started it."""
    try:
        of = process.environ()
    except psutil.Error:
        return False
    return "DVC_STAGE" in of and Path(of.get("DVC_ROOT", "")).resolve() == root


def _parents(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.parents()
    except psutil.NoSuchProcess:
        return []


def _end(stages: list[psutil.Process]) -> None:
    for stage in stages:
        stage.terminate()
    for stage in psutil.wait_procs(stages, PATIENCE)[1]:
        stage.kill()
    psutil.wait_procs(stages, PATIENCE)
