"""Writes what `torch.save` writes, and what it wrote before PyTorch 1.6, without PyTorch."""

import io
import pickle
import struct
import zipfile
from collections import OrderedDict

import numpy as np

from sortline.backbones import pytorch_file

KINDS = {np.dtype("float32"): "FloatStorage", np.dtype("int64"): "LongStorage"}


class Global:
    """Pickles as a name, like a class of a package that is not there."""

    def __init__(self, module: str, name: str) -> None:
        self.module, self.name = module, name


class Call:
    """Pickles as a call of `what` with `arguments`."""

    def __init__(self, what, *arguments) -> None:
        self.what, self.arguments = what, arguments


class Writer(pickle._Pickler):
    """Python's own pickler, taught the three names that PyTorch's files have."""

    def persistent_id(self, thing):
        if isinstance(thing, tuple) and thing and thing[0] == "storage":
            return thing
        return None

    def save(self, thing, **options):
        if isinstance(thing, Global):
            self.write(pickle.GLOBAL + f"{thing.module}\n{thing.name}\n".encode())
        elif isinstance(thing, Call):
            self.save(thing.what)
            self.save(thing.arguments)
            self.write(pickle.REDUCE)
        else:
            super().save(thing, **options)


def pickled(thing) -> bytes:
    stream = io.BytesIO()
    Writer(stream, 2).dump(thing)
    return stream.getvalue()


def tensor(key: str, numbers: np.ndarray, offset: int, shape: tuple, strides: tuple, name: str = "_rebuild_tensor_v2"):
    kind = Global("torch", KINDS[numbers.dtype])
    storage = ("storage", kind, key, "cpu", len(numbers), None)
    return Call(Global("torch._utils", name), storage, offset, shape, strides, False, OrderedDict())


def saved(tensors: dict, storages: dict[str, np.ndarray], magic: int = pytorch_file.MAGIC) -> bytes:
    """As `torch.save` wrote it before 1.6: three heads, the objects, the keys, then count and numbers of each."""
    about = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"int": 4}}
    parts = [pickled(one) for one in (magic, 1001, about, OrderedDict(tensors), list(storages))]
    for numbers in storages.values():
        parts += [struct.pack("<q", len(numbers)), numbers.tobytes()]
    return b"".join(parts)


def zipped(tensors: dict, storages: dict[str, np.ndarray], packing: int = zipfile.ZIP_STORED) -> bytes:
    """As `torch.save` writes it now: a ZIP with the objects, and the numbers of each storage in a file of its own."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", packing) as archive:
        archive.writestr("archive/data.pkl", pickled(OrderedDict(tensors)))
        archive.writestr("archive/byteorder", "little")
        for key, numbers in storages.items():
            archive.writestr(f"archive/data/{key}", numbers.tobytes())
        archive.writestr("archive/version", "3\n")
    return stream.getvalue()
