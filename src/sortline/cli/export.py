"""`sortline export`: what is done with an exported model: converted for MindSpore Lite, or signed."""

import argparse
import shutil
import subprocess
from pathlib import Path

from sortline._core.errors import UserError
from sortline._core.files import expanded, replacing
from sortline.cli._shared.tasks import model_folder
from sortline.export import sums

CONVERTER = "converter_lite"

SUMMARY = "sign an exported model, or convert it for MindSpore Lite, where its converter_lite is on the PATH"
EPILOG = """examples:
  sortline export --ms
  sortline export --ms --task garbage --out lite
  sortline export --new-key ~/sortline.pem
  sortline export --sign ~/sortline.pem
  sortline predict photo.jpg --verify ~/sortline.pem.pub

`dvc repro export@TASK` makes the model itself."""


def add(command: argparse.ArgumentParser) -> None:
    what = command.add_mutually_exclusive_group(required=True)
    what.add_argument("--ms", action="store_true", help="convert to MindSpore Lite's format: model.ms")
    what.add_argument("--sign", metavar="KEY", help="write the files' signature by this private key beside the folder")
    what.add_argument("--new-key", metavar="KEY", help="make a private key to sign with, and KEY.pub to verify with")
    model = command.add_mutually_exclusive_group()
    model.add_argument("--task", help="take the model of this task (default: the first task that has one)")
    model.add_argument("--model", metavar="FOLDER", help="take the model in this folder")
    command.add_argument("--out", metavar="FOLDER", help="--ms: where to (default: models/TASK/lite)")


def main(options: argparse.Namespace) -> int:
    if options.new_key or options.sign:
        from sortline.export import signature

        key = expanded(options.new_key or options.sign)
        if options.new_key:
            print(f"{key}: keep it to yourself; {signature.new_key(key)}: give it to whoever is to verify your models")
            return 0
        folder = model_folder(options.model, options.task)
        print(f"{signature.sign(folder, key)}: the signature of {folder.as_posix()}")
        return 0
    folder = model_folder(options.model, options.task)
    out = Path(options.out) if options.out else folder.parent / "lite"
    model = convert(folder / "model.mindir", out)
    print(f"{model.as_posix()} ({model.stat().st_size / 1e6:.1f} MB)")
    return 0


def convert(mindir: Path, out: Path) -> Path:
    """Run the converter on `mindir`; return `out`/model.ms.

    Raises `UserError` where it is missing or fails; the model that was there before stays.

    Source: https://www.mindspore.cn/lite/docs/en/master/converter/converter_tool.html
    """
    converter = shutil.which(CONVERTER)
    if converter is None:
        raise UserError(
            f"{CONVERTER} is not on the PATH; it comes with MindSpore Lite (not from pip): see 'MindSpore Lite' in "
            "docs/export.md for where from and how"
        )
    if not mindir.is_file():
        raise UserError(f"{mindir.as_posix()}: no such file; export the model first: dvc repro export@TASK")
    sums.check(mindir, mindir.read_bytes())
    model = out / "model.ms"
    if model.is_dir():
        raise UserError(f"{model.as_posix()}: is a folder; name another --out")
    with replacing(model) as temporary:
        target = temporary.with_suffix("")  # the converter adds .ms
        words = [converter, "--fmk=MINDIR", f"--modelFile={mindir}", f"--outputFile={target}", "--inputDataFormat=NHWC"]
        done = subprocess.run(words, capture_output=True, text=True, errors="replace")
        if done.returncode != 0 or not temporary.is_file():
            last = ((done.stdout + done.stderr).strip() or "no message").splitlines()[-1]
            raise UserError(f"{CONVERTER} failed on {mindir.as_posix()} (exit code {done.returncode}): {last}")
    return model
