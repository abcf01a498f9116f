"""A training that is broken off goes on, and ends with the bytes of one that was not."""

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from mindspore import nn
from test_fit_net import params, pictures
from test_training import quick, toy

from sortline._core import unfinished
from sortline.nets import fit, registry
from sortline.training import heads, keeping, loop
from sortline.training.keeping import Keeper

pytestmark = pytest.mark.usefixtures("graph_mode")


class Killed(BaseException):
    pass


@pytest.fixture
def kill(monkeypatch):
    """Have state be kept at every chance, and a training end when it was kept so many times; None: not at all."""
    monkeypatch.setattr(keeping, "EVERY", 0.0)
    monkeypatch.setattr(keeping, "SHARE", 0)
    write, left = Keeper.write, [None]

    def killing(self, arrays, facts):
        write(self, arrays, facts)
        if left[0] is not None:
            left[0] -= 1
            if not left[0]:
                raise Killed

    monkeypatch.setattr(Keeper, "write", killing)

    def after(count: int | None) -> None:
        left[0] = count

    return after


class Normed(nn.Cell):
    """A batch norm: its statistics change beside the parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.dense = nn.BatchNorm2d(1), nn.Dense(1024, 10)

    def construct(self, x):
        return self.dense(self.norm(x).reshape((-1, 1024)))


def net_result(folder: Path, settings, normed: bool, keeper: Keeper | None = None):
    folder.mkdir(exist_ok=True)
    data = pictures()
    if normed:
        net = Normed()
        registry.initialize(net, 0)
        trained = fit.train(net, {}, data, settings, folder, keeper)
    else:
        trained = fit.train(*fit.build(data, settings, Path("none")), data, settings, folder, keeper)
    files = {path.name: path.read_bytes() for path in folder.glob("*.safetensors")}
    return trained.about, trained.curve, trained.val_logits.tobytes(), trained.counts, files


SETTINGS = {
    "pictures": (params(epochs=4, keep=2), False),
    "batch norm, adam": (params(epochs=4, keep=1, optimizer="adam", lr=0.003, checkpoint="last"), True),
    "patience": (params(epochs=30, lr=1e-9, patience=2, schedule="constant", warmup_epochs=0, augment={}), False),
}


CASES = [(name, a_piece) for name in SETTINGS for a_piece in ("epoch", "step")]
QUICK = ("batch norm, adam", "step")


@pytest.mark.parametrize(
    ("name", "a_piece"),
    [pytest.param(*case, id="-".join(case), marks=[] if case == QUICK else [pytest.mark.slow]) for case in CASES],
)
def test_a_net_that_was_killed_again_and_again_ends_the_same(tmp_path, kill, monkeypatch, name, a_piece):
    if a_piece == "step":
        monkeypatch.setattr(loop, "BATCH_BYTES", 0)
    whole = net_result(tmp_path / "whole", *SETTINGS[name])
    begun = 0
    for kept in (1, 4, None):
        kill(kept)
        begun += 1
        try:
            result = net_result(tmp_path / "killed", *SETTINGS[name], Keeper(tmp_path / "killed"))
            break
        except Killed:
            continue
    assert begun > 2  # or nothing was broken off in the midst of it
    assert result == whole


@pytest.mark.parametrize(
    "changes",
    [
        {"keep": 2, "checkpoint": "best", "dropout": 0.3},
        {"patience": 2, "epochs": 12, "hidden": 4, "optimizer": "adam", "lr": 0.01, "ema": 0.9},
    ],
)
@pytest.mark.parametrize("a_piece", ["epoch", "step"])
def test_heads_that_were_killed_end_the_same(tmp_path, kill, monkeypatch, changes, a_piece):
    if a_piece == "step":
        monkeypatch.setattr(loop, "BATCH_BYTES", 0)
    data = replace(toy(noise=2.0), groups=np.arange(120))
    settings = quick(**changes)
    whole, begun = heads.train_by_steps(data, settings), 0
    for kept in (2, 3, None):
        kill(kept)
        begun += 1
        try:
            result = heads.train_by_steps(data, settings, Keeper(tmp_path))
            break
        except Killed:
            continue
    assert begun > 2
    assert repr(asdict(result)) == repr(asdict(whole))
    for name, head in whole.heads.items():
        assert all(np.array_equal(array, result.heads[name].arrays()[key]) for key, array in head.arrays().items())
    assert np.array_equal(result.out_of_fold, whole.out_of_fold)


def test_what_was_kept_is_only_used_whole(tmp_path):
    keeper = Keeper(tmp_path, lambda: ({"b": np.arange(3)}, ["note", 0.1]))
    assert keeper.read() is None
    keeper.write({"a": np.ones(2, np.float32)}, {"epoch": 3})
    (arrays, facts), (own, noted) = keeper.read()
    assert arrays["a"].tolist() == [1, 1] and facts == {"epoch": 3}
    assert own["b"].tolist() == [0, 1, 2] and noted == ["note", 0.1]
    content = keeper.path.read_bytes()
    for damaged in (content[:-1], content[:40], b"", bytes(len(content)), content[:50] + b"\x01" + content[51:]):
        keeper.path.write_bytes(damaged)
        assert keeper.read() is None


def test_a_net_with_mindspores_own_dropout_starts_anew(tmp_path, kill):
    """Its state cannot be read, so that what goes on would be another training."""
    kill(1)
    net_result(tmp_path / "a", params(net="lenet5_norm", epochs=2), False, Keeper(tmp_path / "a"))
    assert not (tmp_path / "a" / "state.bin").exists()


def test_what_is_kept_is_of_the_same_inputs_and_gone_in_the_end(tmp_path, monkeypatch):
    folder = tmp_path / "kept"

    def begin(made_of):
        """Return what is there at the start of a run that breaks off."""
        with pytest.raises(Killed), unfinished.kept(folder, made_of) as place:
            found = (place / "state").exists()
            (place / "state").touch()
            raise Killed
        return found

    assert [begin({"lr": 0.1}), begin({"lr": 0.1}), begin({"lr": 0.2}), begin({"lr": 0.2})] == [False, True] * 2
    monkeypatch.setenv(unfinished.FRESH, "1")
    assert not begin({"lr": 0.2})
    monkeypatch.setenv(unfinished.FRESH, "0")
    assert begin({"lr": 0.2})
    (folder / "made_of.json").write_text("{", encoding="utf-8")
    assert not begin({"lr": 0.2})
    with unfinished.kept(folder, {"lr": 0.2}) as place:
        assert (place / "state").exists()
    assert not folder.exists()
