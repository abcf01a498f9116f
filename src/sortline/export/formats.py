"""The exported ONNX in the formats of other runtimes, each let through only where it predicts the same."""

import json
import os
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from sortline._core.cores import on_all_cores
from sortline._core.errors import UserError
from sortline._core.openvino_session import no_statistics
from sortline.data.datasets import open_picture
from sortline.evaluation import metrics
from sortline.export.classifier import Classifier

AGREEMENT = 0.999  # of top-1 predictions with those of the ONNX file, from the photo files
ONNX2TF = "onnx2tf"
RESIZED = "front/resized"
LEFT_OUT = (
    "front/planes",
    "front/batched",
    "net/cam",
    "cam",
    "logits",
    "set_scores",
    "familiarity",
)  # of a graph of fixed size
# onnx2tf compares its layers with ONNX Runtime's on pictures that it downloads, unless this lies beside it.
PICTURES = "calibration_image_sample_data_20x128x128x3_float32.npy"


def agreement(first: Classifier, second: Classifier, photos: Sequence[Path]) -> dict[str, Any]:
    """Return the share of `photos` for which both predict the same class: accuracy, low, high, n.

    Raises `UserError`, with the figure, where it is below AGREEMENT.
    """

    def same(photo: Path) -> bool:
        image = open_picture(photo)
        return bool(first.probabilities(image).argmax() == second.probabilities(image).argmax())

    found = metrics.share(np.array(list(on_all_cores(same, photos, "compare"))))
    if not found["n"] or found["accuracy"] < AGREEMENT:
        said = f"{found['accuracy'] or 0:.2%} of {found['n']:,} photos"
        raise UserError(f"{second.path.name}: predicts as the ONNX does on {said}, below {AGREEMENT:.1%}; not kept")
    return found


def to_openvino(model: Path, out: Path, about: dict[str, Any]) -> None:
    """Write model.xml and model.bin into the folder `out`; `about` is kept in model.xml's rt_info, as `sortline`."""
    no_statistics()
    try:
        import openvino
        from openvino import opset11, passes
    except ModuleNotFoundError:
        raise UserError("OpenVINO is not installed: pip install 'sortline[openvino]'") from None
    graph, about = openvino.Core().read_model(model.read_bytes()), dict(about)
    for node in graph.get_ordered_ops():
        if node.get_friendly_name() == RESIZED:
            # OpenVINO's reading of ONNX's antialiased Resize is not Pillow's; it has Pillow's, too.
            size = np.array(list(node.output(0).shape)[2:], np.int64)
            about["side"] = int(size[0])
            resized = opset11.interpolate(
                node.input_value(0), size, "bilinear_pillow", "sizes", axes=np.array([2, 3], np.int64)
            )
            for target in node.output(0).get_target_inputs():
                target.replace_source_output(resized.output(0))
    graph.validate_nodes_and_infer_types()
    # Of a constant in 8 bits OpenVINO 2026.4 lost the scale in 28 of 603 loads for several threads: none is left so.
    folding = passes.Manager()
    folding.register_pass(passes.ConstantFolding())
    folding.run_passes(graph)
    for key, text in _texts(about).items():
        graph.set_rt_info(text, ["sortline", key])
    openvino.save_model(graph, str(out / "model.xml"), compress_to_fp16=False)


def to_litert(model: Path, out: Path, about: dict[str, Any]) -> None:
    """Write model.tflite into the folder `out`, by onnx2tf; `about` is in it as an associated file, about.json."""
    if about.get("labels", {}).get("framed", "squeeze") != "squeeze":
        raise UserError(
            "LiteRT's file takes photos resized already, and by squeezing alone; set extract.resize: squeeze"
        )
    converter = shutil.which(ONNX2TF)
    if converter is None:
        raise UserError(
            f"{ONNX2TF} is not on the PATH; it needs TensorFlow and other versions of sortline's own libraries, so "
            f"install it apart: pipx install {ONNX2TF} (or: uv tool install {ONNX2TF})"
        )
    with tempfile.TemporaryDirectory() as scratch:
        onnx.save(of_fixed_size(onnx.load_model_from_string(model.read_bytes())), f"{scratch}/model.onnx")
        np.save(f"{scratch}/{PICTURES}", np.random.default_rng(0).random((20, 128, 128, 3), np.float32))
        words = [
            "-i",
            "model.onnx",
            "-o",
            "made",
            "--output_signaturedefs",
            "--keep_shape_absolutely_input_names",
            "image",
        ]
        # It calls programs that are installed beside it, wherever the link on the PATH lies.
        path = os.pathsep.join([str(Path(converter).resolve().parent), os.environ.get("PATH", "")])
        words, env = [converter, *words], os.environ | {"PATH": path}
        done = subprocess.run(words, cwd=scratch, env=env, capture_output=True, text=True, errors="replace")
        made = Path(scratch) / "made/model_float32.tflite"
        if done.returncode or not made.is_file():
            last = ((done.stdout + done.stderr).strip() or "no message").splitlines()[-1]
            raise UserError(f"{ONNX2TF} failed on {model.as_posix()} (exit code {done.returncode}): {last[-300:]}")
        shutil.copyfile(made, out / "model.tflite")
    # https://ai.google.dev/edge/litert/models/metadata: files that go with a model are a ZIP archive behind it.
    with zipfile.ZipFile(out / "model.tflite", "a") as archive:
        archive.writestr("about.json", json.dumps(about, ensure_ascii=False, indent=2, sort_keys=True))


def to_coreml(model: Path, out: Path, about: dict[str, Any]) -> None:
    """Refuse, and say why."""
    raise UserError(
        "coreml cannot be had: coremltools reads no ONNX since its version 6, and runs what it makes on macOS alone, "
        "so that nothing here could tell whether it predicts the same; iOS runs model.onnx with ONNX Runtime"
    )


FORMATS: dict[str, Callable[[Path, Path, dict[str, Any]], None]]
FORMATS = {"openvino": to_openvino, "litert": to_litert, "coreml": to_coreml}


def of_fixed_size(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the exported graph for photos of its own size: `image` uint8 (1, S, S, 3), resized already.

    `probabilities` and `logits` are float32 (1, classes), `similarity` (1, 1); there are no others.
    """
    graph = model.graph
    values = {one.name: one for one in graph.initializer}
    size = int(numpy_helper.to_array(values["front/sizes"])[-1])
    nodes = []
    for node in graph.node:
        output = node.output[0]
        if output in LEFT_OUT or output.startswith(("back/sets/", "net/familiarity")):
            continue
        if output == RESIZED:
            node = helper.make_node("Transpose", ["image"], [RESIZED], RESIZED, perm=[0, 3, 1, 2])
        elif node.op_type == "DequantizeLinear":
            numbers, step = (numpy_helper.to_array(values[name]) for name in node.input)
            graph.initializer.append(numpy_helper.from_array(numbers.astype(np.float32) * step, output))
            continue
        elif output == "net/logits":
            node.output[0] = "logits"
        elif node.op_type == "ReduceMax" and output.startswith("net/similarity"):
            next(one for one in node.attribute if one.name == "keepdims").i = 1
        nodes.append(node)
    classes = next(one for one in graph.output if one.name == "logits").type.tensor_type.shape.dim[-1].dim_value
    shapes = {"probabilities": classes, "logits": classes}
    if any(node.output[0] == "similarity" for node in nodes):
        shapes["similarity"] = 1
    used = {name for node in nodes for name in node.input}
    kept = [one for one in graph.initializer if one.name in used]
    for part in (graph.node, graph.initializer, graph.input, graph.output):
        del part[:]
    graph.node.extend(nodes)
    graph.initializer.extend(kept)
    graph.input.append(helper.make_tensor_value_info("image", TensorProto.UINT8, [1, size, size, 3]))
    graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, n]) for name, n in shapes.items())
    onnx.checker.check_model(model, full_check=True)
    return model


def _texts(about: dict[str, Any]) -> dict[str, str]:
    return {key: one if isinstance(one, str) else json.dumps(one, ensure_ascii=False) for key, one in about.items()}
