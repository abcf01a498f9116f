"""What Git says of the project."""

import subprocess
from pathlib import Path

from sortline._core.errors import UserError


def has_git() -> bool:
    """Whether the current folder lies in a Git repository; DVC looks for one in the same way, without Git's command."""
    return any((folder / ".git").exists() for folder in (Path.cwd(), *Path.cwd().parents))


def git(*words: str) -> bytes | None:
    """Return what Git prints, None where it finds nothing by that name.

    Raises `UserError` with Git's own reason where it does not work here at all, as in a folder of another owner.
    """
    try:
        done = subprocess.run(["git", *words], capture_output=True)
    except FileNotFoundError:
        raise UserError("git is not installed, so what is committed cannot be read; name files") from None
    if done.returncode and subprocess.run(["git", "rev-parse", "--git-dir"], capture_output=True).returncode:
        raise UserError(f"Git: {done.stderr.decode(errors='replace').strip().removeprefix('fatal: ')}")
    return done.stdout if done.returncode == 0 else None
