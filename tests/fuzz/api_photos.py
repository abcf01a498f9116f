"""For schemathesis, `make test-api`: where the API's description says binary, photos that it can read."""

import io

import schemathesis
from hypothesis import strategies as st
from PIL import Image

FORMATS = {"jpeg": "JPEG", "png": "PNG", "webp": "WEBP", "bmp": "BMP", "gif": "GIF", "tiff": "TIFF"}


def photo(kind: str, side: int, colour: tuple[int, int, int]) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (side, 2 * side), colour).save(stream, kind)
    return stream.getvalue()


def photos(*kinds: str) -> st.SearchStrategy[bytes]:
    colours = st.tuples(*[st.integers(0, 255)] * 3)
    return st.builds(photo, st.sampled_from(kinds), st.integers(1, 60), colours)


for name, kind in FORMATS.items():
    schemathesis.openapi.media_type(f"image/{name}", photos(kind))
schemathesis.openapi.media_type("application/octet-stream", photos(*FORMATS.values()))
schemathesis.openapi.format("binary", photos(*FORMATS.values()))
