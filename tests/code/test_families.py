"""A family of backbones is one file: found, described, drawn, loaded and run by what there is already."""

import sys

import numpy as np
import pytest
from source_files import write_tree

from sortline import backbones
from sortline._core.errors import UserError
from sortline.features import engines

pytestmark = pytest.mark.usefixtures("graph_mode")

# All that one writes to add a family.
TOY = """
from sortline.backbones.preprocessing import IMAGENET
from sortline.backbones.registry import Network, Release


def build(padding, bn_eps):
    from sortline.backbones.layers import BlockNet, ConvNorm

    how = {"padding": padding, "bn_eps": bn_eps, "activation": "relu"}
    blocks = [ConvNorm(4, 4, 3, 4, **how), ConvNorm(4, 6, 3, 4, **how)]
    return BlockNet(ConvNorm(3, 4, 3, 2, **how), blocks, channels=6)


def names(ours):
    return f"{ours}.c", f"{ours}.n"


RELEASE = Release("Toy, of nobody", "CC0-1.0", names=names, path="weights/toy.safetensors")
NETWORKS = [Network("toy", "Toy", "nobody", build, {"nobody": RELEASE})]
"""


@pytest.fixture
def toy(tmp_path, monkeypatch):
    write_tree(tmp_path / "more", {"toyfamily.py": TOY.encode()})
    monkeypatch.setattr(backbones, "__path__", [*backbones.__path__, str(tmp_path / "more")])
    yield backbones.get("toy")
    sys.modules.pop("sortline.backbones.toyfamily", None)


def test_a_family_of_one_file_goes_from_its_weights_to_features(toy, fetching):
    from safetensors.numpy import save

    assert "toy" in backbones.names()
    generator = np.random.default_rng(0)
    arrays = {"classifier.weight": np.ones((2, 6), np.float32)}
    for layer, shape in (("stem", (4, 3, 3, 3)), ("blocks.0", (4, 4, 3, 3)), ("blocks.1", (6, 4, 3, 3))):
        arrays[f"{layer}.c.weight"] = generator.standard_normal(shape).astype(np.float32)
        arrays |= {f"{layer}.n.{part}": np.ones(shape[0], np.float32) for part in ("gamma", "moving_variance")}
        arrays |= {f"{layer}.n.{part}": np.zeros(shape[0], np.float32) for part in ("beta", "moving_mean")}
    write_tree(fetching.local, {"weights/toy.safetensors": save(arrays)})
    about, _ = fetching.weights(backbone="toy")
    assert (about["network"], about["release"], about["width"]) == ("toy", "nobody", None)

    backbone = backbones.load(fetching.data / "weights/t")
    assert (backbone.info["title"], backbone.blocks, backbone.net.channels) == ("Toy, of nobody", 2, 6)
    engine = engines.onnxruntime_engine(engines.to_onnx(backbone, 32, upto=1))
    pictures = generator.integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)
    assert engines.check_engines(backbone, engine, pictures) < 1e-4
    mean, _, last, inner = engine.run(backbone.preprocessing(pictures))
    assert (mean.shape, last.shape, inner.shape) == ((2, 6), (2, 6, 1, 1), (2, 4, 4, 4))


def test_random_weights_need_no_word_from_the_family(toy, fetching):
    fetching.weights(backbone="toy", release="random", seed=2)
    backbone = backbones.load(fetching.data / "weights/t")
    assert backbone.info["title"].startswith("Toy with seeded random weights")
    kernel = np.random.default_rng(2).standard_normal((4, 3, 3, 3)) * np.sqrt(2 / 27)
    assert np.array_equal(backbone.net.stem.conv.weight.asnumpy(), kernel.astype(np.float32))


def test_the_toy_is_gone_afterwards():
    with pytest.raises(UserError, match="no backbone 'toy'.*mobilenet_v2"):
        backbones.get("toy")
