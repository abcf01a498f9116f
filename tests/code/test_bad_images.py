"""open_rgb: bad files are one clear line, and absurd ones are not decoded."""

import io
import subprocess
import sys
import zlib

import numpy as np
import pytest
from PIL import Image
from test_images import picture, png, save

from sortline.data.images import BadImage, open_rgb

# open_rgb's module silences Pillow's own warnings; pytest puts its filters in front.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL", "ignore::PIL.Image.DecompressionBombWarning")


@pytest.mark.parametrize(
    ("name", "options"),
    [("a.jpg", {}), ("p.jpg", {"progressive": True}), ("a.png", {}), ("a.webp", {}), ("a.bmp", {}), ("a.gif", {}),
     ("a.tif", {}), ("b.tif", {"compression": "tiff_lzw"})],
)  # fmt: skip
def test_truncated_files(tmp_path, name, options):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    whole = save(tmp_path / name, Image.fromarray(noise), **options).read_bytes()
    for share in (0.02, 0.3, 0.6, 0.9):
        path = tmp_path / f"cut{share}-{name}"
        path.write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(BadImage) as caught:
            open_rgb(path)
        assert str(caught.value).startswith(f"{path}: ")
        assert "\n" not in str(caught.value)
        assert str(caught.value) == f"{path}: {caught.value.what}"


@pytest.mark.parametrize(("width", "height"), [(60_000, 60_000), (12_000, 10_000), (2_000_000_000, 1)])
def test_absurd_sizes_are_refused_before_decoding(tmp_path, monkeypatch, width, height):
    path = tmp_path / "huge.png"
    path.write_bytes(png(width, height, 8, 2, zlib.compress(bytes(1000))))

    def decode(self):
        raise AssertionError("pixels were decoded")

    monkeypatch.setattr(Image.Image, "load", decode)
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", decode)
    with pytest.raises(BadImage, match="100,000,000 pixels"):
        open_rgb(path)


def test_pillows_own_warnings_do_not_reach_the_user(tmp_path):
    path = tmp_path / "large.png"
    path.write_bytes(png(9_500, 10_000, 8, 0, b"cut off"))
    code = (
        f"from sortline.data.images import *\ntry: open_rgb({str(path)!r})\nexcept BadImage as error: print(error.what)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "damaged" in done.stdout
    assert done.stderr == ""


def test_limits_are_the_callers(tmp_path):
    path = save(tmp_path / "a.png", Image.fromarray(picture(60, 40)))
    assert open_rgb(path, max_pixels=2400).size == (60, 40)
    with pytest.raises(BadImage, match="60 x 40 pixels, over the limit of 2,399"):
        open_rgb(path, max_pixels=2399)


def test_large_files_are_refused_without_opening(tmp_path):
    path = tmp_path / "large.jpg"
    with path.open("wb") as stream:
        stream.truncate(3 * 2**20)  # sparse
    with pytest.raises(BadImage, match="3 MB, over the limit of 2 MB"):
        open_rgb(path, max_file_mb=2)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "zero bytes"),
        (b"these are words, not a photo", "not a photo"),
        (b"<!DOCTYPE html><html>404</html>", "a web page, not a photo"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n", "git lfs pull"),
        (b"/annex/objects/SHA256E-s31390--f50d7ac4.jpg\n", "git annex get"),
        (b"\0\0\0\x20ftypheic\0\0\0\0mif1heic", "HEIC"),
        (b"\0\0\0\x20ftypavif\0\0\0\0avifmif1", "AVIF"),
        # Phones and programs call the same kinds by other brands; the last two say more than the first.
        (b"\0\0\0\x18ftypheix\0\0\0\0mif1heix", "HEIC"),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1heicmiaf", "HEIC"),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf", "AVIF"),
        (b"\0\0\0\x18ftypavis\0\0\0\0msf1avis", "AVIF"),
        (b"\0\0\0\x14ftypmif1\0\0\0\0mif1 avif heic", "HEIF"),
        (b"\0\0\0\x18ftypcrx \0\0\0\1crx isom", "CR3"),
        (b"\0\0\0\x18ftypisom\0\0\0\1isommp42", "a video"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
        (b'<?xml version="1.0"?>\n<svg xmlns="">', "SVG"),
        (b"%PDF-1.7 ", "not a photo"),
    ],
)
def test_files_of_another_kind(tmp_path, content, what):
    path = tmp_path / "a.jpg"
    path.write_bytes(content)
    with pytest.raises(BadImage, match=what):
        open_rgb(path)


def test_formats_outside_the_list_are_not_decoded(tmp_path):
    for name, kind in (("a.jpg", "PPM"), ("b.jpg", "ICO"), ("c.jpg", "TGA"), ("d.jpg", "JPEG2000")):
        path = save(tmp_path / name, Image.fromarray(picture(32, 32)), format=kind)
        with pytest.raises(BadImage, match="JPEG 2000" if kind == "JPEG2000" else "not a photo"):
            open_rgb(path)


def test_missing_files_and_folders(tmp_path):
    with pytest.raises(BadImage, match="cannot be read"):
        open_rgb(tmp_path / "none.jpg")
    with pytest.raises(BadImage, match="not a file"):
        open_rgb(tmp_path)


def test_pixels_that_are_no_photo(tmp_path):
    path = save(tmp_path / "a.tif", Image.fromarray(np.ones((4, 4), dtype=np.float32)))
    with pytest.raises(BadImage, match="'F'"):
        open_rgb(path)


def test_altered_bytes_never_raise_anything_but_bad_image(tmp_path):
    rng = np.random.default_rng(0)
    path = tmp_path / "altered"
    for kind in ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF"):
        stream = io.BytesIO()
        Image.fromarray(picture(30, 20)).save(stream, kind)
        for _ in range(60):
            content = bytearray(stream.getvalue())
            for place in rng.integers(0, min(len(content), 400), 3):
                content[place] = rng.integers(256)
            path.write_bytes(content)
            try:
                assert open_rgb(path, max_pixels=1_000_000).mode == "RGB"
            except BadImage as error:
                assert str(error).startswith(f"{path}: ")
