"""Kills at random moments, of the stage, of DVC, of both: `sortline run` alone makes everything right again."""

import os

import pytest
from kill_sweep import TARGETS, sweep

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name != "posix", reason="SIGKILL of a process group is POSIX's")]


def test_after_kills_of_every_kind_the_line_makes_itself_right(project):
    found = sweep(project, kills=8, seed=0, longest=5)
    assert len(found) == 8 and all(kill.right for kill in found), found
    assert {kill.target for kill in found} == set(TARGETS)
    assert {kill.stage for kill in found} == set(project.stages())
