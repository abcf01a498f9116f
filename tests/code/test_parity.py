"""A wrong model is caught, and the counts of the comparison are correct.

The network here is the mean colour and a linear head, so that what a wrong one predicts can be worked out.
"""

from functools import cache

import numpy as np
import pytest
from mindspore import Tensor, nn
from PIL import Image
from scipy.special import softmax
from scipy.stats import binomtest

from sortline._core import graphs, runtime, sessions
from sortline._core.arrays import spread
from sortline._core.errors import UserError
from sortline.backbones.preprocessing import Preprocessing
from sortline.data.images import open_rgb, resize
from sortline.export import onnx_model, parity

SIZE = 32
PREPROCESSING = Preprocessing((0.5, 0.4, 0.3), (0.3, 0.25, 0.2))
WEIGHT = np.array([[4.0, -1.0, -1.0], [-1.0, 4.0, -1.0], [-1.0, -1.0, 4.0]], np.float32)  # red, green, blue
BIAS = np.array([0.1, 0.0, -0.1], np.float32)


@pytest.fixture(scope="module", autouse=True)
def graph_mode():
    runtime.prepare()


class Colour(nn.Cell):
    """float32 (n, 3, S, S) to logits (n, 3): the head on each channel's mean."""

    def __init__(self, weight=WEIGHT, bias=BIAS):
        super().__init__()
        self.head = nn.Dense(3, 3, weight_init=Tensor(weight), bias_init=Tensor(bias))
        self.set_train(False)

    def construct(self, x):
        return self.head(x.mean((2, 3)))


def measured(x):
    """What Colour() gives, worked out by NumPy."""
    return x.mean((2, 3), dtype=np.float64) @ WEIGHT.T + BIAS


class Exported:
    """The self-contained graph of a network, with the methods of predict.Classifier that parity uses."""

    def __init__(self, cell, preprocessing=PREPROCESSING):
        graph = onnx_model.network_graph(cell, SIZE)
        self.session = sessions.session(onnx_model.self_contained(graph, preprocessing, SIZE, {}))

    def logits(self, image):
        return self.session.run(["logits"], {"image": np.asarray(image)})[0]

    def probabilities(self, image):
        return self.session.run(["probabilities"], {"image": np.asarray(image)})[0]


@pytest.fixture(scope="module")
def right():
    return Exported(Colour())


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Nine photos of noise around colours near each other, of three sizes."""
    random, paths = np.random.default_rng(0), []
    folder = tmp_path_factory.mktemp("照片")
    for i in range(9):
        height, width = [(32, 32), (40, 61), (90, 50)][i // 3]
        colour = np.full(3, 110) + 40 * np.eye(3)[i % 3]
        pixels = np.clip(colour + random.normal(scale=25, size=(height, width, 3)), 0, 255).astype(np.uint8)
        paths.append(folder / f"{i}.png")
        Image.fromarray(pixels).save(paths[-1])
    return paths


@pytest.fixture(scope="module")
def x(photos):
    return parity.network_inputs(photos, PREPROCESSING, SIZE)


@pytest.fixture(scope="module")
def mindir(tmp_path_factory):
    path = tmp_path_factory.mktemp("模型") / "model.mindir"
    path.write_bytes(graphs.to_mindir(Colour(), SIZE))
    return path


def test_network_inputs_are_pillow_and_the_formula(photos, x):
    assert x.shape == (9, 3, SIZE, SIZE) and x.dtype == np.float32
    for photo, one in zip(photos, x, strict=True):
        pixels = np.asarray(Image.open(photo).resize((SIZE, SIZE), Image.Resampling.BILINEAR), dtype=np.float64)
        expected = (pixels / 255 - [0.5, 0.4, 0.3]) / [0.3, 0.25, 0.2]
        assert one == pytest.approx(expected.transpose(2, 0, 1), abs=1e-5)


def test_the_right_model_passes(right, mindir, photos, x):
    """Photos of any size: the graph's own resizing is not what is compared here."""
    found = parity.logit_differences(measured, mindir, right.logits, photos, x, 1e-4)
    assert set(found) == {"max_abs_diff_onnx", "max_abs_diff_mindir"} and max(found.values()) < 1e-5


WRONG = {
    "bias": lambda: Exported(Colour(bias=BIAS + np.float32(0.01))),
    "one-bias": lambda: Exported(Colour(bias=BIAS + np.array([0, 0, 0.01], np.float32))),
    "bgr": lambda: Exported(Colour(WEIGHT[:, ::-1].copy())),
    "classes-swapped": lambda: Exported(Colour(WEIGHT[[1, 0, 2]])),
    "mean": lambda: Exported(Colour(), Preprocessing((0.485, 0.456, 0.406), PREPROCESSING.std)),
    "mean-reversed": lambda: Exported(Colour(), Preprocessing(PREPROCESSING.mean[::-1], PREPROCESSING.std)),
    "std": lambda: Exported(Colour(), Preprocessing(PREPROCESSING.mean, (0.3, 0.3, 0.3))),
    "nan": lambda: Exported(Colour(bias=np.full(3, np.nan, np.float32))),
}


@cache
def wrong_one(name):
    return WRONG[name]()


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_onnx_is_refused(mindir, photos, x, wrong):
    with pytest.raises(UserError, match=r"export: onnx logits differ .* over max_difference 0\.001") as caught:
        parity.logit_differences(measured, mindir, wrong_one(wrong).logits, photos[:3], x[:3], 1e-3)
    assert "\n" not in str(caught.value)


def test_the_difference_of_a_wrong_bias_is_that_bias(mindir, photos, x):
    found = parity.logit_differences(measured, mindir, wrong_one("one-bias").logits, photos[:3], x[:3], 1.0)
    assert found["max_abs_diff_onnx"] == pytest.approx(0.01, abs=1e-5) and found["max_abs_diff_mindir"] < 1e-5


def test_one_wrong_photo_of_many_is_enough(mindir, right, photos, x):
    def runs(image):
        return right.logits(image) + (0.5 if np.array_equal(image, open_rgb(photos[2])) else 0)

    with pytest.raises(UserError, match=r"onnx logits differ from MindSpore's by 5\.00e-01"):
        parity.logit_differences(measured, mindir, runs, photos[:3], x[:3], 1e-3)


@pytest.mark.parametrize("wrong", [{"bias": BIAS + np.float32(0.01)}, {"weight": WEIGHT[:, ::-1].copy()}])
def test_a_wrong_mindir_is_refused(tmp_path, right, photos, x, wrong):
    (tmp_path / "model.mindir").write_bytes(graphs.to_mindir(Colour(**wrong), SIZE))
    with pytest.raises(UserError, match="export: mindir logits differ"):
        parity.logit_differences(measured, tmp_path / "model.mindir", right.logits, photos[:3], x[:3], 1e-3)


def reference(images):
    """The measured model: Pillow's resizing before, in float64."""
    pixels = images.astype(np.float64).mean((1, 2)) / 255
    return softmax(((pixels - PREPROCESSING.mean) / PREPROCESSING.std) @ WEIGHT.T + BIAS, axis=1)[0]


def test_the_right_model_agrees_at_every_size(right, photos):
    found = parity.resized_agreement(right, reference, photos, SIZE)
    assert found["resized_agreement"] == 1 and found["resized_max_probability_diff"] < 0.01
    counts = {name: kind["n"] for name, kind in found["resized_kinds"].items()}
    assert counts == {name: min(9, most) for name, (_, most) in parity.RESIZED.items()}
    assert found["resized_n"] == sum(counts.values())
    interval = binomtest(found["resized_n"], found["resized_n"]).proportion_ci(method="wilson")
    assert (found["resized_agreement_low"], found["resized_agreement_high"]) == pytest.approx(tuple(interval))


@pytest.mark.parametrize("wrong", ["bgr", "classes-swapped", "mean-reversed"])
def test_a_wrong_model_does_not_agree(photos, monkeypatch, wrong):
    monkeypatch.setattr(parity, "RESIZED", {"640x480": (parity.enlarged(640, 480), 9)})
    found = parity.resized_agreement(wrong_one(wrong), reference, photos, SIZE)
    assert found["resized_agreement"] < 0.9 and found["resized_max_probability_diff"] > 0.1


def test_agreement_counts_photos_of_each_kind(photos, monkeypatch):
    """The reference is told what to answer: two of nine disagree in one kind, one of two in the other."""

    class Fixed:
        def probabilities(self, image):
            return np.array([0.7, 0.2, 0.1], np.float32)

    disagreeing = iter([False, True, *[False] * 6, True] + [False, True])
    sizes = []

    def told(images):
        sizes.append(images.shape)
        return np.array([0.2, 0.7, 0.1]) if next(disagreeing) else np.array([0.6, 0.3, 0.1])

    kinds = {"small": (parity.enlarged(8, 8), 50), "large": (parity.enlarged(64, 64), 2)}
    monkeypatch.setattr(parity, "RESIZED", kinds)
    monkeypatch.setattr(parity, "on_all_cores", lambda work, items, what: map(work, items))  # in their order
    found = parity.resized_agreement(Fixed(), told, photos, SIZE)
    assert found["resized_kinds"] == {"small": {"agreement": 7 / 9, "n": 9}, "large": {"agreement": 0.5, "n": 2}}
    assert found["resized_agreement"] == pytest.approx(8 / 11) and found["resized_n"] == 11
    assert found["resized_max_probability_diff"] == pytest.approx(0.5)
    assert set(sizes) == {(1, SIZE, SIZE, 3)}


def test_predicted_are_the_photos_as_they_are_in_the_file_in_their_order(photos):
    """The model answers with the photo's width, modulo 3."""
    answers = parity.predicted(lambda image: np.eye(3)[image.width % 3], photos, SIZE, "widths")
    assert answers.tolist() == [width % 3 for width in (32, 32, 32, 61, 61, 61, 50, 50, 50)]


@pytest.mark.parametrize("count", [1, 2, 3, 7, 26, 130, 1000])
@pytest.mark.parametrize("wanted", [1, 2, 5, 26, 200])
def test_spread(count, wanted):
    chosen = spread(count, wanted)
    assert len(chosen) == min(count, wanted) and chosen == sorted(set(chosen))
    assert all(type(one) is int and 0 <= one < count for one in chosen)
    if len(chosen) > 1:
        assert chosen[0] == 0 and chosen[-1] == count - 1
        steps = np.diff(chosen)
        assert steps.max() - steps.min() <= 1


def test_spread_over_nothing():
    assert spread(0, 5) == []


@pytest.mark.parametrize("size", [(40, 61), (61, 40), (32, 32), (1, 7)])
def test_a_photo_turned_by_exif_is_upright_again(size):
    random = np.random.default_rng(0)
    image = Image.fromarray(random.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8))
    assert np.array_equal(parity.turned_by_exif(image), image)


def test_enlarged_has_that_size_and_the_sizes_named_are_the_sizes_made():
    image = Image.new("RGB", (30, 20), (200, 10, 90))
    made = {name: change(image).size for name, (change, _) in parity.RESIZED.items()}
    assert made == {"640x480": (640, 480), "3000x4000": (3000, 4000), "odd 501x373": (501, 373),
                    "narrow 97x1201": (97, 1201), "exif-turned": (30, 20)}  # fmt: skip
    assert resize(parity.enlarged(64, 48)(image), 8).tolist() == np.full((8, 8, 3), (200, 10, 90)).tolist()
