"""digits: train a model that makes digits up, and have it make some. Usage: digits.py NAME --out FILE --sheet FILE

NAME is vae or gan. Written: `images` uint8 (n, 28, 28) and `labels` int (n,); the sheet shows the first of each digit.
"""

import argparse
from pathlib import Path

import numpy as np
from common import COUNT, PARAMS, SEED, digits, save
from PIL import Image

from sortline._core import files, runtime
from sortline._core.errors import run
from sortline.config.training import Recipe
from sortline.data.idx import CLASSES
from sortline.nets import dcgan
from sortline.training import loop
from sortline.training.side_by_side import Batches, fit
from sortline.training.vae import Vae

COLUMNS = 16  # of the sheet


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=("vae", "gan"))
    for option in ("--out", "--sheet"):
        parser.add_argument(option, type=Path, required=True)
    args = parser.parse_args(argv)
    runtime.prepare(SEED)
    one_hot = np.eye(CLASSES, dtype=np.float32)
    images, labels = digits("train")
    wanted = np.arange(COUNT) % CLASSES
    make = {"vae": by_vae, "gan": by_gan}[args.name]
    made = make(images, one_hot[labels], one_hot[wanted], PARAMS[args.name])
    save(args.out, images=made, labels=wanted)
    sheet = np.block([[made[wanted == digit][column] for column in range(COLUMNS)] for digit in range(CLASSES)])
    with files.replacing(args.sheet) as path:
        Image.fromarray(sheet).save(path, "PNG")


def note(epoch: loop.Epoch) -> None:
    print(f"epoch {epoch.number}: {epoch.loss[0]:.3f}, {epoch.accuracy[0]:.3f}", flush=True)


def by_vae(images: np.ndarray, kinds: np.ndarray, wanted: np.ndarray, params: dict) -> np.ndarray:
    net = Vae(images[0].size, CLASSES, binary=True, **params["net"])
    rows, all_of_them = (images.reshape(len(images), 1, -1) / np.float32(255)), np.ones((len(images), 1), bool)
    # Told the digit in numbers no larger than the code's, it keeps the digit in its code, and makes any.
    told = np.float32(params["loudness"])
    (values,) = fit(net, rows, told * kinds, all_of_them, Recipe(**params["recipe"]), watch=note)
    made = net.sample(values, told * wanted, np.random.default_rng(SEED))
    return np.rint(255 * made).astype(np.uint8).reshape(-1, *images.shape[1:])


def by_gan(images: np.ndarray, kinds: np.ndarray, wanted: np.ndarray, params: dict) -> np.ndarray:
    pair = dcgan.Pair(params["latent"], CLASSES, params["maps"], SEED)
    pair.set_train(True)
    trained = pair.trainable_params()
    start = np.concatenate([one.asnumpy().ravel() for one in trained])
    own = np.repeat([1.0 if one.name.startswith("maker") else params["critic_rate"] for one in trained],
                    [one.size for one in trained]).astype(np.float32)  # fmt: skip
    batches = Batches(images, (kinds,), params["latent"], np.random.default_rng(SEED))
    recipe = Recipe(**params["recipe"])
    for epoch in loop.train(dcgan.steps(pair), batches, recipe, start, np.zeros_like(start), own):
        note(epoch)
    return dcgan.sample(pair.maker, wanted, params["latent"], np.random.default_rng(SEED))


if __name__ == "__main__":
    run(main)
