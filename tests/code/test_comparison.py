"""Paired comparison of predictions: against sums by hand, SciPy and the analytic standard error; and the command."""

import itertools
import json
import math
import re
import subprocess

import numpy as np
import pytest
from scipy.stats import binom, norm

from sortline import cli
from sortline._core.errors import UserError
from sortline.evaluation import comparison

HEADER = "image,truth,predicted,probability,correct,in_train_exact,in_train_near"


def table(answers, truth=None, duplicates=(), header=HEADER):
    """Return predictions.csv: `answers` by image; the truth is "cup" unless given."""
    lines = [header]
    for image, said in answers.items():
        true = (truth or {}).get(image, "cup")
        lines.append(f"{image},{true},{said},0.9000,{int(said == true)},0,{int(image in duplicates)}")
    return ("\n".join(lines) + "\n").encode()


def rights(both, only_a, only_b, neither):
    """Return the two bool arrays with these counts, shuffled together."""
    a = np.repeat([True, True, False, False], [both, only_a, only_b, neither])
    b = np.repeat([True, False, True, False], [both, only_a, only_b, neither])
    order = np.random.default_rng(1).permutation(len(a))
    return a[order], b[order]


def nets(only_a, only_b):
    """Return the nets of scenes that are one photo each; three more are the same in both."""
    return np.repeat([-1, 1, 0], [only_a, only_b, 3])


def single(a, b):
    """Return the nets and sizes of photos that are a scene each."""
    return b.astype(int) - a.astype(int), np.ones(len(a), int)


@pytest.mark.parametrize(
    ("only_a", "only_b", "p"),
    [
        (0, 0, 1.0),
        (0, 1, 1.0),  # 2 (1/2)
        (0, 5, 0.0625),  # 2 / 2^5
        (5, 0, 0.0625),
        (1, 5, 0.21875),  # 2 (1 + 6) / 2^6
        (3, 3, 1.0),
        (2, 8, 0.109375),  # 2 (1 + 10 + 45) / 2^10
        (0, 6, 0.03125),
    ],
)
def test_mcnemar_by_hand(only_a, only_b, p):
    assert comparison.sign_test(nets(only_a, only_b)) == pytest.approx(p, abs=1e-12)


@pytest.mark.parametrize(("only_a", "only_b"), [(4, 11), (30, 55), (121, 59), (7, 8)])
def test_mcnemar_is_twice_the_binomial_tail(only_a, only_b):
    tail = binom.cdf(min(only_a, only_b), only_a + only_b, 0.5)
    assert comparison.sign_test(nets(only_a, only_b)) == pytest.approx(min(1, 2 * tail), rel=1e-9)


def test_scenes_change_sides_as_one():
    net = np.array([3, 2, -1, 0, 1, 1, -2, 4])
    signs = np.array(list(itertools.product((-1, 1), repeat=len(net))))
    by_hand = np.mean(np.abs(signs @ np.abs(net)) >= abs(net.sum()))
    assert comparison.sign_test(net) == pytest.approx(by_hand, abs=1e-12)


def test_copies_of_one_photo_are_no_more_evidence_than_it():
    a, b = rights(60, 2, 9, 20)
    scenes = np.arange(len(a))
    once, often = comparison.compare(a, b, scenes), comparison.compare(*(np.repeat(x, 5) for x in (a, b, scenes)))
    keys = ("p", "difference", "difference_low", "difference_high", "scenes")
    assert [often[key] for key in keys] == [once[key] for key in keys]
    assert often["only_b_right"] == 5 * once["only_b_right"]
    taken_apart = comparison.compare(np.repeat(a, 5), np.repeat(b, 5), np.arange(5 * len(a)))
    assert taken_apart["p"] < 1e-5 < once["p"]


@pytest.mark.parametrize("counts", [(800, 60, 100, 40), (3000, 150, 90, 260), (500, 200, 200, 100)])
def test_bootstrap_has_the_analytic_width(counts):
    a, b = rights(*counts)
    n, (_, only_a, only_b, _) = sum(counts), counts
    difference = (only_b - only_a) / n
    error = math.sqrt((only_a + only_b) / n - difference**2) / math.sqrt(n)
    low, high = comparison.bootstrap(*single(a, b))
    expected = [norm.ppf(q, difference, error) for q in (0.025, 0.975)]
    assert (low, high) == pytest.approx(expected, abs=0.06 * error + 0.5 / n)


def test_bootstrap_is_that_of_resampled_photos():
    a, b = rights(90, 12, 20, 8)
    random = np.random.default_rng(5)
    drawn = random.integers(0, len(a), (4000, len(a)))
    differences = b[drawn].mean(1) - a[drawn].mean(1)
    assert comparison.bootstrap(*single(a, b)) == pytest.approx(
        np.percentile(differences, [2.5, 97.5]), abs=1.01 / len(a)
    )


def test_bootstrap_by_scene_is_that_of_resampled_scenes():
    random = np.random.default_rng(2)
    sizes = random.integers(1, 6, 80)
    net = random.integers(-sizes, sizes + 1)
    drawn = random.integers(0, len(net), (4000, len(net)))
    expected = np.percentile(net[drawn].sum(1) / sizes[drawn].sum(1), [2.5, 97.5])
    assert comparison.bootstrap(net, sizes) == pytest.approx(expected, abs=0.01)


def test_bootstrap_is_seeded():
    a, b = rights(9000, 1200, 2000, 800)
    assert comparison.bootstrap(*single(a, b)) == comparison.bootstrap(*single(a, b))
    assert comparison.bootstrap(*single(a, b)) != comparison.bootstrap(*single(a, b), seed=3)


def test_compare_counts_pairs():
    a, b = rights(100, 4, 7, 19)
    result = comparison.compare(a, b, np.arange(len(a)))
    assert [result[key] for key in ("both_right", "only_a_right", "only_b_right", "both_wrong")] == [100, 4, 7, 19]
    assert (result["n"], result["a"]["accuracy"], result["b"]["accuracy"]) == (130, 104 / 130, 107 / 130)
    assert result["difference"] == pytest.approx(3 / 130)
    assert result["difference_low"] < 3 / 130 < result["difference_high"]
    assert comparison.compare(b, a, np.arange(len(a)))["difference"] == -result["difference"]
    assert comparison.compare(b, a, np.arange(len(a)))["p"] == result["p"]


def joined(a, b):
    return comparison.pair(comparison.read_predictions(a, "a.csv"), comparison.read_predictions(b, "b.csv"))


@pytest.mark.parametrize(
    ("counts", "sentence"),
    [
        ((115, 4, 7, 4), "B is right on 3 photos more; with n = 130 that is well within chance (p = 0.55)."),
        ((115, 1, 0, 4), "A is right on 1 photo more; with n = 120 that is well within chance (p = 1.00)."),
        ((115, 0, 5, 0), "B is right on 5 photos more; with n = 120 that is still within chance (p = 0.06)."),
        ((115, 0, 6, 0), "B is right on 6 photos more; with n = 121 that is unlikely to be chance alone (p = 0.03)."),
        ((115, 40, 1, 0), "A is right on 39 photos more; with n = 156 that is hardly chance (p < 0.0001)."),
        ((115, 2, 2, 0), "A and B are right equally often: 2 photos each that the other gets wrong (n = 119)."),
    ],
)
def test_verdict(counts, sentence):
    a, b = rights(*counts)
    tables = (table({f"{i}.jpg": "cup" if hit else "pan" for i, hit in enumerate(right)}) for right in (a, b))
    said = comparison.verdict(joined(*tables), comparison.compare(a, b, np.arange(len(a))))
    assert said == sentence


def test_pair_joins_on_image_and_truth():
    a = table({"1.jpg": "cup", "2.jpg": "pan", "3.jpg": "cup", "4.jpg": "cup"}, duplicates=["1.jpg"])
    b = table({"5.jpg": "cup", "4.jpg": "pan", "2.jpg": "cup", "1.jpg": "cup"}, {"1.jpg": "jar"}, duplicates=["4.jpg"])
    pairs = joined(a, b)
    assert (pairs.images, pairs.predicted_a, pairs.predicted_b) == (["2.jpg", "4.jpg"], ["pan", "cup"], ["cup", "pan"])
    assert (pairs.correct_a.tolist(), pairs.correct_b.tolist()) == ([False, True], [True, False])
    assert pairs.duplicated.tolist() == [False, True]
    assert (pairs.only_a, pairs.only_b) == (["1.jpg", "3.jpg"], ["5.jpg", "1.jpg"])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"image,truth\n1.jpg,cup\n", "no column predicted, correct"),
        (b"", "no column image"),
        (HEADER.encode() + b"\n1.jpg,cup\n", "row 2: not a whole row"),
        (HEADER.encode() + b"\n1.jpg,cup,cup,0.9,yes,0,0\n", "row 2: not a whole row, or `correct`"),
        (HEADER.encode() + b"\n1.jpg,cup,cup,0.9,1,0,0\n1.jpg,cup,pan,0.9,0,0,0\n", "row 3: 1.jpg is in the table"),
        ("杯".encode("gbk"), "not a UTF-8 CSV"),
    ],
)
def test_what_is_no_table(content, message):
    with pytest.raises(UserError, match=message):
        comparison.read_predictions(content, "a.csv")


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A Git repository in a folder with a Chinese name; HEAD and the working tree hold different predictions."""
    root = tmp_path / "垃圾 分类"
    folder = root / "plots/kitchen/evaluate"
    folder.mkdir(parents=True)
    monkeypatch.chdir(root)
    photos = [f"照片/{i:02}.jpg" for i in range(20)]
    old = {photo: "pan" if i < 12 else "cup" for i, photo in enumerate(photos)}
    (folder / "predictions.csv").write_bytes(table(old, duplicates=photos[:2]))
    identity = ["-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "commit.gpgsign=false"]
    for words in (["init", "-q"], ["add", "."], [*identity, "commit", "-q", "-m", "first"]):
        subprocess.run(["git", *words], check=True)
    new = dict.fromkeys(photos[:19], "cup") | {photos[19]: "jar", "extra.jpg": "cup"}
    (folder / "predictions.csv").write_bytes(table(new, duplicates=photos[:2]))
    return root


@pytest.mark.parametrize("a", ["HEAD:kitchen", "HEAD:plots/kitchen/evaluate/predictions.csv", "HEAD:plots/kitchen"])
def test_command_compares_with_a_revision(project, capsys, a):
    assert cli.main(["compare", a, "kitchen"]) == 0
    out = capsys.readouterr().out
    for text in (
        "A  HEAD:plots/kitchen/evaluate/predictions.csv\n",
        "left out, with this truth only in B: 1 (extra.jpg)\n",
        "40.0 % (21.9 to 61.3)",
        "95.0 % (76.4 to 99.1)",
        "+55.0 (",
        "A right                 7        1\n",
        "A wrong                12        0\n",
        "changed sides: 13\n",
        "only B right   照片/00.jpg   cup; A predicted pan\n",
        "and 3 more (--json has them all)\n",
        "B is right on 11 photos more; with n = 20 that is hardly chance (p = 0.003).",
    ):
        assert text in out
    row = next(line for line in out.splitlines() if line.startswith("de-duplicated"))
    assert row.split()[1] == "18"


def test_command_as_json(project, capsys):
    assert cli.main(["compare", "HEAD:kitchen", "plots/kitchen", "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert (content["only_in_a"], content["only_in_b"]) == ([], ["extra.jpg"])
    assert (content["all"]["n"], content["deduplicated"]["n"]) == (20, 18)
    assert content["deduplicated"]["only_b_right"] == 10
    assert len(content["changed"]) == 13
    assert content["changed"][-1] == {"image": "照片/19.jpg", "truth": "cup", "a": "cup", "b": "jar", "right": "A"}


def test_command_counts_scenes_and_reads_predictions_out_of_fold(project, capsys):
    rows = "".join(f"{i}.jpg,cup,{'cup' if i % 9 else 'pan'},0.9,{int(i % 9 > 0)},{i // 3}\n" for i in range(30))
    folder = project / "plots/kitchen/train"
    folder.mkdir()
    for name, content in (("predictions.csv", rows), ("old.csv", rows.replace(",0.9,1,", ",0.9,0,"))):
        (folder / name).write_text("image,truth,predicted,probability,correct,scene\n" + content)
    assert cli.main(["compare", "plots/kitchen/train/old.csv", "kitchen", "--folds"]) == 0
    out = capsys.readouterr().out
    assert "plots/kitchen/train/predictions.csv" in out
    assert "10 scenes" in out
    assert "p = 0.002" in out  # 2 / 2^10


def test_command_on_the_same_predictions(project, capsys):
    assert cli.main(["compare", "kitchen", "plots/kitchen/evaluate"]) == 0
    out = capsys.readouterr().out
    assert re.search("same prediction .* all 21 photos", out)
    assert "+0.0 (+0.0 to +0.0)" in out
    assert "changed sides" not in out


def test_command_names_other_wrong_answers(project, tmp_path, capsys):
    (tmp_path / "a.csv").write_bytes(table({"1.jpg": "pan", "2.jpg": "cup"}))
    (tmp_path / "b.csv").write_bytes(table({"1.jpg": "jar", "2.jpg": "cup"}))
    assert cli.main(["compare", str(tmp_path / "a.csv"), str(tmp_path / "b.csv")]) == 0
    out = capsys.readouterr().out
    assert "wrong in both, with another prediction: 1\n" in out
    assert re.search(r"right on the same photos.*wrong.* differ \(n = 2\)", out)


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("nothing", "nothing: no predictions there"),
        ("v1:kitchen", "'v1' is no git revision"),
        ("HEAD:pantry", "no predictions at 'pantry' in revision HEAD"),
        ("other.csv", "no photo in common"),
    ],
)
def test_command_errors(project, argument, message):
    (project / "other.csv").write_bytes(table({"else.jpg": "cup"}))
    with pytest.raises(UserError, match=message):
        cli.main(["compare", argument, "kitchen"])


def test_where_git_does_not_work_its_own_reason_is_said(project, monkeypatch):
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    with pytest.raises(UserError, match="(?s)dubious ownership.*safe.directory") as error:
        cli.main(["compare", "HEAD:kitchen", "kitchen"])
    assert "no git revision" not in str(error.value)
