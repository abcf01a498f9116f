"""sortline.config: every mistake is one line that says what is allowed."""

import re

import pytest
from test_params import mistake

from sortline._core.errors import UserError
from sortline.config.base import load, read_yaml
from sortline.config.training import TrainHeadParams


def test_an_unknown_key_is_named_with_all_that_are_allowed(tmp_path):
    line = mistake(tmp_path, "learning_rate: 0.1")
    assert line == "unknown key 'toy.train_head.learning_rate'; allowed here: " + ", ".join(
        TrainHeadParams.model_fields
    )


@pytest.mark.parametrize(("old", "new"), [("solver: adam", "optimizer"), ("keep_checkpoints: 2", "keep")])
def test_a_key_by_its_former_name_is_told_the_name_it_has_now(tmp_path, old, new):
    line = mistake(tmp_path, old)
    assert f"toy.train_head.{old.split(':')[0]}" in line and f"'{new}'" in line


def test_an_unknown_key_of_a_nested_section(tmp_path):
    line = mistake(tmp_path, "split: {fold: 3}", "prepare")
    assert line == "unknown key 'toy.prepare.split.fold'; allowed here: val_fraction, folds, seed"


@pytest.mark.parametrize(
    ("kind", "allowed"),
    [
        ("folder, path: a", "kind, content_sha256, path"),
        ("archive, url: 'https://x.cn/a.zip'", "kind, content_sha256, url, name, inside, max_mb, sha256"),
        ("toy", "kind, content_sha256, per_class, side, seed"),
    ],
)
def test_an_unknown_key_of_a_source_names_the_keys_of_its_kind(tmp_path, kind, allowed):
    line = mistake(tmp_path, f"sources: [{{kind: {kind}, flavour: sweet}}]", "fetch")
    assert "unknown key" in line and ".flavour'" in line and line.endswith(f"allowed here: {allowed}")


def test_an_unknown_kind_names_the_known_ones(tmp_path):
    line = mistake(tmp_path, "sources: [{kind: web, path: a}]", "fetch")
    assert "toy.fetch.sources.0" in line and all(f"'{kind}'" in line for kind in ("folder", "archive", "toy"))


def test_a_source_without_its_kind(tmp_path):
    line = mistake(tmp_path, "sources: [{path: a}]", "fetch")
    assert "toy.fetch.sources.0" in line and "'kind'" in line


def test_a_former_kind_of_source_names_the_kind_of_today(tmp_path):
    line = mistake(tmp_path, "sources: [{kind: drawn, side: 64}]", "fetch")
    assert "toy.fetch.sources.0" in line and "'drawn' is called 'toy' now" in line


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("dataset: mnits", "no data set 'mnits'; there is: .*garbage_26x100.*mnist"),
        ("{dataset: mnist, sources: [{kind: toy}]}", "leave one out"),
        ("dataset: 3", "no data set"),
        ("dataset: [mnist]", "no data set .'mnist'.; there is"),
    ],
)
def test_a_data_set_is_a_known_one_and_stands_alone(tmp_path, text, words):
    assert re.search(words, mistake(tmp_path, text, "fetch"))


@pytest.mark.parametrize("name", ["[report_cnn]", "{report_cnn: 1}", "3"])
def test_a_preset_is_a_name(tmp_path, name):
    assert "toy.train.preset" in mistake(tmp_path, f"preset: {name}", "train")


@pytest.mark.parametrize(
    ("stage", "text", "key"),
    [
        ("fetch", "sources: [{kind: folder}]", "path"),
        ("fetch", "sources: [{kind: toy}, {kind: archive}]", "url"),
    ],
)
def test_a_missing_key_of_a_source(tmp_path, stage, text, key):
    line = mistake(tmp_path, text, stage)
    assert line.startswith(f"'toy.{stage}.sources.") and line.endswith(f".{key}' is missing")


def test_a_stage_that_cannot_do_without_its_section(tmp_path):
    assert mistake(tmp_path, "", "fetch") == "'toy.fetch.sources' is missing"
    assert "at least 1 item" in mistake(tmp_path, "sources: []", "fetch")


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
        ("optimizer: lion", "optimizer", "'lion'", "'rmsprop' or 'lbfgs'"),
        ("pooling: Mean", "pooling", "'Mean'", "'attention', 'se' or 'cbam'"),
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
        ("prepare", "duplicates: {search: phash}", ["toy.prepare.duplicates.search", "'geometry' or 'exact'"]),
        ("prepare", "duplicates: {threshold: 32}", ["toy.prepare.duplicates", "threshold", "found by geometry now"]),
        ("prepare", "views: {crop_scale: [0.6]}", ["views.crop_scale", "at least 2 items"]),
        ("prepare", "views: {crop_scale: [1.0, 0.6]}", ["toy.prepare.views", "0 < low <= high <= 1"]),
        ("prepare", "views: {crop_ratio: [0.0, 1.0]}", ["toy.prepare.views", "0.1 <= low <= high <= 10"]),
        ("prepare", "views: {flip: 1.5}", ["views.flip", "is 1.5", "less than or equal to 1"]),
        ("prepare", "table: 3", ["toy.prepare.table", "is 3", "valid string"]),
        ("extract", "image_size: 28", ["toy.extract.image_size", "at least 32"]),
        ("extract", "engine: torch", ["toy.extract.engine", "'mindspore' or 'ray'"]),
        ("evaluate", "ece_bins: 1", ["toy.evaluate.ece_bins", "greater than or equal to 2"]),
        ("export", "check_photos: 0", ["toy.export.check_photos", "greater than or equal to 1"]),
        ("fetch", "sources: [{kind: archive, url: 'ftp://x/a.zip'}]", ["url", "ftp://x/a.zip", "https?://"]),
        ("fetch", "sources: [{kind: toy, side: 8}]", ["side", "is 8", "greater than or equal to 16"]),
        ("weights", "{backbone: mobilenet_v2, release: tensorflow, path: a.h5}", [".safetensors or .ckpt", "a.h5"]),
        ("weights", "{backbone: mobilenet_v2, release: course, url: 'https://a/b.zip'}", ["should end in", "/b.zip"]),
        ("weights", "{backbone: mobilenet_v2, path: a.ckpt}", ["path", "go with a release"]),
        ("weights", "{backbone: mobilenet_v2, release: random, url: 'https://a/b.ckpt'}", ["url", "go with a release"]),
        (
            "weights",
            "{backbone: mobilenet_v2, release: mindcv, path: a.ckpt, member: b.ckpt}",
            ["go with url"],
        ),
        ("weights", "{release: random}", ["release", "go with a backbone"]),
        ("weights", "{backbone: [resnet18, resnet18]}", ["toy.weights.backbone", "'resnet18' is there twice"]),
        ("weights", "{backbone: []}", ["toy.weights.backbone", "a name, a list"]),
        ("weights", "{backbone: [mobilenet_v2, 3]}", ["toy.weights.backbone", "a name, a list"]),
        ("weights", "{backbone: [mobilenet_v2, resnet18], width: 0.5}", ["width", "go with one backbone"]),
        ("weights", "{backbone: [mobilenet_v2, resnet18], release: mindcv}", ["release", "go with one backbone"]),
        ("weights", "{sources: [{kind: random}]}", ["toy.weights.sources", "backbone", "path or url"]),
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
    assert r"'sgd\nadam'" in mistake(tmp_path, 'optimizer: "sgd\\nadam"')


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
