"""export: one self-contained ONNX, also in 8 bits, one MindIR, labels and a model card; checks that they are the
measured model.

Reads the model and the backbone, the raw photos and the other stages' metrics; writes model.onnx, model_int8.onnx,
model.mindir, labels.json, MODEL_CARD.md, SHA256SUMS and export.json. Params: `<task>.export`.
"""

import argparse
from pathlib import Path

from sortline import predictor
from sortline._core import files
from sortline._core.errors import run
from sortline.config.base import load
from sortline.config.export import ExportParams
from sortline.data import prepared
from sortline.data.datasets import open_dataset
from sortline.export import folder, sums
from sortline.export.network import network_of
from sortline.report.model_card import model_card

MEASURED = ("data", "train", "evaluate", "diagnose")


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("task")
    for option in ("--prepared", "--raw", "--weights", "--features", "--head", "--out", "--metrics"):
        parser.add_argument(option, type=Path, required=True)
    args = parser.parse_args(argv)
    params = load(args.task, "export", ExportParams)
    measured = {name: files.read_json(args.metrics.with_name(f"{name}.json")) for name in MEASURED}
    evaluated, split = measured["evaluate"], args.prepared / "split.csv"
    model = predictor.load(args.head, args.features, evaluated.get("checkpoint"))
    network = network_of(model, args.weights)
    classes, note = files.read_json(args.prepared / "classes.json"), evaluated.get("note", "")
    labels = {"task": args.task, "classes": classes["classes"], "bins": classes["bins"], "note": note}
    labels |= {"threshold": measured["train"]["threshold"], "cam": network.explains, "image_size": network.size}
    if "unfamiliar_below" in measured["train"]:
        labels["unfamiliar_below"] = measured["train"]["unfamiliar_below"]
    if "sets" in model.about:
        labels |= {"sets": model.about["sets"], "unknown_below": model.about["familiarity"]["below"]}
    labels |= {} if network.framed == "squeeze" else {"framed": network.framed}
    if reads := open_dataset(args.raw).reads:
        labels["reads"] = reads
    val = prepared.read_part(split)
    photos, train = (
        [args.raw / image for image in images] for images in (val.images, prepared.read_images(split, "train"))
    )

    with files.replacing(args.out) as out:
        out.mkdir()
        result = folder.write(out, network, labels, evaluated["dataset"], train, params)
        result |= folder.compare(out, network, photos, val.labels, params)
        result |= folder.score(out, photos, val.labels, train, network.size)
        result["int8_agreement_split"] = f"{val.split}, and up to {folder.OF_TRAIN} photos of train"
        if note:
            result["note"] = note
        files.write_text(out / "MODEL_CARD.md", model_card(labels, network.info, measured | {"export": result}))
        sums.write(out)
    files.write_metrics(args.metrics, result)
    accuracy, n, difference = (result[key] for key in ("onnx_accuracy", "onnx_n", "max_abs_diff_onnx"))
    print(
        f"{args.task}: exported; the ONNX alone scores {accuracy:.1%} on {val.split} from the photo files (n = {n:,}),"
    )
    print(f"its logits are within {difference:.1e} of MindSpore's")


if __name__ == "__main__":
    run(main)
