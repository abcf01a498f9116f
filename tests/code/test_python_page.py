"""docs/python.md and its notebook: what they show is what happens; what `import sortline` costs and offers."""

import doctest
import json
import subprocess
import sys
from pathlib import Path

import pytest

import sortline

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "docs/python.ipynb"


@pytest.mark.slow  # it loads MindSpore and extracts twice
def test_every_example_of_the_page_gives_what_it_says(monkeypatch):
    monkeypatch.chdir(ROOT)
    failed, tried = doctest.testfile(str(ROOT / "docs/python.md"), module_relative=False, encoding="utf-8")
    assert tried > 20 and failed == 0


@pytest.mark.slow
def test_the_notebook_runs():
    """Its cells one after the other in a new process, as nothing in them is IPython's own."""
    cells = [cell for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]
    source = "\n".join("".join(cell["source"]) for cell in cells)
    done = subprocess.run([sys.executable, "-c", source], cwd=ROOT / "docs", capture_output=True, text=True)
    assert done.returncode == 0 and "of 36" in done.stdout, done.stderr


def test_the_notebook_holds_no_outputs():
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    assert [cell["outputs"] for cell in cells if cell["cell_type"] == "code" and cell["outputs"]] == []


def test_importing_loads_nothing_but_the_standard_library():
    """It takes a tenth of a second: what is large loads where it is used."""
    code = "import sys; before = {*sys.modules}; import sortline; print(*{*sys.modules} - before)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "sortline" in loaded
    assert {name.split(".")[0] for name in loaded} - {*sys.stdlib_module_names} == {"sortline"}


def test_every_name_that_it_offers_is_there_and_no_other():
    assert set(dir(sortline)) == set(sortline.__all__)
    for name in sortline.__all__:
        assert getattr(sortline, name).__doc__ or name == "__version__"
    with pytest.raises(AttributeError, match="nothing"):
        _ = sortline.nothing


def test_it_is_typed():
    assert (Path(sortline.__file__).with_name("py.typed")).is_file()
