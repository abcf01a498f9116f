"""SHA256SUMS in an exported folder: it shows that a file has changed since, as `sha256sum --check` does.

Against damage and mix-ups; whoever means harm can change the list too, which `signature` is for.
"""

import hashlib
import re
from pathlib import Path

from sortline._core.errors import UserError
from sortline._core.files import checksums, sha256_file, write_text

NAME = "SHA256SUMS"
MAX_BYTES = 10**6
LINE = re.compile(r"([0-9a-f]{64}) [ *]([^/\\]+)")  # of a file beside it alone; `*` stands before binary files


def hashes(folder: Path) -> dict[str, str]:
    """Return {name: SHA-256} of the files in `folder`."""
    return {path.name: sha256_file(path) for path in sorted(folder.iterdir()) if path.is_file()}


def write(folder: Path) -> None:
    """List the files in `folder`: the last thing that is written there."""
    write_text(folder / NAME, checksums(hashes(folder)))


def check(path: Path, content: bytes) -> None:
    """Raise `UserError` unless `content`, read from `path`, is what SHA256SUMS beside it lists.

    A folder without that file, of an earlier version or from elsewhere, passes.
    """
    listed = _listed(path.parent)
    if listed is not None and listed.get(path.name) != hashlib.sha256(content).hexdigest():
        raise _other(path)


def check_all(folder: Path) -> None:
    """Raise `UserError` where a file in `folder` is not what SHA256SUMS there lists; others may lie beside them."""
    listed = _listed(folder) or {}
    for name, digest in hashes(folder).items():
        if listed.get(name, digest) != digest:
            raise _other(folder / name)


def _listed(folder: Path) -> dict[str, str] | None:
    path = folder / NAME
    if not path.is_file():
        return None
    with path.open("rb") as stream:
        lines = stream.read(MAX_BYTES).decode("utf-8", errors="replace").splitlines()
    found = [LINE.fullmatch(line) for line in lines]
    if not found or None in found:
        raise UserError(f"{path}: not a list that sha256sum can read, of files beside it; get the folder again")
    return {match[2]: match[1] for match in found if match}


def _other(path: Path) -> UserError:
    return UserError(
        f"{path}: not the file that {NAME} beside it lists: damaged, or changed since; get or export the model again, "
        f"or remove {NAME} if the change is yours"
    )
