"""SIGKILL in the midst of extract, train_head and train: the next run goes on, to the bytes of one left alone."""

import os

import pytest
from going_on import STAGES, make, sweep

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name != "posix", reason="SIGKILL is POSIX's")]


def test_stages_that_were_killed_go_on_and_end_the_same(new, tmp_path):
    found = sweep(make(new, tmp_path), kills=6, seed=0)
    assert {case.stage for case in found} == set(STAGES)
    assert all(case.same for case in found), found
