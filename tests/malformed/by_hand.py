"""Malformed files that somebody thought of: what each format lets a stranger say that no honest file says."""

import gzip
import io
import json
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from malformed.formats import checkpoint

Cases = Iterator[tuple[str, bytes]]


def pictures() -> Cases:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    def png(width: int, height: int, depth: int = 8, colour: int = 2, body: bytes = zlib.compress(bytes(100))) -> bytes:
        header = chunk(b"IHDR", struct.pack(">2I5B", width, height, depth, colour, 0, 0, 0))
        return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", body) + chunk(b"IEND", b"")

    yield "bomb of 60,000 x 60,000", png(60_000, 60_000)
    yield "2^31 wide", png(2**31 - 1, 1)
    yield "no width", png(0, 5)
    yield "depth 77", png(5, 5, depth=77)
    yield "colour type 9", png(5, 5, colour=9)
    yield "pixels of another size", png(500, 500)
    yield "more pixels than told", png(2, 2, body=zlib.compress(bytes(10**6)))
    yield "GIF of 65,535 x 65,535", b"GIF89a" + struct.pack("<2H3B", 65535, 65535, 0xF7, 0, 0)
    yield (
        "BMP of -2^31",
        b"BM" + struct.pack("<IHHI", 100, 0, 0, 54) + struct.pack("<IiiHH6I", 40, 2**31 - 1, -(2**31), 1, 24, *[0] * 6),
    )
    packed = struct.pack("<IiiHH6I", 40, 3_000_000, 30, 1, 8, 1, *[0] * 5) + bytes(4 * 256)
    yield (
        "BMP of long lines, packed by runs",
        b"BM"
        + struct.pack("<IHHI", 0, 0, 0, 14 + len(packed))
        + packed
        + (
            b"\1\1\0\0" * 30  # one pixel and the end of its line
        ),
    )
    loop = struct.pack("<2sHI", b"II", 42, 8) + struct.pack("<H", 1) + struct.pack("<HHII", 256, 3, 1, 5)
    yield "TIFF whose directory leads to itself", loop + struct.pack("<I", 8)
    yield "TIFF whose directory lies outside", struct.pack("<2sHI", b"II", 42, 2**31)
    yield "TIFF of 65,535 tags", struct.pack("<2sHI", b"II", 42, 8) + b"\xff\xff" + bytes(100)
    yield "WebP of no size", b"RIFF" + bytes(4) + b"WEBPVP8 " + b"\xff\xff\xff\xff" + bytes(50)
    yield "JPEG of nothing but its start", b"\xff\xd8\xff\xd9"
    yield (
        "JPEG without tables",
        b"\xff\xd8\xff\xc0\x00\x11\x08\xff\xff\xff\xff\x03\x01\x22\x00\x02\x11\x01\x03\x11\x01\xff\xd9",
    )
    yield "HTML", b"<!doctype html><title>404</title>"
    yield "an SVG", b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>"
    yield "PostScript", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(%pipe%id) (r) file\n"
    yield "a Git LFS pointer", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 12345\n"


def idx() -> Cases:
    def head(kind: int, *shape: int) -> bytes:
        return bytes((0, 0, kind, len(shape))) + struct.pack(f">{len(shape)}I", *shape)

    for kind in (0x09, 0x0B, 0x0C, 0x0D, 0x0E):
        yield f"elements of type {kind:#x}", head(kind, 5, 4, 4) + bytes(640)
    yield "2^32 pictures", head(8, 2**32 - 1, 28, 28)
    yield "sizes whose product overflows", head(8, 2**31, 2**31, 4) + bytes(80)
    yield "no pictures", head(8, 0, 28, 28)
    yield "no pictures, of a size that no array has", head(8, 0, 2**32 - 1, 2**32 - 1)
    yield "pictures without pixels", head(8, 5, 0, 4)
    yield "another count than labels", head(8, 4, 4, 4) + bytes(64)
    yield "255 dimensions", bytes((0, 0, 8, 255)) + bytes(1020)
    yield "two dimensions", head(8, 5, 16) + bytes(80)
    yield "gzip of gzip", gzip.compress(gzip.compress(head(8, 5, 4, 4) + bytes(80)))
    yield "gzip bomb", gzip.compress(bytes(6 * 10**8), 1)
    yield "gzip whose checksum fails", gzip.compress(head(8, 5, 4, 4) + bytes(80))[:-8] + bytes(8)


def safetensors() -> Cases:
    def file(header: Any, body: bytes = b"") -> bytes:
        text = header if isinstance(header, bytes) else json.dumps(header).encode()
        return struct.pack("<Q", len(text)) + text + body

    def one(kind: str = "F32", shape: Any = (1,), ends: Any = (0, 4)) -> dict[str, Any]:
        return {"a": {"dtype": kind, "shape": shape, "data_offsets": ends}}

    four = bytes(4)
    yield "a header of 2^63 bytes", struct.pack("<Q", 2**63) + b"{}"
    yield "nested 100,000 deep", file(b'{"a":' * 10**5)
    yield "type F8", file(one("F8_E4M3", (4,)), four)
    yield "type BF16", file(one("BF16", (2,)), four)
    yield "an unknown type", file(one("X99"), four)
    yield "a shape that is too large", file(one(shape=(2**40,)), four)
    yield "a shape that overflows", file(one(shape=(2**32, 2**32, 2**32)), four)
    yield "a negative shape", file(one(shape=(-1,)), four)
    yield "offsets outside", file(one(ends=(0, 4000)), four)
    yield "offsets backwards", file(one(ends=(4, 0)), four)
    yield "the same bytes twice", file(one() | {"b": one()["a"]}, four)
    yield "a hole", file(one(ends=(4, 8)), bytes(8))
    yield "NaN", file(one(), struct.pack("<f", np.nan))
    yield "Inf", file(one(), struct.pack("<f", np.inf))
    yield "a list as header", file([1, 2], four)
    yield "numbers as names", file({"a": 5}, four)
    yield (
        "an integer of 5,000 digits",
        file(b'{"a":{"dtype":"F32","shape":[' + b"9" * 5000 + b'],"data_offsets":[0,4]}}', four),
    )


def npy() -> Cases:
    def file(header: str, body: bytes = bytes(16), version: bytes = b"\x01\x00") -> bytes:
        return b"\x93NUMPY" + version + struct.pack("<H", len(header)) + header.encode() + body

    for shape in ("(2**40,)", "(10**20,)", "(-1,)", "(4, 2**62)", "4", "'a'", "(4.0,)", "(True,)", "None", "(1,) * 40"):
        yield f"the shape {shape}", file(f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}}}")
    for kind in ("'|O'", "'<f9'", "'V99999999999'", "[('a', '<f4')]", "5", "'<U1000000000'", "'m8[as]'"):
        yield f"the type {kind}", file(f"{{'descr': {kind}, 'fortran_order': False, 'shape': (4,)}}")
    for header in ("", "{}", "[" * 3000, "__import__('os').system('id')", "{'descr': '<f4'}", "\x00" * 100, "9" * 5000):
        yield f"the header {header[:20]!r}", file(header)
    yield "version 9", file("{}", version=b"\x09\x00")
    yield "a pickle", b"\x80\x04cos\nsystem\n(S'id'\ntR."
    yield "a zip", b"PK\x03\x04" + bytes(100)


def checkpoints() -> Cases:
    four = bytes(4)
    yield "dims smaller than the content", checkpoint(("a.weight", "Float32", (4,), b"A" * 4_000_000))
    yield "dims larger than the content", checkpoint(("a.weight", "Float32", (2**40,), b"A" * 16))
    yield "negative dims", checkpoint(("a", "Float32", (-1,), four))
    yield "dims whose product overflows", checkpoint(("a", "Float32", (2**62, 4), b""))
    yield "large dims of nothing", checkpoint(("a", "Float32", (0, 2**40, 2**40), b""))
    yield "40 dims", checkpoint(("a", "Float32", (1,) * 40, four))
    yield "an unknown type", checkpoint(("a", "Complex64", (1,), bytes(8)))
    yield "parts of different types", checkpoint(("a", "Float32", (2,), four), ("a", "Int32", (2,), four))
    yield "a name twice", checkpoint(*((name, "Float32", (1,), four) for name in "aba"))
    yield "text as a tensor", checkpoint(("a", "str", (1,), b"abc"))
    yield "no tensor", checkpoint()
    yield "a checksum that fails", checkpoint(("a", "Float32", (1,), four)) + b"crc_num" + bytes(10)
    yield "a message that holds itself", b"\x0a\xff\xff\xff\xff\x0f" * 50
    yield "a pickle", b"\x80\x02cos\nsystem\n(X\x02\x00\x00\x00idtR."


def torch_files() -> Cases:
    from torch_file import Call, Global, pickled, saved, tensor

    from sortline.backbones.pytorch_file import MAGIC

    runs = b"cos\nsystem\n(S'touch owned'\ntR."
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:  # as torch.save writes it since 1.6
        for name, content in (("a/data.pkl", runs), ("a/data/0", bytes(64)), ("a/version", b"3\n")):
            archive.writestr(name, content)
    yield "zip whose pickle runs a command", stream.getvalue()
    entry = stream.getvalue().index(b"PK\x01\x02")  # of the directory: bytes 6 and 7 are the version it needs
    for what, at, value in (
        ("of a version to come", 6, 255),
        ("of patched data", 8, 0x20),
        ("encrypted strongly", 8, 0x40),
    ):
        yield f"zip {what}", stream.getvalue()[: entry + at] + bytes([value]) + stream.getvalue()[entry + at + 1 :]
    yield "pickle that runs a command", runs
    head = pickled(MAGIC) + pickled(1001)
    yield "command in place of the objects", head + pickled({"little_endian": True}) + runs
    yield "call of eval", head + pickled({"little_endian": True}) + pickled(Call(Global("builtins", "eval"), "1"))
    numbers = np.arange(6, dtype=np.float32)
    for what, offset, shape, strides in (
        ("larger than its storage", 0, (3, 3), (3, 1)),
        ("beginning behind its end", 7, (1,), (1,)),
        ("beginning before it", -1, (2,), (1,)),
        ("of negative size", 0, (-2, 3), (3, 1)),
        ("of negative strides", 5, (6,), (-1,)),
        ("much of little", 0, (10**9,), (0,)),
        ("of 2^62 numbers", 0, (2**31, 2**31), (0, 0)),
        ("whose stride is a tuple", 0, (10**9,), ((0,),)),
    ):
        yield f"tensor {what}", saved({"weight": tensor("0", numbers, offset, shape, strides)}, {"0": numbers})
    yield (
        "thirty tensors of the same numbers",
        saved({f"w{number}": tensor("0", numbers, 0, (6,), (1,)) for number in range(30)}, {"0": numbers}),
    )
    yield (
        "numbers of two types",
        saved(
            {kind: tensor("0", numbers.astype(kind), 0, (6,), (1,)) for kind in ("float32", "int64")}, {"0": numbers}
        ),
    )
    objects = head + pickled({"little_endian": True}) + b"\x80\x02})"
    yield "tuples within tuples", objects + b"2\x86" * 60 + b"K\x01s."
    places = b"".join(b"h%ch%c\x86q%c" % (number, number, number + 1) for number in range(60))
    yield "tuples by their places", objects + b"q\x00" + places + b"K\x01s."
    yield "no tensor at all", saved({"weight": 3}, {"0": numbers})
    yield "big-endian", saved({}, {}).replace(b"little_endian", b"another_thing")


def archives() -> Cases:
    def tar(*parts: bytes) -> bytes:
        return b"".join(parts) + bytes(1024)

    def entry(
        name: str, kind: bytes = tarfile.REGTYPE, body: bytes = b"", size: int | None = None, link: str = ""
    ) -> bytes:
        info = tarfile.TarInfo(name)
        info.type, info.size, info.linkname = kind, len(body) if size is None else size, link
        return info.tobuf(tarfile.GNU_FORMAT) + body + bytes(-len(body) % 512)

    def zipped(*members: tuple[str, bytes], mode: int = 0) -> bytes:
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in members:
                info = zipfile.ZipInfo(name)
                info.external_attr, info.compress_type = mode << 16, zipfile.ZIP_DEFLATED
                archive.writestr(info, content)
        return stream.getvalue()

    for name in (
        "../evil.jpg",
        "/etc/evil",
        "a/../../b",
        "C:evil.jpg",
        "a\\..\\..\\b",
        "a\x1b[2J.jpg",
        "d/" * 1500 + "a",
    ):
        yield f"zip with {name[:20]!r}", zipped((name, b"x"))
        yield f"tar with {name[:20]!r}", tar(entry(name[:90], body=b"x") if len(name) < 90 else entry(name, body=b"x"))
    for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.GNUTYPE_SPARSE, b"Z"):
        yield f"tar with a member of type {kind!r}", tar(entry("a/b.jpg", kind, link="/etc/passwd"))
    yield "zip with a link", zipped(("a/b.jpg", b"/etc/passwd"), mode=0o120777)
    yield "zip with a folder that has content", zipped(("a/b.jpg", b"x"), mode=0o040755)
    yield "zip bomb", zipped(("a/b.jpg", bytes(11 * 10**6)))
    yield "the same name twice", zipped(("a/b.jpg", b"x"), ("a/b.jpg", b"y"))
    yield "a file where a folder is", zipped(("a", b"x"), ("a/b.jpg", b"y"))
    yield "pax header of digits", tar(entry("x", tarfile.XHDTYPE, b"1" * 60_000))
    yield "pax header of 3 GB", entry("x", tarfile.XHDTYPE, size=3 * 10**9)
    yield "pax headers one in the other", tar(entry("x", tarfile.XHDTYPE, b"11 path=ab\n") * 3000)
    yield "pax size backwards", tar(entry("x", tarfile.XHDTYPE, b"14 size=-1024\n"), entry("a/b.jpg"))
    yield "pax length of no digits", tar(entry("x", tarfile.XHDTYPE, b"0 size=5\n"), entry("a/b.jpg"))
    yield "GNU long name of 1 MB", tar(entry("x", tarfile.GNUTYPE_LONGNAME, b"n" * 10**6), entry("a/b.jpg"))
    yield "tar.gz of a long name", gzip.compress(tar(entry("x", tarfile.GNUTYPE_LONGNAME, b"n" * 10**7)), 1)
    yield "tar without an end", entry("a/b.jpg", body=b"x")
    yield "tar.gz bomb", gzip.compress(tar(entry("a/b.jpg", body=bytes(11 * 10**6))), 1)
    yield "RAR", b"Rar!\x1a\x07\x01\x00" + bytes(100)
    yield "7z", b"7z\xbc\xaf\x27\x1c" + bytes(100)
