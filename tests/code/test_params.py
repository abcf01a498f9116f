"""sortline.params: a right params.yaml is read as it stands; every mistake is one line that says what is allowed."""

import importlib
from pathlib import Path

import pytest

from sortline.errors import UserError
from sortline.params.base import Section, load, read_yaml
from sortline.params.diagnose import DiagnoseParams
from sortline.params.evaluate import EvaluateParams
from sortline.params.export import ExportParams
from sortline.params.extract import ExtractParams
from sortline.params.fetch import Archive, Drawn, FetchParams, Folder
from sortline.params.prepare import PrepareParams
from sortline.params.train import PRESETS, TrainParams
from sortline.params.train_head import TrainHeadParams
from sortline.params.weights import RandomWeights, WeightsDownload, WeightsFile, WeightsParams

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
# Keys that the home task's section does not show, and why.
NOT_SHOWN = {
    "prepare.max_pixels": "a safety limit",
    "prepare.max_file_mb": "a safety limit",
    "export.max_difference": "a safety limit",
    "extract.pixels": "of tasks that are trained from pixels; mnist shows it",
    "extract.colour": "of photos that a net is trained on; mushrooms_report shows it",
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
    text = "sources:\n- {kind: folder, path: 垃圾}\n- {kind: archive, url: https://x.cn/a.zip}\n- {kind: drawn}"
    assert [type(one) for one in section(tmp_path, text, "fetch").sources] == [Folder, Archive, Drawn]
    text = (
        "sources:\n- {kind: file, release: tensorflow, path: a.safetensors}\n"
        "- {kind: download, release: course, url: https://x.cn/a.zip, member: b/a.ckpt}\n- {kind: random}"
    )
    assert [type(one) for one in section(tmp_path, text, "weights").sources] == [
        WeightsFile, WeightsDownload, RandomWeights]  # fmt: skip


# ---- mistakes


def test_an_unknown_key_is_named_with_all_that_are_allowed(tmp_path):
    line = mistake(tmp_path, "learning_rate: 0.1")
    assert line == "unknown key 'toy.train_head.learning_rate'; allowed here: " + ", ".join(
        TrainHeadParams.model_fields
    )


def test_an_unknown_key_of_a_nested_section(tmp_path):
    line = mistake(tmp_path, "split: {fold: 3}", "prepare")
    assert line == "unknown key 'toy.prepare.split.fold'; allowed here: val_fraction, folds, seed"


@pytest.mark.parametrize(
    ("kind", "allowed"),
    [
        ("folder, path: a", "kind, path"),
        ("archive, url: 'https://x.cn/a.zip'", "kind, url, name, inside, max_mb, sha256, content_sha256"),
        ("drawn", "kind, per_class, side, seed"),
    ],
)
def test_an_unknown_key_of_a_source_names_the_keys_of_its_kind(tmp_path, kind, allowed):
    line = mistake(tmp_path, f"sources: [{{kind: {kind}, flavour: sweet}}]", "fetch")
    assert "unknown key" in line and ".flavour'" in line and line.endswith(f"allowed here: {allowed}")


def test_an_unknown_key_of_a_weights_source(tmp_path):
    line = mistake(tmp_path, "sources: [{kind: random, size: 3}]", "weights")
    assert line.endswith("allowed here: network, kind, release, width, seed")


def test_an_unknown_kind_names_the_known_ones(tmp_path):
    line = mistake(tmp_path, "sources: [{kind: web, path: a}]", "fetch")
    assert "toy.fetch.sources.0" in line and all(f"'{kind}'" in line for kind in ("folder", "archive", "drawn"))


def test_a_source_without_its_kind(tmp_path):
    line = mistake(tmp_path, "sources: [{path: a}]", "fetch")
    assert "toy.fetch.sources.0" in line and "'kind'" in line


@pytest.mark.parametrize(
    ("stage", "text", "key"),
    [
        ("fetch", "sources: [{kind: folder}]", "path"),
        ("fetch", "sources: [{kind: drawn}, {kind: archive}]", "url"),
        ("weights", "sources: [{kind: file, path: a.ckpt}]", "release"),
    ],
)
def test_a_missing_key_of_a_source(tmp_path, stage, text, key):
    line = mistake(tmp_path, text, stage)
    assert line.startswith(f"'toy.{stage}.sources.") and line.endswith(f".{key}' is missing")


@pytest.mark.parametrize("stage", ["fetch", "weights"])
def test_a_stage_that_cannot_do_without_its_section(tmp_path, stage):
    assert mistake(tmp_path, "", stage) == f"'toy.{stage}.sources' is missing"
    assert "at least 1 item" in mistake(tmp_path, "sources: []", stage)


@pytest.mark.parametrize(
    ("text", "key", "shown", "allowed"),
    [
        ("lr: '0.1'", "lr", "'0.1'", "valid number"),
        ("lr: ~", "lr", "None", "valid number"),
        ("lr: [0.1]", "lr", "[0.1]", "valid number"),
        ("lr: true", "lr", "True", "valid number"),
        ("lr: 0", "lr", "0", "greater than 0"),
        ("lr: -0.1", "lr", "-0.1", "greater than 0"),
        ("lr: 1e9", "lr", "1000000000.0", "less than or equal to 100"),
        ("lr: .nan", "lr", "nan", ""),
        ("epochs: 2.5", "epochs", "2.5", "valid integer"),
        ("epochs: 30.0", "epochs", "30.0", "valid integer"),
        ("epochs: '30'", "epochs", "'30'", "valid integer"),
        ("epochs: true", "epochs", "True", "valid integer"),
        ("epochs: 0", "epochs", "0", "greater than or equal to 1"),
        ("batch_size: 0", "batch_size", "0", "greater than or equal to 1"),
        ("views: 0", "views", "0", "greater than or equal to 1"),
        ("momentum: 1", "momentum", "1", "less than 1"),
        ("label_smoothing: 1.0", "label_smoothing", "1.0", "less than 1"),
        ("weight_decay: -1e-4", "weight_decay", "-0.0001", "greater than or equal to 0"),
        ("solver: rmsprop", "solver", "'rmsprop'", "'nadam' or 'lbfgs'"),
        ("pooling: Mean", "pooling", "'Mean'", "'mean+max' or 'attention'"),
        ("checkpoint: first", "checkpoint", "'first'", "'last' or 'best'"),
        ("lbfgs_c: 1.0", "lbfgs_c", "1.0", "valid list"),
        ("lbfgs_c: []", "lbfgs_c", "[]", "at least 1 item"),
        ("lbfgs_c: [1.0, a]", "lbfgs_c.1", "'a'", "valid number"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_shown_with_its_key_and_what_is_allowed(tmp_path, text, key, shown, allowed):
    line = mistake(tmp_path, text)
    assert line.startswith(f"'toy.train_head.{key}' is {shown}: ") and allowed in line


@pytest.mark.parametrize("text", ["lr: .inf", "weight_decay: .inf", "warmup_epochs: .inf", "weight_decay: .nan",
                                  "lbfgs_c: [.inf]", "lbfgs_c: [.nan]"])  # fmt: skip
def test_infinity_and_nan_are_no_values(tmp_path, text):
    assert mistake(tmp_path, text).startswith(f"'toy.train_head.{text.split(':')[0]}")


@pytest.mark.parametrize("value", ["0", "-1.0", "0.0"])
def test_an_l2_strength_is_above_zero(tmp_path, value):
    assert mistake(tmp_path, f"lbfgs_c: [1.0, {value}]").startswith("'toy.train_head.lbfgs_c.1' is ")


@pytest.mark.parametrize(
    ("stage", "text", "named"),
    [
        ("prepare", "split: {folds: 1}", ["toy.prepare.split.folds", "is 1", "greater than or equal to 2"]),
        ("prepare", "split: 5", ["toy.prepare.split", "is 5"]),
        ("prepare", "duplicates: {near_train: keep}", ["duplicates.near_train", "'report', 'drop' or 'fail'"]),
        ("prepare", "duplicates: {hash_size: 8, threshold: 32}", ["toy.prepare.duplicates", "below half the bits, 32"]),
        ("prepare", "views: {crop_scale: [0.6]}", ["views.crop_scale", "at least 2 items"]),
        ("prepare", "views: {crop_scale: [1.0, 0.6]}", ["toy.prepare.views", "0 < low <= high <= 1"]),
        ("prepare", "views: {crop_ratio: [0.0, 1.0]}", ["toy.prepare.views", "0.1 <= low <= high <= 10"]),
        ("prepare", "views: {flip: 1.5}", ["views.flip", "is 1.5", "less than or equal to 1"]),
        ("prepare", "table: 3", ["toy.prepare.table", "is 3", "valid string"]),
        ("extract", "image_size: 225", ["toy.extract.image_size", "multiple of 32"]),
        ("extract", "engine: torch", ["toy.extract.engine", "'onnxruntime' or 'mindspore'"]),
        ("evaluate", "ece_bins: 1", ["toy.evaluate.ece_bins", "greater than or equal to 2"]),
        ("export", "check_photos: 0", ["toy.export.check_photos", "greater than or equal to 1"]),
        ("fetch", "sources: [{kind: archive, url: 'ftp://x/a.zip'}]", ["url", "ftp://x/a.zip", "https?://"]),
        ("fetch", "sources: [{kind: drawn, side: 8}]", ["side", "is 8", "greater than or equal to 16"]),
        ("weights", "sources: [{kind: file, release: tensorflow, path: a.h5}]", [".safetensors or .ckpt", "a.h5"]),
        ("weights", "sources: [{kind: file, release: torch, path: a.ckpt}]", ["release", "'mindcv'"]),
        ("weights", "sources: [{kind: file, network: vgg, release: mindcv, path: a.ckpt}]", ["network", "'resnet50'"]),
        (
            "weights",
            "sources: [{kind: file, network: resnet50, release: tensorflow, path: a.ckpt}]",
            ["no release 'tensorflow' of resnet50", "mindcv, course, random"],
        ),
        (
            "weights",
            "sources: [{kind: file, network: resnet18, release: course, path: a.ckpt}]",
            ["no release 'course' of resnet18", "mindcv, random"],
        ),
        ("weights", "sources: [{kind: random, network: resnet18, width: 0.5}]", ["width is of mobilenet_v2 alone"]),
    ],
)
def test_mistakes_in_the_other_sections(tmp_path, stage, text, named):
    line = mistake(tmp_path, text, stage)
    assert all(word in line for word in named), line


@pytest.mark.parametrize("text", ["5", "text", "[lr, 0.1]", "true", "0", "[]", "false", "''"])
def test_a_section_that_is_no_mapping(tmp_path, text):
    line = mistake(tmp_path, text)
    assert "'toy.train_head' is " in line and "dictionary" in line


def test_a_key_that_is_no_text(tmp_path):
    assert mistake(tmp_path, "1: 2").startswith("'toy.train_head.1")


def test_a_value_with_line_breaks_is_still_one_line(tmp_path):
    assert r"'sgd\nadam'" in mistake(tmp_path, 'solver: "sgd\\nadam"')


def test_an_unknown_task_names_the_tasks_there(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text("tasks: [toy]\ntoy: {train_head: {}}\nother: {}\n")
    for name in ("tpy", "tasks"):
        with pytest.raises(UserError) as caught:
            load(name, "train_head", TrainHeadParams, path)
        assert str(caught.value) == f"{path}: no task '{name}'; the tasks there are: toy, other"


@pytest.mark.parametrize("content", [b"toy: [1, 2", b"toy:\n\tlr: 1\n", b"toy: {a: 1, a: 2}\n", b"a: b: c\n",
                                     b"toy: \xff\xfe\n", b"toy: !!python/object:os.system {}\n"])  # fmt: skip
def test_broken_yaml_is_one_line(tmp_path, content):
    path = tmp_path / "params.yaml"
    path.write_bytes(content)
    with pytest.raises(UserError) as caught:
        load("toy", "train_head", TrainHeadParams, path)
    line = str(caught.value)
    assert line.startswith(f"{path}: not valid YAML: ") and "\n" not in line


@pytest.mark.parametrize("content", ["", "# nothing\n", "- a\n- b\n", "text\n"])
def test_a_file_that_is_no_mapping(tmp_path, content):
    (tmp_path / "params.yaml").write_text(content)
    with pytest.raises(UserError, match="`key: value` lines at the top level"):
        read_yaml(tmp_path / "params.yaml")


def test_a_missing_file_says_where_to_run(tmp_path):
    with pytest.raises(UserError, match=r"params\.yaml: no such file; run .* root folder"):
        load("toy", "train_head", TrainHeadParams, tmp_path / "params.yaml")


# ---- the project's own params.yaml


@pytest.fixture(scope="module")
def ours():
    return read_yaml(ROOT / "params.yaml")


def test_every_schema_is_one_of_the_stages():
    modules = {path.stem for path in (ROOT / "src/sortline/params").glob("*.py")} - {"__init__", "base"}
    assert modules == set(STAGES)
    for stage, schema in STAGES.items():
        assert schema.__module__ == importlib.import_module(f"sortline.params.{stage}").__name__
        assert (ROOT / "stages" / f"{stage}.py").is_file()


def test_every_task_of_params_yaml_is_valid_for_every_stage(ours):
    tasks = [name for name, value in ours.items() if isinstance(value, dict)]
    assert {"garbage", "sample", *ours["tasks"]} <= set(tasks)
    for task in tasks:
        assert set(ours[task]) <= set(STAGES), f"{task}: a section that no stage reads"
        for stage, schema in STAGES.items():
            load(task, stage, schema, ROOT / "params.yaml")


def keys(schema: type[Section], where: str) -> set[str]:
    """Return the dotted names of the schema's keys, nested sections opened, lists of sources not."""
    found = set()
    for name, field in schema.model_fields.items():
        nested = isinstance(field.annotation, type) and issubclass(field.annotation, Section)
        found |= keys(field.annotation, f"{where}.{name}") if nested else {f"{where}.{name}"}
    return found


def shown(value, where: str) -> set[str]:
    if isinstance(value, dict):
        return set().union(*(shown(item, f"{where}.{name}") for name, item in value.items()))
    return {where}


def test_the_home_task_shows_every_key_there_is(ours):
    every = set().union(*(keys(schema, stage) for stage, schema in STAGES.items() if stage != "train"))
    there = set().union(*(shown(section, stage) for stage, section in ours["garbage"].items()))
    assert every - there == set(NOT_SHOWN)


def test_mnist_shows_every_key_of_train_and_its_pixels(ours):
    of_photos = {"train.zero_last", "train.crops.scale", "train.crops.ratio", "train.crops.flip", "train.every"}
    assert keys(TrainParams, "train") - of_photos == shown(ours["mnist"]["train"], "train")
    assert of_photos <= shown(ours["mushrooms_report"]["train"], "train")
    assert ours["mnist"]["extract"]["pixels"] is True


def test_tasks_with_a_head_and_tasks_with_a_net_part_the_list(ours):
    heads, nets = ours["head_tasks"], ours["net_tasks"]
    assert sorted(heads + nets) == sorted(ours["tasks"])
    assert all("train_head" in ours[task] and "train" not in ours[task] for task in heads)
    assert all("train" in ours[task] and "train_head" not in ours[task] for task in nets)


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
        assert TrainParams(preset=name) == TrainParams(**values, preset=name)


def test_an_unknown_preset_names_those_there_are(tmp_path):
    assert "'report_lenet5', 'report_cnn' or 'report_mushrooms'" in mistake(tmp_path, "preset: lenet", "train")
