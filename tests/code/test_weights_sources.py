"""Weights from a file, an address, a zip, or none: checked, described, whole or not there."""

import hashlib

import pytest
from source_files import WEIGHTS, tree, write_tree, zipped

from sortline._core.errors import UserError
from sortline._core.files import read_json


def test_weights_from_a_file(fetching):
    write_tree(fetching.local, {"weights/m.safetensors": WEIGHTS})
    digest = hashlib.sha256(WEIGHTS).hexdigest()
    source = {"kind": "file", "release": "tensorflow", "path": "weights/m.safetensors", "sha256": digest}
    about, _ = fetching.weights(source)
    out = fetching.data / "weights/t"
    assert (
        about
        == read_json(out / "backbone.json")
        == {
            "network": "mobilenet_v2",
            "release": "tensorflow",
            "file": "backbone.safetensors",
            "sha256": digest,
            "width": 1.0,
            "address": None,
            "seed": None,
        }
    )
    assert (out / "backbone.safetensors").read_bytes() == WEIGHTS


def test_weights_from_an_address_and_from_a_zip(fetching, web):
    (web.folder / "m.ckpt").write_bytes(WEIGHTS)
    about, passed_over = fetching.weights(
        {"kind": "file", "release": "tensorflow", "path": "weights/m.safetensors"},
        {"kind": "download", "release": "mindcv", "url": web.url("m.ckpt")},
        local=False,
    )
    out = fetching.data / "weights/t"
    assert passed_over == ["file weights/m.safetensors: SORTLINE_DATA is not set"]
    assert (about["release"], about["file"], about["address"]) == ("mindcv", "backbone.ckpt", web.url("m.ckpt"))
    assert (out / "backbone.ckpt").read_bytes() == WEIGHTS

    (web.folder / "m.zip").write_bytes(zipped({"x/net.ckpt": b"in zip", "x/readme.txt": b""}))
    source = {"kind": "download", "release": "course", "url": web.url("m.zip"), "member": "net.ckpt"}
    about, _ = fetching.weights(source | {"sha256": hashlib.sha256(b"in zip").hexdigest()})
    assert sorted(tree(out)) == ["backbone.ckpt", "backbone.json"]
    assert (out / "backbone.ckpt").read_bytes() == b"in zip"
    assert about["sha256"] == hashlib.sha256(b"in zip").hexdigest()
    assert fetching.left_over() == []


def test_weights_that_are_not_what_they_should_be(fetching, web):
    write_tree(fetching.local, {"m.ckpt": WEIGHTS, "empty.ckpt": b""})
    (web.folder / "m.zip").write_bytes(zipped({"x/net.ckpt": b"1", "y/net.ckpt": b"2"}))
    zipped_source = {"kind": "download", "release": "course", "url": web.url("m.zip")}
    with pytest.raises(UserError) as caught:
        fetching.weights(
            {"kind": "file", "release": "course", "path": "m.ckpt", "sha256": "0" * 64},
            {"kind": "file", "release": "course", "path": "empty.ckpt"},
            {"kind": "file", "release": "course", "path": "gone.ckpt"},
            zipped_source | {"member": "net.ckpt"},
            zipped_source | {"member": "x/net.ckpt", "sha256": "1" * 64},
        )
    parts = str(caught.value).removeprefix("no weights for 't': ").split("; ")
    assert [part.rsplit(": ")[0].split(" ")[0] for part in parts[:5]] == ["file"] * 3 + ["download"] * 2
    words = ["wrong checksum", "is empty", "does not exist", "holds 2 files named", "wrong checksum", "set SORT"]
    assert [word in part for word, part in zip(words, parts, strict=True)] == [True] * 6
    assert not (fetching.data / "weights/t").exists()
    assert fetching.left_over() == []


def test_random_weights_are_a_description_only(fetching):
    about, _ = fetching.weights({"kind": "random", "release": "random", "width": 0.35, "seed": 3})
    assert about == {
        "network": "mobilenet_v2",
        "release": "random",
        "file": None,
        "sha256": None,
        "width": 0.35,
        "address": None,
        "seed": 3,
    }
    about, _ = fetching.weights({"kind": "random", "network": "resnet18"})
    assert (about["network"], about["width"], about["seed"]) == ("resnet18", None, 1)
    assert list(tree(fetching.data / "weights/t")) == ["backbone.json"]
