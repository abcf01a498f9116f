"""The `sortline` command as a user runs it, and what it may find in params.yaml and in a data folder."""

import subprocess
import sys

from PIL import Image


def sortline(*arguments, cwd=None):
    """Run the command as a user does; return (exit code, stdout, stderr)."""
    done = subprocess.run([sys.executable, "-m", "sortline.cli", *arguments], capture_output=True, cwd=cwd)
    return done.returncode, done.stdout.decode("utf-8"), done.stderr.decode("utf-8")


SOURCES = """
tasks: [garbage, sample]
garbage:
  fetch: {sources: [{kind: folder, path: garbage26}, {kind: archive, url: "https://photos.invalid/a.zip"}]}
  weights: {backbone: mobilenet_v2, path: weights/net.safetensors, release: tensorflow}
sample:
  fetch: {sources: [{kind: toy}]}
  weights: {backbone: mobilenet_v2, release: random}
"""


def put_photos(folder):
    (folder / "garbage26/train/00_00").mkdir(parents=True)
    Image.new("RGB", (4, 4)).save(folder / "garbage26/train/00_00/1.png")


def put_weights(folder):
    (folder / "weights").mkdir()
    (folder / "weights/net.safetensors").write_bytes(b"weights")
