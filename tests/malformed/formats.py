"""The formats that a stranger's file may have: good examples of each, and the function of sortline that reads it.

`read` returns what can be compared with `==`. It raises `UserError` for a file that it refuses, and `Wrong` where what
it was given back cannot be right.
"""

import gzip
import hashlib
import io
import json
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

SIZE = (24, 17)
LABELS = {
    "task": "colours",
    "classes": [
        {"code": "00", "en": "Red", "zh": "红", "bin": "warm", "card": [["family", "a"]]},
        {"code": "01", "en": "Green", "zh": "绿", "bin": "cold"},
        {"code": "02", "en": "Blue", "zh": "蓝", "bin": "cold"},
    ],
    "bins": [{"id": name, "en": name, "zh": "", "colour": "#2278cf"} for name in ("warm", "cold")],
    "note": "",
    "threshold": 0.5,
}
CLASSES = "code,en,zh,bin,family\na,Apple,苹果,,Rose\nb,Bread,面包,,Grass\n"
PARAMS = """tasks: [toy]
head_tasks: [toy]
toy:
  fetch:
    sources:
      - {kind: folder, path: photos}
      - {kind: archive, url: "https://example.org/a.zip", max_mb: 10}
  prepare:
    split: {val_fraction: 0.2, folds: 5, seed: 1}
  train_head:
    optimizer: adam  # of all
    lr: 4e-05
    epochs: 30
    lbfgs_c: [0.3, 1.0]
"""
LOG = "".join(
    f"epoch: {epoch} step: {step}, loss is {2 / epoch + step / 100}\n" for epoch in (1, 2, 3) for step in (1, 2)
) + ("Train epoch time: 8617.408 ms, per step time: 4.596 ms\nEpoch:[  4/ 10], step:[  1/ 1875], loss:[2.30/2.30]\n")


class Wrong(AssertionError):
    """Something was read that cannot be right, without a word."""


@dataclass(frozen=True)
class Format:
    """`checked`: the format has a checksum, so that any change shows. `text`: what was cut off is a shorter text."""

    read: Callable[[Path], Any]
    examples: Callable[[], dict[str, bytes]]
    checked: bool = False
    text: bool = False
    more: Callable[[], Iterator[tuple[str, bytes]]] = field(default=lambda: iter(()))  # malformed by hand
    file: str = "input"  # its name


def sound(fine: object, what: str) -> None:
    if not fine:
        raise Wrong(what)


def pixels() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (SIZE[1], SIZE[0], 3), np.uint8)


def pictures() -> dict[str, bytes]:
    found = {}
    for kind in ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF"):
        stream = io.BytesIO()
        Image.fromarray(pixels()).save(stream, kind)
        found[kind.lower()] = stream.getvalue()
    return found


def read_picture(path: Path) -> Any:
    from sortline.data.images import open_rgb

    image = open_rgb(path)
    sound(image.mode == "RGB" and 0 < image.width * image.height <= 10**8, f"{image.mode} {image.size}")
    return image.size, hashlib.sha256(image.tobytes()).hexdigest()


def idx_files() -> dict[str, bytes]:
    from sortline.data import idx

    images = np.random.default_rng(2).integers(0, 256, (5, 4, 4), np.uint8)
    return {"images": idx.packed(images), "gzipped": gzip.compress(idx.packed(images), mtime=0)}


def read_idx(path: Path) -> Any:
    """The file as the pictures of both parts, beside labels that are right."""
    from sortline.data import idx

    content, labels = idx._unpacked(path.read_bytes(), path), idx.packed(np.arange(5, dtype=np.uint8))
    files = {name: (content if idx.IMAGES in name else labels, path) for name in idx.FILES}
    part = idx.parts(files)["train"]
    sound(part.images.ndim == 3 and len(part.images) == len(part.labels), "shape")
    return part.images.shape, part.images.tobytes()


def arrays() -> dict[str, np.ndarray]:
    random = np.random.default_rng(3)
    return {"head.weight": random.normal(size=(3, 4)).astype(np.float32), "head.bias": np.ones(3, np.float32)}


def of_arrays(found: dict[str, np.ndarray], path: Path) -> Any:
    """What was read, as a net takes it: with all of its parameters, of their shapes."""
    from sortline._core import parameters

    parameters.check({name: array.shape for name, array in arrays().items()}, found, path)
    return {name: (array.dtype.str, array.shape, array.tobytes()) for name, array in found.items()}


def safetensors() -> dict[str, bytes]:
    from safetensors.numpy import save

    return {"head": save(arrays())}


def read_safetensors(path: Path) -> Any:
    from sortline._core import parameters

    found = parameters.read(path)
    sound(all(np.isfinite(array).all() for array in found.values()), "not finite")
    return of_arrays(found, path)


def npy() -> dict[str, bytes]:
    stream = io.BytesIO()
    np.save(stream, np.arange(24, dtype=np.float32).reshape(2, 3, 4))
    return {"features": stream.getvalue()}


def read_npy(path: Path) -> Any:
    from sortline._core.arrays import read

    found = read(path, mapped=True)
    sound(isinstance(found, np.ndarray) and found.dtype != object, "kind")
    sound(np.array_equal(found, read(path), equal_nan=found.dtype.kind == "f"), "mapped and read")
    return found.dtype.str, found.shape, found.tobytes()


def checkpoint(*values: tuple[str, str, tuple[int, ...], bytes]) -> bytes:
    from mindspore.train.checkpoint_pb2 import Checkpoint

    message = Checkpoint()
    for name, kind, dims, content in values:
        value = message.value.add(tag=name)
        value.tensor.dims.extend(dims)
        value.tensor.tensor_type, value.tensor.tensor_content = kind, content
    return message.SerializeToString()


def checkpoints() -> dict[str, bytes]:
    import binascii

    plain = checkpoint(*((name, "Float32", one.shape, one.tobytes()) for name, one in arrays().items()))
    return {"plain": plain, "with CRC": plain + b"crc_num" + binascii.crc32(plain).to_bytes(10, "big")}


def read_weights(path: Path) -> Any:
    from sortline.backbones import loading

    return of_arrays(loading._read(path), path)


def torch_file() -> dict[str, bytes]:
    """A zip as torch.save writes it, its pickle naming a function that must never run."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("a/data.pkl", b"cos\nsystem\n(S'touch owned'\ntR.")
        archive.writestr("a/data/0", bytes(64))
        archive.writestr("a/version", b"3\n")
    return {"zip": stream.getvalue(), "pickle": b"cos\nsystem\n(S'touch owned'\ntR."}


FILES = {f"train/{name}/照片{i}.jpg": bytes(range(i, i + 60)) * 8 for name in "ab" for i in range(2)}


def tar(mode: str) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode) as archive:
        for name, content in FILES.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def zipped(**options: Any) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in FILES.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return stream.getvalue()


def archives() -> dict[str, bytes]:
    return {"zip": zipped(), "tar.gz": tar("w:gz"), "tar.bz2": tar("w:bz2"), "tar.xz": tar("w:xz")}


def read_archive(path: Path) -> Any:
    import shutil

    from sortline.data.layout import photo_paths
    from sortline.data.sources.unpack import unpack

    out = path.parent / "out"
    shutil.rmtree(out, ignore_errors=True)
    hashes = unpack(path, out, photo_paths, 10**7)
    found = {file.relative_to(out).as_posix(): file.read_bytes() for file in out.rglob("*") if file.is_file()}
    sound({name: hashlib.sha256(content).hexdigest() for name, content in found.items()} == hashes, "hashes")
    return found


def read_labels(path: Path) -> Any:
    from sortline.export import labels

    found = labels.read(path)
    sound(found.classes and all(one.code is not None for one in found.classes), "classes")
    return found


def labels_files() -> dict[str, bytes]:
    return {"labels": json.dumps(LABELS, ensure_ascii=False, indent=1).encode()}


def onnx_model(change: Callable[[Any], None] = lambda model: None, labels: Any = LABELS, **kind: Any) -> bytes:
    """The mean of each channel over the sum of the means as probabilities; see tests/code/test_predict.py."""
    from onnx import TensorProto, helper, numpy_helper

    nodes = [
        helper.make_node("Cast", ["image"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["float", "axes"], ["means"], keepdims=0),
        helper.make_node("ReduceSum", ["means"], ["sum"], keepdims=1),
        helper.make_node("Div", ["means", "sum"], ["probabilities"]),
        helper.make_node("Mul", ["probabilities", "ones"], ["logits"]),
    ]
    image = helper.make_tensor_value_info(
        "image", kind.get("type", TensorProto.UINT8), kind.get("shape", ["h", "w", 3])
    )
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [3]) for name in ("probabilities", "logits")]
    values = [numpy_helper.from_array(np.array([0, 1]), "axes")]
    values.append(numpy_helper.from_array(np.ones(3, np.float32), "ones"))
    graph = helper.make_graph(nodes, "colours", [image], outputs, values)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    helper.set_model_props(model, {"labels": json.dumps(labels)})
    change(model)
    return model.SerializeToString()


def onnx_files() -> dict[str, bytes]:
    return {"model": onnx_model()}


def read_onnx(path: Path) -> Any:
    from sortline.export.classifier import Classifier

    (path.parent / "labels.json").write_text(json.dumps(LABELS), encoding="utf-8")
    found = Classifier(path.parent)(Image.fromarray(pixels()), top=3)
    chances = [guess.probability for guess in found.top]
    sound(np.isfinite(chances).all() and len(chances) == 3, f"{chances}")
    return found


def params_files() -> dict[str, bytes]:
    return {"params": PARAMS.encode()}


def read_params(path: Path) -> Any:
    from sortline._core.files import read_yaml
    from sortline.config.base import load
    from sortline.config.prepare import PrepareParams
    from sortline.config.tasks import listed
    from sortline.config.training import TrainHeadParams
    from sortline.data.sources import FetchParams

    stages = {"fetch": FetchParams, "prepare": PrepareParams, "train_head": TrainHeadParams}
    found = {name: load("toy", name, schema, path).model_dump() for name, schema in stages.items()}
    return found, listed(read_yaml(path))


def tables() -> dict[str, bytes]:
    return {"table": CLASSES.encode()}


def read_table(path: Path) -> Any:
    from sortline.data.classes import load_table

    found = load_table(path.stem, path.parent)
    sound(found.classes and all(row["en"] and row["code"] for row in found.classes), "names")
    return found


def logs() -> dict[str, bytes]:
    return {"log": LOG.encode(), "utf-16": LOG.encode("utf-16")}


def read_log(path: Path) -> Any:
    from sortline.report.log_report import describe
    from sortline.report.training_log import read_log

    log = read_log(path)
    sound(all(isinstance(line, str) for line in describe("a", log, 0.1, 3, 100)), "lines")
    return [(number, epoch.losses.tolist(), epoch.seconds) for number, epoch in log.epochs]
