"""`sortline export`: what is done with an exported model: converted for other runtimes, or signed."""

import argparse
import shutil
import subprocess
from pathlib import Path

from sortline._core.errors import UserError
from sortline._core.files import expanded, read_csv, read_json, replacing, write_json
from sortline.cli._shared import origin, paths
from sortline.cli._shared.tasks import check_task, model_folder
from sortline.export import sums

CONVERTER = "converter_lite"

SUMMARY = "convert an exported model for OpenVINO, LiteRT or MindSpore Lite, write its checkpoint, or sign it"
EPILOG = """examples:
  sortline export garbage --to openvino
  sortline export --ms
  sortline export --ms --task garbage --out lite
  sortline export garbage --checkpoint garbage.ckpt
  sortline export --new-key ~/sortline.pem
  sortline export --sign ~/sortline.pem
  sortline predict photo.jpg --verify ~/sortline.pem.pub

`dvc repro export@TASK` makes the model itself. What --to makes is kept only if it predicts as the ONNX file does
on 99.9 % of the task's photos. litert needs onnx2tf on the PATH, --ms converter_lite: see docs/export.md."""
FORMATS = ("openvino", "litert", "coreml")


def add(command: argparse.ArgumentParser) -> None:
    command.add_argument("name", nargs="?", metavar="TASK", help="the same as --task")
    what = command.add_mutually_exclusive_group(required=True)
    what.add_argument("--to", choices=FORMATS, help="convert the model of TASK, and compare it with the ONNX file")
    what.add_argument("--ms", action="store_true", help="convert to MindSpore Lite's format: model.ms")
    what.add_argument("--checkpoint", metavar="FILE", help="write all parameters of TASK's model: .ckpt, .safetensors")
    what.add_argument("--sign", metavar="KEY", help="write the files' signature by this private key beside the folder")
    what.add_argument("--new-key", metavar="KEY", help="make a private key to sign with, and KEY.pub to verify with")
    model = command.add_mutually_exclusive_group()
    model.add_argument("--task", help="take the model of this task (default: the first task that has one)")
    model.add_argument("--model", metavar="FOLDER", help="take the model in this folder")
    command.add_argument("--out", metavar="FOLDER", help="--ms, --to: where to (default: models/TASK/lite, ...)")


def main(options: argparse.Namespace) -> int:
    if options.name and (options.task or options.model):
        raise UserError("TASK, --task and --model each name a model; give one of them")
    options.task = options.task or options.name
    if options.to:
        return converted(options)
    if options.checkpoint:
        return parameters(options)
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


def converted(options: argparse.Namespace) -> int:
    """Write the model of a task in another format into a folder that `predict --model` takes; return 0.

    Raises `UserError`, and leaves what was there, where it cannot be made or does not predict the same.
    """
    from sortline.export import formats
    from sortline.export.classifier import Classifier

    if not options.task:
        raise UserError("--to takes the TASK whose photos the model is compared on: sortline export TASK --to FORMAT")
    task = check_task(options.task)
    made, split = paths.export(task), paths.prepared(task) / "split.csv"
    for path in (made / "model.onnx", split):
        if not path.is_file():
            raise UserError(f"{path.as_posix()}: no such file; make it: dvc repro export@{task}")
    photos = [paths.raw(task) / row["image"] for row in read_csv(split)]
    out = Path(options.out) if options.out else made.parent / options.to
    if out.exists() and not (out / "about.json").is_file():
        raise UserError(f"{out.as_posix()}: is there, and not of this command; name another --out")
    about = origin.of(task) | {"format": options.to}
    with replacing(out) as folder:
        folder.mkdir()
        shutil.copyfile(made / "labels.json", folder / "labels.json")
        inside = about | {"labels": read_json(made / "labels.json")}
        formats.FORMATS[options.to](made / "model.onnx", folder, inside)
        same = formats.agreement(Classifier(made, threads=1), Classifier(folder, threads=1), photos)
        write_json(folder / "about.json", about | {"agreement": same})
    size = sum(path.stat().st_size for path in out.glob("model.*")) / 1e6
    share = " to ".join(f"{100 * same[key]:.2f}" for key in ("low", "high"))
    print(
        f"{out.as_posix()}: {size:.1f} MB; predicts as model.onnx does on {same['accuracy']:.2%} [{share}] of", end=" "
    )
    print(f"{same['n']:,} photos")
    return 0


def parameters(options: argparse.Namespace) -> int:
    """Write the parameters of the task's trained model into one file; return 0."""
    from sortline import predictor
    from sortline.export import checkpoint

    if not options.task:
        raise UserError("--checkpoint takes the TASK: sortline export TASK --checkpoint FILE.ckpt")
    task, path = check_task(options.task), expanded(options.checkpoint)
    if path.suffix not in checkpoint.SUFFIXES or path.exists():
        why = "is there already" if path.exists() else f"should end in {' or '.join(checkpoint.SUFFIXES)}"
        raise UserError(f"{path}: {why}; name another file")
    head, measured = paths.head(task), paths.metrics(task, "evaluate")
    if not (head / "head.json").is_file():
        raise UserError(f"{head.as_posix()}: not there; make it: dvc repro evaluate@{task}")
    used = read_json(measured).get("checkpoint") if measured.is_file() else None
    arrays = checkpoint.arrays_of(predictor.load(head, paths.features(task), used), paths.weights(task))
    checkpoint.write(path, arrays)
    count = sum(array.size for array in arrays.values())
    print(f"{path}: {count:,} numbers under {len(arrays)} names")
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
