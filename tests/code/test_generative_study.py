"""What studies/generative says is what its committed results say; its digits train what they should."""

import json
from pathlib import Path

import mindspore
import numpy as np
import pytest
from mindspore import ops
from PIL import Image
from study import between, report_of

from sortline.config.training import Recipe
from sortline.nets import dcgan
from sortline.training import loop
from sortline.training.side_by_side import Batches

STUDY = Path(__file__).parents[2] / "studies" / "generative"
KINDS = np.eye(10, dtype=np.float32)


@pytest.fixture(scope="module")
def found():
    return json.loads((STUDY / "metrics.json").read_text(encoding="utf-8"))


def test_the_tables_of_the_page_are_made_of_the_results(found):
    with report_of(STUDY) as report:
        made = "\n".join(report["table"](found)) + "\n"
        params = report["PARAMS"]
    assert made == (STUDY / "table.md").read_text(encoding="utf-8")
    digits, few = made.split("\n\n")
    assert digits + "\n" == between(STUDY / "README.md", "digits")
    assert few == between(STUDY / "README.md", "scarce")
    assert set(found["digits"]) == set(params["sources"]) and set(found["scarce"]) == set(params["scarce"]["ways"])


def test_every_share_lies_in_its_interval_and_the_classes_part_the_photos(found):
    for row in found["digits"].values():
        assert row["accuracy_low"] < row["accuracy"] < row["accuracy_high"] and row["n"] == 10_000
    base = found["scarce"]["none"]
    for row in found["scarce"].values():
        assert row["scarce"]["n"] + row["others"]["n"] == 2125
        for part in ("scarce", "others"):
            assert row[part]["accuracy_low"] < row[part]["accuracy"] < row[part]["accuracy_high"]
            difference = row[part]["accuracy"] - base[part]["accuracy"]
            assert row[part].get("difference", 0) == pytest.approx(difference, abs=2e-4)


@pytest.mark.parametrize("name", ["vae", "gan"])
def test_a_sheet_shows_ten_rows_of_sixteen_digits(name):
    path = STUDY / "figures" / f"{name}.png"
    assert path.stat().st_size < 300_000
    with Image.open(path) as sheet:
        assert sheet.size == (16 * 28, 10 * 28) and sheet.mode == "L"
        assert 0.05 < (np.asarray(sheet) > 128).mean() < 0.3  # strokes, no grey


@pytest.mark.slow
def test_each_net_of_the_pair_follows_its_own_loss_alone(graph_mode):
    pair = dcgan.Pair(8, 10, 4, 0)
    pair.set_train(True)
    random = np.random.default_rng(0)
    pictures = random.integers(0, 256, (6, 28, 28), np.uint8)
    kinds, noise = KINDS[:6], random.standard_normal((6, 8), np.float32)
    given = [mindspore.Tensor(one) for one in (pictures, kinds, noise)]
    (total, seen, _), gradients = dcgan.Rivals(pair)(*given)
    assert total.asnumpy() == pytest.approx(seen.asnumpy().sum(), rel=1e-5)
    made = pair.maker(*given[:0:-1])
    real = mindspore.Tensor(pictures[:, None] / np.float32(127.5) - 1)

    def logits(pictures):
        return pair.critic(pictures, given[1])

    # log(1 + exp(x)) as NumPy has it.
    assert seen.asnumpy()[0, 0] == pytest.approx(np.logaddexp(0, -logits(made).asnumpy()).mean(), rel=1e-3)
    told = np.logaddexp(0, -logits(real).asnumpy()).mean() + np.logaddexp(0, logits(made).asnumpy()).mean()
    assert seen.asnumpy()[1, 0] == pytest.approx(told, rel=1e-3)
    own = pair.critic.trainable_params()

    def critic_alone():
        fooled, real_ones = logits(made), logits(real)
        return ops.log(1 + ops.exp(-real_ones)).mean() + ops.log(1 + ops.exp(fooled)).mean()

    wanted = ops.value_and_grad(critic_alone, None, mindspore.ParameterTuple(own))()[1]
    for gradient, one in zip(gradients[-len(own) :], wanted, strict=True):
        assert gradient.asnumpy() == pytest.approx(one.asnumpy(), abs=1e-4)


@pytest.mark.slow
def test_the_same_seed_makes_the_same_digits(graph_mode):
    made = []
    for _ in range(2):
        pair = dcgan.Pair(8, 10, 4, 0)
        pair.set_train(True)
        random = np.random.default_rng(0)
        batches = Batches(random.integers(0, 256, (20, 28, 28), np.uint8), (KINDS[np.arange(20) % 10],), 8, random)
        start = np.concatenate([one.asnumpy().ravel() for one in pair.trainable_params()])
        recipe = Recipe(optimizer="adam", lr=0.01, epochs=2, batch_size=10)
        (*_, last) = loop.train(dcgan.steps(pair), batches, recipe, start, 0 * start, np.ones_like(start))
        assert (last.parameters != start).mean() > 0.9
        made.append(dcgan.sample(pair.maker, KINDS, 8, np.random.default_rng(1), 10))
    assert made[0].shape == (10, 28, 28) and made[0].dtype == np.uint8
    assert np.array_equal(*made)
