"""Unpacking: the same files out as went in, and nothing else, whatever the archive says."""

import hashlib
import io
import random
import stat
import tarfile
import zipfile
from pathlib import PurePosixPath

import pytest

from sortline._core.errors import UserError
from sortline.data.layout import below_wrappers, photo_paths
from sortline.data.sources import unpack as unpacking
from sortline.data.sources.unpack import unpack

FILES = {"train/00_00/一.jpg": b"one", "train/00_01/b.jpg": b"two" * 1000, "val/00_00/c.jpg": b""}


def everything(paths):
    return {path: path for path in paths}


def make_zip(path, files, compression=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def tar_entry(name, kind=tarfile.REGTYPE, size=0, link=""):
    info = tarfile.TarInfo(name)
    info.type, info.size, info.linkname = kind, size, link
    return info


def make_tar(path, files, mode="w:gz"):
    with tarfile.open(path, mode) as archive:
        for name, content in files.items():
            archive.addfile(tar_entry(name, size=len(content)), io.BytesIO(content))
    return path


def raw_zip(path, name: bytes, flag=0, content=b"x"):
    """A zip whose only member has exactly these bytes as its name (zipfile itself would not write them)."""
    stand_in = "n" * len(name)
    make_zip(path, {stand_in: content}, zipfile.ZIP_STORED)
    raw = path.read_bytes().replace(stand_in.encode(), name)
    local, central = raw.index(b"PK\x03\x04"), raw.index(b"PK\x01\x02")
    raw = bytearray(raw)
    for place in (local + 6, central + 8):
        raw[place : place + 2] = flag.to_bytes(2, "little")
    path.write_bytes(raw)
    return path


def tree(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("mode", ["zip", "w", "w:gz", "w:bz2", "w:xz"])
def test_what_went_in_comes_out_with_its_hashes(tmp_path, mode):
    path = tmp_path / "a.bin"
    archive = make_zip(path, FILES) if mode == "zip" else make_tar(path, FILES, mode)
    hashes = unpack(archive, tmp_path / "out", everything)
    assert tree(tmp_path / "out") == FILES
    assert hashes == {name: hashlib.sha256(content).hexdigest() for name, content in FILES.items()}


def test_only_the_chosen_members_are_written_and_where_the_chooser_says(tmp_path):
    archive = make_zip(tmp_path / "a.zip", FILES | {"notes/readme.txt": b"no"})
    unpack(archive, tmp_path / "out", lambda paths: {path: PurePosixPath("new") / path for path in paths[:1]})
    assert tree(tmp_path / "out") == {"new/train/00_00/一.jpg": b"one"}


BAD_NAMES = [
    "../evil.jpg",
    "a/../../evil.jpg",
    "/etc/evil.jpg",
    "..\\evil.jpg",
    "C:\\evil.jpg",
    "C:evil.jpg",
    "a.jpg:stream",
    "a\nb.jpg",
]


@pytest.mark.parametrize("name", BAD_NAMES)
@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_a_member_outside_refuses_the_whole_archive(tmp_path, make, name):
    archive = make(tmp_path / "a.bin", FILES | {name: b"evil"})
    # Even where the member is not among the chosen ones.
    with pytest.raises(UserError, match="a.bin: member .* outside"):
        unpack(archive, tmp_path / "out", lambda paths: {path: path for path in paths[:3]})
    assert not (tmp_path / "out").exists()
    assert list(tmp_path.rglob("evil*")) == []


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_in_a_tar_are_refused(tmp_path, kind):
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        archive.addfile(tar_entry("train/link", kind, link="/etc/passwd"))
    with pytest.raises(UserError, match="a link or a device"):
        unpack(tmp_path / "a.tar", tmp_path / "out", everything)
    assert unpack(tmp_path / "a.tar", tmp_path / "out", lambda paths: {}) == {}


def test_a_link_in_a_zip_is_refused(tmp_path):
    info = zipfile.ZipInfo("train/link.jpg")
    info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(info, "/etc/passwd")
    with pytest.raises(UserError, match="a link or a device"):
        unpack(tmp_path / "a.zip", tmp_path / "out", everything)


@pytest.mark.parametrize("make", [make_zip, make_tar])
@pytest.mark.parametrize(
    ("name", "limit", "words"),
    [
        ("MAX_MEMBERS", 2, "more than 2 members"),
        ("MAX_FILE_BYTES", 2_000_000, "'bomb' goes beyond the limit of 2 MB"),
        ("UNPACKED", 2_000, "more than 2 MB"),
    ],
)
def test_bombs_are_stopped(tmp_path, monkeypatch, make, name, limit, words):
    monkeypatch.setattr(unpacking, name, limit)
    archive = make(tmp_path / "a.bin", {"small": b"1", "other": b"2", "bomb": bytes(5_000_000)})
    assert archive.stat().st_size < 20_000
    with pytest.raises(UserError, match=words):
        unpack(archive, tmp_path / "out", everything, 1000 * unpacking.UNPACKED)
    assert sum(path.stat().st_size for path in (tmp_path / "out").rglob("*") if path.is_file()) <= 2_000_000


def test_a_zip_that_lies_about_a_size_gives_no_more_than_it_claims(tmp_path):
    archive = make_zip(tmp_path / "a.zip", {"bomb": bytes(5_000_000)})
    raw = archive.read_bytes().replace((5_000_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    archive.write_bytes(raw)
    with pytest.raises(UserError, match="a.zip: broken"):
        unpack(archive, tmp_path / "out", everything, 1000)


@pytest.mark.parametrize(
    ("name", "flag", "read"),
    [
        ("训练/塑料瓶.jpg".encode(), 0x800, "训练/塑料瓶.jpg"),
        # These bytes would also be valid GBK.
        ("垃圾分类.jpg".encode(), 0, "垃圾分类.jpg"),
        ("训练/塑料瓶.jpg".encode("gbk"), 0, "训练/塑料瓶.jpg"),
        # The second byte of this character in GBK is a backslash.
        ("乗/乗.jpg".encode("gbk"), 0, "乗/乗.jpg"),
        (b"train\\a.jpg", 0, "train/a.jpg"),
        (b"caf\x82.jpg", 0, "café.jpg"),
    ],
)
def test_zip_names_of_either_encoding(tmp_path, name, flag, read):
    unpack(raw_zip(tmp_path / "a.zip", name, flag), tmp_path / "out", everything)
    assert tree(tmp_path / "out") == {read: b"x"}


def test_tar_names_in_gbk(tmp_path):
    with tarfile.open(tmp_path / "a.tar", "w", format=tarfile.GNU_FORMAT, encoding="gbk") as archive:
        archive.addfile(tar_entry("垃圾/瓶.jpg"), io.BytesIO())
    assert list(unpack(tmp_path / "a.tar", tmp_path / "out", everything)) == ["垃圾/瓶.jpg"]


def test_encrypted_members_are_named(tmp_path):
    archive = raw_zip(tmp_path / "a.zip", b"secret.jpg", flag=1)
    with pytest.raises(UserError, match=r"'secret\.jpg' is encrypted"):
        unpack(archive, tmp_path / "out", everything)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_member_given_twice_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.jpg", "first")
        archive.writestr("a.jpg", "second")
    with pytest.raises(UserError, match=r"holds 'a\.jpg' twice"):
        unpack(tmp_path / "a.zip", tmp_path / "out", everything)


@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_cut_or_altered_archives_are_one_line_or_intact(tmp_path, make):
    """Whatever byte is lost or changed: a `UserError`, or names and contents that pass the archive's own checks."""
    whole = make(tmp_path / "a.bin", FILES).read_bytes()
    dice = random.Random(1)
    damaged = [whole[: dice.randrange(len(whole))] for _ in range(60)]
    for _ in range(200):
        copy = bytearray(whole)
        copy[dice.randrange(len(copy))] = dice.randrange(256)
        damaged.append(bytes(copy))
    refused = 0
    for number, content in enumerate(damaged):
        (tmp_path / "b.bin").write_bytes(content)
        try:
            unpack(tmp_path / "b.bin", tmp_path / "out" / str(number), everything)
        except UserError as error:
            refused += 1
            assert "\n" not in str(error)
    assert refused > 60


def test_not_an_archive(tmp_path):
    (tmp_path / "a.zip").write_text("<html>please log in</html>")
    with pytest.raises(UserError, match="a.zip: broken or not a zip or tar archive"):
        unpack(tmp_path / "a.zip", tmp_path / "out", everything)


def paths(*names):
    return [PurePosixPath(name) for name in names]


@pytest.mark.parametrize(
    ("names", "inside", "found"),
    [
        (
            ["repo-9cdb/ori_data/train/a/1.jpg", "repo-9cdb/src/x.py", "repo-9cdb/ori_data/val/a/2.jpg"],
            "ori_data",
            ["train/a/1.jpg", "val/a/2.jpg"],
        ),
        (["ori_data/train/a/1.jpg", "b/2.jpg"], "ori_data", ["train/a/1.jpg"]),
        (["w/x/y/z/1.jpg", "w/readme.txt"], "y/z", ["1.jpg"]),
        (
            ["data_en/train/a/1.jpg", "data_en/test/a/2.jpg", "__MACOSX/data_en/._1"],
            "",
            ["train/a/1.jpg", "test/a/2.jpg"],
        ),
        (["train/a/1.jpg", "train/b/2.jpg"], "", ["train/a/1.jpg", "train/b/2.jpg"]),
        (["a/1.jpg", "b/2.jpg"], "", ["a/1.jpg", "b/2.jpg"]),
    ],
)
def test_wrappers_are_looked_through(names, inside, found):
    assert [path.as_posix() for path in below_wrappers(paths(*names), inside).values()] == found


def test_a_missing_inside_folder_says_what_is_there():
    with pytest.raises(UserError, match="no folder 'ori_data' in it; there is: data, src"):
        below_wrappers(paths("repo/src/x.py", "repo/data/y"), "ori_data")
    with pytest.raises(UserError, match="no folder at all"):
        below_wrappers(paths("x.py"), "ori_data")


@pytest.mark.parametrize(
    ("names", "kept"),
    [
        (
            ["train/a/1.jpg", "val/a/2.JPG", "label.txt", "train/.DS_Store", "train/a/Thumbs.db", "train/a/note.txt"],
            {"train/a/1.jpg", "val/a/2.JPG", "train/a/note.txt"},
        ),
        (["Train/a/1.jpg", "Validation/a/2.jpg", "other/a/3.jpg"], {"train/a/1.jpg", "validation/a/2.jpg"}),
        (["a/1.png", "b/c/2.png", "3.png", ".git/4.png"], {"a/1.png", "b/c/2.png"}),
    ],
)
def test_photos_are_those_in_class_folders(names, kept):
    assert {path.as_posix() for path in photo_paths(paths(*names)).values()} == kept


@pytest.mark.parametrize("names", [[], ["1.jpg"], ["a/1.txt"], ["train/1.jpg", "train/a/note.txt"]])
def test_no_photos_is_an_error(names):
    with pytest.raises(UserError, match="expected class folders"):
        photo_paths(paths(*names))
