"""Made small.tflite, which the tests' small model is in LiteRT's format. Run by hand, with onnx2tf on the PATH."""

import sys
import tempfile
from pathlib import Path

import onnx

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "code"))

from small_model import small_model  # noqa: E402

from sortline.export import formats  # noqa: E402

with tempfile.TemporaryDirectory() as scratch:
    onnx.save(small_model(), f"{scratch}/model.onnx")
    formats.to_litert(Path(scratch) / "model.onnx", Path(scratch), {"task": "colours"})
    Path(scratch, "model.tflite").replace(HERE / "small.tflite")
