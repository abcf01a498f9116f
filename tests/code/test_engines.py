"""The engines that run a backbone, ONNX Runtime, OpenVINO and MindSpore, agree; a difference is refused."""

import importlib
import sys
from types import SimpleNamespace

import numpy as np
import onnx
import pytest

from sortline._core import runtime
from sortline._core.errors import UserError
from sortline._core.openvino_session import no_statistics
from sortline.backbones.preprocessing import GREY, HALF, IMAGENET, to_grey
from sortline.features import engines
from sortline.features.engines import Engine
from sortline.features.heads import MAPS
from sortline.features.mapper import Mapper

pytestmark = pytest.mark.xdist_group("features")  # exported once, not once a process


def pixels(count: int, size: int) -> np.ndarray:
    return np.random.default_rng(size).integers(0, 256, (count, size, size, 3), dtype=np.uint8)


@pytest.mark.parametrize("size", [32, 64])
def test_the_engines_agree(tiny, exported, size):
    runtime.prepare()
    x = tiny.preprocessing(pixels(3, size))
    ours, reference = exported(size).run(x), engines.mindspore_engine(tiny).run(x)
    shapes = [(3, 1280), (3, 1280), (3, 1280, size // 32, size // 32)]
    for output, expected, shape in zip(ours, reference, shapes, strict=True):
        assert output.shape == expected.shape == shape
        assert output.dtype == expected.dtype == np.float32
        assert np.abs(output - expected).max() < 1e-3
    assert ours[0].std() > 0.1


def test_mean_and_max_are_those_of_the_map(tiny, exported):
    mean, maximum, feature_map = exported(64).run(tiny.preprocessing(pixels(2, 64)))
    assert np.allclose(mean, feature_map.mean((2, 3)), atol=1e-5)
    assert np.array_equal(maximum, feature_map.max((2, 3)))


@pytest.mark.parametrize("pooling", ["mean", "se", "attention", "cbam"])
def test_the_mapper_sees_in_one_run_what_it_gives_in_two(tiny, tmp_path, pooling):
    onnx.save(engines.to_onnx(tiny, 32), tmp_path / "backbone.onnx")
    about = {"image_size": 32, "backbone": tiny.info}
    mapper, pictures = Mapper(SimpleNamespace(about=about, backbone=tmp_path / "backbone.onnx")), pixels(3, 32)
    features, mean = mapper.seen(pictures, pooling)
    assert np.array_equal(features, mapper.features(pictures, pooling))
    assert np.array_equal(mean, mapper.pooled(pictures)[:, 0])
    assert features.shape == ((3, 1280, 1, 1) if pooling in MAPS else (3, 2, 1280))


def test_preprocessing_gives_the_bits_of_scale_and_shift_a_pixel():
    for prepare in (IMAGENET, HALF, GREY):
        images = pixels(2, 16)
        values = images if prepare.channels == 3 else to_grey(images)[..., None]
        found = prepare(images)
        assert np.array_equal(found, (values * prepare.scale + prepare.shift).transpose(0, 3, 1, 2))
        assert found.dtype == np.float32 and found.flags.c_contiguous


def test_openvino_gives_the_same_features_of_any_number_of_pictures(tiny, exported):
    pytest.importorskip("openvino")
    engine = engines.openvino_engine(engines.to_onnx(tiny, 64, upto=3))
    x = tiny.preprocessing(pixels(3, 64))
    found, expected = engine.run(x), exported(64).run(x)
    assert len(found) == 4 and found[3].shape[0] == 3
    for ours, theirs in zip(found, expected, strict=False):
        assert ours.shape == theirs.shape and ours.dtype == np.float32 and np.abs(ours - theirs).max() < 1e-3
    kept = [output.copy() for output in found]
    engine.run(x[::-1].copy())
    assert all(np.array_equal(a, b) for a, b in zip(found, kept, strict=True))  # no view of OpenVINO's memory
    assert np.array_equal(engine.run(x[1:2])[0], found[0][1:2])


def test_openvino_finds_nothing_to_send_statistics_with(monkeypatch):
    monkeypatch.delitem(sys.modules, "openvino_telemetry", raising=False)
    no_statistics()
    with pytest.raises(ImportError):
        importlib.import_module("openvino_telemetry")


def test_openvino_that_is_not_there_or_cannot_is_one_line(monkeypatch):
    monkeypatch.setattr(runtime, "used", lambda: "gpu")
    pytest.importorskip("openvino")
    with pytest.raises(UserError, match="device gpu: extract.engine openvino computes on the CPU"):
        engines.openvino_engine(None)
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(UserError, match=r"OpenVINO is not installed; run pip install 'sortline\[openvino\]'"):
        engines.openvino_engine(None)


def test_check_engines_measures_the_difference_and_refuses_a_large_one(tiny, exported, monkeypatch):
    real = exported(32)
    monkeypatch.setattr(engines, "mindspore_engine", lambda backbone: real)  # the real one has its test above
    assert engines.check_engines(tiny, real, pixels(2, 32)) == 0

    def off(by: float, output: int) -> Engine:
        def run(x: np.ndarray) -> tuple[np.ndarray, ...]:
            outputs = list(real.run(x))
            outputs[output] = outputs[output].copy()
            outputs[output][1, 77] += by
            return tuple(outputs)

        return Engine(run, workers=1)

    assert engines.check_engines(tiny, off(5e-4, 0), pixels(2, 32)) == pytest.approx(5e-4, rel=0.01)
    for output in (0, 1):
        for by in (2e-3, np.nan):
            with pytest.raises(RuntimeError, match="differs from MindSpore's"):
                engines.check_engines(tiny, off(by, output), pixels(2, 32))
