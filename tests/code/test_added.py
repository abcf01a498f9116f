"""Photos that a person labelled go among the task's own when it is fetched."""

from pathlib import Path
from threading import Thread

import pytest
from own_photos import fill, photo

from sortline._core.errors import UserError
from sortline._core.files import sha256_file
from sortline.data import corrections, inbox
from sortline.data.added import add_labelled, labelled
from sortline.data.audit import audit_folder
from sortline.data.corrections import Decision
from sortline.data.inbox import Waiting


@pytest.fixture
def waiting(tmp_path) -> list[Waiting]:
    found = []
    for number in range(4):
        path = tmp_path / f"new{number}.png"
        photo(1000 + number).save(path)
        found.append(Waiting(sha256_file(path), path, path.name, ""))
    inbox.put(tmp_path / "inbox", found)
    return found


def add(tmp_path: Path, raw: Path, table: str | None = None) -> int:
    found = labelled(tmp_path / "toy.csv", tmp_path / "inbox")
    add_labelled(raw, found.photos, tmp_path / "toy.csv", table, tmp_path)
    return len(found.photos)


@pytest.mark.parametrize("given", [True, False])
def test_what_has_a_label_is_trained_on_and_what_has_none_is_not(tmp_path, waiting, given):
    counts = {"train/cat": 3, "train/dog": 3, "val/cat": 2, "val/dog": 2} if given else {"cat": 3, "dog": 3}
    raw = fill(tmp_path / "raw", counts)
    for one, new in zip(waiting, ("cat", "cow", "drop", "unsure"), strict=True):
        corrections.append(tmp_path / "toy.csv", Decision(one.sha256, one.name, "", new))
    assert add(tmp_path, raw) == 2
    photos = {entry.sha256: entry for entry in audit_folder(raw).photos}
    side = "train" if given else ""
    assert [(photos[one.sha256].split, photos[one.sha256].folder) for one in waiting[:2]] == [
        (side, "cat"),
        (side, "cow"),
    ]
    assert not {one.sha256 for one in waiting[2:]} & set(photos)


def test_without_a_label_nothing_is_added(tmp_path, waiting):
    raw = fill(tmp_path / "raw", {"cat": 3, "dog": 3})
    assert add(tmp_path, raw) == 0 and len(audit_folder(raw).photos) == 6


def test_a_class_that_the_table_lacks_is_refused(tmp_path, waiting):
    (tmp_path / "pets.csv").write_text("code,en\ncat,Cat\ndog,Dog\n", encoding="utf-8")
    raw = fill(tmp_path / "raw", {"cat": 3, "dog": 3})
    corrections.append(tmp_path / "toy.csv", Decision(waiting[0].sha256, "x", "", "Dog"))
    assert add(tmp_path, raw, "pets") == 1
    corrections.append(tmp_path / "toy.csv", Decision(waiting[1].sha256, "x", "", "Cow"))
    with pytest.raises(UserError, match="'Cow'"):
        add(tmp_path, raw, "pets")


@pytest.mark.parametrize(
    "name", ["../evil", "cup/mug", "cup\\mug", "C:evil", "..", ".hat", "val", "Test", "Drop", "=A(1)"]
)
def test_a_class_that_cannot_be_a_folder_of_its_own_is_refused(tmp_path, waiting, name):
    raw = fill(tmp_path / "raw", {"train/cat": 3, "train/dog": 3, "val/cat": 2, "val/dog": 2})
    corrections.append(tmp_path / "toy.csv", Decision(waiting[0].sha256, "x", "", name))
    before = {path for path in tmp_path.rglob("*")}
    with pytest.raises(UserError, match=r"toy\.csv"):
        add(tmp_path, raw)
    assert {path for path in tmp_path.rglob("*")} == before


def test_two_commands_that_put_photos_into_the_inbox_at_once_lose_none(tmp_path, waiting):
    """The second comes while the first still copies."""
    other = Thread(target=inbox.put, args=(tmp_path / "both", waiting[1:]))

    def slow():
        yield waiting[0]
        other.start()
        other.join(0.3)

    inbox.put(tmp_path / "both", slow())
    other.join()
    assert {one.sha256 for one in inbox.read(tmp_path / "both")} == {one.sha256 for one in waiting}
