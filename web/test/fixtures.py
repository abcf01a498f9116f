"""Pictures for the browser tests, and what Python's side of the line answers to them.

    python web/test/fixtures.py OUT MODEL_FOLDER... [--photos FOLDER]

Writes OUT/<task>/*.png|jpg, drawn ones (and up to one real photo a class out of --photos), OUT/<task>/expected.json,
OUT/digits/, drawn digits with crops.json, what Python cuts out of them, OUT/bad/, files that are no photos, and
OUT/damaged.onnx, the first model with NaN in its weights.
"""

import argparse
import io
import shutil
import struct
import zlib
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper
from PIL import Image, ImageDraw, ImageFont

from sortline._core.files import read_json, write_json
from sortline.data.handwriting import read_digit
from sortline.data.images import NoDigit, open_rgb
from sortline.data.sources.toy import picture

CLASSES = ("circle", "star", "cross", "stripes", "dots")
ORIENTATION = 0x0112


def draw(folder: Path) -> None:
    """Draw pictures as phones and laptops hand them over: small, large, turned, see-through, long."""
    folder.mkdir(parents=True)
    for number, name in enumerate(CLASSES):
        image = picture(name, number, 320, 7)
        image.save(folder / f"{name}.png")
        image.save(folder / f"{name}.jpg", quality=90)
    image = picture("dots", 1, 1000, 7)
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    turned = image.crop((0, 100, 800, 700)).transpose(Image.Transpose.ROTATE_90)
    turned.save(folder / "turned.jpg", quality=90, exif=exif)
    image.resize((500, 97), Image.Resampling.BICUBIC).save(folder / "long.png")
    image.crop((0, 0, 1, 1)).save(folder / "dot.png")
    see_through = image.resize((300, 200)).convert("RGBA")
    see_through.putalpha(Image.linear_gradient("L").resize((300, 200)).point(lambda level: 255 * (level > 60)))
    see_through.save(folder / "seethrough.png")
    image.convert("L").resize((400, 300)).save(folder / "gray.png")
    for width, height in ((1500, 1100), (4000, 3000), (6000, 4000)):
        large = image.resize((width, height), Image.Resampling.BICUBIC)
        # Grain, as a sensor has it: a smooth picture would be too easy.
        grain = np.random.default_rng(0).integers(-9, 10, (height, width, 1), dtype=np.int16)
        pixels = np.clip(np.asarray(large, np.int16) + grain, 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"large_{width}x{height}.jpg", quality=90)


def digit(text: str, size: tuple[int, int], at: tuple[int, int], height: int, ink: int, paper: int) -> Image.Image:
    """Draw `text` in grey on paper that a shadow lies across."""
    shadow = np.linspace(1, 0.8, size[0]) * np.ones((size[1], 1))
    image = Image.fromarray((paper * shadow).round().astype(np.uint8))
    ImageDraw.Draw(image).text(at, text, fill=ink, font=ImageFont.load_default(height))
    return image.convert("RGB")


def draw_digits(folder: Path) -> None:
    """Draw the digits as people photograph them, and two pictures without one."""
    folder.mkdir(parents=True)
    for text in "0123456789":
        digit(text, (640, 480), (60, 40), 260, 30, 225).save(folder / f"dark_{text}.png")
        digit(text, (480, 640), (250, 300), 200, 230, 40).save(folder / f"light_{text}.png")
        digit(text, (640, 480), (400, 90), 120, 120, 200).save(folder / f"pale_{text}.jpg", quality=90)
    digit("4", (4000, 3000), (2100, 300), 1700, 50, 210).save(folder / "large_4.jpg", quality=90)
    digit("7", (6000, 4000), (700, 900), 1900, 50, 210).save(folder / "huge_7.jpg", quality=90)
    digit("3", (1100, 16000), (150, 6000), 1000, 50, 210).save(folder / "long_3.jpg", quality=90)
    digit("5", (28, 28), (8, 2), 22, 255, 0).save(folder / "small_5.png")
    digit("1", (40, 240), (4, 10), 150, 0, 255).save(folder / "narrow_1.png")
    Image.new("RGB", (300, 200), "white").save(folder / "blank.png")
    digit("", (640, 480), (0, 0), 10, 0, 240).save(folder / "shadow.png")


def crops(folder: Path) -> dict[str, list[int] | None]:
    """Return, by file, the levels of the digit that Python cuts out; None where there is no digit."""
    cut = {}
    for path in sorted(folder.iterdir()):
        try:
            cut[path.name] = np.asarray(read_digit(open_rgb(path)))[..., 0].ravel().tolist()
        except NoDigit:
            cut[path.name] = None
    return cut


def expected(folder: Path, model: Path) -> dict[str, dict[str, list[float]]]:
    """Return, by file and precision, the probabilities that ONNX Runtime gives in Python."""
    sessions = {"fp32": model / "model.onnx", "int8": model / "model_int8.onnx"}
    sessions = {name: onnxruntime.InferenceSession(path.read_bytes()) for name, path in sessions.items()}
    answers = {}
    for path in sorted(folder.iterdir()):
        image = np.asarray(open_rgb(path))
        answers[path.name] = {
            name: session.run(["probabilities"], {"image": image})[0].tolist() for name, session in sessions.items()
        }
    return answers


def spoil(folder: Path, photo: Path) -> None:
    """Write files that must get a sentence: empty, text, cut off, a few bytes that announce thousands of megapixels."""
    folder.mkdir(parents=True)
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "text.jpg").write_text("not a photo", encoding="utf-8")
    (folder / "note.txt").write_text("not a photo either", encoding="utf-8")
    (folder / "cut.png").write_bytes(photo.read_bytes()[:200])
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 1000)), (b"IEND", b"")]
    content = b"\x89PNG\r\n\x1a\n"
    for kind, data in chunks:
        content += struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    (folder / "bomb.png").write_bytes(content)
    for name, content in webp_bombs().items():
        (folder / name).write_bytes(content)


def webp_bombs() -> dict[str, bytes]:
    """Return a WebP of each of its three kinds, its header changed to announce the most pixels it can, or many."""
    plain, see_through = Image.new("RGB", (300, 200)), Image.new("RGBA", (300, 200), (9, 9, 9, 99))
    wide = 16_383
    bombs = {
        "lossy.webp": (plain, {}, 26, struct.pack("<HH", wide, wide)),
        "lossless.webp": (plain, {"lossless": True}, 21, struct.pack("<I", (wide - 1) | (wide - 1) << 14)),
        "extended.webp": (see_through, {}, 24, (59_999).to_bytes(3, "little") * 2),
    }
    changed = {}
    for name, (image, options, place, size) in bombs.items():
        stream = io.BytesIO()
        image.save(stream, "WEBP", **options)
        content = stream.getvalue()
        changed[name] = content[:place] + size + content[place + len(size) :]
    return changed


def damage(model: Path, out: Path) -> None:
    """Write the model with NaN in the place of its biases, as flipped bits may leave it."""
    graph = onnx.load(model)
    for tensor in graph.graph.initializer:
        if tensor.name.endswith("bias"):
            tensor.CopyFrom(numpy_helper.from_array(np.full(tensor.dims, np.nan, np.float32), tensor.name))
    onnx.save(graph, out)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("models", type=Path, nargs="+")
    parser.add_argument("--photos", type=Path, help="class folders of real photos")
    args = parser.parse_args()
    shutil.rmtree(args.out, ignore_errors=True)
    for model in args.models:
        task = read_json(model / "labels.json")["task"]
        folder = args.out / task
        draw(folder)
        if args.photos and task == "garbage":
            for number, one in enumerate(sorted(path for path in args.photos.iterdir() if path.is_dir())):
                shutil.copy(sorted(one.iterdir())[0], folder / f"photo_{number:02d}.jpg")
        answers = expected(folder, model)
        write_json(folder / "expected.json", answers)
        print(f"{folder.as_posix()}: {len(answers)} pictures")
    draw_digits(args.out / "digits")
    write_json(args.out / "digits" / "crops.json", crops(args.out / "digits"))
    spoil(args.out / "bad", folder / "circle.png")
    damage(args.models[0] / "model.onnx", args.out / "damaged.onnx")


if __name__ == "__main__":
    main()
