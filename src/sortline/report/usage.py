"""How to run an exported model from everywhere: the last section of its model card."""

from typing import Any


def usage(task: str, backbone: dict[str, Any], size: int, digits: bool) -> str:
    """Return the section as Markdown; `backbone` with `mean` and `std` of its preprocessing, `size` in pixels.

    `digits`: the model reads digits, in grey, light on dark, cut out.
    """
    scaling = ", ".join(f"(x / 255 - {mean:g}) / {std:g}" for mean, std in _per_channel(backbone))
    channels, colours = (1, "grey") if digits else (3, "RGB")
    note = DIGITS if digits else ""
    return TEXT.format(task=task, size=size, scaling=scaling, channels=channels, colours=colours, note=note)


def _per_channel(backbone: dict[str, Any]) -> list[tuple[float, float]]:
    """Return (mean, std) of R, G, B; once where the three are the same."""
    pairs = list(zip(backbone["mean"], backbone["std"], strict=True))
    return pairs[:1] if len(set(pairs)) == 1 else pairs


DIGITS = """
Of these ways only the command line and the app find the digit in a photo. For the others it must be cut out, centred
and light on dark first, as `sortline.data.handwriting.read_digit` does.
"""

# Doubled braces are for format().
TEXT = """## Use

Only the ONNX files resize and scale photos themselves; turn a photo upright by its EXIF orientation first.
{note}
Command line (a folder works too; `--json` and `--csv` for programs):

```
sortline predict PHOTO --model FOLDER_OF_THIS_CARD
```

Python, with `model.onnx` or `model_int8.onnx`:

```python
import numpy, onnxruntime
from PIL import Image, ImageOps
photo = ImageOps.exif_transpose(Image.open("photo.jpg")).convert("RGB")
model = onnxruntime.InferenceSession("model.onnx")
probabilities, logits = model.run(["probabilities", "logits"], {{"image": numpy.asarray(photo)}})
```

Browser, as an app that installs and works offline:

```
make web TASK={task}
sortline serve
```

or in a page of your own, with onnxruntime-web:

```js
const model = await ort.InferenceSession.create("model_int8.onnx");
const {{ data, width, height }} = context.getImageData(0, 0, canvas.width, canvas.height);
const rgb = data.filter((_, place) => place % 4 < 3);
const image = new ort.Tensor("uint8", Uint8Array.from(rgb), [height, width, 3]);
const {{ probabilities }} = await model.run({{ image }});
```

Android, with ONNX Runtime mobile (`com.microsoft.onnxruntime:onnxruntime-android`), in Kotlin; `rgb` is a direct
ByteBuffer of the upright photo's pixels, a byte each of R, G, B, row by row:

```kotlin
val environment = OrtEnvironment.getEnvironment()
val model = environment.createSession(assets.open("model_int8.onnx").readBytes())
val image = OnnxTensor.createTensor(environment, rgb, longArrayOf(height, width, 3), OnnxJavaType.UINT8)
val probabilities = model.run(mapOf("image" to image)).get("probabilities").get().value as FloatArray
```

C++, with MindSpore Lite: convert the MindIR once with `sortline export --ms --model FOLDER_OF_THIS_CARD`, which gives
`model.ms`. `pixels`: the photo squeezed to {size} x {size} by an antialiased bilinear filter, {colours}, each value
x as {scaling} in float32, row by row, (1, {size}, {size}, {channels}).

```cpp
#include "include/api/context.h"
#include "include/api/model.h"

auto context = std::make_shared<mindspore::Context>();
context->MutableDeviceInfo().push_back(std::make_shared<mindspore::CPUDeviceInfo>());
mindspore::Model model;
if (model.Build("model.ms", mindspore::kMindIR, context) != mindspore::kSuccess) return 1;
auto inputs = model.GetInputs();
std::memcpy(inputs[0].MutableData(), pixels, inputs[0].DataSize());
std::vector<mindspore::MSTensor> outputs;
if (model.Predict(inputs, &outputs) != mindspore::kSuccess) return 1;
auto logits = static_cast<const float *>(outputs[0].Data().get());  // the largest is the answer
```"""
