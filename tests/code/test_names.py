"""Names of classes and files as text: those that look the same, steer a terminal, are a formula, or are markup."""

import json

import pytest
from own_photos import fill, refused, shipped_project
from test_card import BACKBONE, LABELS, measured

from sortline import cli
from sortline._core.errors import UserError
from sortline._core.text import is_formula, json_text, markdown, printable
from sortline.data.audit import audit_folder
from sortline.data.audit_report import describe
from sortline.data.classes import load_table
from sortline.data.names import check_class_names
from sortline.report.model_card import model_card

STEERING = "red\x1b[31m\x9b2J\u202egnp\nnew\r\x07"


@pytest.mark.parametrize(
    ("one", "other"),
    [("caf\u00e9", "cafe\u0301"), ("dog", "dog "), ("dog", "dog."), ("Dog", "dog"), ("a\u200bb", "ab"), ("ß", "SS")],
)
def test_names_that_look_the_same_are_refused_and_both_are_named(tmp_path, one, other):
    with pytest.raises(UserError) as error:
        check_class_names([one, "bird", other], tmp_path)
    said = str(error.value).replace(str(tmp_path), "")
    # Written so that a reader sees what differs.
    assert said.isascii() and ascii(one) in said and ascii(other) in said


@pytest.mark.parametrize(
    "name", ["+1", "-1", "=", "-", "-5 °C", "@home", "A=B (c)", "Salt & pepper", "香蕉 皮", "👩‍🍳"]
)
def test_names_that_only_look_odd_are_classes(tmp_path, name):
    check_class_names([name, "other"], tmp_path)


@pytest.mark.parametrize(
    "name", ["=cmd|'/C calc'!A0", "+SUM(A1)", "@SUM(A1)", "-2+3+cmd|'x'!A", "＝HYPERLINK(1)", " =x!A1"]
)
def test_a_formula_is_no_class(tmp_path, name):
    assert is_formula(name)
    with pytest.raises(UserError, match="formula"):
        check_class_names([name], tmp_path)


def test_a_name_that_steers_the_terminal_is_no_class(tmp_path):
    with pytest.raises(UserError, match="control character") as error:
        check_class_names(["blue", STEERING], tmp_path)
    assert printable(str(error.value)) == str(error.value)


def test_what_is_printed_does_nothing_but_show():
    shown = printable(STEERING)
    assert shown.isprintable()
    assert shown.encode().decode("unicode_escape") == STEERING
    assert printable("a\udce9") == r"a\udce9"
    for name in ("香蕉\u3000皮", "Shâh \u200c", "👩‍🍳", "taza de café"):
        assert printable(name) == name


def test_json_for_programs_reads_back_and_does_not_steer_a_terminal():
    content = {"photo": STEERING, "list": ["\udce9", "香蕉"]}
    text = json_text(content)
    assert json.loads(text) == content
    assert printable(text.replace("\n", "")) == text.replace("\n", "") and "香蕉" in text


def test_markup_in_a_name_is_shown_not_rendered():
    for name in ("<img src=x onerror=alert(1)>", "[x](http://evil)", "`x`", "a|b", "*x*", "~~x~~", "&lt;"):
        shown = markdown(name)
        assert shown.replace("\\", "") == name and shown.count("\\") == sum(name.count(sign) for sign in "<[]`|*~&")
    assert markdown("_x_") == r"\_x\_"
    assert markdown("hazardous_dry_battery & co.") == "hazardous_dry_battery & co."


def test_the_card_shows_names_and_renders_nothing_of_them():
    name = "<img src=x onerror=alert(1)> | [x](http://evil) \x1b[31m"
    metrics, labels = measured(), {**LABELS, "classes": [{**LABELS["classes"][0], "en": name}, LABELS["classes"][1]]}
    metrics["data"]["source"] = name
    metrics["evaluate"]["confused_pairs"] = [{"truth": name, "predicted": name, "count": 1}]
    metrics["evaluate"]["field"]["per_source"] = {name: metrics["evaluate"]["field"]["per_source"]["yard"]}
    text = model_card(labels, BACKBONE, metrics)
    assert text.count(markdown(name)) == 5
    assert "<img" not in text.replace(r"\<img", "") and "[x]" not in text
    assert printable(text.replace("\n", "")) == text.replace("\n", "")


def test_a_table_may_not_have_such_names_either(tmp_path):
    (tmp_path / "own.csv").write_text("en\ncup\n=cmd|'x'!A\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"own\.csv: .*formula"):
        load_table("own", tmp_path)


def test_names_of_files_are_printed_as_escapes(tmp_path):
    root = fill(tmp_path / "p", {"a": 3, "b": 3})
    (root / f"a/{STEERING}.png").write_bytes(b"no photo")
    lines = describe(audit_folder(root), every=True)
    assert all(line.isprintable() for line in lines)
    assert any(r"\x1b[31m" in line for line in lines)


def test_new_refuses_two_classes_of_one_name(tmp_path, monkeypatch):
    shipped_project(tmp_path, monkeypatch)
    flat = fill(tmp_path / "flat", {"caf\u00e9": 4, "cafe\u0301": 4, "dog": 4})
    assert ascii("cafe\u0301") in refused("new", "x", flat)
    given = fill(tmp_path / "given", {"train/dog": 4, "train/caf\u00e9": 4, "val/dog": 2, "val/cafe\u0301": 2})
    assert ascii("caf\u00e9") in refused("new", "x", given)
    assert "'Dog' and 'dog'" in refused("new", "x", fill(tmp_path / "case", {"Dog": 4, "dog": 4}))
    assert "control character" in refused("new", "x", fill(tmp_path / "odd", {"dog": 4, "ca\x1bt": 4}))
    assert cli.main(["new", "x", str(fill(tmp_path / "fine", {"+1": 4, "-1": 4}))]) == 0
