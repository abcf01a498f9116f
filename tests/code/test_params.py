"""sortline.config: a right params.yaml is read as it stands, presets too."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from sortline._core.errors import UserError
from sortline.config.base import load
from sortline.config.diagnose import DiagnoseParams
from sortline.config.evaluate import EvaluateParams
from sortline.config.export import ExportParams
from sortline.config.extract import ExtractParams
from sortline.config.prepare import PrepareParams
from sortline.config.presets import PRESETS
from sortline.config.training import TrainHeadParams, TrainParams
from sortline.config.weights import WeightsParams
from sortline.data.sources import FetchParams
from sortline.nets import registry

ROOT = Path(__file__).parents[2]
STAGES = {
    "fetch": FetchParams,
    "weights": WeightsParams,
    "prepare": PrepareParams,
    "extract": ExtractParams,
    "train_head": TrainHeadParams,
    "train": TrainParams,
    "evaluate": EvaluateParams,
    "diagnose": DiagnoseParams,
    "export": ExportParams,
}


def section(tmp_path, text: str, stage: str = "train_head", **options):
    """Read the section `toy.<stage>` of a params.yaml in which `text` stands."""
    path = tmp_path / "params.yaml"
    path.write_text(f"toy:\n  {stage}:\n" + "".join(f"    {line}\n" for line in text.splitlines()), encoding="utf-8")
    return load("toy", stage, STAGES[stage], path)


def mistake(tmp_path, text: str, stage: str = "train_head") -> str:
    """Return the one line that the section gives, checked to be one and to name the file."""
    with pytest.raises(UserError) as caught:
        section(tmp_path, text, stage)
    line = str(caught.value)
    assert "\n" not in line and line.startswith(f"{tmp_path / 'params.yaml'}: ")
    return line.removeprefix(f"{tmp_path / 'params.yaml'}: ")


# ---- right files


@pytest.mark.parametrize("text", ["4e-05", "4e-5", "4E-05", "0.00004", "4.0e-05", "+4e-05", ".00004"])
def test_a_small_number_is_a_number_however_it_is_written(tmp_path, text):
    assert section(tmp_path, f"lr: {text}").lr == 4e-05  # `dvc exp run -S` writes 4e-05


def test_a_whole_number_is_a_float_where_one_is_wanted(tmp_path):
    params = section(tmp_path, "lr: 1\nwarmup_epochs: 0\nlbfgs_c: [1, 3]")
    assert (params.lr, params.warmup_epochs, params.lbfgs_c) == (1.0, 0.0, [1.0, 3.0])


@pytest.mark.parametrize("text", ["toy:\n  train_head:\n", "toy:\n  train_head: null\n", "toy:\n  train_head: {}\n",
                                  "toy:\n  evaluate: {ece_bins: 3}\n"])  # fmt: skip
def test_an_empty_section_means_the_defaults(tmp_path, text):
    (tmp_path / "params.yaml").write_text(text)
    assert load("toy", "train_head", TrainHeadParams, tmp_path / "params.yaml") == TrainHeadParams()


def test_keys_left_out_have_their_defaults_also_in_nested_sections(tmp_path):
    params = section(tmp_path, "split: {folds: 7}", "prepare")
    default = PrepareParams()
    assert params.split.folds == 7 != default.split.folds
    assert params.split.val_fraction == default.split.val_fraction
    assert params.duplicates == default.duplicates and params.views == default.views


def test_words_of_yaml_1_2_alone_are_booleans(tmp_path):
    assert section(tmp_path, "calibrate: true").calibrate is True
    assert "should be a valid boolean" in mistake(tmp_path, "calibrate: yes")


def test_params_cannot_be_changed_afterwards(tmp_path):
    params = section(tmp_path, "lr: 0.5")
    with pytest.raises(ValueError, match="frozen"):
        params.lr = 1.0


def test_chinese_text_in_the_file(tmp_path):
    (tmp_path / "params.yaml").write_text("# 垃圾\n果皮:\n  evaluate: {ece_bins: 3}\n", encoding="utf-8")
    assert load("果皮", "evaluate", EvaluateParams, tmp_path / "params.yaml").ece_bins == 3


def test_members_of_a_union_by_kind(tmp_path):
    text = "sources:\n- {kind: folder, path: 垃圾}\n- {kind: archive, url: https://x.cn/a.zip}\n- {kind: toy}"
    assert [type(one).__name__ for one in section(tmp_path, text, "fetch").sources] == ["Folder", "Archive", "Toy"]


# ---- presets


def test_a_preset_stands_where_a_key_is_left_out(tmp_path):
    params = section(tmp_path, "preset: report_lenet5\nepochs: 5", "train")
    assert (params.net, params.optimizer, params.momentum) == ("lenet5", "momentum", 0.9)
    assert (params.lr, params.schedule, params.warmup_epochs) == (0.01, "constant", 0)
    assert (params.batch_size, params.weight_decay, params.clip_norm) == (32, 0, None)
    assert params.epochs == 5 and not any(value for key, value in params.augment if key != "elastic_sigma")


def test_the_preset_of_the_cnn_is_the_reports_run(tmp_path):
    params = section(tmp_path, "preset: report_cnn", "train")
    assert (params.net, params.optimizer, params.lr, params.weight_decay) == ("digits_cnn", "adam", 3e-4, 1e-5)
    assert (params.batch_size, params.clip_norm, params.patience) == (16, 10, 48)
    assert (params.schedule, params.decay_rate, params.decay_epochs, params.warmup_epochs) == ("step", 0.9, 2, 0)


def test_every_preset_has_keys_that_there_are():
    for name, values in PRESETS.items():
        assert set(values) <= set(TrainParams.model_fields)
        assert TrainParams(preset=name) == TrainParams(**values).model_copy(update={"preset": name})


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_that_could_change_nothing_is_refused(name):
    with pytest.raises(ValidationError, match="changes nothing"):
        TrainParams(**PRESETS[name] | {"epochs": 5}, preset=name)


@pytest.mark.parametrize(("task", "net"), [("mnist_report", "lenet5"), ("mnist_cnn", "digits_cnn")])
def test_the_reports_runs_are_ready_tasks(task, net):
    params = load(task, "train", TrainParams, ROOT / "params.yaml")
    assert params == TrainParams(preset=params.preset) and params.net == net
    assert load(task, "extract", ExtractParams, ROOT / "params.yaml").image_size == registry.NETS[net].image_size


def test_an_unknown_preset_names_those_there_are(tmp_path):
    assert "'report_cnn', 'report_mushrooms' or 'two_phase'" in mistake(tmp_path, "preset: lenet", "train")


@pytest.mark.parametrize("key", ["", "5", "~", "2020-01-01", "[a, b]"])
def test_a_section_without_a_name_is_no_task(tmp_path, key):
    path = tmp_path / "params.yaml"
    path.write_text(f"? {key}\n: {{}}\ntoy: {{}}\n", encoding="utf-8")
    with pytest.raises(UserError, match="no task 'none'; the tasks there are: toy$"):
        load("none", "export", ExportParams, path)
