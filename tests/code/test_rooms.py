"""The house: rooms in an order, imports one way, no cycle, MindSpore only where nets are built and trained."""

import graphlib
import subprocess
import sys
from pathlib import Path

import pytest
from imports import imported

SOURCE = Path(__file__).parents[2] / "src"
# A module imports from its own room and from those before it.
ROOMS = (
    "_core", "config", "data", "backbones", "features", "training", "nets", "predictor", "evaluation", "report",
    "export", "library", "server", "review", "cli",
)  # fmt: skip
# The rooms that must work without MindSpore; the files of _core are the ones that know it.
WITHOUT_MINDSPORE = ("_core", "config", "data", "predictor", "evaluation", "report")
KNOW_MINDSPORE = {"sortline._core.runtime", "sortline._core.graphs", "sortline._core.workers"}
ON_DEMAND = KNOW_MINDSPORE - {"sortline._core.graphs"}  # they load it when they are asked to use it
MAX_ENTRIES = 18  # the package and what lies in it, as `find src/sortline -maxdepth 1` counts
MAX_LINES = 300


def module(path: Path) -> str:
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {module(path): path for path in (SOURCE / "sortline").rglob("*.py")}
IMPORTS = {name: imported(path) for name, path in FILES.items()}
# What is imported from a package may be a module of it.
PARTS = {
    (name, part if part in FILES else part.rpartition(".")[0]) for name, parts in IMPORTS.items() for part in parts
}
EDGES = {(name, other) for name, other in PARTS if other in FILES}


def room(name: str) -> str:
    return name.split(".")[1] if "." in name else ""


def test_every_module_is_in_a_room():
    assert {room(name) for name in FILES} - {""} == set(ROOMS)


def test_imports_run_one_way_through_the_rooms():
    rank = {name: place for place, name in enumerate(("", *ROOMS))}
    # The package itself sets the instruction set before anything else can import MindSpore.
    against = {(name, other) for name, other in EDGES if name != "sortline" and rank[room(other)] > rank[room(name)]}
    assert against == set()


def test_no_cycle_between_modules():
    graph = {name: {other for one, other in EDGES if one == name} for name in FILES}
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        pytest.fail(f"a cycle: {' -> '.join(error.args[1])}")


def test_some_rooms_never_reach_mindspore():
    names_it = {name for name, names in IMPORTS.items() if any(other.split(".")[0] == "mindspore" for other in names)}
    assert names_it >= KNOW_MINDSPORE, "the test looks for it in the wrong way"
    rooms = {name for name in FILES if room(name) in WITHOUT_MINDSPORE} - KNOW_MINDSPORE
    reach = {name for name in rooms if (reachable(name) - ON_DEMAND) & names_it}
    assert reach == set()


def reachable(name: str) -> set[str]:
    found, waiting = {name}, [name]
    while waiting:
        one = waiting.pop()
        new = {other for start, other in EDGES if start == one} - found
        found |= new
        waiting += new
    return found


def test_importing_the_rooms_without_mindspore_does_not_load_it():
    rooms = {name for name in FILES if room(name) in WITHOUT_MINDSPORE}
    names = sorted(rooms - KNOW_MINDSPORE)
    code = f"import importlib, sys\nfor name in {names}: importlib.import_module(name)\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "sortline.data.audit" in done.stdout.split() and "mindspore" not in done.stdout.split()


def test_the_house_is_no_heap():
    entries = [path for path in (SOURCE / "sortline").iterdir() if path.name != "__pycache__"]
    assert 1 + len(entries) <= MAX_ENTRIES, sorted(path.name for path in entries)


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_file_is_of_a_size_that_can_be_read(name):
    assert len(FILES[name].read_text(encoding="utf-8").splitlines()) <= MAX_LINES
