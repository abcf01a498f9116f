"""Sets in MNIST's format that differ from it: which way up the pictures lie, and what is no digit at all."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from sortline._core.errors import UserError
from sortline.config.fetch import Fetched
from sortline.data import idx
from sortline.data.idx import Part

INK = 64  # of 255
ENOUGH = 20  # ones, by which the way up is told, and ten times as many pictures: of fewer nothing is said
TURNED = "pictures turned upright"


def fetched(name: str, files: Mapping[str, tuple[bytes, object]], where: object, out: Path) -> Fetched:
    """Write a set's files, {one of idx.FILES: (content, where it is from)}, into `out` as MNIST's are."""
    parts, change = as_mnist(idx.parts(files), where)
    return Fetched(f"{name} ({change})" if change else name, idx.write(out, parts))


def as_mnist(parts: dict[str, Part], where: object) -> tuple[dict[str, Part], str]:
    """Return the parts with upright pictures, and what was done to them, empty for nothing.

    EMNIST's lie transposed (Cohen et al. 2017, arXiv:1702.05373): its ones are wider than high. Raises `UserError` for
    pictures that fill their frame, as Fashion-MNIST's clothes do (Xiao et al. 2017, arXiv:1708.07747); MNIST's digits
    leave 4 of 28 pixels free at each side, and so does what `sortline predict` shows a model of digits.
    """
    images, labels = parts["train"].images[:10_000], parts["train"].labels[:10_000]
    ink = images > INK
    edge = ink[:, [0, -1]].any((1, 2)) | ink[:, :, [0, -1]].any((1, 2))
    if len(images) >= 10 * ENOUGH and edge.mean() > 0.3:
        raise UserError(
            f"{where}: no handwritten digits: {edge.mean():.0%} of the pictures run into their edge, as those of "
            "Fashion-MNIST do; digits need a margin; for other pictures: PNG files in a folder for each class, and "
            "sortline new"
        )
    ones = ink[labels == 1]
    height, width = ones.any(2).sum(1), ones.any(1).sum(1)
    if len(ones) < ENOUGH or width.mean() < 1.5 * height.mean():
        return parts, ""
    return {name: replace(part, images=part.images.swapaxes(1, 2)) for name, part in parts.items()}, TURNED
