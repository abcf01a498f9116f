"""open_rgb: every kind of photo becomes the same upright RGB."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps, PngImagePlugin

from sortline.data.images import BadImage, open_rgb

ORIENTATION = 0x0112

# open_rgb's module silences Pillow's own warnings; pytest puts its filters in front.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL", "ignore::PIL.Image.DecompressionBombWarning")


def picture(width: int = 60, height: int = 40) -> np.ndarray:
    """A smooth uint8 (height, width, 3) picture without any symmetry, which survives JPEG well."""
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([x * 255 / width, y * 255 / height, (x * y) * 255 / (width * height)], axis=2).astype(np.uint8)


def save(path: Path, image: Image.Image, **options) -> Path:
    image.save(path, **options)
    return path


def with_orientation(value: int) -> Image.Exif:
    exif = Image.Exif()
    exif[ORIENTATION] = value
    return exif


# What each orientation does to the stored array so that it stands upright (EXIF 2.32, tag 0x0112).
UPRIGHT = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
    8: lambda a: np.rot90(a, 1),
}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.png", {}),
        ("a.webp", {"lossless": True}),
        ("a.tif", {}),
        ("b.tif", {"compression": "tiff_lzw"}),
        ("a.jpg", {"quality": 98, "subsampling": 0}),
    ],
)
def test_exif_orientation_is_applied_once(tmp_path, orientation, name, options):
    stored = Image.fromarray(picture())
    path = save(tmp_path / name, stored, exif=with_orientation(orientation), **options)
    upright = open_rgb(path)
    expected = UPRIGHT[orientation](picture()).astype(int)
    assert upright.mode == "RGB"
    assert np.asarray(upright).shape == expected.shape
    assert np.abs(np.asarray(upright) - expected).max() <= (8 if name.endswith("jpg") else 0)
    again = ImageOps.exif_transpose(upright)
    assert again.size == upright.size, "the orientation tag must not be left on the upright image"


@pytest.mark.parametrize("orientation", [0, 9, 200])
def test_orientations_that_do_not_exist_are_ignored(tmp_path, orientation):
    path = save(tmp_path / "a.png", Image.fromarray(picture()), exif=with_orientation(orientation))
    assert np.array_equal(open_rgb(path), picture())


def test_damaged_exif_leaves_the_photo_usable(tmp_path):
    path = save(tmp_path / "a.webp", Image.fromarray(picture()), exif=b"Exif\0\0MM\x0f\xf7garbage", lossless=True)
    assert np.array_equal(open_rgb(path), picture())


def test_gray_and_one_bit(tmp_path):
    gray = picture()[:, :, 0]
    path = save(tmp_path / "gray.jpg", Image.fromarray(gray), quality=98)
    pixels = np.asarray(open_rgb(path)).astype(int)
    assert np.abs(pixels - gray[:, :, None]).max() <= 4
    path = save(tmp_path / "bits.png", Image.fromarray(gray > 100))
    assert np.array_equal(open_rgb(path), np.repeat(np.where(gray > 100, 255, 0)[:, :, None], 3, axis=2))


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_sixteen_bit_gray_is_scaled_not_clipped(tmp_path, name):
    levels = np.linspace(0, 65535, 64 * 8).round().astype(np.uint16).reshape(8, 64)
    pixels = np.asarray(open_rgb(save(tmp_path / name, Image.fromarray(levels))))
    assert np.abs(pixels[:, :, 0] - levels / 257).max() <= 1
    assert pixels.min() == 0
    assert pixels.max() == 255
    assert np.array_equal(pixels[:, :, 0], pixels[:, :, 2])


def test_sixteen_bit_colour_png(tmp_path):
    levels = (picture(7, 5).astype(np.uint16) * 257).astype(">u2")
    rows = b"".join(b"\0" + row.tobytes() for row in levels)
    (tmp_path / "a.png").write_bytes(png(7, 5, 16, 2, zlib.compress(rows)))
    assert np.array_equal(open_rgb(tmp_path / "a.png"), picture(7, 5))


def twelve_bits(pixels: np.ndarray, lift: int = 1) -> np.ndarray:
    return pixels.astype(np.uint16) * 16 * lift


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
@pytest.mark.parametrize("lift", [1, 16])
def test_twelve_bits_stored_in_sixteen_are_not_taken_for_black(tmp_path, name, lift):
    levels = twelve_bits(picture()[:, :, 0], lift)
    path = save(tmp_path / name, Image.fromarray(levels))
    if lift == 1:
        with pytest.raises(BadImage, match="16 bits a channel of which 12 or fewer"):
            open_rgb(path)
    else:
        assert np.abs(np.asarray(open_rgb(path))[:, :, 0].astype(int) - picture()[:, :, 0]).max() <= 1


@pytest.mark.parametrize("kind", [2, 6], ids=["RGB", "RGBA"])
def test_twelve_bits_of_colour_stored_in_sixteen(tmp_path, kind):
    channels = np.dstack([picture(7, 5), np.full((5, 7), 255, np.uint8)])[:, :, : 3 if kind == 2 else 4]
    for lift in (1, 16):
        rows = b"".join(b"\0" + row.tobytes() for row in twelve_bits(channels, lift).astype(">u2"))
        (tmp_path / "a.png").write_bytes(png(7, 5, 16, kind, zlib.compress(rows)))
        if lift == 16:
            assert np.abs(np.asarray(open_rgb(tmp_path / "a.png")).astype(int) - picture(7, 5)).max() <= 1
        else:
            with pytest.raises(BadImage, match="12 or fewer"):
                open_rgb(tmp_path / "a.png")


def test_an_empty_alpha_is_no_transparency(tmp_path):
    for name in ("a.png", "a.tif", "a.webp"):
        stored = Image.fromarray(np.dstack([picture(), np.zeros((40, 60), np.uint8)]))
        path = save(tmp_path / name, stored, **({"lossless": True, "exact": True} if name == "a.webp" else {}))
        assert np.array_equal(open_rgb(path), picture()), name
    with pytest.raises(BadImage, match="wholly transparent"):
        open_rgb(save(tmp_path / "none.png", Image.new("RGBA", (9, 9), (7, 7, 7, 0))))


def text(size: int) -> PngImagePlugin.PngInfo:
    found = PngImagePlugin.PngInfo()
    found.add_text("workflow", "x" * size, zip=True)
    found.add_itxt("XML:com.adobe.xmp", "<x/>" * (size // 4), zip=True)
    return found


def test_a_photo_may_carry_much_text_and_a_large_profile_but_not_any_amount(tmp_path):
    image, profile = Image.fromarray(picture()), bytes(3 * 2**20)
    path = save(tmp_path / "a.png", image, pnginfo=text(5 * 2**20), icc_profile=profile)
    assert np.array_equal(open_rgb(path), picture())
    for large in ({"pnginfo": text(40 * 2**20)}, {"icc_profile": bytes(40 * 2**20)}):
        with pytest.raises(BadImage, match="more text or colour profile"):
            open_rgb(save(tmp_path / "b.png", image, **large))


def test_palette_with_and_without_transparency(tmp_path):
    image = Image.new("P", (4, 1))
    image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255, 10, 20, 30])
    image.putdata([0, 1, 2, 3])
    opaque = [[255, 0, 0], [0, 255, 0], [0, 0, 255], [10, 20, 30]]
    assert np.asarray(open_rgb(save(tmp_path / "a.png", image)))[0].tolist() == opaque
    on_white = [[255, 255, 255], *opaque[1:]]
    assert np.asarray(open_rgb(save(tmp_path / "b.png", image, transparency=0)))[0].tolist() == on_white
    assert np.asarray(open_rgb(save(tmp_path / "c.gif", image, transparency=0)))[0].tolist() == on_white
    half = open_rgb(save(tmp_path / "d.png", image, transparency=bytes([255, 128, 0, 255])))
    expected = [[255, 0, 0], [127, 255, 127], [255, 255, 255], [10, 20, 30]]
    assert np.abs(np.asarray(half)[0].astype(int) - expected).max() <= 1


def test_alpha_is_laid_on_white(tmp_path):
    alpha = np.linspace(0, 255, 60).astype(np.uint8)[None].repeat(40, axis=0)
    rgba = np.dstack([picture(), alpha])
    share = alpha[:, :, None] / 255
    expected = picture() * share + 255 * (1 - share)
    for name in ("a.png", "a.tif"):
        path = save(tmp_path / name, Image.fromarray(rgba))
        assert np.abs(np.asarray(open_rgb(path)) - expected).max() <= 1.5
    gray_alpha = Image.merge("LA", [Image.fromarray(picture()[:, :, 0]), Image.fromarray(alpha)])
    pixels = np.asarray(open_rgb(save(tmp_path / "la.png", gray_alpha)))
    assert np.abs(pixels - expected[:, :, :1]).max() <= 1.5
    colour_key = save(tmp_path / "key.png", Image.fromarray(picture()), transparency=tuple(picture()[20, 30].tolist()))
    assert np.asarray(open_rgb(colour_key))[20, 30].tolist() == [255, 255, 255]


@pytest.mark.parametrize("name", ["a.jpg", "a.tif"])
def test_cmyk(tmp_path, name):
    inks = [(0, 0, 0, 0), (255, 0, 0, 0), (0, 255, 0, 0), (0, 0, 255, 0), (0, 0, 0, 255), (128, 0, 0, 64)]
    stripes = np.repeat(np.array(inks, dtype=np.uint8), 16, axis=0)[None].repeat(16, axis=0)
    options = {"quality": 98, "subsampling": 0} if name.endswith("jpg") else {}
    path = save(tmp_path / name, Image.fromarray(stripes, mode="CMYK"), **options)
    pixels = np.asarray(open_rgb(path))[8, 8::16].astype(int)
    expected = [[(255 - ink) * (255 - k) / 255 for ink in (c, m, y)] for c, m, y, k in inks]
    assert np.abs(pixels - expected).max() <= 6


def test_first_frame_of_an_animation(tmp_path):
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue", "green")]
    for name in ("a.gif", "a.webp", "a.tif", "a.png"):
        options = {"lossless": True} if name == "a.webp" else {}
        path = save(tmp_path / name, frames[0], save_all=True, append_images=frames[1:], **options)
        assert np.asarray(open_rgb(path))[4, 4].tolist() == [255, 0, 0], name


def test_the_file_is_closed_and_the_image_is_loaded(tmp_path):
    path = save(tmp_path / "a.jpg", Image.fromarray(picture()))
    image = open_rgb(path)
    path.unlink()
    assert image.resize((5, 5)).getpixel((2, 2))


def png(width: int, height: int, bits: int, kind: int, data: bytes) -> bytes:
    """A PNG made by hand, whatever its header promises."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def test_the_suffix_does_not_matter(tmp_path):
    path = save(tmp_path / "actually-a-png.jpg", Image.fromarray(picture()), format="PNG")
    assert np.array_equal(open_rgb(path), picture())
