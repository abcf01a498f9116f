"""`sortline review TASK --apply`: when the photos are fetched again for what a person has labelled."""

import pytest
from own_photos import fill

from sortline._core.files import sha256_file, write_csv, write_json
from sortline.cli import review
from sortline.cli._shared import rerun
from sortline.data import corrections, inbox
from sortline.data.added import labelled
from sortline.data.corrections import Decision
from sortline.data.inbox import Waiting


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project whose line has run and has taken in the first of two photos of the inbox, as a cat."""
    monkeypatch.chdir(tmp_path)
    paths = sorted((fill(tmp_path / "new", {"": 2})).glob("*.png"))
    photos = [Waiting(sha256_file(path), path, path.name, "") for path in paths]
    inbox.put(tmp_path / "data/inbox/toy", photos)
    decide(photos[0], "cat")
    write_csv(tmp_path / "data/prepared/toy/images.csv", ["path", "sha256"], [["train/cat/x.png", photos[0].sha256]])
    fetched()
    return photos


def decide(photo: Waiting, new: str) -> None:
    corrections.append(rerun.paths.corrections("toy"), Decision(photo.sha256, photo.name, "", new))


def fetched() -> None:
    about = labelled(rerun.paths.corrections("toy"), rerun.paths.inbox("toy")).about
    write_json(rerun.paths.source("toy"), {"added": about} if about else {})


def test_what_was_taken_in_is_fetched_again_only_where_its_label_changed(project):
    assert rerun.from_inbox("toy") == ([], False)
    for new in ("dog", "drop", "cat"):
        decide(project[0], new)
        assert rerun.from_inbox("toy")[1]
        fetched()
        assert rerun.from_inbox("toy") == ([], False)


def test_a_new_label_is_taken_in(project):
    decide(project[1], "dog")
    (said,), changed = rerun.from_inbox("toy")
    assert changed and said.startswith("1 newly labelled")


def test_a_clone_without_the_inbox_fetches_nothing_that_would_lose_photos(project):
    project[0].file.unlink()
    (rerun.paths.inbox("toy") / f"{project[0].sha256}.png").unlink()
    assert rerun.from_inbox("toy") == ([], False)
    decide(project[1], "dog")
    (said,), changed = rerun.from_inbox("toy")
    assert not changed and "lose 1" in said


def test_what_was_not_taken_in_is_told():
    kinds = ("relabelled", "dropped", "confirmed", "unsure", "gone")
    counts = dict.fromkeys(kinds, 0) | {"not_taken_in": 7, "changed": {}, "changed_folds": {}}
    assert "7 not taken in" in rerun.told(counts)[0]


def test_a_photo_that_was_taken_in_waits_no_longer(project, monkeypatch):
    from sortline import predictor
    from sortline.review import album

    class Opened(Exception):
        pass

    def open_album(model, folder, raw, waiting):
        raise Opened([one.sha256 for one in waiting])

    write_json(rerun.paths.prepared("toy") / "classes.json", {"classes": [], "bins": [], "table": None})
    monkeypatch.setattr(predictor, "load", lambda *_: None)
    monkeypatch.setattr(album, "open_album", open_album)
    with pytest.raises(Opened) as shown:
        review.start("toy", 0)
    assert shown.value.args == ([project[1].sha256],)
