"""Malformed files of every format: refused in one line or read as they are; never a traceback, a hang, a crash, or
anything else than what the file holds."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from malformed.table import FORMATS, OUTCOMES, row, run

pytestmark = pytest.mark.slow  # more than 1,500 files in twelve processes

PAGE = Path(__file__).parents[2] / "docs/malformed-inputs.md"
OUTCOME_COLUMNS = "refused in a line | read as the good file | read as it stands | wrong | traceback | hang | crash"
HEAD = f"| format | inputs | {OUTCOME_COLUMNS} |"


@pytest.fixture(scope="module")
def found():
    with ThreadPoolExecutor(2) as pool:
        return dict(zip(FORMATS, pool.map(run, FORMATS), strict=True))


@pytest.mark.parametrize("name", FORMATS)
def test_the_good_files_are_read(name, tmp_path):
    """Else the malformed ones would be refused for something else."""
    for content in FORMATS[name].examples().values():
        (tmp_path / FORMATS[name].file).write_bytes(content)
        assert FORMATS[name].read(tmp_path / FORMATS[name].file)


@pytest.mark.parametrize("name", FORMATS)
def test_every_malformed_file_is_a_line_or_read_as_it_is(found, name):
    assert len(found[name]) > 50
    bad = {what: came for what, came in found[name].items() if came not in OUTCOMES[:3]}
    assert not bad


def test_the_page_has_these_counts(found):
    text = PAGE.read_text(encoding="utf-8")
    assert HEAD in text
    # Other processors and versions decode some damaged pictures further than others; what they come to is above.
    rows = {line.split("|")[1].strip(): line for line in re.findall(r"^\| .*\|$", text, re.MULTILINE)}
    for name in FORMATS:
        assert rows[name].split("|")[2] == row(name, found[name]).split("|")[2], name
        assert rows[name].replace(" ", "").endswith("|0|0|0|0|")
    total = sum(map(len, found.values()))
    assert total >= 500 and f"{total:,} malformed files" in text
