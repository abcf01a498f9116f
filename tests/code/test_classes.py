"""The class table against the data set's own label file, and what folder names it understands."""

import re
from collections import Counter
from pathlib import Path

import pytest

from sortline._core.errors import UserError
from sortline.data.classes import describe, labels_of, load_table

# label.txt of garbage_26x100, word for word.
LABEL_TXT = """\
可回收物: 00
塑料瓶: 00_00
帽子: 00_01
报纸: 00_02
易拉罐: 00_03
玻璃制品: 00_04
玻璃瓶: 00_05
硬纸板: 00_06
篮球: 00_07
纸张: 00_08
金属制品: 00_09

干垃圾: 01
一次性筷子: 01_00
打火机: 01_01
扫把: 01_02
旧镜子: 01_03
牙刷: 01_04
脏污衣服: 01_05
贝壳: 01_06
陶瓷碗: 01_07

有害垃圾: 02
油漆桶: 02_00
电池: 02_01
荧光灯: 02_02
药片胶囊: 02_03

湿垃圾: 03
橙皮: 03_00
菜叶: 03_01
蛋壳: 03_02
香蕉皮: 03_03
"""
# The class folders of data_en, in the order of the codes.
DATA_EN = """Plastic Bottle,Hats,Newspaper,Cans,Glassware,Glass Bottle,Cardboard,Basketball,Paper,Metalware,
Disposable Chopsticks,Lighter,Broom,Old Mirror,Toothbrush,Dirty Cloth,Seashell,Ceramic Bowl,
Paint bucket,Battery,Fluorescent lamp,Tablet capsules,
Orange Peel,Vegetable Leaf,Eggshell,Banana Peel""".replace("\n", "").split(",")
CHINESE = {code: name for name, code in re.findall(r"(\S+): (\S+)", LABEL_TXT)}
CODES = [code for code in CHINESE if "_" in code]


def test_table_agrees_with_the_label_file_and_data_en():
    table = load_table("garbage")
    assert [row["code"] for row in table.classes] == CODES
    assert [row["zh"] for row in table.classes] == [CHINESE[code] for code in CODES]
    assert [row["en"] for row in table.classes] == DATA_EN


def test_bins_are_the_four_groups_of_the_codes():
    table = load_table("garbage")
    assert [row["id"] for row in table.bins] == ["recyclable", "dry", "hazardous", "wet"]
    assert [row["zh"] for row in table.bins] == [CHINESE[group] for group in ("00", "01", "02", "03")]
    group = {row["id"]: f"{place:02d}" for place, row in enumerate(table.bins)}
    assert all(row["code"].startswith(group[row["bin"]]) for row in table.classes)
    assert Counter(row["bin"] for row in table.classes) == {"recyclable": 10, "dry": 8, "hazardous": 4, "wet": 4}


def test_bin_colours_can_be_read_on_white_and_on_black():
    """Contrast of at least 4.5, by the formula of WCAG 2.2, section 1.4.3."""
    for row in load_table("garbage").bins:
        parts = [int(row["colour"][at : at + 2], 16) / 255 for at in (1, 3, 5)]
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
        assert 1.05 / (luminance + 0.05) >= 4.5
        assert (luminance + 0.05) / 0.05 >= 4.5


@pytest.mark.parametrize("folders", [CODES, DATA_EN, [CHINESE[code] for code in CODES]])
def test_describe_lists_the_classes_in_the_order_of_the_table(folders):
    content = describe(folders[::-1], "garbage")
    assert set(content) == {"classes", "bins", "table"}
    assert content["table"] == "garbage"
    assert content["classes"][3] == {"code": "00_03", "en": "Cans", "zh": "易拉罐", "bin": "recyclable"}
    assert [row["code"] for row in content["classes"]] == CODES
    assert [set(row) for row in content["bins"]] == [{"id", "en", "zh", "colour"}] * 4
    assert labels_of(folders, "garbage") == {folder: label for label, folder in enumerate(folders)}


@pytest.mark.parametrize("folder", ["plastic_bottle", "PlasticBottle", "PLASTIC-BOTTLE", " Plastic  bottle", "00_00"])
def test_spellings_of_a_folder(folder):
    assert labels_of([folder, *DATA_EN[1:]], "garbage")[folder] == 0


def test_paper_and_newspaper_are_kept_apart():
    table = load_table("garbage")
    assert (table.label("paper"), table.label("newspaper")) == (8, 2)
    assert (table.label("glassware"), table.label("glass_bottle")) == (4, 5)


@pytest.mark.parametrize(
    ("folder", "hint"),
    [("hat", "'Hats' (00_01)"), ("Plastic Botle", "'Plastic Bottle' (00_00)"), ("塑料", "'Plastic Bottle' (00_00)")],
)
def test_unknown_folder_is_named_with_its_nearest_class(folder, hint):
    with pytest.raises(UserError) as error:
        describe([*DATA_EN, folder], "garbage")
    assert f"'{folder}'" in str(error.value)
    assert hint in str(error.value)
    assert "\n" not in str(error.value)


def test_unknown_folder_without_a_near_name():
    with pytest.raises(UserError, match=r"folder '00_10': no such class .* use a class's code or name"):
        describe([*CODES, "00_10"], "garbage")


def test_missing_classes_are_named():
    with pytest.raises(UserError, match=r"no folder for the classes 'Cans' \(00_03\), 'Eggshell' \(03_02\);"):
        describe([code for code in CODES if code not in ("00_03", "03_02")], "garbage")


def test_two_folders_of_one_class():
    with pytest.raises(UserError, match=r"'00_01' and 'Hats' are one class, 'Hats' \(00_01\)"):
        describe([*CODES, "Hats"], "garbage")


def test_without_a_table_the_folder_names_are_the_classes():
    content = describe(["b c", "a"], None)
    rows = [{"code": name, "en": name, "zh": "", "bin": ""} for name in ("a", "b c")]
    assert content == {"classes": rows, "bins": [], "table": None}
    assert labels_of(["b c", "a"], None) == {"a": 0, "b c": 1}


def test_unknown_table(tmp_path):
    with pytest.raises(UserError, match="class table 'birds': no such table; there is: garbage, toy, or none"):
        describe(["a"], "birds")
    (tmp_path / "fish.csv").write_text("en\ncod\n")
    (tmp_path / "fish_bins.csv").write_text("id,en,zh,colour\n")
    with pytest.raises(UserError, match="there is: garbage, toy, fish, or none"):
        describe(["a"], "birds", tmp_path)


def test_a_table_of_ones_own_names_the_folders_and_brings_cards(tmp_path):
    text = "en,zh,family,warning\nBig Cat,大猫,Felidae 猫科,It bites.\nDog,狗,,\n"
    (tmp_path / "pets.csv").write_text(text, encoding="utf-8-sig")  # as spreadsheets save it
    content = describe(["dog", "big_cat"], "pets", tmp_path)
    card = [["family", "Felidae 猫科"], ["warning", "It bites."]]
    assert content["classes"] == [
        {"code": "Big Cat", "en": "Big Cat", "zh": "大猫", "bin": "", "card": card},
        {"code": "Dog", "en": "Dog", "zh": "狗", "bin": ""},
    ]
    assert content["bins"] == [] and content["table"] == "pets"
    assert labels_of(["dog", "大猫"], "pets", tmp_path) == {"大猫": 0, "dog": 1}


def test_a_table_of_ones_own_may_bring_codes_and_bins(tmp_path):
    (tmp_path / "x.csv").write_text("code,en,bin\n01,Cup,hard\n02,Sock,soft\n", encoding="utf-8")
    (tmp_path / "x_bins.csv").write_text("id,en,zh,colour\nhard,Hard,,#000000\nsoft,Soft,,#ffffff\n")
    content = describe(["02", "01"], "x", tmp_path)
    assert [(row["code"], row["en"], row["bin"]) for row in content["classes"]] == [
        ("01", "Cup", "hard"), ("02", "Sock", "soft")]  # fmt: skip
    assert [row["id"] for row in content["bins"]] == ["hard", "soft"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"name\nCup\n", "needs a column en"),
        (b"", "needs a column en"),
        (b"en,zh\n,x\n", "needs a column en, filled in each row"),
        (b"en,zh\nCup\n", "row 2 has not as many cells"),
        (b"en\nCup,1\n", "row 2 has not as many cells"),
        ("en,zh\nCup,杯\n".encode("gbk"), "not UTF-8"),
        (b"en\nCup\ncup\n", "'Cup' and 'cup' would be one class"),
        (b"en,bin\nCup,hard\n", "bin 'hard'"),
    ],
)
def test_what_is_no_table_is_one_line(tmp_path, content, said):
    (tmp_path / "x.csv").write_bytes(content)
    with pytest.raises(UserError, match=said) as caught:
        load_table("x", tmp_path)
    assert "x.csv: " in str(caught.value) and "\n" not in str(caught.value)


def test_the_mushroom_table_has_the_nine_genera_with_order_family_and_a_warning():
    """Orders and families as Index Fungorum has them."""
    table = load_table("mushrooms", Path(__file__).parents[2] / "tables")
    orders = {
        "Agaricus": ("Agaricales", "Agaricaceae"), "Amanita": ("Agaricales", "Amanitaceae"),
        "Boletus": ("Boletales", "Boletaceae"), "Cortinarius": ("Agaricales", "Cortinariaceae"),
        "Entoloma": ("Agaricales", "Entolomataceae"), "Hygrocybe": ("Agaricales", "Hygrophoraceae"),
        "Lactarius": ("Russulales", "Russulaceae"), "Russula": ("Russulales", "Russulaceae"),
        "Suillus": ("Boletales", "Suillaceae"),
    }  # fmt: skip
    assert [row["en"] for row in table.classes] == list(orders)
    for row in table.classes:
        card = dict(row["card"])
        assert list(card) == ["order", "family", "poisonous species", "source", "warning"]
        assert (card["order"].split()[0], card["family"].split()[0]) == orders[row["en"]]
        assert row["zh"].endswith("属") and "目" in card["order"] and "科" in card["family"]
        assert "no advice on eating" in card["warning"] and row["en"] in card["source"]
