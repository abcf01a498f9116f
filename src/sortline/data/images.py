"""Photos from disk to RGB pixels: the one definition of decoding and resizing that every stage uses."""

import struct
import warnings
import zlib
from contextlib import nullcontext
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import ExifTags, Image, ImageOps, ImageStat, PngImagePlugin

from sortline._core.errors import UserError
from sortline._core.limits import MAX_FILE_MB, MAX_PIXELS, MAX_RLE_PIXELS
from sortline.data import foreign

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")  # the only decoders that ever see a file

# What Pillow raises on damaged files, seen by cutting and altering the bytes of files of each format.
DAMAGED = (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, OverflowError, struct.error,
           zlib.error)  # fmt: skip
# A PNG's text, XMP or colour profile may be so large, unpacked; Pillow's own limit, 1 MiB, refuses photos that people
# have. All text of a file together stays under Pillow's 64 MiB.
PngImagePlugin.MAX_TEXT_CHUNK = 32 * 2**20
DIM = 15  # of 255: the most that 12 bits come to which are stored in 16 without scaling

# Pillow warns about sizes (open_rgb has its own limit) and odd metadata; neither is news to the user.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")


class BadImage(UserError):
    """A file that cannot be used as a photo; the text is `<path>: <what>`, `what` alone is kept too."""

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(f"{path}: {what}")
        self.what = what


GAP = 2  # a photo is decoded at a fraction that leaves so many times the pixels a side that are wanted ...
WHOLE = 4 * 2**20  # ... but one of no more pixels than these, which takes 40 ms at most, is decoded whole

PADDING = 128  # grey, of 255

Photo = Path | str | Image.Image | np.ndarray  # a file, an image of Pillow's, or uint8 RGB (H, W, 3)


class TooLarge(BadImage):
    """A photo over a limit of bytes or pixels."""


class NoDigit(Exception):
    """Nothing stands out from a picture's background where a digit was looked for."""


def open_rgb(
    path: Path, max_pixels: int = MAX_PIXELS, max_file_mb: int = MAX_FILE_MB, side: int | None = None
) -> Image.Image:
    """Return the photo at `path` as a loaded RGB image, turned upright by its EXIF orientation.

    `side`: it is going to be resized to so many pixels a side, so that a JPEG of more than WHOLE pixels is
    decoded at the smallest of 1/8, 1/4 and 1/2 that leaves GAP times as many; None: at all its pixels.

    Any mode becomes 8-bit RGB; transparent photos are laid on white, but an alpha that is zero everywhere is left out
    of account; of an animation the first frame counts. Colour profiles are not applied; no metadata is kept. Raises
    `BadImage` for a file that is missing, empty, not one of FORMATS, damaged, wholly transparent with nothing under it,
    of 16 bits that come out black, over `max_file_mb` MB (2**20 bytes), or of more than `max_pixels` pixels, of a
    run-length encoded BMP MAX_RLE_PIXELS at most; the last two before any pixel is decoded.
    """
    path = Path(path)
    _check_size(path, max_file_mb)
    try:
        stream = path.open("rb")
    except OSError as error:
        raise BadImage(path, f"cannot be read ({error.strerror})") from None
    with stream:
        return read_rgb(stream, path, max_pixels, side)


def read_rgb(
    source: BinaryIO | Image.Image, name: Path, max_pixels: int = MAX_PIXELS, side: int | None = None
) -> Image.Image:
    """The same of a file's content, or of an image of Pillow's, which stays as it is; `name`: what errors call it."""
    try:
        with nullcontext(source) if isinstance(source, Image.Image) else Image.open(source, formats=FORMATS) as image:
            (width, height), tiles = image.size, str(getattr(image, "tile", ""))
            limit, kind = max_pixels, ""
            if "bmp_rle" in tiles:
                limit, kind = min(max_pixels, MAX_RLE_PIXELS), " of a run-length encoded BMP"
            if width * height > limit:
                raise TooLarge(name, f"{width} x {height} pixels{kind}, over the limit of {limit:,} pixels")
            if side and width * height > WHOLE:
                image.draft(image.mode, (GAP * side, GAP * side))
            image.load()
            orientation = _orientation(image)
            rgb = _to_rgb(image, name, ";16" in tiles)
    except Image.UnidentifiedImageError:
        raise BadImage(name, _not_a_photo(source)) from None  # type: ignore[arg-type]  # of a stream alone
    except Image.DecompressionBombError:
        raise TooLarge(name, f"more pixels than any photo has; the limit is {max_pixels:,} pixels") from None
    except DAMAGED as error:
        if "MAX_TEXT" in str(error):
            raise BadImage(name, "more text or colour profile in it than a photo has; save it without them") from None
        raise BadImage(name, f"truncated or damaged: {' '.join(str(error).split())[:120]}") from None
    # The orientation alone: whoever saves or shows the image must not apply it again, nor stumble over damaged EXIF.
    rgb.info = {}
    rgb.getexif()[ExifTags.Base.Orientation] = orientation
    return ImageOps.exif_transpose(rgb)


def rgb_of(photo: Photo, side: int | None = None) -> Image.Image:
    """Return any of what may stand for a photo as `open_rgb` does a file; raise `BadImage` as it does.

    An array may also be grey, (H, W), or have an alpha, (H, W, 4).
    """
    if isinstance(photo, str | Path):
        return open_rgb(Path(photo), side=side)
    if isinstance(photo, np.ndarray):
        if (
            photo.dtype != np.uint8
            or photo.ndim not in (2, 3)
            or photo.shape[2:] not in ((), (3,), (4,))
            or not photo.size
        ):
            raise BadImage(Path("array"), f"{photo.dtype} {photo.shape}, expected uint8 (height, width, 3), RGB")
        photo = Image.fromarray(photo)
    if not isinstance(photo, Image.Image):
        raise BadImage(Path(type(photo).__name__), "no photo: give a path, a Pillow image or a uint8 array")
    return read_rgb(photo, Path(getattr(photo, "filename", "") or "image"))


def frame(image: Image.Image, how: str) -> Image.Image:
    """Return what of a photo is resized: "squeeze" all of it; "centre_crop" the middle square of 7/8 of the shorter
    side, which is what resizing to 256 and cropping 224 keeps; "pad" all of it on a square of PADDING."""
    width, height = image.size
    if how == "centre_crop":
        side = (7 * min(width, height) + 4) // 8
        left, top = (width - side) // 2, (height - side) // 2
        return image.crop((left, top, left + side, top + side))
    if how == "pad":
        side = max(width, height)
        square = Image.new("RGB", (side, side), (PADDING,) * 3)
        square.paste(image, ((side - width) // 2, (side - height) // 2))
        return square
    return image


def resize(image: Image.Image, size: int) -> np.ndarray:
    """Return the whole photo squeezed to uint8 (size, size, 3) by Pillow's BILINEAR filter, which antialiases."""
    return np.array(image.resize((size, size), Image.Resampling.BILINEAR))


def _check_size(path: Path, max_file_mb: int) -> None:
    try:
        size = path.stat().st_size
    except OSError as error:
        raise BadImage(path, f"cannot be read ({error.strerror})") from None
    if not path.is_file():
        raise BadImage(path, "not a file")
    if size == 0:
        raise BadImage(path, "empty file (zero bytes)")
    if size > max_file_mb * 2**20:
        raise TooLarge(path, f"{size / 2**20:,.0f} MB, over the limit of {max_file_mb} MB a file")


def _orientation(image: Image.Image) -> int:
    """Return the EXIF orientation, 1 (upright) where there is none or the EXIF block is damaged."""
    try:
        return image.getexif().get(ExifTags.Base.Orientation, 1)
    except DAMAGED:
        return 1


def _to_rgb(image: Image.Image, path: Path, sixteen: bool) -> Image.Image:
    """Return it as RGB; `sixteen`: its file has 16 bits a channel."""
    if image.mode.startswith("I;16"):
        # Pillow's own conversion clips at 255; 65535 // 257 is 255.
        image = Image.fromarray((np.asarray(image) // 257).astype(np.uint8))
    if image.mode in ("I", "F", "LAB"):
        raise BadImage(path, f"pixels of kind '{image.mode}' (not 8 or 16 bits a channel); save it as JPEG or PNG")
    if sixteen and max(high for _, high in ImageStat.Stat(image.convert("RGB")).extrema) <= DIM:
        what = "16 bits a channel of which 12 or fewer are used, which would be black"
        raise BadImage(path, f"{what}; scale its values to all 16, or save it in 8")
    if not image.has_transparency_data:
        return image.convert("RGB")
    with_alpha = image.convert("RGBA")
    if ImageStat.Stat(with_alpha).extrema[3] == (0, 0):
        return _without_alpha(with_alpha, path)
    paper = Image.new("RGB", image.size, "white")
    paper.paste(with_alpha, mask=with_alpha.getchannel("A"))
    return paper


def _without_alpha(image: Image.Image, path: Path) -> Image.Image:
    """Return the colours of an image whose alpha is zero everywhere: a program left its bytes empty; nobody draws a
    photo that shows nothing."""
    rgb = image.convert("RGB")
    if all(low == high for low, high in ImageStat.Stat(rgb).extrema):
        raise BadImage(path, "wholly transparent, with nothing under it")
    return rgb


def _not_a_photo(stream: BinaryIO) -> str:
    stream.seek(0)
    head = stream.read(foreign.HEAD)
    unknown = "not a photo (JPEG, PNG, WebP, BMP, GIF or TIFF), or its header is damaged"
    return foreign.describe(head) or unknown
