"""What a net's loss has besides that of its classes: a share that draws the features of a class together."""

import json
import runpy
from pathlib import Path

import mindspore
import numpy as np
import pytest
from mindspore import Tensor, nn
from pydantic import ValidationError
from scipy.special import log_softmax
from test_finetune import built, params
from test_head_loss import contrastive

from sortline._core import files, workers
from sortline._core.errors import UserError
from sortline.config.training import ContrastParams, TrainParams
from sortline.nets import fit, net_loss, out_of_fold, registry
from sortline.nets.inputs import Maps
from sortline.training import losses
from sortline.training.targets import smooth_targets

pytestmark = pytest.mark.usefixtures("graph_mode")

ROOT = Path(__file__).parents[2]
LABELS = np.array([0, 0, 1, 1, 1, 2, 0, 2])


class Small(nn.Cell):
    """Maps of one position to features, and these to logits, by products that NumPy has too."""

    def __init__(self):
        super().__init__()
        random = np.random.default_rng(1)
        self.inner, self.outer = (Tensor(random.normal(size=(5, 5)).astype(np.float32)) for _ in range(2))

    def features(self, x):
        return mindspore.ops.matmul(x.mean((2, 3)), self.inner)

    def classify(self, features):
        return mindspore.ops.matmul(features, self.outer)

    def construct(self, x):
        return self.classify(self.features(x))


def test_the_loss_is_shared_between_the_classes_and_the_contrast_of_the_features():
    x = np.random.default_rng(0).normal(size=(8, 1, 5, 1, 1)).astype(np.float32)
    net, targets = Small(), smooth_targets(LABELS, 5, 0.1)
    both = net_loss.of(net, Maps(x), losses.cross_entropy, ContrastParams(share=0.4, temperature=0.2))
    loss, seen, present = both(Tensor(x[:, 0]), Tensor(targets))

    features = x[:, 0, :, 0, 0].astype(float) @ net.inner.asnumpy()
    logits = features @ net.outer.asnumpy()
    classes = -(targets * log_softmax(logits, axis=1)).sum(1).mean()
    drawn = contrastive(features, LABELS, np.ones(8, bool), 0.2).mean()
    assert float(loss) == pytest.approx(0.6 * classes + 0.4 * drawn, abs=1e-5)
    assert seen.asnumpy().ravel() == pytest.approx([float(loss), (logits.argmax(1) == LABELS).mean()])
    assert present.asnumpy() == [1]
    alone = net_loss.of(net, Maps(x), losses.cross_entropy, ContrastParams())
    assert type(alone) is net_loss.NetLoss and float(alone(Tensor(x[:, 0]), Tensor(targets))[0]) == pytest.approx(
        classes, abs=1e-5
    )


def nearness(net, data):
    """Return the mean cosine of features of one class less that of two, of what `net` was trained on."""
    rows = out_of_fold.features(net, data, data.rows)
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    same, other = data.labels[:, None] == data.labels, ~np.eye(len(rows), dtype=bool)
    cosines = unit @ unit.T
    return cosines[same & other].mean() - cosines[~same].mean()


@pytest.mark.slow  # two nets
def test_through_the_last_blocks_it_brings_classes_nearer_together_than_their_loss_alone(tmp_path):
    found = {}
    for share in (0.0, 0.9):
        more = {"contrastive": {"share": share, "temperature": 0.5}, "epochs": 6, "lr": 0.05, "label_smoothing": 0.1}
        net, options, data, settings = built("partial", "maps", **more)
        result = fit.train(net, options, data, settings, tmp_path)
        found[share] = nearness(net, data)
        again = registry.build("mobilenet_v2", 3, options)
        assert registry.values(again).keys() == registry.values(net).keys()  # nothing of it is in what is saved
        assert (result.minimum is None) == bool(share)
    assert found[0.9] > found[0.0] + 0.1


@pytest.mark.parametrize(
    ("mode", "more", "why"),
    [
        ("partial", {"mixup": 0.2}, "a mix has no class"),
        ("lora_head", {}, "a mode that trains the backbone"),
        ("head_v3", {}, "a mode that trains the backbone"),
    ],
)
def test_contrast_without_what_it_needs_is_refused(mode, more, why):
    params(mode)
    with pytest.raises(ValidationError, match=why):
        params(mode, contrastive={"share": 0.5}, **more)


def test_a_net_of_digits_has_no_features_to_contrast():
    with pytest.raises(ValidationError, match="only with a mode of a pretrained net: contrastive"):
        TrainParams(net="lenet5", contrastive={"share": 0.5})


@pytest.mark.parametrize(
    ("key", "given"), [("contrastive", {"share": 0.5}), ("simclr", {"epochs": 1}), ("out_of_fold", True)]
)
def test_what_needs_a_whole_batch_is_refused_on_several_workers(key, given, tmp_path, monkeypatch):
    train = {"net": "mobilenet_v2", "mode": "partial", "checkpoint": "last", key: given}
    files.write_text(tmp_path / "params.yaml", json.dumps({"tasks": ["mine"], "mine": {"train": train}}))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(workers.COUNT, "2")
    options = [
        word for name in ("prepared", "weights", "features", "out", "plots", "metrics") for word in (f"--{name}", "x")
    ]
    with pytest.raises(UserError, match=f"mine.train.{key} trains on one worker; leave it out, or --workers 1"):
        runpy.run_path(str(ROOT / "stages" / "train.py"))["main"](["mine", *options])
