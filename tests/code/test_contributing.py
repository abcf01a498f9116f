"""CONTRIBUTING.md says where a change goes: for each kind of change, and in files that are there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
KINDS = (
    "backbone", "net trained from pixels", "schedule", "optimizer", "loss", "way to train", "augmentation", "metric",
    "corruption", "source", "export format", "engine", "figure", "verb of the command line",
    "names and cards of classes",
)  # fmt: skip


def rows() -> dict[str, list[str]]:
    """Return {what to change: the paths to touch}."""
    table = TEXT.split("| to add or change | touch |")[1].split("\n\n")[0]
    cells = [line.strip("|").split("|") for line in table.splitlines()[2:]]
    return {what.strip(): re.findall(r"`([^`]*/[^`]*|[\w.]+\.(?:yaml|md))`", where) for what, where in cells}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_change_has_its_line(kind):
    assert [what for what in rows() if kind in what]


@pytest.mark.parametrize("what", rows())
def test_the_files_to_touch_are_there(what):
    paths = rows()[what]
    assert paths, "the line names no file"
    assert [path for path in paths if not (ROOT / path).is_file()] == []


def test_the_rooms_are_those_that_the_test_of_the_house_has():
    from test_rooms import ROOMS

    text = TEXT.split("holds it: ")[1].split(".")[0]
    assert tuple(re.findall(r"`(\w+)`", text)) == ROOMS


def test_the_commands_are_those_of_the_makefile():
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert {"test", "lint", "test-all", "test-web"} <= set(re.findall(r"make ([\w-]+)", TEXT)) & targets
