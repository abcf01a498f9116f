"""Pictures for the browser tests, and what Python's side of the line answers to them.

    python web/test/fixtures.py OUT MODEL_FOLDER... [--photos FOLDER]

Writes OUT/<task>/*.png|jpg, drawn ones (and up to one real photo a class out of --photos), OUT/<task>/expected.json,
and OUT/bad/, files that are no photos.
"""

import argparse
import shutil
import struct
import zlib
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image

from sortline.data.images import open_rgb
from sortline.data.sample import picture
from sortline.files import read_json, write_json

CODES = ("00_00", "00_07", "01_04", "02_01", "03_03")
ORIENTATION = 0x0112


def draw(folder: Path) -> None:
    """Draw pictures as phones and laptops hand them over: small, large, turned, see-through, long."""
    folder.mkdir(parents=True)
    for number, code in enumerate(CODES):
        image = picture(code, number, 320, 7)
        image.save(folder / f"{code}.png")
        image.save(folder / f"{code}.jpg", quality=90)
    image = picture("03_03", 1, 1000, 7)
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
    """Write files that must get a sentence: empty, text, cut off, a few bytes that announce 3,600 megapixels."""
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
    spoil(args.out / "bad", folder / "00_00.png")


if __name__ == "__main__":
    main()
