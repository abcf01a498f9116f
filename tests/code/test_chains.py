"""Chains of operations on views: drawn by the seed alone, within AugMix's and RandAugment's bounds, off by default."""

import numpy as np
import pytest
from PIL import Image, ImageOps
from test_views import STILL, changed, photo, ramp

from sortline.config.augment import ChainParams, ViewParams
from sortline.data.augment import chains
from sortline.data.augment.chains import AUGMIX, RANDAUGMENT, chained
from sortline.data.augment.views import render
from sortline.data.images import resize

KINDS = ("augmix", "randaugment")


def planned(kind: str, strength: float = 3.0, **changes: object) -> ViewParams:
    return changed(STILL, chain=ChainParams(method=kind, strength=strength), **changes)


@pytest.mark.parametrize("kind", KINDS)
def test_a_chained_view_depends_on_seed_key_and_number_alone_and_view_0_is_plain(kind):
    plan = planned(kind)
    assert np.array_equal(render(photo(), plan, 0, "a", 32), resize(photo(), 32))
    first = [render(photo(), plan, view, "a", 32) for view in range(1, 9)]
    render(photo(9), plan, 2, "b", 32)
    for view in range(8, 0, -1):
        assert np.array_equal(render(photo(), plan, view, "a", 32), first[view - 1])
    others = [render(photo(), plan, 1, "b", 32), render(photo(), changed(plan, seed=4), 1, "a", 32)]
    assert len({pixels.tobytes() for pixels in [*first, *others]}) > 7  # one may be the identity twice


@pytest.mark.parametrize("kind", KINDS)
def test_a_chain_shifts_no_other_draw_and_comes_after_crop_and_flip(kind):
    plan = planned(kind, crop_scale=[0.3, 0.6], flip=0.5)
    for view in range(1, 6):
        cut = render(photo(), changed(plan, chain=None), view, "a", 32)
        with pytest.MonkeyPatch.context() as patch:
            seen = []
            patch.setattr(
                "sortline.data.augment.views.chained", lambda image, *_, seen=seen: seen.append(image) or image
            )
            noisy = render(photo(), changed(plan, noise=8.0), view, "a", 32)
        assert np.array_equal(np.asarray(seen[0]), cut)
        assert np.array_equal(noisy, render(photo(), changed(plan, chain=None, noise=8.0), view, "a", 32))


@pytest.mark.parametrize("level", [0.3, -0.3, 1.0, -1.0, 0.01])
def test_operations_do_what_numpy_does(level):
    """Against plain NumPy, on a ramp of 60 x 40 pixels; what moves is looked at far from the edge."""
    image, (rows, columns) = ramp(60, 40), np.mgrid[0:40, 0:60]
    pixels = np.asarray(image)
    bits = max(1, 4 - int(4 * abs(level)))
    assert np.array_equal(np.asarray(AUGMIX["posterize"].apply(image, level)), pixels >> (8 - bits) << (8 - bits))
    limit = 256 - int(256 * abs(level))
    solarized = np.where(pixels >= limit, 255 - pixels, pixels)
    assert np.array_equal(np.asarray(AUGMIX["solarize"].apply(image, level)), solarized)
    # The ramp's red is x * 255 / 60, its green y * 255 / 40: a pixel says where it came from.
    for name, moved_x, moved_y in (
        ("translate x", level * 20, 0),
        ("translate y", 0, level * 40 / 3),
        ("shear x", 0.3 * level * (rows + 0.5), 0),
        ("shear y", 0, 0.3 * level * (columns + 0.5)),
    ):
        found = np.asarray(AUGMIX[name].apply(image, level)).astype(float)
        x, y = columns + moved_x, rows + moved_y
        inside = (x > 1) & (x < 58) & (y > 1) & (y < 38)
        assert inside.mean() > 0.2
        assert np.abs(found[..., 0] - x * 255 / 60)[inside].max() < 2.5
        assert np.abs(found[..., 1] - y * 255 / 40)[inside].max() < 2.5
    turned = np.asarray(AUGMIX["rotate"].apply(image, level)).astype(float)
    angle = np.radians(30 * level)
    x, y = columns - 29.5, rows - 19.5
    at_x, at_y = 29.5 + x * np.cos(angle) - y * np.sin(angle), 19.5 + x * np.sin(angle) + y * np.cos(angle)
    inside = (at_x > 2) & (at_x < 57) & (at_y > 2) & (at_y < 37)
    assert np.abs(turned[..., 0] - at_x * 255 / 60)[inside].max() < 6 and inside.mean() > 0.4
    flat = Image.new("RGB", (8, 8), (100, 100, 100))
    assert np.asarray(RANDAUGMENT["brightness"].apply(flat, level))[0, 0, 0] == pytest.approx(
        100 * (1 + 0.9 * level), abs=1
    )


def test_autocontrast_and_equalize_spread_the_levels():
    narrow = Image.fromarray(np.random.default_rng(0).integers(90, 120, (40, 40, 3), dtype=np.uint8))
    for name, reference in (("autocontrast", ImageOps.autocontrast), ("equalize", ImageOps.equalize)):
        found = np.asarray(AUGMIX[name].apply(narrow, 0.3))
        assert np.ptp(found) > 240 and np.array_equal(found, np.asarray(reference(narrow)))


def test_augmix_is_the_mix_of_three_chains_and_the_picture(monkeypatch):
    """With chains that give black, grey and white, the level is what the drawn shares make of them."""
    drawn, depths = iter([0, 100, 200]), []

    def flat(image, known, length, low, high, generator):
        depths.append(length)
        assert known is AUGMIX and (low, high) == (0.1, 3.0)
        return Image.new("RGB", image.size, (next(drawn),) * 3)

    monkeypatch.setattr(chains, "_chain", flat)
    picture = np.asarray(chained(photo(), ChainParams(), np.random.default_rng(5))).astype(float)
    generator = np.random.default_rng(5)
    (_, grey, white), share = generator.dirichlet([1.0] * 3), generator.beta(1.0, 1.0)
    wanted = (1 - share) * np.asarray(photo()).astype(float) + share * (100 * grey + 200 * white)
    assert np.abs(picture - wanted).max() <= 0.5 + 1e-9 and len(depths) == 3 and set(depths) <= {1, 2, 3}


def test_randaugment_is_two_operations_at_the_strength(monkeypatch):
    seen = []

    def spied(name):
        return chains.Operation(lambda image, level: seen.append((name, level)) or image)

    monkeypatch.setattr(chains, "RANDAUGMENT", {name: spied(name) for name in RANDAUGMENT})
    for seed in range(300):
        chained(photo(), ChainParams(method="randaugment", strength=9.0), np.random.default_rng(seed))
    assert len(seen) == 600 and {name for name, _ in seen} == {*RANDAUGMENT} and len(RANDAUGMENT) == 14
    assert {round(level, 9) for _, level in seen} == {0.9, -0.9}


def test_augmix_draws_every_operation_on_levels_up_to_the_strength(monkeypatch):
    seen = []

    def spied(name):
        return chains.Operation(lambda image, level: seen.append((name, level)) or image)

    monkeypatch.setattr(chains, "AUGMIX", {name: spied(name) for name in AUGMIX})
    for seed in range(200):
        chained(photo(), ChainParams(strength=3.0), np.random.default_rng(seed))
    levels = np.array([level for _, level in seen])
    assert {name for name, _ in seen} == {*AUGMIX} and len(AUGMIX) == 9 and 1000 < len(seen) < 1400  # 2 of 3 on average
    assert np.abs(levels).max() <= 0.3 and np.abs(levels).min() >= 0.01 and 0.4 < (levels > 0).mean() < 0.6
    assert not {"contrast", "color", "brightness", "sharpness"} & {*AUGMIX}


@pytest.mark.parametrize("kind", KINDS)
def test_strength_grows_what_a_chain_does(kind):
    def moved(strength):
        plan = planned(kind, strength)
        return np.mean([np.abs(render(photo(), plan, view, "a", 48).astype(float) - resize(photo(), 48)).mean()
                        for view in range(1, 60)])  # fmt: skip

    assert 0 < moved(1.0) < moved(9.0)


@pytest.mark.parametrize("mistake", [{"method": "trivial"}, {"strength": 0}, {"strength": 11}, {"depth": 3}])
def test_a_chain_that_is_none_is_refused(mistake):
    with pytest.raises(ValueError, match=f"chain.{next(iter(mistake))}|unknown key"):
        ViewParams(chain=mistake)
