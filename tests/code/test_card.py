"""sortline.card: every figure given is in it, rounded right; it works without bins, errors or de-duplicated photos."""

import copy
import re

import pytest
from cards import BACKBONE, LABELS, bin_share, card, measured, row, tables

from sortline.report.model_card import model_card


def test_the_accuracies_in_their_table():
    main, *_ = tables(card())
    assert main[0] == ["what", "%", "95 % interval", "n"]
    assert main[1:] == [
        ["top-1, new scenes: 5 folds of train that part none of its 885 scenes", "84.1", "81.5 to 86.7", "2,127"],
        ["the same, each scene counted once", "85.3", "83.0 to 87.6", "885"],
        row("top-1, held out, scenes that train does not show", 951, 1014),
        row("top-1, held out, as given", 1075, 1130),
        row("top-5, held out", 1128, 1130),
        row("correct bin, held out", 1111, 1130),
        row("top-1, folds dealt by photo: copies on both sides, as is usual", 2030, 2127),
        row("top-1, field", 30, 40),
        row("top-1, field, kitchen", 10, 16),
        row("top-1, field, yard", 20, 24),
        row("top-1, held out, the ONNX file alone", 1073, 1129),
        row("top-1, held out, the 8-bit ONNX file alone", 1070, 1128),
        row("same prediction in 8 bits, all photos", 2222, 2257),
    ]


def test_photos_with_a_test_part_are_still_photos():
    def change(metrics):
        metrics["data"]["test"] = 12

    assert "1,130 held out" in card(change) and "to choose on" not in card(change)


def test_the_novelty_curve_in_its_table():
    _, novelty, *_ = tables(card())
    assert novelty[1:] == [
        ["0 to 0.5", *row("", 20, 50)[1:], "61.0", "90.0"],
        ["0.5 to 0.6", *row("", 60, 75)[1:], "72.0", "60.0"],
    ]
    assert "Below a similarity of 0.51" in card()


def test_what_it_does_not_know_and_what_corruptions_cost():
    def change(metrics):
        score = {"accuracy": 0.6949, "low": 0.6713, "high": 0.7183, "n": 8500}
        families = {"noise": score | {"accuracy": 0.5}, "blur": score}
        robust = {"split": "train, scenes not seen", "corrupted": score, "worst_family": "noise", "families": families}
        metrics["diagnose"] |= {"robustness": robust, "unknown": {"told": 0.99, "mean": 0.9937}}
        metrics["train"]["sets"] = {"95": {"coverage": 0.9487, "mean_size": 1.4386}}

    text = card(change, LABELS | {"sets": {"90": 0.5, "95": 0.8919}, "unknown_below": 2.2448})
    assert "train, scenes not seen, each corrupted" in text and "69.5 % [67.1, 71.8] are correct (n = 8,500)" in text
    assert "worst family, noise, 50.0 %" in text
    assert "`familiarity` of 2.24" in text and "99 in 100" in text and "0.994" in text
    assert "at most 0.892" in text and "94.9 % of photos of new scenes; on the mean they are 1.44" in text
    assert not re.findall("familiarity|set_scores. of|18 ways", card())


def test_the_bins_in_their_table_but_empty_ones():
    _, _, bins, _ = tables(card())
    assert bins[1:] == [row("Recyclable", 47, 50), row("Wet", 20, 20)]


def test_an_interval_is_not_rounded_twice():
    """125 of 130: 98.346 %, in the file 0.9835."""

    def rounded(metrics):
        score = {"accuracy": 0.9615, "accuracy_low": 0.9131, "accuracy_high": 0.9835, "n": 130}
        metrics["evaluate"] |= score

    assert "| top-1, held out, as given | 96.2 | 91.3 to 98.3 | 130 |" in card(rounded)


def test_all_other_figures():
    text = card()
    for figure in (
        "# Model card: garbage", "2 classes", "2 bins (Recyclable, Wet)", "Plastic Bottle, Banana Peel",
        "MobileNetV2 1.0 224, a public release", "width 0.75", "192 pixels", "trained by momentum on 4 views",
        "garbage26", "`1dc817ecd2e24283`", "2,125 photos to train on", "1,130 held out", "41 had an exact copy",
        "another 114 show a scene that train shows too", "907 scenes",
        "2,952 pairs, 1,276 of them mirrored, 937 turned",
        "885 scenes, 489 of them more than once; 22 groups",
        "largest scene has 12 photos", "dropped for it: 43", "macro-F1 0.935", "log-loss 0.235", "error 0.013",
        "epoch, lr",
        "Cans taken for Metalware: 7", "Hats taken for Broom: 3", "9.2 MB", "9.5 MB", "(1, 3, 192, 192)",
        "26 held-out photos", "8e-06 (ONNX)", "0e+00 (MindIR)", "99.8 %", "n = 442",
        "2.8 MB", "199 train photos", "squeezed to 192 x 192", "(x / 255 - 0.5) / 0.25 in",
    ):  # fmt: skip
        assert figure in " ".join(text.split()), figure


def numbers(content):
    """Yield the place of every number in nested metrics."""
    for key, value in content.items():
        if isinstance(value, dict):
            yield from ([key, *rest] for rest in numbers(value))
        elif isinstance(value, list):
            yield from ([key, i, "count"] for i, one in enumerate(value) if isinstance(one, dict))
        elif isinstance(value, (int, float)):
            yield [key]


def test_no_figure_is_left_out():
    """Changing any number that the stages give changes the card."""
    before = card()
    # An interval is worked out anew from its count; an empty bin and photos as they are stand in no row.
    left_out = (["evaluate", "per_bin", "hazardous"], ["diagnose", "corruption_accuracy", "none 0"])
    places = [place for place in numbers(measured()) if place[:3] not in left_out]
    places = [place for place in places if not place[-1].endswith(("low", "high"))]
    assert len(places) > 30
    for place in places:

        def change(metrics, place=place):
            for key in place[:-1]:
                metrics = metrics[key]
            share = isinstance(metrics[place[-1]], float) and 0 < metrics[place[-1]] <= 1
            metrics[place[-1]] = metrics[place[-1]] / 2 if share else metrics[place[-1]] * 3 + 1

        assert card(change) != before, f"{'.'.join(map(str, place))} is not in the card"


@pytest.mark.parametrize("note", ["built-in sample: proves the pipeline, not the accuracy", ""])
def test_a_note_stands_on_top(note):
    text = card(labels=LABELS | {"note": note})
    paragraphs = text.split("\n\n")
    assert paragraphs[0] == "# Model card: garbage"
    assert (paragraphs[1] == f"> **{note}**") == bool(note) and ("\n> " in text) == bool(note)


def test_a_task_without_bins():
    def change(metrics):
        for key in ("per_bin", "bin_accuracy", "bin_accuracy_low", "bin_accuracy_high"):
            del metrics["evaluate"][key]

    labels = LABELS | {"bins": [], "classes": [row | {"bin": ""} for row in LABELS["classes"]]}
    text = card(change, labels)
    assert len(tables(text)) == 3 and "correct bin" not in text and "in 2 bins" not in text
    assert "2 classes a photo shows: Plastic Bottle, Banana Peel." in text


def test_nothing_left_after_de_duplication():
    def change(metrics):
        metrics["evaluate"] |= {"n_deduplicated": 0, "accuracy_deduplicated": None, "accuracy_deduplicated_low": None,
                                "accuracy_deduplicated_high": None}  # fmt: skip

    text = card(change)
    assert "that train does not show" not in text and "None to" not in text and len(tables(text)[0]) == 13


def test_no_error_and_nothing_chosen():
    def change(metrics):
        metrics["evaluate"]["confused_pairs"] = []
        metrics["train"]["selected_on_folds"] = []

    text = card(change)
    assert "No held-out photo was predicted wrongly." in text and "taken for" not in text
    assert "looking at the folds: nothing" in " ".join(text.split())


def test_the_example_in_it_is_python():
    code = re.search(r"```python\n(.*?)```", card(), re.DOTALL).group(1)
    compile(code, "card", "exec")
    assert '{"image": numpy.asarray(photo)}' in code and "exif_transpose" in code


def test_how_to_run_it_from_everywhere():
    text = card()
    for words in ("sortline predict", "make web TASK=garbage", "sortline serve", "onnxruntime-web",
                  "sortline export --ms", "onnxruntime-android", "model_int8.onnx", "mindspore::Model"):  # fmt: skip
        assert words in text, words
    assert re.findall("```([a-z]+)", text) == ["python", "js", "kotlin", "cpp"]
    assert "<!--" not in text and not re.search(r"\{\w+[\[:}]", text), "the template shows through"
    other = model_card(LABELS, BACKBONE | {"std": [0.25, 0.5, 0.125]}, measured())
    assert "(x / 255 - 0.5) / 0.25, (x / 255 - 0.5) / 0.5, (x / 255 - 0.5) / 0.125 in" in " ".join(other.split())


def test_a_model_of_digits_says_how_a_digit_must_be_shown_and_what_photos_of_some_gave():
    def digits(metrics):
        metrics["export"] |= {"digit_photos": {"on paper": bin_share(99, 100)}, "int8_agreement_split": "test part"}

    grey = {"mean": [0.13], "std": [0.31]}
    text = card(digits, labels=LABELS | {"reads": "digits"}, backbone=BACKBONE | grey)
    assert row("top-1, digits as photos, on paper, by `sortline predict`", 99, 100) in tables(text)[0]
    assert "| same prediction in 8 bits, test part |" in text
    flat = " ".join(text.split())
    assert "(1, 1, 192, 192) to logits" in flat and "(1, 192, 192, 1)" in flat and "filter, grey, each" in flat
    assert flat.count("light on dark") == 2
    assert "light on dark" not in card() and "(1, 192, 192, 3)" in card() and "filter, RGB, each" in card()


def test_the_threshold_and_the_maps_where_there_are_such():
    assert "'not sure'" not in card() and "class activation" not in card()
    text = card(labels=LABELS | {"threshold": 0.4567, "cam": True})
    assert "probability of 0.457, chosen out of fold" in text and "class activation maps" in text
    assert "every prediction" not in text
    never = card(labels=LABELS | {"threshold": "never"})
    assert "Take every prediction for 'not sure'" in never and "Below a probability" not in never


def test_it_ends_in_one_line_end_and_says_the_same_twice():
    metrics = measured()
    before = copy.deepcopy(metrics)
    text = model_card(LABELS, BACKBONE, metrics)
    assert text == model_card(LABELS, BACKBONE, metrics) and metrics == before
    assert text.endswith("\n") and not text.endswith("\n\n") and "\n\n\n" not in text


def test_what_the_table_says_about_the_classes():
    classes = [
        {**row, "card": [["family", f"f{i} | x"], ["warning", "Careful."]]} for i, row in enumerate(LABELS["classes"])
    ]
    text = card(labels={**LABELS, "classes": classes})
    assert "\n## The classes\n\n| class | family |\n| --- | --- |\n" in text
    assert f"| {classes[0]['en']} | f0 \\| x |" in text
    assert text.count("**Careful.**") == 1
    assert "## The classes" not in card()


def test_the_card_says_which_corruptions_are_worst():
    assert "61.2 % are correct on the mean over 3 kinds and severities" in card()
    assert tables(card())[3][1:] == [row("blur 5", 113, 1130), row("noise 5", 226, 1130), row("rotation 3", 339, 1130)]
