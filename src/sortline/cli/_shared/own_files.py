"""Files at a place that the user names: what sortline made there before it replaces, anything else it leaves alone."""

import struct
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sortline._core.errors import UserError
from sortline._core.files import replacing

# A chunk that a PNG may hold anywhere before its last (PNG specification, 11.3.3.2), which is always the same 12 bytes.
_TEXT = b"tEXtSoftware\0sortline"
MARK = struct.pack(">I", len(_TEXT) - 4) + _TEXT + struct.pack(">I", zlib.crc32(_TEXT))
END = 12


@contextmanager
def own_png(path: Path) -> Iterator[Path]:
    """Yield a temporary path to write a PNG to; marked as sortline's it becomes `path`, if `check` lets it."""
    check(path)
    with replacing(path) as temporary:
        yield temporary
        content = temporary.read_bytes()
        temporary.write_bytes(content[:-END] + MARK + content[-END:])


def check(path: Path, header: Sequence[str] | None = None) -> None:
    """Raise `UserError` where something lies at `path` that sortline did not make: a PNG with its mark, or CSV that
    starts with `header`.
    """
    if path.is_dir():
        raise UserError(f"{path}: is a folder; name a file to write")
    if not path.exists():
        return
    start = ",".join(header).encode() if header else b"\x89PNG"
    content = path.read_bytes() if path.is_file() else b""
    if not content.startswith(start) or not (header or content[-END - len(MARK) : -END] == MARK):
        raise UserError(
            f"{path}: is there already and was not made by this command; move it away or name another place"
        )
