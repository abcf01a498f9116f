"""DVC's command line in a process that need not load it again: loading takes longer than most commands."""

import multiprocessing
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

# A server that has loaded DVC is forked for each command; where there is no fork, each command loads it.
METHOD = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
LOADED = ["dvc.cli.parser", "dvc.commands.repro", "dvc.repo", "dvc.repo.reproduce", "dvc.stage.cache", "dvc.output"]


def run(words: Sequence[str], folder: Path, environment: dict[str, str], limit: float) -> tuple[int, str]:
    """Run `dvc` with `words` in `folder`; return its exit code, and stdout and stderr as one text."""
    context = multiprocessing.get_context(METHOD)
    if METHOD == "forkserver":
        context.set_forkserver_preload(LOADED)
    with tempfile.TemporaryDirectory() as scratch:
        output = Path(scratch, "output")
        process = context.Process(target=_main, args=(list(words), str(folder), environment, str(output)))
        process.start()
        process.join(limit)
        if process.exitcode is None:
            process.kill()
            raise TimeoutError(f"dvc {' '.join(words)} in {folder}: not done in {limit} s")
        return process.exitcode, output.read_text(encoding="utf-8", errors="replace")


def _main(words: list[str], folder: str, environment: dict[str, str], output: str) -> None:
    with Path(output).open("wb") as file, Path(os.devnull).open("rb") as nothing:
        for own, other in ((0, nothing), (1, file), (2, file)):
            os.dup2(other.fileno(), own)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    from dvc.cli import main

    code = main(words)
    sys.stdout.flush()
    sys.exit(code)
