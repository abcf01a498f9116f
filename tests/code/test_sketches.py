"""What the search for copies keeps of a photo: small, of any picture, and the same from the disk."""

from pathlib import Path

import numpy as np
from pictures import drawn, plain

from sortline.data.copies import Sketch, Sketches, sketch
from sortline.data.copies.sketch import HASH


def test_sketches_come_back_from_the_disk_as_they_were():
    images = [drawn(0), plain(7, (1, 1)), drawn(1, 90, 400), plain(3)]
    with Sketches(4) as kept:
        assert len(kept) == 4
        for number, image in enumerate(images):
            kept[number] = sketch(image)
        for number, image in enumerate(images):
            one, other = kept[number], sketch(image)
            for name in ("points", "descriptors", "picture", "bits"):
                found, expected = np.asarray(getattr(one, name)), getattr(other, name)
                assert found.dtype == expected.dtype and np.array_equal(found, expected), name
        folder = Path(kept._folder.name)
        assert folder.is_dir()
    assert not folder.exists()


def test_a_sketch_is_small_and_of_any_picture():
    for image in (drawn(0, 4000, 3000), drawn(1, 40, 30), plain(9), plain(9, (1, 1)), plain(9, (3000, 2))):
        one = sketch(image)
        assert isinstance(one, Sketch)
        assert len(one.points) == len(one.descriptors) <= 256
        assert max(one.picture.shape) <= 128
        assert one.bits.shape == (HASH * HASH,)
