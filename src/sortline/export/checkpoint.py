"""The parameters of a trained model, backbone and head, as a checkpoint for other programs: .ckpt or .safetensors."""

from pathlib import Path

import numpy as np

from sortline._core import files, parameters
from sortline._core.errors import UserError
from sortline.backbones import loading, mindspore_file
from sortline.export.network import HeadOnBackbone
from sortline.predictor import HeadPredictor, NetPredictor, Predictor

SUFFIXES = (".ckpt", ".safetensors")


def arrays_of(model: Predictor, weights: Path) -> dict[str, np.ndarray]:
    """Return every parameter and statistic of the model by name; `weights`: the backbone's folder, of a head."""
    if isinstance(model, HeadPredictor):
        cell = HeadOnBackbone(loading.load(weights, model.size).net, model.head)
        return {name: parameter.asnumpy() for name, parameter in cell.parameters_dict().items()}
    assert isinstance(model, NetPredictor)
    return model.arrays


def write(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write `arrays` as the suffix says, for `mindspore.load_checkpoint` or any reader of safetensors.

    Raises `UserError` for another suffix, or where what was written is not read back the same.
    """
    if path.suffix not in SUFFIXES:
        raise UserError(f"{path}: should end in {' or '.join(SUFFIXES)}")
    with files.replacing(path) as temporary:
        if path.suffix == ".safetensors":
            parameters.write(temporary, arrays)
            found = parameters.read(temporary)
        else:
            import mindspore

            named = [{"name": name, "data": mindspore.Tensor(array)} for name, array in arrays.items()]
            made = temporary.with_suffix(".ckpt")
            mindspore.save_checkpoint(named, str(made))
            made.replace(temporary)
            found = mindspore_file.read(temporary)
        if found.keys() != arrays.keys() or any(not np.array_equal(found[name], arrays[name]) for name in found):
            raise UserError(f"{path}: was not written as it should be; is the disk full?")
