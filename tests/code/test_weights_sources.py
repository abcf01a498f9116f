"""Weights from a file, an address, a zip, or none: checked, described, whole or not there."""

import hashlib

import pytest
from source_files import WEIGHTS, tree, write_tree, zipped

from sortline import backbones
from sortline._core.errors import UserError
from sortline._core.files import read_json
from sortline.backbones import weights
from sortline.config.weights import WeightsParams
from sortline.data.sources.base import reachable

DIGEST = hashlib.sha256(WEIGHTS).hexdigest()
ABOUT = {"network": "mobilenet_v2", "file": None, "sha256": None, "width": 1.0, "address": None, "seed": None}


def origins(**keys):
    return weights.origins(WeightsParams(**keys))


def test_a_backbones_releases_are_tried_in_their_order():
    found = [(origin.kind, origin.release) for origin in origins(backbone="mobilenet_v2")]
    assert found == [("file", "tensorflow"), ("download", "mindcv"), ("download", "course")]
    assert [origin.release for origin in origins(backbone="mobilenet_v2", release="course")] == ["course"]
    # The course's own was trained on all photos of its task: it never stands in for another.
    assert [origin.release for origin in origins(backbone="resnet50")] == ["mindcv"] * 2
    assert origins(backbone="resnet50", release="course")[0].address.endswith("resnet-50_209.ckpt")
    both = origins(backbone="resnet101", release="course", path="a.ckpt", url="https://x.cn/a.ckpt")
    assert [origin.address for origin in both] == ["a.ckpt", "https://x.cn/a.ckpt"]


def test_every_release_says_what_it_is_and_where():
    addresses = []
    for name in backbones.names():
        network = backbones.get(name)
        for release in network.releases.values():
            assert release.title.startswith(network.title) and release.licence
            assert release.address.startswith("https://") and "arXiv:" in network.citation
            addresses += [address for address in (release.path, release.url, release.wheel) if address]
        assert not network.tried or weights.origins(WeightsParams(backbone=name))
    assert len(set(addresses)) == len(addresses)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"backbone": "vgg"}, ["no backbone 'vgg'", "mobilenet_v2", "resnet50"]),
        ({"backbone": "resnet50", "release": "tensorflow"}, ["no release 'tensorflow' of resnet50", "mindcv, course"]),
        ({"backbone": "resnet18", "release": "course"}, ["no release 'course' of resnet18"]),
        ({"backbone": "resnet18", "release": "random", "width": 0.5}, ["width", "resnet18"]),
        ({"backbone": "resnet101", "release": "course"}, ["resnet101", "path or url"]),
        ({"backbone": ["mobilenet_v2", "vgg"]}, ["no backbone 'vgg'", "efficientnet_lite0"]),
    ],
)
def test_what_is_not_known_is_one_line(fetching, keys, words):
    with pytest.raises(UserError) as caught:
        fetching.weights(**keys)
    assert all(word in str(caught.value) for word in ("params.yaml", *words))
    assert "\n" not in str(caught.value)


def test_weights_from_a_file(fetching):
    write_tree(fetching.local, {"weights/m.safetensors": WEIGHTS})
    about, _ = fetching.weights(release="tensorflow", path="weights/m.safetensors", sha256=DIGEST)
    out = fetching.data / "weights/t"
    expected = ABOUT | {"release": "tensorflow", "file": "backbone.safetensors", "sha256": DIGEST}
    assert about == read_json(out / "backbone.json") == expected
    assert (out / "backbone.safetensors").read_bytes() == WEIGHTS


def test_weights_from_an_address_and_from_a_zip(fetching, web):
    (web.folder / "m.ckpt").write_bytes(WEIGHTS)
    about, passed_over = fetching.weights(
        local=False, release="mindcv", path="weights/m.safetensors", url=web.url("m.ckpt")
    )
    out = fetching.data / "weights/t"
    assert passed_over == ["file weights/m.safetensors: SORTLINE_DATA is not set"]
    assert (about["release"], about["file"], about["address"]) == ("mindcv", "backbone.ckpt", web.url("m.ckpt"))
    assert (out / "backbone.ckpt").read_bytes() == WEIGHTS

    (web.folder / "m.zip").write_bytes(zipped({"x/net.ckpt": b"in zip", "x/readme.txt": b""}))
    digest = hashlib.sha256(b"in zip").hexdigest()
    about, _ = fetching.weights(release="course", url=web.url("m.zip"), member="net.ckpt", sha256=digest)
    assert sorted(tree(out)) == ["backbone.ckpt", "backbone.json"]
    assert (out / "backbone.ckpt").read_bytes() == b"in zip"
    assert about["sha256"] == digest
    assert fetching.left_over() == []


@pytest.mark.parametrize(
    ("path", "sha256", "words"),
    [
        ("m.ckpt", "0" * 64, "wrong checksum"),
        ("empty.ckpt", None, "is empty"),
        ("gone.ckpt", None, "does not exist"),
    ],
)
def test_a_file_that_is_not_what_it_should_be(fetching, path, sha256, words):
    write_tree(fetching.local, {"m.ckpt": WEIGHTS, "empty.ckpt": b""})
    with pytest.raises(UserError, match=f"^no weights for 't': file {path}: .*{words}.*set SORT"):
        fetching.weights(release="course", path=path, sha256=sha256)
    assert not (fetching.data / "weights/t").exists()
    assert fetching.left_over() == []


@pytest.mark.parametrize(
    ("member", "sha256", "words"), [("net.ckpt", None, "2 files named"), ("x/net.ckpt", "1" * 64, "wrong checksum")]
)
def test_an_archive_that_is_not_what_it_should_be(fetching, web, member, sha256, words):
    (web.folder / "m.zip").write_bytes(zipped({"x/net.ckpt": b"1", "y/net.ckpt": b"2"}))
    with pytest.raises(UserError, match=f"download .*{words}"):
        fetching.weights(release="course", url=web.url("m.zip"), member=member, sha256=sha256)
    assert not (fetching.data / "weights/t").exists()
    assert fetching.left_over() == []


def test_random_weights_and_none_are_a_description_only(fetching):
    about, _ = fetching.weights(release="random", seed=3)
    assert about == ABOUT | {"release": "random", "width": 0.35, "seed": 3}
    about, _ = fetching.weights(backbone="resnet18", release="random")
    assert (about["network"], about["width"], about["seed"]) == ("resnet18", None, 1)
    about, _ = fetching.weights(backbone=None)
    assert about == ABOUT | {"network": "none", "release": "none", "width": None}
    assert list(tree(fetching.data / "weights/t")) == ["backbone.json"]


def test_joined_backbones_have_a_folder_each(fetching, monkeypatch):
    names = ["mobilenet_v2", "efficientnet_lite0"]
    about, passed_over = fetching.weights(backbone=names, release="random", seed=3)
    out = fetching.data / "weights/t"
    assert (about["joined"], about["network"]) == (names, "mobilenet_v2+efficientnet_lite0") and passed_over == []
    assert sorted(tree(out)) == ["backbone.json", *sorted(f"{name}/backbone.json" for name in names)]
    each = [read_json(out / name / "backbone.json") for name in names]
    assert [(one["network"], one["release"], one["seed"]) for one in each] == [(name, "random", 3) for name in names]
    # Where one of them is not to be had, all stays as it was, as of one alone.
    there, everywhere = tree(out), weights.origins
    monkeypatch.setattr(weights, "origins", lambda params: everywhere(params)[:1])
    with pytest.raises(UserError, match="no weights for 't': file weights/mobilenet"):
        fetching.weights(backbone=["efficientnet_lite0", "mobilenet_v2"], local=False)
    assert tree(out) == there
    assert fetching.left_over() == []
    fetching.weights(backbone=names[:1], release="random")
    assert sorted(tree(out)) == ["backbone.json"]


def test_what_is_within_reach_is_told_without_fetching(fetching, refused):
    own = {"backbone": "mobilenet_v2", "release": "course", "path": "m.ckpt", "url": f"{refused}.ckpt"}
    ok, why = reachable(origins(**own), fetching.local)
    assert not ok and "m.ckpt does not exist" in why and "could not connect" in why
    write_tree(fetching.local, {"m.ckpt": b"x"})
    assert reachable(origins(**own), fetching.local) == (True, "file m.ckpt")
    assert reachable(origins(backbone="resnet18", release="random"), None) == (True, "random")
    assert reachable(origins(backbone=None), None)[0]
