"""What studies/lenet5 says is what its committed results say."""

import json
import re
import sys
from pathlib import Path

import mindspore
import numpy as np
import pytest
from study import between, report_of

from sortline._core import runtime

STUDY = Path(__file__).parents[2] / "studies" / "lenet5"


@pytest.fixture(scope="module")
def metrics():
    return json.loads((STUDY / "metrics.json").read_text(encoding="utf-8"))


def test_the_table_of_the_readme_is_made_of_the_results(metrics):
    with report_of(STUDY) as report:
        rows = {name: metrics[name] for name in report["PARAMS"]["names"]}
        made = "\n".join(report["table"](rows)) + "\n"
    assert made == (STUDY / "table.md").read_text(encoding="utf-8") == between(STUDY / "README.md", "table")
    for row in rows.values():
        assert row["new_scenes_low"] < row["new_scenes"] < row["new_scenes_high"] and row["n"] == 2125


def test_a_grey_net_sees_the_luma_alone_and_has_lenets_layers():
    runtime.prepare()
    sys.path.insert(0, str(STUDY))
    from lenet import LeNet5Photos  # by import: MindSpore looks the class's module up

    sys.path.remove(str(STUDY))
    net = LeNet5Photos(28, 26, False, "average")
    net.set_train(False)
    assert [net.dense1.weight.shape, net.dense2.weight.shape, net.dense3.weight.shape] == [
        (120, 400), (84, 120), (26, 84)]  # fmt: skip
    photos = np.random.default_rng(0).standard_normal((2, 3, 28, 28)).astype(np.float32)
    luma = np.tensordot([0.299, 0.587, 0.114], photos, ([0], [1]))[:, None].repeat(3, 1).astype(np.float32)
    found = [net(mindspore.Tensor(one)).asnumpy() for one in (photos, luma)]
    assert found[0] == pytest.approx(found[1], abs=1e-3)


def test_every_figure_of_the_text_is_one_of_the_table(metrics):
    text = (STUDY / "README.md").read_text(encoding="utf-8").partition("<!-- end of table -->")[2]
    head = json.loads((STUDY.parents[1] / "metrics/garbage/train.json").read_text(encoding="utf-8"))
    known = {f"{100 * row[key]:.1f}" for row in metrics.values() for key in ("new_scenes", "by_photo")}
    known.add(f"{100 * head['cv_accuracy']:.1f}")
    assert set(re.findall(r"(\d+\.\d) %", text)) == known - {f"{100 * metrics['colour_64']['by_photo']:.1f}"}
