"""A disk that is full ends every stage in one line, and leaves nothing half-written. The system's limit on the size of
a file stands for it: writing fails in the same places."""

import os
import shlex
import sys

import pytest
from test_failures import the_line

pytestmark = [
    pytest.mark.skipif(os.name != "posix", reason="limits of a process are POSIX's"),
    pytest.mark.slow,  # a process a stage and size
]

STAGES = ("fetch", "weights", "prepare", "extract", "train_head", "evaluate", "diagnose", "export")
SIZES = {"at once": 100, "later": 3000}  # bytes that a file may have

RUN = """
import resource, runpy, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), int(sys.argv[1])))
sys.argv = sys.argv[2:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def test_these_are_all_stages(base):
    assert set(STAGES) == set(base.stages())


@pytest.mark.parametrize("when", SIZES)
@pytest.mark.parametrize("stage", STAGES)
def test_a_full_disk_is_one_line_and_what_there_was_stays(project, stage, when):
    whole = project.content()
    script = shlex.split(project.stages()[stage]["cmd"])[1:]
    done = project.run(sys.executable, "-c", RUN, str(SIZES[when]), *script, ok=False)
    if done.returncode == 0:  # everything it writes is smaller
        assert (stage, when) == ("weights", "later") and project.content() == whole
        return
    line = the_line(done)
    assert done.returncode == 2 and "make room and run the command again" in line, done.stdout
    assert project.content().items() <= whole.items()
    assert not list(project.root.rglob(".tmp-*"))
