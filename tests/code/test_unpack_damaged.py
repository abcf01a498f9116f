"""Damaged and hostile archives: all that went in, or one line; and no header takes time or memory that has no end."""

import gzip
import io
import tarfile
import time

import pytest
from test_unpack import FILES, everything, make_tar, make_zip, tar_entry

from sortline._core.errors import UserError
from sortline.data.sources.unpack import unpack

END = bytes(2 * tarfile.BLOCKSIZE)


def refusal(archive, tmp_path):
    with pytest.raises(UserError) as caught:
        unpack(archive, tmp_path / "out", everything, 10**7)
    assert str(archive) in str(caught.value) and "\n" not in str(caught.value) and len(str(caught.value)) < 500
    return str(caught.value)


def test_a_tar_gz_whose_checksum_fails_is_refused(tmp_path):
    archive = make_tar(tmp_path / "a.tar.gz", FILES)
    content = bytearray(archive.read_bytes())
    content[-8] ^= 1  # of the CRC, which comes after all the members
    archive.write_bytes(content)
    assert "CRC" in refusal(archive, tmp_path)


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_a_tar_that_was_cut_anywhere_is_refused(tmp_path, mode):
    archive = make_tar(tmp_path / "a.bin", FILES, mode)
    content = archive.read_bytes()
    # Of a plain tar the last 10 KB are zeros, of which some may go.
    length = len(content) if mode != "w" else len(content.rstrip(b"\0"))
    for end in sorted({*range(1, length, max(1, length // 40)), length - 1} | set(range(512, length, 512))):
        archive.write_bytes(content[:end])
        refusal(archive, tmp_path)


def test_a_damaged_header_among_the_members_is_refused(tmp_path):
    archive = make_tar(tmp_path / "a.tar", {name: b"x" for name in "abc"}, "w")
    content = bytearray(archive.read_bytes())
    content[1024 + 150] ^= 1  # the second's checksum; tarfile takes it for the end
    archive.write_bytes(content)
    assert "members are missing" in refusal(archive, tmp_path)


def header(kind, body, size=None):
    info = tar_entry("././@x", kind, len(body) if size is None else size)
    return info.tobuf(tarfile.GNU_FORMAT) + body + bytes(-len(body) % tarfile.BLOCKSIZE)


ENDLESS = {
    "digits": (header(tarfile.XHDTYPE, b"1" * 60_000) + END, "digits"),  # tarfile alone takes 5 s, of 1 MB 20 minutes
    "more digits": (header(tarfile.XHDTYPE, b"1" * 600 + b" path=x\n") + END, "digits"),
    "3 GB": (header(tarfile.XHDTYPE, b"", 3 * 10**9), "64 KB"),  # of memory
    "long name": (header(tarfile.GNUTYPE_LONGNAME, b"n" * 10**6) + END, "64 KB"),
    "backwards": (header(tarfile.XHDTYPE, b"14 size=-1024\n") + header(tarfile.REGTYPE, b"") + END, "less than no"),
    "backwards too": (header(tarfile.REGTYPE, b"a", -512) + END, "less than no"),
    "nested": (header(tarfile.XHDTYPE, b"11 path=ab\n") * 3000 + END, "broken"),  # tarfile calls itself for each
}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("kind", ENDLESS)
def test_headers_without_end_are_refused_at_once(tmp_path, kind, packed):
    archive, (content, said) = tmp_path / "a.tar", ENDLESS[kind]
    archive.write_bytes(gzip.compress(content) if packed else content)
    start = time.perf_counter()
    assert said in refusal(archive, tmp_path)
    assert time.perf_counter() - start < 5  # in fact a few hundredths


@pytest.mark.parametrize("name", ["d/" * 1500 + "a.jpg", "n" * 5000 + "/a.jpg"], ids=["deep", "long"])
def test_paths_that_no_folder_of_photos_has_are_refused(tmp_path, name):
    for archive in (make_zip(tmp_path / "a.zip", {name: b"x"}), make_tar(tmp_path / "a.tar", {name: b"x"})):
        assert "50 folders deep" in refusal(archive, tmp_path)


def test_a_tar_that_goes_on_after_its_end_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("sortline.data.sources.unpack.MAX_PADDING", 10**6)
    stream = io.BytesIO()
    with gzip.open(stream, "wb") as packed:
        packed.write(header(tarfile.REGTYPE, b"") + END + bytes(10**6 + 1))
    (tmp_path / "a.tar.gz").write_bytes(stream.getvalue())
    assert "after its last member" in refusal(tmp_path / "a.tar.gz", tmp_path)


@pytest.mark.parametrize(("make", "name"), [(make_zip, "."), (make_tar, "."), (make_tar, "")])
def test_a_file_without_a_name_is_refused(tmp_path, make, name):  # found by the fuzzer
    assert "without a name" in refusal(make(tmp_path / "a.bin", {name: b"x"}), tmp_path)


def test_the_folder_that_a_tar_was_made_of_may_be_in_it(tmp_path):
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        archive.addfile(tar_entry("./", tarfile.DIRTYPE))
        archive.addfile(tar_entry("./a/b.jpg", size=1), io.BytesIO(b"x"))
    assert list(unpack(tmp_path / "a.tar", tmp_path / "out", everything, 10**7)) == ["a/b.jpg"]
