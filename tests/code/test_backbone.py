"""A backbone from its folder: every release loads, from any folder, and what is wrong is one line."""

import json
import os
import pickle
import shutil
import tempfile
from pathlib import Path

import mindspore
import numpy as np
import pytest
from safetensors.numpy import save_file

from sortline import backbones
from sortline._core import runtime
from sortline._core.errors import UserError
from sortline._core.files import sha256_file, write_json
from sortline.backbones import checkpoints, mobilenet_v2

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
WIDTH = 0.35
SEED = 5
PARTS = ("gamma", "beta", "moving_mean", "moving_variance")
IMAGENET = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}


@pytest.fixture(autouse=True)
def graph_mode_afterwards():
    yield
    runtime.prepare()


@pytest.fixture(scope="module")
def layers() -> list[dict[str, np.ndarray]]:
    """Weights of the net of tests/golden/make_mobilenetv2.py at width 0.35, layer after layer."""
    runtime.prepare()
    net = mobilenet_v2.build(WIDTH)
    checkpoints.draw(net, SEED)
    kernels = [p.asnumpy() for name, p in net.parameters_dict().items() if name.endswith("conv.weight")]
    layers = []
    for k, kernel in enumerate(kernels):
        i = np.arange(len(kernel))
        waves = 0.8 + 0.25 * np.sin(i + k), 0.2 * np.cos(2 * i + k), 0.1 * np.sin(3 * i + 2 * k)
        norm = zip(PARTS, (*waves, 1 + 0.6 * np.cos(5 * i + 3 * k)), strict=True)
        layers.append({"weight": kernel} | {part: values.astype(np.float32) for part, values in norm})
    return layers


def mindcv(layers: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Under the names of MindCV's mobilenet_v2_100, classifier included."""
    arrays, position = {}, iter(layers)
    places = [("features.", 0), ("features.3.layers.", 0), ("features.3.layers.", 3)]
    places += [(f"features.{block}.layers.", first) for block in range(4, 20) for first in (0, 3, 6)]
    for prefix, number in [*places, ("features.", 20)]:
        layer = next(position)
        arrays[f"{prefix}{number}.weight"] = layer["weight"]
        arrays |= {f"{prefix}{number + 1}.{part}": layer[part] for part in PARTS}
    return arrays | {
        "classifier.1.weight": np.ones((1000, 1280), np.float32),
        "classifier.1.bias": np.ones(1000, np.float32),
    }


def course(layers: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Under the names of the MindSpore zoo's mobilenetV2, head and what its training leaves behind included."""
    cells = ["features.0.features", "features.1.conv.0.features", "features.1.conv"]
    for block in range(2, 18):
        cells += [f"features.{block}.conv.{j}.features" for j in (0, 1)] + [f"features.{block}.conv"]
    arrays = {}
    for number, (cell, layer) in enumerate(zip([*cells, "features.18.features"], layers, strict=True)):
        projection = cell.endswith(".conv")
        first = (1 if number == 2 else 2) if projection else 0
        arrays[f"{cell}.{first}.weight"] = layer["weight"]
        arrays |= {f"{cell}.{first + 1}.{part}": layer[part] for part in PARTS}
    arrays |= {f"moments.{name}": np.zeros_like(array) for name, array in arrays.items() if "moving" not in name}
    return arrays | {
        "head.1.weight": np.ones((1000, 1280), np.float32),
        "head.1.bias": np.ones(1000, np.float32),
        "learning_rate": np.linspace(0.1, 0, 20, dtype=np.float32),
        "momentum": np.array(0.9, np.float32),
        "global_step": np.array([1067], np.int32),
    }


def folded(layers: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Under the data sheet's names, batch norm (epsilon 1e-3) folded by hand, classifier included."""
    names = ["stem", "blocks.00.depthwise", "blocks.00.project"]
    names += [f"blocks.{block:02}.{layer}" for block in range(1, 17) for layer in ("expand", "depthwise", "project")]
    arrays = {"classifier.weight": np.ones((1001, 1280), np.float32), "classifier.bias": np.ones(1001, np.float32)}
    for name, layer in zip([*names, "last"], layers, strict=True):
        scale = layer["gamma"] / np.sqrt(layer["moving_variance"] + 1e-3)
        arrays[f"{name}.weight"] = (layer["weight"] * scale[:, None, None, None]).astype(np.float32)
        arrays[f"{name}.bias"] = (layer["beta"] - layer["moving_mean"] * scale).astype(np.float32)
    return arrays


MAKERS = {"mindcv": mindcv, "course": course, "tensorflow": folded}


def describe(folder: Path, release: str, file: str | None, **changes) -> Path:
    """Write backbone.json, as the stage `weights` does."""
    folder.mkdir(parents=True, exist_ok=True)
    about = {
        "network": "mobilenet_v2",
        "release": release,
        "file": file,
        "sha256": sha256_file(folder / file) if file else None,
        "width": WIDTH,
        "address": None,
        "seed": None if file else 1,
    }
    write_json(folder / "backbone.json", about | changes)
    return folder


def save(arrays: dict[str, np.ndarray], path: Path, scratch: Path) -> None:
    """As the release's own tool would, then into place: the folder of `path` need not be ASCII."""
    path.parent.mkdir(parents=True, exist_ok=True)
    made = scratch / f"made{path.suffix}"
    if path.suffix == ".safetensors":
        save_file(arrays, made)
    else:
        entries = [{"name": name, "data": mindspore.Tensor(array)} for name, array in arrays.items()]
        mindspore.save_checkpoint(entries, str(made))
        made.chmod(0o644)
    shutil.move(made, path)


@pytest.fixture
def a_checkpoint(tmp_path, layers) -> Path:
    """A folder with a MindCV checkpoint that loads."""
    folder = tmp_path / "weights"
    save(mindcv(layers), folder / "backbone.ckpt", tmp_path)
    return describe(folder, "mindcv", "backbone.ckpt")


def refusal(folder: Path) -> str:
    with pytest.raises(UserError) as caught:
        backbones.load(folder)
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


@pytest.mark.parametrize("release", ["tensorflow", "mindcv", "course"])
def test_each_release_loads_from_a_folder_with_a_chinese_name(tmp_path, layers, release):
    suffix = "safetensors" if release == "tensorflow" else "ckpt"
    folder = tmp_path / "垃圾 分类" / "权重"
    save(MAKERS[release](layers), folder / f"backbone.{suffix}", tmp_path)
    loaded = backbones.load(describe(folder, release, f"backbone.{suffix}"))
    mindspore.set_context(mode=mindspore.PYNATIVE_MODE)
    images = np.random.default_rng(96).uniform(-1, 1, (2, 3, 96, 96)).astype(np.float32)
    mean, maximum, _ = (output.asnumpy() for output in loaded.pooled()(mindspore.Tensor(images)))
    padding = "same" if release == "tensorflow" else "symmetric"
    golden = np.load(GOLDEN / f"mobilenetv2_{WIDTH}.npz", allow_pickle=False)
    assert np.allclose(mean[:, ::8], golden[f"{padding}_96_mean"], rtol=1e-4, atol=1e-4)
    assert np.allclose(maximum[:, ::8], golden[f"{padding}_96_max"], rtol=1e-4, atol=1e-4)
    assert not loaded.net.training


@pytest.mark.parametrize(
    ("release", "padding", "scaling"),
    [
        ("tensorflow", "same", {"mean": [0.5] * 3, "std": [0.5] * 3}),
        ("mindcv", "symmetric", IMAGENET),
        ("course", "symmetric", IMAGENET),
    ],
)
def test_each_release_brings_its_own_padding_and_preprocessing(tmp_path, layers, release, padding, scaling):
    suffix = "safetensors" if release == "tensorflow" else "ckpt"
    save(MAKERS[release](layers), tmp_path / "w" / f"b.{suffix}", tmp_path)
    loaded = backbones.load(describe(tmp_path / "w", release, f"b.{suffix}"))
    recorded = {key: loaded.info[key] for key in ("release", "padding", "mean", "std", "width", "channel_order")}
    expected = {"release": release, "padding": padding, **scaling, "width": WIDTH, "channel_order": "RGB"}
    assert recorded == expected
    assert loaded.info["sha256"] == sha256_file(tmp_path / "w" / f"b.{suffix}")
    json.dumps(loaded.info)
    levels = np.zeros((1, 2, 2, 3), np.uint8)
    levels[0, 0, 1] = (255, 128, 64)
    x = loaded.preprocessing(levels)
    assert x.dtype == np.float32 and x.shape == (1, 3, 2, 2)
    for channel, level in enumerate((255, 128, 64)):
        mean, std = scaling["mean"][channel], scaling["std"][channel]
        assert x[0, channel, 0, 1] == pytest.approx((level / 255 - mean) / std, abs=1e-6)
        assert x[0, channel, 1, 0] == pytest.approx(-mean / std, abs=1e-6)


def test_tensorflows_scaling_is_x_over_127_and_a_half_less_1():
    scaling = backbones.get("mobilenet_v2").release("tensorflow").preprocessing
    levels = np.arange(256, dtype=np.uint8).repeat(3).reshape(1, 16, 16, 3)
    x = scaling(levels)
    assert np.abs(x[0, 1].ravel() - (np.arange(256) / 127.5 - 1)).max() < 1e-6
    with pytest.raises(ValueError, match="expected uint8"):
        scaling(levels.astype(np.float32))
    with pytest.raises(ValueError, match="expected uint8"):
        scaling(levels[0])


def test_random_weights_need_no_file_and_follow_the_seed(tmp_path):
    stems = []
    for number, seed in enumerate((1, 1, 2)):
        loaded = backbones.load(describe(tmp_path / str(number), "random", None, seed=seed))
        assert loaded.info["seed"] == seed and loaded.info["sha256"] is None
        stems.append(loaded.net.stem.conv.weight.asnumpy())
    assert np.array_equal(stems[0], stems[1])
    assert not np.array_equal(stems[0], stems[2])
    draw = np.random.default_rng(1).standard_normal(stems[0].shape) * np.sqrt(2 / 27)
    assert np.array_equal(stems[0], draw.astype(np.float32))


def test_the_temporary_folder_may_have_a_chinese_name(a_checkpoint, tmp_path, monkeypatch):
    """On Windows it lies in the user's own folder, which is named after the user."""
    (tmp_path / "张三 的").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "张三 的"))
    assert backbones.load(a_checkpoint).info["release"] == "mindcv"


def test_loading_leaves_nothing_behind(a_checkpoint, tmp_path, monkeypatch):
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "scratch"))
    backbones.load(a_checkpoint)
    assert list((tmp_path / "scratch").iterdir()) == []
    assert sorted(path.name for path in a_checkpoint.iterdir()) == ["backbone.ckpt", "backbone.json"]


def test_a_file_changed_since_it_was_fetched(a_checkpoint):
    with (a_checkpoint / "backbone.ckpt").open("r+b") as stream:
        stream.seek(5000)
        stream.write(b"\0\1")
    message = refusal(a_checkpoint)
    assert "backbone.ckpt" in message and "sha256" in message and "weights" in message


def test_weights_of_another_width(a_checkpoint):
    assert "another width" in refusal(describe(a_checkpoint, "mindcv", "backbone.ckpt", width=1.0))


def test_weights_of_another_release(a_checkpoint):
    assert "release 'course'" in refusal(describe(a_checkpoint, "course", "backbone.ckpt"))


def test_nan_in_a_checkpoint(tmp_path, layers):
    arrays = mindcv(layers)
    arrays["features.10.layers.4.gamma"] = np.full_like(arrays["features.10.layers.4.gamma"], np.nan)
    save(arrays, tmp_path / "w" / "b.ckpt", tmp_path)
    assert "NaN" in refusal(describe(tmp_path / "w", "mindcv", "b.ckpt"))


class Payload:
    """Unpickled, it would make a file."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (str(self.marker),)


def test_the_payload_works_where_pickle_is_trusted(tmp_path):
    pickle.loads(pickle.dumps(Payload(tmp_path / "executed")))
    assert (tmp_path / "executed").exists()


@pytest.mark.parametrize("suffix", ["ckpt", "safetensors"])
@pytest.mark.parametrize("content", ["pickle", "arrays pickled", "torch zip", "web page", "noise", "empty", "cut off"])
def test_what_is_no_checkpoint_is_one_line_and_never_executed(tmp_path, a_checkpoint, capfd, content, suffix):
    payload = Payload(tmp_path / "executed")
    whole = (a_checkpoint / "backbone.ckpt").read_bytes()
    bytes_of = {
        "pickle": pickle.dumps(payload),
        "arrays pickled": pickle.dumps({"features.0.weight": np.ones(3), "x": payload}, protocol=2),
        "torch zip": b"PK\x03\x04" + bytes(26) + b"archive/data.pkl" + pickle.dumps(payload),
        "web page": b"<!DOCTYPE html><html><title>404 Not Found</title></html>\n" * 20,
        "noise": np.random.default_rng(0).bytes(5000),
        "empty": b"",
        "cut off": whole[: len(whole) // 2],
    }[content]
    folder = tmp_path / "w"
    folder.mkdir()
    (folder / f"b.{suffix}").write_bytes(bytes_of)
    message = refusal(describe(folder, "mindcv", f"b.{suffix}"))
    assert message.startswith(f"{folder / f'b.{suffix}'}: not a ")
    assert tempfile.gettempdir() not in message.removeprefix(str(folder))  # no copy the user does not know
    assert not (tmp_path / "executed").exists()
    assert "Traceback" not in capfd.readouterr().err


def test_a_safetensors_file_cut_off(tmp_path, layers):
    save(folded(layers), tmp_path / "w" / "b.safetensors", tmp_path)
    whole = (tmp_path / "w" / "b.safetensors").read_bytes()
    (tmp_path / "w" / "b.safetensors").write_bytes(whole[:-100])
    assert "not a safetensors file" in refusal(describe(tmp_path / "w", "tensorflow", "b.safetensors"))
