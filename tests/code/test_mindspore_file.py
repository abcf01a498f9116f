"""Our reader of .ckpt files: what MindSpore writes is read as MindSpore reads it, anything else refused in a line."""

import mindspore
import numpy as np
import pytest
from mindspore.train.checkpoint_pb2 import Checkpoint

from sortline._core.errors import UserError
from sortline.backbones import mindspore_file

pytestmark = pytest.mark.usefixtures("pynative_mode")

FLOATS = np.arange(6, dtype=np.float32).reshape(2, 3)


def checkpoint(path, *values):
    """Write (name, type, dims, content) each as a value of a checkpoint."""
    message = Checkpoint()
    for name, kind, dims, content in values:
        value = message.value.add(tag=name)
        value.tensor.dims.extend(dims)
        value.tensor.tensor_type = kind
        value.tensor.tensor_content = content
    path.write_bytes(message.SerializeToString())
    return path


@pytest.mark.parametrize("crc", [False, True])
def test_it_reads_what_mindspore_writes(tmp_path, crc):
    random = np.random.default_rng(0)
    kinds = (np.float16, np.float32, np.float64, np.int8, np.uint8, np.int16, np.int32, np.int64, np.bool_)
    arrays = {np.dtype(kind).name: (random.normal(size=(3, 2, 5)) * 9).astype(kind) for kind in kinds}
    arrays |= {"number": np.array(0.5, np.float32), "one": np.ones(1, np.int32)}
    saved = [{"name": name, "data": mindspore.Tensor(array)} for name, array in arrays.items()]
    halves = mindspore.Tensor([1.5, -2.0], mindspore.bfloat16)
    path = tmp_path / "a.ckpt"
    mindspore.save_checkpoint(
        [*saved, {"name": "half", "data": halves}], str(path), append_dict={"note": "x"}, crc_check=crc
    )
    found = mindspore_file.read(path)
    assert found.keys() == {*arrays, "half"}
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype and found[name].shape == array.shape
        assert np.array_equal(found[name], array)
    assert found["half"].tolist() == [1.5, -2.0]
    if crc:
        content = bytearray(path.read_bytes())
        content[40] ^= 1
        path.write_bytes(content)
        with pytest.raises(UserError, match="checksum"):
            mindspore_file.read(path)


def test_a_tensor_in_several_parts_is_one(tmp_path):
    content = FLOATS.tobytes()
    parts = [("a", "Float32", (2, 3), content[:8]), ("a", "Float32", (2, 3), content[8:])]
    assert np.array_equal(mindspore_file.read(checkpoint(tmp_path / "a.ckpt", *parts))["a"], FLOATS)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([("a", "Float32", (4,), b"A" * 4_000_000)], "4,000,000 bytes"),  # MindSpore writes these beyond its memory
        ([("a", "Float32", (2**40,), b"A" * 16)], "16 bytes"),  # and these it would fill up with zeros
        ([("a", "Float32", (-4,), b"A" * 16)], "16 bytes"),
        ([("a", "Float32", (-1, -4), b"A" * 16)], "16 bytes"),
        ([("a", "Float32", (2**62, 2**62, 0), b"A")], "1 bytes"),
        ([("a", "Float32", (), b"")], "0 bytes"),
        ([("a", "Int4", (2,), b"A")], "Int4"),
        ([("a", "Float32", (2,), b"A" * 4), ("a", "Float64", (2,), b"A" * 12)], "several"),
        ([(name, "Float32", (1,), b"A" * 4) for name in "aba"], "'a' is in it twice"),
        ([], "without any tensor"),
        ([("a", "str", (1,), b"A" * 4)], "without any tensor"),
    ],
)
def test_sizes_and_types_that_do_not_agree_are_one_line(tmp_path, values, said):
    path = checkpoint(tmp_path / "a.ckpt", *values)
    with pytest.raises(UserError, match=said) as caught:
        mindspore_file.read(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)
