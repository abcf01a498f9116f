"""Unpacking zip and tar archives nobody has vetted: nothing lands outside its folder, nothing grows without end."""

import errno
import hashlib
import lzma
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from tqdm import tqdm

from sortline._core.errors import UserError

_BROKEN = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, struct.error, EOFError,
           NotImplementedError, UnicodeDecodeError)  # fmt: skip
_CHUNK = 1 << 18
MAX_MEMBERS = 200_000  # of any kind
MAX_FILE_BYTES = 500 * 10**6
# Bytes that each MB of a largest download may unpack to: an archive of photos hardly shrinks; beyond it is no such one.
UNPACKED = 4 * 10**6


@dataclass(frozen=True)
class _Member:
    """One entry that is not a folder; `refused` says why it may not be unpacked, or is empty."""

    path: PurePosixPath
    size: int
    refused: str
    open: Callable[[], Any]  # a binary stream


Choose = Callable[[Sequence[PurePosixPath]], Mapping[PurePosixPath, PurePosixPath]]


def unpack(archive: Path, out: Path, choose: Choose, max_bytes: int = 1000 * UNPACKED) -> dict[str, str]:
    """Unpack chosen members of a zip or tar (plain, gzip, bzip2, xz) into the folder `out`.

    `choose` gets the paths of all members and returns, for those to unpack, their paths below `out`. Return {posix
    path below `out`: sha256}; after an error `out` may be half filled. Raise `UserError`, its text starting with the
    archive's path, where the archive is broken, goes beyond `max_bytes` or the limits above, has any member that would
    land outside, or where a chosen member is a link, a device or encrypted.
    """
    try:
        with _opened(archive) as opened:
            listing = _zip_members(opened) if isinstance(opened, zipfile.ZipFile) else _tar_members(opened)
            members = list(_limited(listing, max_bytes))
            chosen = choose([member.path for member in members])
            wanted = [member for member in members if member.path in chosen]
            return _write(wanted, [str(chosen[member.path]) for member in wanted], out, max_bytes)
    except UserError as error:
        raise UserError(f"{archive}: {error}") from None
    except (*_BROKEN, OSError) as error:
        # The gzip and bzip2 readers report bad data without a number; a wrong offset makes a seek invalid.
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise
        why = " ".join(str(error).split())[:100] or type(error).__name__
        raise UserError(f"{archive}: broken or not a zip or tar archive ({why})") from None


def copy_hashed(source: BinaryIO, target: Path, limit: int | None = None) -> tuple[str, int]:
    """Write the stream to a new file; return (sha256, bytes). Raise `UserError` beyond `limit` bytes."""
    digest, size = hashlib.sha256(), 0
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("xb") as stream:
        while chunk := source.read(_CHUNK):
            size += len(chunk)
            if limit is not None and size > limit:
                raise UserError(f"'{target.name}' goes beyond the limit of {limit / 1e6:,.0f} MB")
            digest.update(chunk)
            stream.write(chunk)
    return digest.hexdigest(), size


def _opened(archive: Path) -> zipfile.ZipFile | tarfile.TarFile:
    # zipfile.is_zipfile would also say yes to a tar that ends with a zip.
    with archive.open("rb") as stream:
        is_zip = stream.read(4) == b"PK\x03\x04"
    return zipfile.ZipFile(archive) if is_zip else tarfile.open(archive, mode="r:*")


def _limited(members: Iterator[_Member | None], max_bytes: int) -> Iterator[_Member]:
    """Drop folders (None) and stop at the first sign of too much, before a tar's data is even read."""
    total = 0
    for count, member in enumerate(members, start=1):
        if count > MAX_MEMBERS:
            raise UserError(f"holds more than {MAX_MEMBERS:,} members")
        if member is None:
            continue
        total += member.size
        if total > max_bytes:
            raise UserError(f"would unpack to more than {max_bytes / 1e6:,.0f} MB")
        yield member


def _write(members: Sequence[_Member], targets: Sequence[str], out: Path, left: int) -> dict[str, str]:
    hashes: dict[str, str] = {}
    pairs = zip(members, targets, strict=True)
    for member, target in tqdm(pairs, total=len(members), desc="unpack", unit="file", disable=None):
        if member.refused:
            raise UserError(f"'{member.path}' is {member.refused}, which is not unpacked")
        if target in hashes:
            raise UserError(f"holds '{member.path}' twice")
        with member.open() as source:
            # What a header says of its size is a claim; the bytes that come are counted too.
            hashes[target], size = copy_hashed(source, out / target, min(MAX_FILE_BYTES, left))
        left -= size
    return hashes


def _zip_members(archive: zipfile.ZipFile) -> Iterator[_Member | None]:
    for info in archive.infolist():
        utf8 = info.flag_bits & 0x800
        # orig_filename: `filename` is cut at NUL and has its separators changed on Windows, which breaks GBK.
        name = info.orig_filename if utf8 else _decode(info.orig_filename.encode("cp437"))
        path = _inside(name)
        kind = stat.S_IFMT(info.external_attr >> 16)
        refused = "a link or a device" if kind not in (0, stat.S_IFREG) else ""
        if info.flag_bits & 0x1:
            refused = "encrypted"
        folder = name.endswith(("/", "\\")) or kind == stat.S_IFDIR
        yield None if folder else _Member(path, info.file_size, refused, partial(archive.open, info))


def _tar_members(archive: tarfile.TarFile) -> Iterator[_Member | None]:
    for info in archive:
        path = _inside(_decode(info.name.encode("utf-8", "surrogateescape")))
        refused = "" if info.isreg() else "a link or a device"
        yield None if info.isdir() else _Member(path, info.size, refused, partial(archive.extractfile, info))


def _decode(raw: bytes) -> str:
    """Decode a name of unstated encoding: UTF-8 (macOS, Linux), GBK (Chinese Windows), else the zip format's own."""
    for encoding in ("utf-8", "gb18030"):
        with suppress(UnicodeDecodeError):
            return raw.decode(encoding)
    return raw.decode("cp437")


def _inside(name: str) -> PurePosixPath:
    """Return the name as a relative path; raise `UserError` if it could mean one outside, on any system."""
    # Some Windows programs write backslashes; a colon would be a drive or a hidden stream there.
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in name or any(ord(letter) < 32 for letter in name):
        raise UserError(f"member {name!r} would land outside its folder or has no proper name; nothing was unpacked")
    return path
