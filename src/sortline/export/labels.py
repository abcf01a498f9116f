"""labels.json of an exported model, typed: a model may come from anywhere."""

from pathlib import Path

import pydantic

from sortline._core.doubt import Threshold
from sortline._core.errors import UserError
from sortline.config.base import one_line
from sortline.export import sums

MAX_BYTES = 50 * 10**6
MODELS = ("model.onnx", "model_int8.onnx", "model.xml", "model.tflite")  # OpenVINO's, LiteRT's


class _Part(pydantic.BaseModel):
    """Other keys than those below are passed over: a later version may write more."""

    model_config = pydantic.ConfigDict(extra="ignore", frozen=True, strict=True, allow_inf_nan=False)


class Class(_Part):
    """A class's code, names, and the id of its bin; `card`: lines [name, text] of what its table says besides."""

    code: str
    en: str
    zh: str | None = ""
    bin: str | None = ""
    card: tuple[tuple[str, str], ...] = ()


class Bin(_Part):
    """`colour`: "#rrggbb"."""

    id: str
    en: str | None = ""
    zh: str | None = ""
    colour: str | None = ""


class Labels(_Part):
    """What the outputs of a model mean, in their order, and when its answers are not to be taken.

    `unknown_below`: the familiarity below which a photo is nothing that the model knows; without it `unfamiliar_below`,
    the similarity below which it is unlike anything trained on; `sets`: for the
    level in percent the limit of `set_scores` in its prediction sets, see `features.sets`; `reads`: "digits" where the
    model expects pictures like MNIST's; `image_size`: pixels a side that it resizes a photo to; `framed`: what of
    it, see `images.frame`.
    """

    task: str
    classes: tuple[Class, ...] = pydantic.Field(min_length=1)
    bins: tuple[Bin, ...] = ()
    note: str | None = ""
    threshold: Threshold = None
    cam: bool | None = None
    unfamiliar_below: float | None = None
    unknown_below: float | None = None
    sets: dict[str, float] = {}
    reads: str | None = None
    image_size: int | None = pydantic.Field(None, ge=1)
    framed: str = "squeeze"


def model_file(folder: Path) -> Path:
    """Return the model of an export folder that is used: the first of MODELS that is there."""
    files = [folder / name for name in MODELS]
    return next((path for path in files if path.is_file()), files[0])


def parse(content: bytes | str, where: object) -> Labels:
    """Return the labels in a JSON text; raise `UserError` naming `where` unless they are such."""
    try:
        return Labels.model_validate_json(content)
    except pydantic.ValidationError as error:
        why = one_line(error, "")
    raise UserError(f"{where}: not the labels of an exported model: {why}; export it again")


def read(path: Path) -> Labels:
    """Read labels.json; raise `UserError` unless it is that, and as it was exported."""
    with path.open("rb") as stream:
        content = stream.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise UserError(f"{path}: more than {MAX_BYTES // 10**6} MB, no labels of a model")
    sums.check(path, content)
    return parse(content, path)
