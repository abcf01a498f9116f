"""Arrays on the disk: their room is taken at once, so that a disk that fills up is an error and not the end."""

import errno
import os

import numpy as np
import pytest

from sortline._core.arrays import on_disk

pytestmark = pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="no posix_fallocate on this system")


def test_the_room_is_taken_before_anything_is_written(tmp_path):
    array = on_disk(tmp_path / "a.npy", np.float32, (1000, 1000))
    taken = (tmp_path / "a.npy").stat().st_blocks * 512
    assert taken >= 4_000_000
    array[:] = 7
    del array
    assert (np.load(tmp_path / "a.npy") == 7).all()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EFBIG, errno.EDQUOT, errno.EOPNOTSUPP, errno.EINVAL])
def test_no_room_is_an_error_and_a_file_system_that_cannot_say_is_none(tmp_path, monkeypatch, number):
    def refuse(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "posix_fallocate", refuse)
    if number in (errno.EOPNOTSUPP, errno.EINVAL):
        assert on_disk(tmp_path / "a.npy", np.uint8, (3,)).shape == (3,)
    else:
        with pytest.raises(OSError) as caught:
            on_disk(tmp_path / "a.npy", np.uint8, (3,))
        assert caught.value.errno == number
