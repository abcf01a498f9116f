"""Heads: pooling order, logits and softmax against NumPy and SciPy, files that come back as they went."""

import json
import subprocess
import sys

import numpy as np
import pytest
import scipy.special
from safetensors.numpy import load_file, save_file

from sortline._core.errors import UserError
from sortline._core.files import read_json
from sortline.features.heads import LEARNT, POOLED, Head, load_head, pool, save_heads, softmax


def random_head(pooling="mean", classes=4, channels=6, seed=0):
    random = np.random.default_rng(seed)
    size = 2 * channels if pooling == "mean+max" else channels
    return Head(random.normal(size=(classes, size)).astype(np.float32),
                random.normal(size=classes).astype(np.float32), pooling)  # fmt: skip


@pytest.fixture
def saved(tmp_path):
    """A folder with two heads: `best` of seed 1, `last` of seed 2; the kept one is `last`."""
    folder = tmp_path / "垃圾 分类"
    folder.mkdir()
    save_heads(folder, {"best": random_head(seed=1), "last": random_head(seed=2)}, {"checkpoint": "last", "n": 3})
    return folder


def test_pooling_takes_mean_first():
    mean, maximum = np.arange(3.0), 10 + np.arange(3.0)
    pooled = np.stack((mean, maximum))
    assert pool(pooled, "mean").tolist() == [0, 1, 2]
    assert pool(pooled, "max").tolist() == [10, 11, 12]
    assert pool(pooled, "mean+max").tolist() == [0, 1, 2, 10, 11, 12]


@pytest.mark.parametrize("shape", [(2, 5), (7, 2, 5), (7, 3, 2, 5)])
def test_pooling_of_any_number_of_photos_and_views(shape):
    pooled = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    assert np.array_equal(pool(pooled, "mean"), pooled[..., 0, :])
    assert np.array_equal(pool(pooled, "max"), pooled[..., 1, :])
    assert np.array_equal(pool(pooled, "mean+max"), np.concatenate((pooled[..., 0, :], pooled[..., 1, :]), -1))
    assert {pool(pooled, pooling).dtype for pooling in POOLED} == {np.dtype(np.float32)}


def test_an_unknown_pooling_is_refused():
    with pytest.raises(ValueError):
        pool(np.zeros((2, 3)), "median")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_softmax_matches_scipy(dtype):
    logits = np.random.default_rng(1).normal(scale=5, size=(20, 3, 7)).astype(dtype)
    ours = softmax(logits)
    assert ours.dtype == np.float64 and ours.shape == logits.shape
    assert ours == pytest.approx(scipy.special.softmax(logits.astype(np.float64), axis=-1), abs=1e-7)
    assert ours.sum(-1) == pytest.approx(np.ones((20, 3)), abs=1e-12)


def test_softmax_far_out_and_in_ties():
    assert softmax(np.array([1e4, 0, -1e4], np.float32)).tolist() == [1, 0, 0]
    assert softmax(np.array([-1e30, -1e30], np.float32)).tolist() == [0.5, 0.5]
    assert softmax(np.array([3.0, 3.0, 3.0, 3.0])).tolist() == [0.25] * 4


@pytest.mark.parametrize("pooling", POOLED)
def test_logits_and_probabilities(pooling):
    head = random_head(pooling)
    pooled = np.random.default_rng(3).normal(size=(9, 2, 6)).astype(np.float32)
    seen = {"mean": pooled[:, 0], "max": pooled[:, 1], "mean+max": np.hstack((pooled[:, 0], pooled[:, 1]))}[pooling]
    expected = np.einsum("nd,cd->nc", seen.astype(np.float64), head.weight.astype(np.float64)) + head.bias
    assert head.logits(pooled).dtype == np.float32 and head.logits(pooled) == pytest.approx(expected, abs=1e-5)
    assert head.probabilities(pooled) == pytest.approx(scipy.special.softmax(expected, axis=1), abs=1e-6)


@pytest.mark.parametrize("pooling", POOLED)
def test_a_head_comes_back_as_it_went(tmp_path, pooling):
    head = random_head(pooling)
    save_heads(tmp_path, {"best": head, "last": head}, {"checkpoint": "best", "dataset": "0123"})
    back = load_head(tmp_path)
    assert np.array_equal(back.weight, head.weight) and np.array_equal(back.bias, head.bias)
    assert back.weight.dtype == back.bias.dtype == np.float32 and back.pooling == pooling
    assert read_json(tmp_path / "head.json") == {"checkpoint": "best", "dataset": "0123", "pooling": pooling,
                                                 "activation": "none", "scale": 1.0}  # fmt: skip


@pytest.mark.parametrize("pooling", LEARNT)
def test_a_head_whose_pooling_learns_comes_back_whole_or_not_at_all(tmp_path, pooling):
    random, c, width = np.random.default_rng(0), 5, 2
    shapes = {"weight": (3, c), "bias": (3,)}
    if pooling == "attention":
        shapes["query"] = (1, c)
    else:
        shapes |= {"squeeze_weight": (width, c), "squeeze_bias": (width,)}
        shapes |= {"excite_weight": (c, width), "excite_bias": (c,)}
    if pooling == "cbam":
        shapes |= {"spatial_weight": (1, 98), "spatial_bias": (1,)}
    arrays = {name: random.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    save_heads(tmp_path, {"last": Head(**arrays, pooling=pooling)}, {"checkpoint": "last"})
    back = load_head(tmp_path).arrays()
    assert back.keys() == arrays.keys() and all(np.array_equal(back[name], array) for name, array in arrays.items())
    for name in arrays:
        for other in ({}, {name: np.zeros((4, 7), np.float32)}):
            rest = {key: array for key, array in arrays.items() if key != name}
            save_file(rest | other, tmp_path / "last.safetensors")
            with pytest.raises(UserError, match=r"last\.safetensors: .*train_head@TASK"):
                load_head(tmp_path)


def test_a_head_that_is_a_view_of_other_memory_comes_back_as_it_is_seen(tmp_path):
    weight = np.arange(24, dtype=np.float32).reshape(6, 4).T[:, ::2]
    save_heads(tmp_path, {"last": Head(weight, np.arange(8, dtype=np.float32)[::2], "mean")}, {"checkpoint": "last"})
    back = load_head(tmp_path)
    assert np.array_equal(back.weight, weight) and back.bias.tolist() == [0, 2, 4, 6]


def test_the_kept_checkpoint_is_loaded_unless_another_is_asked_for(saved):
    for which, seed in ((None, 2), ("last", 2), ("best", 1)):
        assert np.array_equal(load_head(saved, which).weight, random_head(seed=seed).weight)


def test_files_are_the_same_bytes_in_another_process(saved, tmp_path):
    code = (
        "import sys; from pathlib import Path; from test_heads import random_head, save_heads\n"
        "save_heads(Path(sys.argv[1]), {'last': random_head(seed=2), 'best': random_head(seed=1)}, "
        "{'n': 3, 'checkpoint': 'last'})"
    )
    (tmp_path / "other").mkdir()
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "other")], check=True,
                   cwd=__file__.removesuffix("test_heads.py"))  # fmt: skip
    names = sorted(path.name for path in saved.iterdir())
    assert names == ["best.safetensors", "head.json", "last.safetensors"]
    assert all((saved / name).read_bytes() == (tmp_path / "other" / name).read_bytes() for name in names)


def test_other_readers_find_weight_and_bias(saved):
    arrays = load_file(saved / "last.safetensors")
    assert {name: array.shape for name, array in arrays.items()} == {"weight": (4, 6), "bias": (4,)}


@pytest.mark.parametrize(
    "arrays",
    [
        {"weight": np.zeros((4, 6), np.float32), "bias": np.zeros(3, np.float32)},
        {"weight": np.full((4, 6), np.nan, np.float32), "bias": np.zeros(4, np.float32)},
        {"weight": np.zeros((4, 6), np.float32), "bias": np.array([0, np.inf, 0, 0], np.float32)},
        {"weight": np.zeros((4, 6), np.float32)},
        {"gamma": np.zeros(4, np.float32)},
        {"weight": np.zeros(24, np.float32), "bias": np.zeros(24, np.float32)},
    ],
    ids=["lengths", "nan", "inf", "no-bias", "other-names", "flat"],
)
def test_a_head_of_wrong_content_is_one_line(saved, arrays):
    save_file(arrays, saved / "last.safetensors")
    with pytest.raises(UserError, match=r"last\.safetensors: .*train_head@TASK") as caught:
        load_head(saved)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"garbage" * 20, b"\x08\0\0\0\0\0\0\0notjson!", b"\xff" * 16, None])
def test_a_file_that_is_no_safetensors_is_one_line(saved, content):
    path = saved / "last.safetensors"
    path.write_bytes(path.read_bytes()[:-5] if content is None else content)  # None: cut short
    with pytest.raises(UserError, match=r"last\.safetensors: .*train_head@TASK") as caught:
        load_head(saved)
    assert "\n" not in str(caught.value)


def test_a_missing_checkpoint_is_one_line(saved):
    (saved / "last.safetensors").unlink()
    with pytest.raises(UserError, match=r"last\.safetensors: .*train_head@TASK"):
        load_head(saved)


@pytest.mark.parametrize("text", ["{", "[]", "{}", json.dumps({"checkpoint": "last"})])
def test_a_damaged_description_is_one_line(saved, text):
    (saved / "head.json").write_text(text)
    with pytest.raises(UserError, match=r"head\.json: .*dvc repro -f") as caught:
        load_head(saved)
    assert "\n" not in str(caught.value)
