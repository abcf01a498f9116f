"""A contestant in a process of its own, so that no library's threads stand in another's way."""

import os
import subprocess
import sys
from pathlib import Path

NO_PEER = 3  # the exit code of a contestant whose library is not installed
ROOT = Path(__file__).parents[1]


def apart(file: str, *arguments: str, peer: bool = False) -> float | None:
    """Return the number that `python file arguments` prints last; None where its library is not there.

    `peer`: it needs what is installed in bench/peers. Raises RuntimeError with its words where it fails.
    """
    path = [str(Path(__file__).with_name("peers"))] if peer else []
    path += [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    done = subprocess.run(
        [sys.executable, file, *arguments], capture_output=True, encoding="utf-8",
        env=os.environ | {"PYTHONPATH": os.pathsep.join(path)},
    )  # fmt: skip
    if done.returncode == NO_PEER:
        return None
    if done.returncode:
        raise RuntimeError(done.stderr)
    return float(done.stdout.split()[-1])
