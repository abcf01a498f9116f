"""Weights that PyTorch saved, read without running anything: what is read, and what is refused."""

import io
import os
import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
from torch_file import Call, Global, saved, tensor, zipped

from sortline._core.errors import UserError
from sortline.backbones import pytorch_file

NUMBERS = np.arange(24, dtype=np.float32)


def read(tmp_path, content: bytes) -> dict[str, np.ndarray]:
    (tmp_path / "weights.pth").write_bytes(content)
    return pytorch_file.read(tmp_path / "weights.pth")


@pytest.mark.parametrize("form", [saved, zipped])
def test_tensors_of_any_order_in_memory(tmp_path, form):
    counts = np.array([7], np.int64)
    whole = form(
        {
            "plain": tensor("1", NUMBERS, 0, (2, 3, 4), (12, 4, 1)),
            "turned": tensor("1", NUMBERS, 0, (4, 3, 2), (1, 4, 12)),
            "part": tensor("1", NUMBERS, 5, (3,), (2,)),
            "number": tensor("2", counts, 0, (), ()),
        },
        {"1": NUMBERS, "2": counts},
    )
    found = read(tmp_path, whole)
    assert np.array_equal(found["plain"], NUMBERS.reshape(2, 3, 4))
    assert np.array_equal(found["turned"], NUMBERS.reshape(2, 3, 4).transpose(2, 1, 0))
    assert np.array_equal(found["part"], [5, 7, 9])
    assert found["number"] == 7 and found["number"].dtype == np.int64
    assert all(array.flags.c_contiguous for array in found.values())


def test_what_pytorch_itself_saved():
    """tests/golden/make_state_dict.py, by PyTorch 2.13: as it is, and as an entry of a training's checkpoint."""
    for name in ("state_dict.pth", "checkpoint.pth"):
        found = pytorch_file.read(Path(__file__).parents[1] / "golden" / name)
        assert list(found) == ["turned", "counts", "half"]
        assert np.array_equal(found["turned"], np.arange(12, dtype=np.float32).reshape(3, 4).T)
        assert np.array_equal(found["counts"], np.arange(5)) and found["counts"].dtype == np.int64
        assert np.array_equal(found["half"], np.array([0.5, 1.5], np.float16)) and found["half"].dtype == np.float16


@pytest.mark.parametrize("packing", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2])
def test_a_compressed_zip_is_refused(tmp_path, packing):
    one = tensor("1", NUMBERS, 0, (24,), (1,))
    with pytest.raises(UserError, match="compressed"):
        read(tmp_path, zipped({"w": one}, {"1": NUMBERS}, packing))


@pytest.mark.parametrize(
    ("tensors", "storages"),
    [
        ({"w": tensor("1", NUMBERS, 0, (24,), (1,))}, {"1": NUMBERS[:-1]}),
        ({"w": tensor("1", NUMBERS, 0, (24,), (1,))}, {"2": NUMBERS}),
        ({"w": tensor("1", NUMBERS, 0, (1000, 1000), (0, 0))}, {"1": NUMBERS}),
        ({"epoch": 3, "w": tensor("1", NUMBERS, 0, (24,), (1,))}, {"1": NUMBERS}),
    ],
    ids=["numbers missing", "no numbers", "much of little", "more than tensors"],
)
def test_a_zip_that_is_not_whole_is_refused(tmp_path, tensors, storages):
    with pytest.raises(UserError, match="^weights.pth: not weights saved by PyTorch"):
        read(tmp_path, zipped(tensors, storages))


def test_a_call_hidden_in_a_zip_is_refused_and_never_made(tmp_path):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({"w": Payload(tmp_path / "executed")}))
    with pytest.raises(UserError, match="no tensor"):
        read(tmp_path, stream.getvalue())
    assert not (tmp_path / "executed").exists()


class Payload:
    def __init__(self, marker) -> None:
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (str(self.marker),)


@pytest.mark.parametrize("place", ["head", "tensors", "inside", "keys"])
def test_a_call_hidden_in_the_file_is_refused_and_never_made(tmp_path, place):
    payload = Payload(tmp_path / "executed")
    heads = [pytorch_file.MAGIC, 1001, {"little_endian": True}, OrderedDict(), []]
    if place == "inside":
        heads[3]["w"] = payload
    else:
        heads[{"head": 0, "tensors": 3, "keys": 4}[place]] = payload
    with pytest.raises(UserError, match="no tensor") as caught:
        read(tmp_path, b"".join(map(pickle.dumps, heads)))
    assert "mkdir" in str(caught.value)
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize(
    "one",
    [
        tensor("1", NUMBERS, 0, (5, 5), (5, 1)),
        tensor("1", NUMBERS, 20, (5,), (1,)),
        tensor("1", NUMBERS, 0, (1000, 1000), (0, 0)),
        tensor("1", NUMBERS, -1, (2,), (1,)),
        tensor("1", NUMBERS, 23, (2,), (-1,)),
        tensor("1", NUMBERS, 0, (2,), (1,), name="_rebuild_parameter"),
    ],
    ids=["too large", "past the end", "much of little", "before the start", "backwards", "no tensor"],
)
def test_a_tensor_that_reaches_out_of_its_numbers_is_refused(tmp_path, one):
    with pytest.raises(UserError, match="not weights saved by PyTorch"):
        read(tmp_path, saved({"w": one}, {"1": NUMBERS}))


WHOLE = saved({"w": tensor("1", NUMBERS, 0, (24,), (1,))}, {"1": NUMBERS})


@pytest.mark.parametrize(
    "content",
    [b"", b"PK\x03\x04zip of a newer PyTorch", b"<html>404</html>", np.random.default_rng(0).bytes(3000),
     *(WHOLE[:end] for end in range(1, len(WHOLE), 29)), saved({}, {}, magic=5)],
)  # fmt: skip
def test_what_is_no_such_file_is_one_line(tmp_path, content):
    with pytest.raises(UserError, match="^weights.pth: not weights saved by PyTorch") as caught:
        read(tmp_path, content)
    assert "\n" not in str(caught.value)


def test_a_place_in_memory_that_no_pickle_has_is_refused(tmp_path):
    """Python would make room for all places up to it, here for 16 GB."""
    with pytest.raises(UserError, match="a place that it cannot have"):
        read(tmp_path, b"\x80\x02]r\xff\xff\xff\x7f.")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (saved({f"w{i}": tensor("1", NUMBERS, 0, (24,), (1,)) for i in range(17)}, {"1": NUMBERS}), "than in the file"),
        (saved({kind: tensor("1", NUMBERS.astype(kind), 0, (2,), (1,)) for kind in ("float32", "int64")},
               {"1": NUMBERS.astype("int64")}), "two types"),
        (zipped({"w": tensor("1", np.empty(10**6, np.float32), 0, (2,), (1,))}, {"1": NUMBERS}), "than the file has"),
        (saved({"w": Call(Global("collections", "OrderedDict"), [("a", 1)])}, {"1": NUMBERS}), "argument"),
        (saved({"w": tensor("1", NUMBERS, 0, (2,), ((1,),))}, {"1": NUMBERS}), "more than tensors"),
        (saved({5: tensor("1", NUMBERS, 0, (2,), (1,))}, {"1": NUMBERS}), "more than tensors"),
    ],
    ids=["shared by 17", "of two types", "more than the file", "a copy", "a tuple as stride", "a number as name"],
)  # fmt: skip
def test_what_would_take_more_than_the_file_has_is_refused(tmp_path, content, why):
    with pytest.raises(UserError, match=why):
        read(tmp_path, content)


@pytest.mark.parametrize("form", [saved, zipped])
def test_what_training_left_beside_the_weights_may_come_more_than_once(tmp_path, form):
    """As the betas of an optimizer's groups do."""
    betas = (0.9, 0.999)
    groups = [{"lr": 0.1, "betas": betas, "params": [number]} for number in range(300)]
    weights = OrderedDict(w=tensor("1", NUMBERS, 0, (24,), (1,)), tied=tensor("1", NUMBERS, 0, (24,), (1,)))
    found = read(tmp_path, form({"state_dict": weights, "optimizer": groups}, {"1": NUMBERS}))
    assert found.keys() == {"w", "tied"} and all(np.array_equal(one, NUMBERS) for one in found.values())
