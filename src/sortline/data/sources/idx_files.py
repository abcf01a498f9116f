"""The four IDX files of a set of digits, unpacked and checked as they are written."""

from collections.abc import Mapping
from pathlib import Path

from sortline._core.errors import UserError
from sortline._core.files import sha256_file
from sortline.data import idx


def write_checked(out: Path, files: Mapping[str, tuple[bytes, object]]) -> dict[str, str]:
    """Write {name: (content, gzipped or not; where it came from)} into the folder `out`; return {name: sha256}.

    Raise `UserError` that names where the file at fault came from, if one is malformed or they do not belong together.
    """
    for name, (content, origin) in files.items():
        (out / name).write_bytes(idx.unpacked(content, origin))
    try:
        idx.read(out)
    except UserError as error:
        # The files in `out` go away; the user finds the fault where they came from.
        text = str(error)
        for name, (_, origin) in files.items():
            text = text.replace(str(out / name), str(origin))
        raise UserError(text) from None
    return {name: sha256_file(out / name) for name in files}
