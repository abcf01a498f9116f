"""export: one self-contained ONNX, also in 8 bits, one MindIR, labels and a model card; checks that they are the
measured model.

Reads the head and the backbone (or the net), the raw photos and the other stages' metrics; writes model.onnx,
model_int8.onnx, model.mindir, labels.json, MODEL_CARD.md and export.json. Params: `<task>.export`.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from sortline import __version__, predictor
from sortline._core import files, graphs, sessions
from sortline._core.errors import run
from sortline.backbones import loading as backbones
from sortline.backbones.preprocessing import Preprocessing
from sortline.config.base import load
from sortline.config.export import ExportParams
from sortline.data import prepared
from sortline.data.datasets import open_dataset
from sortline.export import cam_output, int8, onnx_model, parity
from sortline.export.classifier import Classifier
from sortline.export.network import HeadOnBackbone
from sortline.features.heads import load_head, softmax
from sortline.nets import registry
from sortline.report.model_card import model_card

MEASURED = ("data", "train", "evaluate", "diagnose")


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("task")
    for option in ("--prepared", "--raw", "--weights", "--features", "--head", "--out", "--metrics"):
        parser.add_argument(option, type=Path, required=True)
    args = parser.parse_args(argv)
    params = load(args.task, "export", ExportParams)
    size = files.read_json(args.features / "features.json")["image_size"]
    measured = {name: files.read_json(args.metrics.with_name(f"{name}.json")) for name in MEASURED}
    checkpoint = measured["evaluate"].get("checkpoint")
    network, preprocessing, info = load_network(args.weights, args.head, checkpoint)
    head = None if predictor.is_net(args.head) else load_head(args.head, checkpoint)
    labels = labels_of(args.task, args.prepared, args.raw, measured)
    labels["cam"] = head is not None and head.linear
    graph = onnx_model.network_graph(network, size, preprocessing.scale.size)
    if labels["cam"]:
        cam_output.add_cam(graph, head)
    about = {
        "labels": labels,
        "sortline_version": __version__,
        "dataset": measured["evaluate"]["dataset"],
        "backbone": info,
    }
    model = onnx_model.self_contained(graph, preprocessing, size, about)
    split = args.prepared / "split.csv"
    train, every = ([args.raw / image for image in prepared.read_images(split, part)] for part in ("train", None))
    val = prepared.read_part(split)
    photos = [args.raw / image for image in val.images]

    with files.replacing(args.out) as out:
        out.mkdir()
        onnx.save(model, out / "model.onnx")
        graphs.write_mindir(network, size, out / "model.mindir", preprocessing.scale.size)
        files.write_json(out / "labels.json", labels)
        shown = int8.chosen(train, params.calibration_photos, params.calibration_seed)
        onnx.save(int8.quantised(model, shown), out / "model_int8.onnx")
        result = {"int8_calibration_photos": len(shown), "image_size": size, "dataset": about["dataset"]}
        result |= compared(out, network, graph, preprocessing, photos, val.labels, params, size)
        # Of 70,000 digits the held-out ones are enough.
        digits = "reads" in labels
        looked_at, places = (photos, np.arange(len(photos))) if digits else (every, val.places)
        answers = int8.compared(out / "model.onnx", out / "model_int8.onnx", looked_at)
        result |= int8.scores(*answers, places, val.labels)
        result["int8_agreement_split"] = f"{val.split} part" if digits else "all photos"
        if labels["note"]:
            result["note"] = labels["note"]
        files.write_text(out / "MODEL_CARD.md", model_card(labels, info, measured | {"export": result}))
    files.write_metrics(args.metrics, result)
    accuracy, n, difference = (result[key] for key in ("onnx_accuracy", "onnx_n", "max_abs_diff_onnx"))
    print(
        f"{args.task}: exported; the ONNX alone scores {accuracy:.1%} on {val.split} from the photo files (n = {n:,}),"
    )
    print(f"its logits are within {difference:.1e} of MindSpore's")


def labels_of(task: str, folder: Path, raw: Path, measured: dict[str, Any]) -> dict[str, Any]:
    """Return what the model needs to name its answers; `folder` is prepare's."""
    classes = files.read_json(folder / "classes.json")
    labels = {
        "task": task,
        "classes": classes["classes"],
        "bins": classes["bins"],
        "note": measured["evaluate"].get("note", ""),
        "threshold": measured["train"]["threshold"],
    }
    reads = open_dataset(raw).reads
    return labels | ({"reads": reads} if reads else {})


def compared(
    folder: Path,
    network: Any,
    graph: onnx.ModelProto,
    preprocessing: Preprocessing,
    photos: list[Path],
    truth: np.ndarray,
    params: ExportParams,
    size: int,
) -> dict[str, Any]:
    """Return how the files of `folder` agree with `network` on the held-out `photos`, and what they weigh."""
    few = parity.spread(len(photos), params.check_photos)
    some = [photos[index] for index in few]
    classifier, session = Classifier(folder), sessions.session(graph, threads=0)

    def reference(images: np.ndarray) -> np.ndarray:
        return softmax(session.run(["logits"], {"x": preprocessing(images)})[0][0])

    x = parity.network_inputs(some, preprocessing, size)
    result: dict[str, Any] = {
        "checked_photos": len(few),
        "onnx_mb": (folder / "model.onnx").stat().st_size / 1e6,
        "int8_bytes": (folder / "model_int8.onnx").stat().st_size,
        "mindir_mb": (folder / "model.mindir").stat().st_size / 1e6,
    }
    result |= parity.logit_differences(
        network, folder / "model.mindir", classifier.logits, some, x, params.max_difference
    )
    result |= parity.remeasured(classifier, photos, truth)
    result |= parity.resized_agreement(classifier, reference, photos, few, size)
    return result | (parity.digit_photos(classifier, photos, truth) if "reads" in classifier.labels else {})


def load_network(weights: Path, folder: Path, checkpoint: str | None) -> tuple[Any, Preprocessing, dict[str, Any]]:
    """Return backbone and head as one network, or the net that was trained whole; its preprocessing; what it is."""
    if predictor.is_net(folder):
        about = files.read_json(folder / "head.json")
        net = predictor.load_net(folder, checkpoint)
        scaling = registry.preprocessing(net)
        info = {"network": about["net"], "options": about["options"], "mean": list(scaling.mean)}
        info |= {"std": list(scaling.std), "channel_order": "grey" if scaling.scale.size == 1 else "RGB"}
        return net, scaling, info | {"resize": "bilinear, antialiased"}
    backbone, head = backbones.load(weights), load_head(folder, checkpoint)
    network = HeadOnBackbone(backbone.net, head)
    network.set_train(False)
    return network, backbone.preprocessing, backbone.info


if __name__ == "__main__":
    run(main)
