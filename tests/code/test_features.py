"""Feature Maps: `extract` writes every view of every photo, in order; the store gives them back."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import mindspore
import numpy as np
import pytest
from PIL import Image

from sortline._core.errors import UserError
from sortline.backbones.layers import Back, Front
from sortline.backbones.loading import Backbone
from sortline.backbones.preprocessing import Preprocessing
from sortline.config.augment import ViewParams
from sortline.config.extract import ExtractParams
from sortline.data.augment.views import render
from sortline.data.images import BadImage, open_rgb, resize
from sortline.data.prepared import Photo, fingerprint
from sortline.features import engines
from sortline.features.engines import Engine
from sortline.features.extraction import extract, keep_maps
from sortline.features.store import FeatureStore

pytestmark = pytest.mark.xdist_group("features")  # exported once, not once a process

PLAIN = ViewParams(count=1)
PLAN = ViewParams(count=3, seed=4, crop_scale=[0.5, 0.9], crop_ratio=[0.8, 1.2])
HALVES = Preprocessing((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


@pytest.fixture(scope="module")
def photos(tmp_path_factory) -> list[Photo]:
    """Seven photos of several sizes and formats, in a folder with a Chinese name."""
    folder = tmp_path_factory.mktemp("raw") / "垃圾 分类"
    folder.mkdir()
    generator = np.random.default_rng(2)
    photos = []
    for number in range(7):
        coarse = generator.integers(0, 256, (4, 5, 3), dtype=np.uint8)
        path = folder / f"照片 {number}.{('png', 'jpg')[number % 2]}"
        Image.fromarray(coarse).resize((40 + 13 * number, 50 + 9 * number)).save(path)
        photos.append(Photo(path.name, path, f"{number:064x}"))
    return photos


def kept(
    tmp_path: Path, photos: list[Photo], plan: ViewParams, size: int, tiny: Backbone, engine: Engine, maps: bool = False
) -> tuple[np.ndarray, np.ndarray | None]:
    keep_maps(photos, plan, size, tiny, engine, FeatureStore(tmp_path), maps)
    assert (tmp_path / "maps.npy").exists() == maps
    return np.load(tmp_path / "pooled.npy"), np.load(tmp_path / "maps.npy") if maps else None


def test_every_view_of_every_photo_in_order(tmp_path, tiny, exported, photos):
    pooled, _ = kept(tmp_path, photos, PLAN, 32, tiny, exported(32))
    assert pooled.dtype == np.float32 and pooled.shape == (7, 3, 2, 1280)
    for number, photo in enumerate(photos):
        for view in range(3):
            image = render(open_rgb(photo.path), PLAN, view, photo.sha256, 32)
            mean, maximum, _ = exported(32).run(tiny.preprocessing(image[None]))
            assert np.allclose(pooled[number, view, 0], mean[0], atol=1e-5), (number, view)
            assert np.allclose(pooled[number, view, 1], maximum[0], atol=1e-5), (number, view)
    blocks = pooled.reshape(21, -1)
    assert len(np.unique(blocks.round(4), axis=0)) == 21


def test_view_0_is_the_plain_photo_worked_out_directly(tmp_path, tiny, exported, photos):
    """Decode, squeeze to a square, x / 127.5 - 1, channels first: without any of the project's own steps."""
    pooled, _ = kept(tmp_path, photos, PLAN, 64, tiny, exported(64))
    for number, photo in enumerate(photos):
        with Image.open(photo.path) as opened:
            plain = np.array(opened.convert("RGB").resize((64, 64), Image.Resampling.BILINEAR))
        x = (plain.astype(np.float64) / 127.5 - 1).transpose(2, 0, 1)[None].astype(np.float32)
        mean, maximum, _ = exported(64).run(x)
        assert np.abs(pooled[number, 0] - np.stack((mean[0], maximum[0]))).max() < 1e-4


def test_the_key_of_a_photo_draws_its_views_and_nothing_else(tmp_path, tiny, exported, photos):
    """So that features do not change when photos before it come or go."""
    pooled, _ = kept(tmp_path, photos, PLAN, 32, tiny, exported(32))
    fewer, _ = kept(tmp_path, photos[3:], PLAN, 32, tiny, exported(32))
    assert np.array_equal(fewer, pooled[3:])
    other, _ = kept(tmp_path, [replace(photo, sha256="0" * 64) for photo in photos], PLAN, 32, tiny, exported(32))
    assert np.array_equal(other[:, 0], pooled[:, 0])
    assert (np.abs(other[1:, 1:] - pooled[1:, 1:]).max((1, 2, 3)) > 1e-3).all()


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_the_same_bytes_however_many_work(tmp_path, tiny, exported, photos, workers):
    written = []
    for number, width in enumerate((1, workers)):
        folder = tmp_path / str(number)
        folder.mkdir()
        kept(folder, photos, PLAN, 32, tiny, replace(exported(32), workers=width), maps=True)
        written.append([(folder / name).read_bytes() for name in ("pooled.npy", "maps.npy")])
    assert written[0] == written[1]


def test_maps_hold_every_view_in_half_precision(tmp_path, tiny, exported, photos):
    pooled, maps = kept(tmp_path, photos, PLAN, 64, tiny, exported(64), maps=True)
    assert maps.dtype == np.float16 and maps.shape == (7, PLAN.count, 1280, 2, 2)
    whole = maps.astype(np.float32)
    half = np.finfo(np.float16).eps * 6  # features end at 6
    assert np.abs(whole.mean((3, 4)) - pooled[:, :, 0]).max() < half
    assert np.abs(whole.max((3, 4)) - pooled[:, :, 1]).max() < half
    first = exported(64).run(tiny.preprocessing(resize(open_rgb(photos[0].path), 64)[None]))[2]
    assert np.abs(whole[0, 0] - first[0]).max() < half
    assert maps.astype(np.float32).std() > 0.1


def test_one_photo_and_a_plan_of_one_view(tmp_path, tiny, exported, photos):
    pooled, maps = kept(tmp_path, photos[:1], PLAIN, 32, tiny, exported(32), maps=True)
    assert pooled.shape == (1, 1, 2, 1280) and maps.shape == (1, 1, 1280, 1, 1)


def stub(channels: int = 4, workers: int = 2) -> tuple[SimpleNamespace, Engine, list[int]]:
    """A backbone of `channels` equal features, and the number of views of each of its calls."""
    calls: list[int] = []

    def run(x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        calls.append(len(x))
        level = x.mean((1, 2, 3))[:, None].astype(np.float32)
        pooled = np.repeat(level, channels, 1)
        return pooled, pooled + 1, pooled[:, :, None, None]

    return SimpleNamespace(net=SimpleNamespace(channels=channels), preprocessing=HALVES), Engine(run, workers), calls


@pytest.mark.parametrize("workers", [1, 2])
def test_a_photo_that_vanished_is_one_line_and_ends_the_work(tmp_path, photos, workers):
    stubbed, engine, calls = stub(workers=workers)
    gone = tmp_path / "走了.jpg"
    many = [photos[0], Photo(gone.name, gone, "0"), *photos * 40]
    with pytest.raises(BadImage) as caught:
        keep_maps(many, PLAIN, 32, stubbed, engine, FeatureStore(tmp_path))
    assert str(caught.value).startswith(str(gone)) and len(str(caught.value).splitlines()) == 1
    assert len(calls) < 100  # of 282


def test_a_photo_that_was_damaged_since_the_audit_is_named(tmp_path, photos):
    stubbed, engine, _ = stub()
    damaged = tmp_path / "坏.jpg"
    damaged.write_bytes(photos[1].path.read_bytes()[:300])
    with pytest.raises(BadImage, match="坏.jpg"):
        keep_maps([*photos, Photo("坏.jpg", damaged, "0")], PLAIN, 32, stubbed, engine, FeatureStore(tmp_path))


def mapped(folder: Path) -> list[str]:
    """Files under `folder` that this process has mapped into memory."""
    lines = Path("/proc/self/maps").read_text(encoding="utf-8").splitlines()
    return [Path(line.split()[-1]).name for line in lines if str(folder) in line]


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="reads /proc/self/maps")
def test_no_file_stays_mapped_not_even_while_an_error_is_on_its_way(tmp_path, photos):
    """Windows can neither rename nor remove a mapped file: the stage does one or the other next."""
    stubbed, engine, _ = stub()
    gone = Photo("gone.png", tmp_path / "gone.png", "0")
    keep_maps(photos, PLAIN, 32, stubbed, engine, FeatureStore(tmp_path), maps=True)
    assert mapped(tmp_path) == []
    try:
        keep_maps([*photos, gone], PLAIN, 32, stubbed, engine, FeatureStore(tmp_path), maps=True)
    except BadImage:
        still_mapped = mapped(tmp_path)
    assert still_mapped == []


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("which", [0, 1])
def test_features_that_are_not_numbers_are_refused_and_the_photo_is_named(tmp_path, photos, value, which):
    stubbed, engine, _ = stub()

    def run(x: np.ndarray) -> tuple[np.ndarray, ...]:
        outputs = [output.copy() for output in engine.run(x)]
        if len(x) == 3 and np.allclose(outputs[0], poisoned):
            outputs[which][2, 1] = value
        return tuple(outputs)

    views = [render(open_rgb(photos[4].path), PLAN, view, photos[4].sha256, 32) for view in range(3)]
    poisoned = engine.run(HALVES(np.stack(views)))[0]
    with pytest.raises(RuntimeError, match="照片 4"):
        keep_maps(photos, PLAN, 32, stubbed, Engine(run, 2), FeatureStore(tmp_path))


def test_the_views_of_a_photo_go_through_the_backbone_together(tmp_path, photos):
    stubbed, engine, calls = stub()
    keep_maps(photos, PLAN, 32, stubbed, engine, FeatureStore(tmp_path))
    assert calls == [1] + [3] * 7  # the first tells the shapes


def test_the_maps_before_the_last_blocks_are_those_of_the_network(tmp_path, tiny, photos):
    """Of every view, and what the pooled features are made of."""
    engine = engines.onnxruntime_engine(engines.to_onnx(tiny, 32, upto=3))
    keep_maps(photos, PLAN, 32, tiny, engine, FeatureStore(tmp_path))
    inner, pooled = np.load(tmp_path / "inner.npy"), np.load(tmp_path / "pooled.npy")
    assert inner.dtype == np.float16 and inner.shape[:2] == (7, 3)
    front, back = Front(tiny.net, 3), Back(tiny.net, 3)
    back.set_train(False)
    for view in range(3):
        x = tiny.preprocessing(np.stack([render(open_rgb(p.path), PLAN, view, p.sha256, 32) for p in photos]))
        expected = front(mindspore.Tensor(x)).asnumpy()
        assert np.abs(inner[:, view] - expected).max() <= 2e-3 * np.abs(expected).max()
        rest = back(mindspore.Tensor(inner[:, view].astype(np.float32))).asnumpy()
        assert np.abs(rest.mean((2, 3)) - pooled[:, view, 0]).max() < 0.02


@pytest.mark.parametrize("colour", [False, True])
def test_pixels_are_the_pictures_themselves_and_need_no_backbone(tmp_path, photos, colour):
    params = ExtractParams(pixels=True, colour=colour, image_size=16)
    extract(photos, PLAIN, params, tmp_path / "no weights", tmp_path / "features")
    store = FeatureStore(tmp_path / "features")
    pixels = store.read("pixels", 7, fingerprint({photo.name: photo.sha256 for photo in photos}))
    assert pixels.dtype == np.uint8 and pixels.shape == ((7, 16, 16, 3) if colour else (7, 16, 16))
    image = Image.fromarray(resize(open_rgb(photos[2].path), 16))
    assert np.array_equal(pixels[2], np.asarray(image if colour else image.convert("L")))
    assert store.about["image_size"] == 16 and store.about["count"] == 7


def test_the_store_refuses_what_is_not_there_and_what_is_of_other_photos(tmp_path, photos):
    extract(photos, PLAIN, ExtractParams(pixels=True, image_size=8), tmp_path, tmp_path / "features")
    store = FeatureStore(tmp_path / "features")
    for what, count, dataset, message in (
        ("inner", 7, None, "inner.npy: .*extract.upto"),
        ("pixels", 8, None, "7 photos of data set .* expected 8"),
        ("pixels", 7, "0" * 16, "expected 7 photos of 0000"),
    ):
        with pytest.raises(UserError, match=message):
            store.read(what, count, dataset)
