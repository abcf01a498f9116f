"""Training logs: the wordings that are in the wild, what belongs to which epoch, what is odd."""

import math

import numpy as np
import pytest

from sortline._core import runtime
from sortline._core.errors import UserError
from sortline.report.training_log import parse, read_log

TWO = "epoch: 1 step: 5, loss is 2.0\nepoch time: 10.0 ms\nepoch: 2 step: 5, loss is 1.0\nepoch time: 8.0 ms\n"


def log(text):
    return parse(text.splitlines(keepends=True))


def only_epoch(text):
    (part,) = log(text).parts
    (epoch,) = part.epochs.items()
    return epoch


def losses_by_epoch(part):
    return {number: list(epoch.losses) for number, epoch in part.epochs.items()}


@pytest.mark.parametrize(
    ("line", "epoch", "step", "loss"),
    [
        ("epoch: 1 step: 18810, loss is 0.78", 1, 18810, 0.78),
        ("epoch: 2, step: 1, loss is 2.3", 2, 1, 2.3),
        ("epoch:3 step: 1875, loss is 0.00310735423", 3, 1875, 0.00310735423),
        ("epoch: 2 step 149, loss is 0.38729554414749146", 2, 149, 0.38729554414749146),
        ("epoch: 487 step: 1, loss is Tensor(shape=[], dtype=Float32, value= 0.663754)", 487, 1, 0.663754),
        ("[2023-05-18T22:22:48.878] INFO: epoch: 1, step: 2200, loss: 1.419187,  lr: 0.010000", 1, 2200, 1.419187),
        ("Epoch:[ 90/ 120], step:[    4/ 2502], loss:[2.655/2.713], time:131.621 ms, lr:0.07329", 90, 4, 2.655),
        ("epoch:[  0/200], step:[  624/  625], loss:[5.258/5.258], time:[140412.236], lr:[0.100]", 0, 624, 5.258),
        ("[1,0]<stdout>:epoch: 1 step: 9, loss is 4e-05", 1, 9, 4e-05),
        ("\x1b[1;32mepoch: 1\x1b[0m step: 9, loss is \x1b[31m1.5\x1b[0m", 1, 9, 1.5),
        ("100%|###| 9/9\repoch: 1 step: 9, loss is 1.5\r", 1, 9, 1.5),
        ("训练 epoch: 1 step: 9, loss is 1.5 损失", 1, 9, 1.5),
        ("epoch: 1 step: 9, loss is nan", 1, 9, math.nan),
        ("epoch: 1 step: 9, loss is -inf", 1, 9, -math.inf),
        ("ValueError: epoch: 1 step: 9. Invalid loss, terminating training.", 1, 9, math.nan),
        ("ValueError: In epoch: 1 step: 9, loss is NAN or INF, training process cannot continue", 1, 9, math.nan),
    ],
)
def test_wordings_of_the_loss(line, epoch, step, loss):
    number, found = only_epoch(line)
    assert (number, found.last_step, list(found.losses)) == (epoch, step, pytest.approx([loss], nan_ok=True))


@pytest.mark.parametrize(
    ("line", "seconds", "step_ms"),
    [
        ("epoch time: 515333.027 ms, per step time: 27.397 ms", 515.333027, 27.397),
        ("Train epoch time: 8617.408 ms, per step time: 4.596 ms", 8.617408, 4.596),
        (" epoch time: 8617.408 ms, per step time: 4.596 ms (data time: 0.100 ms)", 8.617408, 4.596),
        ("Epoch time: 213856.477, per step time: 5216.012", 213.856477, 5216.012),
        ("epoch time:140522.500, per step time:224.836, avg loss:5.258", 140.5225, 224.836),
        ("epoch time:  70.6 s, per step time: 7.359 ms", 70.6, 7.359),
        ("epoch time: 429.470 ms", 0.42947, None),
    ],
)
def test_wordings_of_the_time(line, seconds, step_ms):
    number, found = only_epoch(line)
    assert (number, found.seconds, found.step_ms) == (1, pytest.approx(seconds), step_ms)


def test_a_whole_epoch_in_a_line():
    number, found = only_epoch("epoch[28/30], iter[81] cost: 2465.107, per step time: 30.433, avg loss: 0.760\n")
    assert (number, found.last_step, list(found.losses)) == (28, 81, [0.76])
    assert (found.seconds, found.step_ms) == (pytest.approx(2.465107), 30.433)


def test_the_time_of_each_step():
    line = "epoch: [ 1/100], step:[ {step}/  3], loss:[14.831/9.093], time:[{time}], lr:[0.030]\n"
    whole = "".join(line.format(step=step, time=time) for step, time in ((1, 2933.124), (2, 40.5), (3, 41.5)))
    number, found = only_epoch(whole)
    assert (number, found.last_step, list(found.losses)) == (1, 3, [14.831] * 3)
    assert (found.seconds, found.step_ms) == (pytest.approx(3.015124), pytest.approx(3015.124 / 3))
    # Of one step among several the epoch's time is not known.
    _, found = only_epoch(line.format(step=3, time=41.5))
    assert (found.seconds, found.step_ms) == (None, 41.5)


def test_throughput_is_of_the_epoch_before_it():
    (part,) = log(TWO + "train samples per second of cluster: 1183.2\n").parts
    assert [epoch.samples for epoch in part.epochs.values()] == [None, 1183.2]
    number, found = only_epoch("train samples per second of cluster: 1183.2")
    assert (number, found.samples) == (1, 1183.2)


@pytest.mark.parametrize(
    "line",
    [
        "epcoh: 2 step: 1, loss is 1.2859955",
        "epoch: 2 step: 1, loss is",
        "Train Epoch time: 35 min",
        "epoch time: 3 minutes",
        "Eval result: epoch 1, metrics: {'acc': 0.66}",
        "loss is fine",
    ],
)
def test_what_is_not_read(line):
    found = log(line)
    assert (found.parts, found.other, found.other_shown) == ([], 1, [(1, line)])


def test_eval_times_are_not_of_training():
    found = log(TWO.replace("epoch time: 8", "Eval epoch time: 99.0 ms, per step time: 9.0 ms\nTrain epoch time: 8"))
    assert [epoch.seconds for epoch in found.parts[0].epochs.values()] == [0.010, 0.008]
    assert found.other == 0


def test_loss_of_an_epoch_is_the_mean_of_its_finite_lines():
    found = log("".join(f"epoch: 1 step: {i}, loss is {loss}\n" for i, loss in enumerate([3, "nan", 1, "inf"], 1)))
    epoch = found.parts[0].epochs[1]
    assert (epoch.mean, epoch.bad_step, epoch.bad_line, len(epoch.losses)) == (2.0, 2, 2, 4)
    assert math.isnan(log("epoch: 1 step: 1, loss is nan").parts[0].epochs[1].mean)


def test_lines_that_say_nothing_are_counted_and_numbered():
    found = log("hello\n\n" + TWO + "epoch: 3 step: , loss is\r\n\n\nbye\nbye\nbye\n")
    assert (found.other, found.damaged) == (5, 1)
    assert [number for number, _ in found.other_shown] == [1, 7, 10]
    assert found.damaged_shown == [(7, "epoch: 3 step: , loss is\r\n")]


def test_two_entries_in_one_line():
    (part,) = log("epoch: 1 step: 1, loss is 2.5epoch: 1 step: 2, loss is 1.5\n").parts
    assert losses_by_epoch(part) == {1: [2.5, 1.5]}


def resumed(at, last=5, per_epoch=(1, 2, 3)):
    first = [f"epoch: {e} step: {s}, loss is {e}.{s}" for e in range(1, last + 1) for s in per_epoch]
    return first, [f"epoch: {e} step: {s}, loss is 9.{s}" for e in range(at, last + 1) for s in per_epoch]


@pytest.mark.parametrize("at", [1, 3, 5])
def test_a_run_begun_again_is_a_second_part(at):
    first, second = resumed(at)
    parts = log("\n".join([*first, "Traceback", *second])).parts
    assert [part.line for part in parts] == [1, len(first) + 2]
    assert [list(part.epochs) for part in parts] == [[1, 2, 3, 4, 5], list(range(at, 6))]
    assert all(set(epoch.losses) == {9.1, 9.2, 9.3} for epoch in parts[1].epochs.values())


def test_several_devices_in_one_log_are_averaged():
    """Two devices, 3 steps an epoch; the second is late with its last line of epoch 1."""
    order = ["1 1 a", "1 1 b", "1 2 a", "1 2 b", "1 3 a", "2 1 a", "1 3 b", "2 1 b", "2 2 b", "2 2 a", "2 3 a", "2 3 b"]
    words = [line.split() for line in order]
    lines = [f"epoch: {epoch} step: {step}, loss is {epoch}.{'2' if who == 'a' else '6'}" for epoch, step, who in words]
    (part,) = log("\n".join([*lines, "epoch time: 20.0 ms", "epoch time: 21.0 ms"])).parts
    assert part.repeats
    assert [epoch.mean for epoch in part.epochs.values()] == pytest.approx([1.4, 2.4])
    assert (list(part.epochs), part.epochs[2].seconds) == ([1, 2], 0.021)


def test_devices_with_one_line_an_epoch():
    lines = [f"epoch: {e} step: 99, loss is {e + d}.0" for e in (80, 81) for d in range(8)]
    lines[8:8] = [f"epoch time: 104207{d}.0 ms, per step time: 211.3 ms" for d in (7, 6, 5, 4, 3, 2, 1, 0)]
    (part,) = log("\n".join(lines)).parts
    assert {number: len(epoch.losses) for number, epoch in part.epochs.items()} == {80: 8, 81: 8}
    assert (part.epochs[80].seconds, part.epochs[81].seconds) == (1042.077, None)


def test_losses_printed_in_every_third_epoch():
    time = "epoch time: 5.0 ms\n"
    (part,) = log(
        2 * time + "epoch: 3 step: 7, loss is 2.0\n" + 3 * time + "epoch: 6 step: 7, loss is 1\n" + time
    ).parts
    assert sorted(part.epochs) == [1, 2, 3, 4, 5, 6]
    assert all(epoch.seconds == 0.005 for epoch in part.epochs.values())
    assert [number for number, epoch in part.epochs.items() if epoch.losses] == [3, 6]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_encodings_and_line_ends(tmp_path, encoding, end):
    path = tmp_path / "日志.log"
    path.write_bytes(("开始训练\n" + TWO).replace("\n", end).encode(encoding))
    found = read_log(path)
    assert losses_by_epoch(found.parts[0]) == {1: [2.0], 2: [1.0]}
    assert (found.other, found.other_shown[0][1].strip("\ufeff\r\n")) == (1, "开始训练")


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\x89PNG\r\n\x1a\n\x00\x00", b"\xff\xfe", b"no such thing\n"])
def test_a_log_with_nothing_in_it(tmp_path, content):
    path = tmp_path / "x.log"
    path.write_bytes(content)
    with pytest.raises(UserError, match="x.log: no line of MindSpore's LossMonitor or TimeMonitor") as error:
        read_log(path)
    assert "\n" not in str(error.value)


def test_what_mindspore_prints_here(capsys):
    """The installed MindSpore's own callbacks are the oracle of the format."""
    runtime.prepare()
    from mindspore import nn
    from mindspore.dataset import NumpySlicesDataset
    from mindspore.train import Callback, LossMonitor, Model, TimeMonitor

    seen = []

    class Keep(Callback):
        def step_end(self, run_context):
            seen.append(float(run_context.original_args().net_outputs))

    x = np.random.default_rng(0).normal(size=(12, 4)).astype(np.float32)
    labels = (x[:, 0] > 0).astype(np.int32)
    data = NumpySlicesDataset((x, labels), ["x", "y"], shuffle=False).batch(4)
    net = nn.Dense(4, 2)
    optimizer = nn.Momentum(net.trainable_params(), 0.1, 0.9)
    loss = nn.SoftmaxCrossEntropyWithLogits(sparse=True, reduction="mean")
    callbacks = [LossMonitor(), TimeMonitor(), Keep()]
    Model(net, loss, optimizer).train(2, data, callbacks=callbacks, dataset_sink_mode=False)
    found = log(capsys.readouterr().out)
    (part,) = found.parts
    assert losses_by_epoch(part) == {1: pytest.approx(seen[:3]), 2: pytest.approx(seen[3:])}
    assert all(epoch.seconds and epoch.step_ms and epoch.last_step == 3 for epoch in part.epochs.values())
    assert found.other == 0
