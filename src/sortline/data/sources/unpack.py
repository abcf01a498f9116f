"""Unpacking zip and tar archives nobody has vetted: nothing lands outside its folder, nothing grows without end."""

import bz2
import errno
import gzip
import hashlib
import io
import lzma
import re
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from tqdm import tqdm

from sortline._core.errors import UserError

# What the standard library's readers raise on broken archives, seen by cutting and altering the bytes of good ones.
_BROKEN = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, struct.error, EOFError, ValueError,
           NotImplementedError, OverflowError, RecursionError)  # fmt: skip
_COMPRESSED: dict[bytes, Callable[[BinaryIO], Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ": lzma.open,
    b"\x5d\x00\x00": lzma.open,
}
_CHUNK = 1 << 18
MAX_MEMBERS = 200_000  # of any kind
MAX_FILE_BYTES = 500 * 10**6
MAX_DEPTH, MAX_NAME = 50, 4096  # folders and bytes of a member's path
MAX_HEADER = 2**16  # bytes before a member of a tar, such as a long name
MAX_PADDING = 10**8  # bytes after the last one
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
            members = list(_limited(opened.members(), max_bytes))
            opened.check_end()
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


@contextmanager
def _opened(archive: Path) -> Iterator["_Zip | _Tar"]:
    with archive.open("rb") as stream:
        # zipfile.is_zipfile would also say yes to a tar that ends with a zip.
        if stream.peek(4)[:4] == b"PK\x03\x04":
            with zipfile.ZipFile(stream) as opened:
                yield _Zip(opened)
            return
        head = stream.peek(6)[:6]
        unpacked = next((open_ for magic, open_ in _COMPRESSED.items() if head.startswith(magic)), None)
        with unpacked(stream) if unpacked else stream as plain:
            yield _Tar(plain)


def _limited(members: Iterator[_Member | None], max_bytes: int) -> Iterator[_Member]:
    """Drop folders (None) and stop at the first sign of too much, before a tar's data is even read."""
    total = 0
    for count, member in enumerate(members, start=1):
        if count > MAX_MEMBERS:
            raise UserError(f"holds more than {MAX_MEMBERS:,} members")
        if member is None:
            continue
        if not member.path.parts:
            raise UserError("holds a file without a name; the archive is damaged")
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


@dataclass(frozen=True)
class _Zip:
    archive: zipfile.ZipFile

    def members(self) -> Iterator[_Member | None]:
        """Yield each entry, None for a folder."""
        for info in self.archive.infolist():
            utf8 = info.flag_bits & 0x800
            # orig_filename: `filename` is cut at NUL and has its separators changed on Windows, which breaks GBK.
            name = info.orig_filename if utf8 else _decode(info.orig_filename.encode("cp437"))
            path = _inside(name)
            kind = stat.S_IFMT(info.external_attr >> 16)
            refused = "a link or a device" if kind not in (0, stat.S_IFREG) else ""
            if info.flag_bits & 0x1:
                refused = "encrypted"
            folder = name.endswith(("/", "\\")) or kind == stat.S_IFDIR
            if folder and info.file_size:
                raise UserError(f"'{path}' is a folder with content; the archive is damaged")
            yield None if folder else _Member(path, info.file_size, refused, partial(self.archive.open, info))

    def check_end(self) -> None:
        """Nothing to do: a zip ends with the list of its members."""


class _Tar:
    def __init__(self, plain: BinaryIO) -> None:
        self._headers = _Headers(plain)
        self._archive = tarfile.TarFile(fileobj=self._headers)

    def members(self) -> Iterator[_Member | None]:
        """Yield each entry, None for a folder."""
        for info in self._archive:
            path = _inside(_decode(info.name.encode("utf-8", "surrogateescape")))
            if info.size < 0:
                raise UserError(f"'{path}' has less than no bytes; the archive is damaged")
            refused = "a sparse file" if info.issparse() else "" if info.isreg() else "a link or a device"
            yield None if info.isdir() else _Member(path, info.size, refused, partial(self._archive.extractfile, info))

    def check_end(self) -> None:
        """Raise `UserError` unless the archive goes on to its end, which tarfile passes over; so does a checksum."""
        self._headers.bounded = False
        self._headers.seek(self._archive.offset)
        end = self._headers.read(tarfile.BLOCKSIZE)
        if len(end) < tarfile.BLOCKSIZE or any(end):
            raise UserError("cut off or damaged: members are missing at its end")
        left = MAX_PADDING
        while chunk := self._headers.read(_CHUNK):
            left -= len(chunk)
            if left < 0:
                raise UserError(f"goes on for more than {MAX_PADDING / 1e6:,.0f} MB after its last member")


class _Headers(io.RawIOBase):
    """What tarfile reads through. It reads a header of any size at once, and one of digits in quadratic time."""

    bounded = True  # while members are listed

    def __init__(self, plain: BinaryIO) -> None:
        self._plain = plain

    def read(self, size: int = -1) -> bytes:
        if self.bounded and not 0 <= size <= MAX_HEADER:
            raise UserError(f"a header of more than {MAX_HEADER // 1024} KB before a member, which no photo has")
        content = self._plain.read(size)
        if self.bounded and size > tarfile.BLOCKSIZE and re.search(rb"\d{300}", content):
            raise UserError("a header of hundreds of digits before a member, which no photo has")
        return content

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._plain.seek(offset, whence)

    def tell(self) -> int:
        return self._plain.tell()


def _decode(raw: bytes) -> str:
    """Decode a name of unstated encoding: UTF-8 (macOS, Linux), GBK (Chinese Windows), else the zip format's own."""
    for encoding in ("utf-8", "gb18030"):
        with suppress(UnicodeDecodeError):
            return raw.decode(encoding)
    return raw.decode("cp437")


def _inside(name: str) -> PurePosixPath:
    """Return the name as a relative path; raise `UserError` if it could mean one outside, on any system."""
    # Some Windows programs write backslashes; a colon would be a drive or a hidden stream there.
    path, shown = PurePosixPath(name.replace("\\", "/")), f"member {name[:100]!r}"
    if len(path.parts) > MAX_DEPTH or len(name.encode("utf-8", "replace")) > MAX_NAME:
        raise UserError(f"{shown} lies more than {MAX_DEPTH} folders deep or has a name of more than {MAX_NAME} bytes")
    if path.is_absolute() or ".." in path.parts or ":" in name or any(ord(letter) < 32 for letter in name):
        raise UserError(f"{shown} would land outside its folder or has no proper name; nothing was unpacked")
    return path
