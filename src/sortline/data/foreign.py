"""What a file is that is no photo this project reads: by its first bytes, for a reason that helps."""

import re

HEAD = 256  # bytes that `describe` looks at

_VIDEO = "a video, not a photo; save frames of it as JPEG or PNG"
_BRANDS = {
    "HEIC": {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"},
    "AVIF": {b"avif", b"avis"},
    "Canon's raw format CR3": {b"crx "},
    "HEIF": {b"mif1", b"mif2", b"msf1", b"miaf", b"heif"},
}
_SIGNATURES = (
    (rb"version https://git-lfs\.github\.com/spec/", "a Git LFS pointer, not the photo; get it: git lfs pull"),
    (rb"(\.\./)*\.git/annex/objects/|/annex/objects/", "a git-annex pointer, not the photo; get it: git annex get"),
    (rb"\s*(<!doctype html|<html)", "a web page, not a photo; download it again"),
    (rb"\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)?<svg", "an SVG drawing, not a photo; save it as PNG"),
    (rb"\x00\x00\x00\x0cjP  |\xff\x4f\xff\x51", "JPEG 2000, not supported; save it as JPEG or PNG"),
    (rb"\x00\x00\x00\x0cJXL |\xff\x0a", "JPEG XL, not supported; save it as JPEG or PNG"),
    (rb"8BPS", "a Photoshop document, not a photo; save it as JPEG or PNG"),
    (rb"%PDF-", "a PDF document, not a photo; save its pictures as JPEG or PNG"),
    (rb"\x1aE\xdf\xa3|RIFF....AVI ", _VIDEO),
)


def describe(head: bytes) -> str:
    """Return what the file is and what to do, given its first HEAD bytes; empty where they say nothing."""
    if head[4:8] == b"ftyp":
        return _of_brands(head)
    return next((what for start, what in _SIGNATURES if re.match(start, head, re.DOTALL | re.IGNORECASE)), "")


def _of_brands(head: bytes) -> str:
    """Tell the kinds apart that share ISO's base media file format (ISO/IEC 14496-12, 4.3): by the major brand, where
    that says no more than HEIF by those it is compatible with."""
    size = min(int.from_bytes(head[:4], "big"), len(head))
    brands = [head[8:12], *(head[i : i + 4] for i in range(16, size - 3, 4))]
    told = {*brands} if brands[0] in _BRANDS["HEIF"] else {brands[0]}
    kind = next((kind for kind, known in _BRANDS.items() if known & told), None)  # HEIF is the last
    return f"{kind}, not supported; save it as JPEG or PNG" if kind else _VIDEO
