"""What README and docs/ claim is what the committed metrics say; their commands exist, their links lead somewhere."""

import json
import re
from pathlib import Path

import pytest
from scipy.stats import binomtest

from sortline import cli

ROOT = Path(__file__).parents[2]
PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *ROOT.glob("studies/*/README.md"),
                        *ROOT.glob("tables/*.md")])
}  # fmt: skip
README, CHINESE = PAGES["README.md"], PAGES["README.zh-CN.md"]
EXPORT, APP = PAGES["docs/export.md"], PAGES["docs/app.md"]

# The README's rows, in order: metrics file, key of the accuracy, key of n.
ROWS = [
    ("train", "cv_accuracy", "cv_n"),
    ("train", "cv_scene_accuracy", "cv_scene_n"),
    ("evaluate", "accuracy_deduplicated", "n_deduplicated"),
    ("evaluate", "accuracy", "n"),
    ("train", "cv_by_photo_accuracy", "cv_n"),
    ("evaluate", "bin_accuracy", "n"),
    ("export", "onnx_accuracy", "onnx_n"),
    ("export", "int8_accuracy", "int8_n"),
]


BY_SCENE = ("cv_accuracy", "cv_scene_accuracy")
WORTH = [ROWS[i] for i in (0, 1, 2, 3, 4)]


def metrics(stage: str, task: str = "garbage") -> dict:
    return json.loads((ROOT / f"metrics/{task}/{stage}.json").read_text(encoding="utf-8"))


def percent(value: float) -> str:
    return f"{100 * value:.1f}"


def interval(of: dict, key: str, n: str) -> list[str]:
    """Return Wilson's interval by SciPy, and check the one in the file; what is drawn by scene is taken from there."""
    if key in BY_SCENE:
        return [percent(of[f"{key}_low"]), percent(of[f"{key}_high"])]
    found = binomtest(round(of[key] * of[n]), of[n]).proportion_ci(method="wilson")
    prefix = "" if "low" in of else f"{key}_"
    assert [of[f"{prefix}low"], of[f"{prefix}high"]] == pytest.approx([found.low, found.high], abs=6e-5)
    return [percent(found.low), percent(found.high)]


def row(of: dict, key: str, n: str) -> tuple[str, ...]:
    return percent(of[key]), " to ".join(interval(of, key, n)), f"{of[n]:,}"


def rows_of(name: str, page: str) -> list[tuple[str, ...]]:
    block = PAGES[page].split(f"<!-- {name}:")[1].split(f"<!-- end of {name} -->")[0]
    rows = [line.split("|")[2:5] for line in block.splitlines() if line.startswith("|")][2:]
    return [tuple(cell.strip() for cell in row) for row in rows]


def test_results_table() -> None:
    assert rows_of("results", "README.md") == [row(metrics(stage), key, n) for stage, key, n in ROWS]


def test_table_of_what_a_figure_is_worth() -> None:
    page = "docs/what-a-figure-is-worth.md"
    assert rows_of("worth", page) == [row(metrics(stage), key, n) for stage, key, n in WORTH]


def test_table_of_backbones() -> None:
    found, words = metrics("backbones")["backbones"], {"MobileNetV2": "mobilenet_v2"}
    block = README.split("<!-- backbones:")[1].split("<!-- end of backbones -->")[0]
    for line in block.splitlines()[3:]:
        name, *cells = (cell.strip() for cell in line.strip("|").split("|"))
        nets = re.findall(r"MobileNetV2|EfficientNet-Lite\d", name)
        of = found["+".join(words.get(net, net.lower().replace("-", "_")) for net in nets)]
        shown = [f"{100 * of['difference']:+.1f}", f"{of['p_holm']:.2g}"] if "p_holm" in of else ["", ""]
        interval = f"{percent(of['low'])} to {percent(of['high'])}"
        assert cells == [percent(of["accuracy"]), interval, *shown, f"{of['int8_mb']:.1f}"]


def test_table_of_mnist() -> None:
    photos = metrics("export", "mnist")["digit_photos"]
    assert rows_of("mnist", "docs/digits.md") == [
        row(metrics("evaluate", "mnist"), "accuracy", "n"),
        row(metrics("train", "mnist"), "val_accuracy", "val_n"),
        row(photos["dark on light"], "accuracy", "n"),
        row(photos["on paper"], "accuracy", "n"),
    ]


def test_figures_in_the_text() -> None:
    data, train, evaluate = metrics("data"), metrics("train"), metrics("evaluate")
    said = " ".join(README.split())
    assert f"of its {data['val']} val photos {data['exact_cross']} are byte for byte in train" in said
    assert f"and {data['near_cross']} more show a scene that train shows" in said
    assert 850 <= data["scenes"] <= 950 and "some 900 originals" in said
    assert f"ECE {evaluate['ece']:.3f} on val" in README
    export = metrics("export")
    for page in (EXPORT, APP):
        assert f"{export['int8_bytes'] / 1e6:.1f} MB instead of {export['onnx_mb']:.1f}" in page
        agreement = 100 * export["int8_agreement"]
        within = ", ".join(interval(export, "int8_agreement", "int8_agreement_n"))
        assert f"on {agreement:.2f} % [{within}] of the {export['int8_agreement_n']:,} photos" in " ".join(page.split())
    # What the app promises of the model.
    assert export["int8_bytes"] <= 8e6 and export["int8_agreement"] >= 0.97
    for key in train["selected_on_folds"]:
        assert f"`{key}`" in README
    assert f"{percent(train['cv_accuracy'])} %" in CHINESE
    assert " 到 ".join(interval(train, "cv_accuracy", "cv_n")) in CHINESE
    assert f"有 {data['exact_cross'] + data['near_cross']} 张与训练集同属一个场景" in CHINESE
    assert f"{percent(evaluate['accuracy'])} %" in CHINESE
    assert f"{percent(evaluate['accuracy_deduplicated'])} %" in CHINESE
    assert " 到 ".join(interval(evaluate, "accuracy", "n")) in CHINESE


def test_what_a_summary_prints_is_quoted_as_it_is(capsys, monkeypatch) -> None:
    monkeypatch.chdir(ROOT)
    assert cli.main(["summary", "--task", "garbage"]) == 0
    printed = capsys.readouterr().out
    quoted = README.split("$ sortline summary --task garbage\n")[1].split("```")[0].rstrip(". \n")
    assert quoted in printed and "new scenes" in quoted


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) <= 200


@pytest.mark.parametrize("page", PAGES)
def test_links_and_pictures_exist(page: str) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", PAGES[page]):
        if target.startswith("https://"):
            continue
        name, _, heading = target.partition("#")
        path = (ROOT / page).parent / name if name else ROOT / page
        assert path.exists(), target
        if heading:
            assert heading in headings(path), target


def headings(page: Path) -> set[str]:
    """Return the anchors that GitHub gives to a page's headings."""
    lines = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", line.lower()).replace(" ", "-") for line in lines}


@pytest.mark.parametrize("page", PAGES)
def test_make_targets_exist(page: str) -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    used = set(re.findall(r"(?:^|`)make ([a-z][a-z-]*)", PAGES[page], re.MULTILINE))
    assert used <= targets


def test_the_commands_it_names_are_there() -> None:
    named = set(re.findall(r"`sortline (\w+)", README))
    verbs = {path.stem for path in (ROOT / "src/sortline/cli").glob("[a-z]*.py")}
    assert named == verbs, "the README's table has every command"


def test_the_stages_it_names_are_those_of_the_line() -> None:
    line = (ROOT / "dvc.yaml").read_text(encoding="utf-8")
    stages = set(re.findall(r"^  (\w+):$", line, re.M))
    table = PAGES["docs/pipeline.md"].split("| stage | does | writes |")[1].split("\n\n")[0]
    assert set(re.findall(r"`(\w+)`", "\n".join(row.split("|")[1] for row in table.splitlines()[2:]))) == stages


def test_what_is_said_of_the_api_and_the_formats() -> None:
    found = json.loads((ROOT / "bench/results.json").read_text(encoding="utf-8"))
    page, api, formats = " ".join(PAGES["docs/benchmarks.md"].split()), found["api"], found["formats"]
    assert api["errors"] == 0 and api["clients"] * api["photos_a_client"] == 8 * 1000
    assert (
        f"{api['photos_per_s']:.0f} photos/s, {api['p50_ms']:.0f} ms in the middle and {api['p99_ms']:.0f} ms" in page
    )
    assert f"{api['memory_mb_by_quarter'][-1]} MB of memory" in page
    assert f"{formats['export']['ms']:.1f} ms by ONNX Runtime, {formats['openvino']['ms']:.1f} by OpenVINO" in page


def test_speed_table() -> None:
    found = json.loads((ROOT / "bench/results.json").read_text(encoding="utf-8"))
    block = PAGES["docs/benchmarks.md"].split("<!-- speed:")[1].split("<!-- end of speed -->")[0]
    rows = [line.split("|")[2:4] for line in block.splitlines() if line.startswith("|")][2:]
    shown = [[float(number) for number in re.findall(r"\b\d+(?:\.\d+)?\b(?!\s*bits)", " ".join(row))] for row in rows]
    extraction, head, lenet = found["extraction"], found["head"]["seconds"], found["lenet"]
    model, tuning = found["int8"]["224x224, 1 thread"], found["finetune"]
    assert shown == [
        [extraction[f"{name}_photos_per_s"] for name in
         ("sortline", "pytorch_channels_last", "mindspore_capped", "mindspore_as_installed")],
        [found["resnet"]["onnxruntime_images_per_s"], found["resnet"]["mindspore_images_per_s"]],
        [head["sortline"], head["pytorch"], head["numpy"]],
        [lenet["ours_32"], lenet["step_a_call_32"], lenet["torch_32"]],
        [lenet["ours_256"], lenet["step_a_call_256"], lenet["torch_256"]],
        [tuning["full"], tuning["torch_full"]],
        [tuning["partial_cached"], tuning["partial_uncached"], tuning["torch_partial_cached"]],
        [model["fp32_ms"], model["int8_ms"]],
    ]  # fmt: skip


def test_what_the_line_takes() -> None:
    found = json.loads((ROOT / "bench/results.json").read_text(encoding="utf-8"))
    line, decoding = found["line"], found["decoding"]
    block = PAGES["docs/benchmarks.md"].split("<!-- line:")[1].split("<!-- end of line -->")[0]
    rows = [re.findall(r"[\w.]+", row) for row in block.splitlines() if row.startswith("|")][2:]
    measured = {**line["stages"], "all": line["whole"]}
    shown = [[name, f"{one['seconds']:.1f}", f"{one['cpu_seconds']:.1f}"] for name, one in measured.items()]
    assert sorted(rows) == sorted(shown)
    page = " ".join(PAGES["docs/benchmarks.md"].split())
    assert f"`sortline predict` of a photo {line['commands']['predict']['seconds']:.2f} s" in page
    assert f"{decoding['fraction']['photos_per_s']:.1f} photos/s where they are decoded at a fraction" in page
    assert f"{100 * decoding['fraction']['accuracy']:.1f} % and {100 * decoding['whole']['accuracy']:.1f} %" in page


def test_what_ray_does_on_this_machine() -> None:
    found = json.loads((ROOT / "bench/results.json").read_text(encoding="utf-8"))
    whole, started = found["cluster"]["photos_per_s"], found["cluster"]["started_photos_per_s"]
    block = PAGES["docs/benchmarks.md"].split("<!-- cluster:")[1].split("<!-- end of cluster -->")[0]
    rows = [[cell.strip() for cell in row.split("|")[2:-1]] for row in block.splitlines() if row.startswith("|")][2:]
    ratios = found["cluster"]["two_to_one"], found["cluster"]["started_two_to_one"]
    assert rows[0] == [str(whole[name]) for name in ("one process", "1 worker", "2 workers")] + [str(ratios[0])]
    assert rows[1] == ["", str(started["1 worker"]), str(started["2 workers"]), str(ratios[1])]
    page, before = " ".join(PAGES["docs/benchmarks.md"].split()), found["cluster_with_avx512"]
    one, first, second = (round(before["photos_per_s"][name]) for name in ("one process", "1 worker", "2 workers"))
    assert f"{one}, {first} and {second} photos/s, {before['two_to_one']} times" in page
    few, many = (found["cluster_memory"]["memory"][count] for count in ("10000", "200000"))
    assert f"{few['driver_mb']} and {many['driver_mb']} MB of its own at most" in page
    assert f"a worker {few['worker_mb']} and {many['worker_mb']}." in page


def test_what_was_aimed_at() -> None:
    found = json.loads((ROOT / "bench/results.json").read_text(encoding="utf-8"))
    block = PAGES["docs/benchmarks.md"].split("<!-- aims:")[1].split("<!-- end of aims -->")[0]
    shown = [row.split("|")[2].strip() for row in block.splitlines() if row.startswith("|")][2:]
    line, lenet, tuned = found["line"], found["lenet"], found["finetune"]
    whole, stages, commands = line["whole"], line["stages"], line["commands"]
    assert shown[:9] == [
        f"{whole['seconds']} s, {whole['cpu_seconds']} CPU s",
        f"{stages['export']['cpu_seconds']:.1f}",
        f"{2.470 * found['formats']['export']['ms']:.0f} for the network alone",
        f"{commands['--help']['seconds']}, {commands['predict']['seconds']}",
        f"{found['decoding']['ratio']} times",
        str(found["extraction"]["sortline_photos_per_s"]),
        f"{found['head']['pytorch_over_sortline']} and {found['head']['numpy_over_sortline']} times",
        f"{lenet['ours_over_torch_32']} and {lenet['ours_over_torch_256']} times",
        f"{tuned['full_over_torch']} and {tuned['partial_cached_over_torch']} times",
    ]
    most = found["growth"]["sizes"]["50000 photos, 26 classes"]["all"]
    assert shown[9] == f"{most['seconds'] / 60:.1f} minutes, {most['peak_mb'] / 1000:.1f} GB"
    for stage in ("prepare", "diagnose"):
        assert re.search(rf"\((`{stage}` )?{stages[stage]['cpu_seconds']:.1f}( CPU s)?\)", block)


def test_what_more_photos_and_classes_cost() -> None:
    sizes = json.loads((ROOT / "bench/results.json").read_text(encoding="utf-8"))["growth"]["sizes"]
    block = PAGES["docs/benchmarks.md"].split("<!-- growth:")[1].split("<!-- end of growth -->")[0].replace(",", "")
    rows = [[float(cell) for cell in row.split("|")[1:-1]] for row in block.splitlines()[3:] if row.startswith("|")]
    assert len(rows) == len(sizes)
    for photos, classes, *cells in rows:
        found = sizes[f"{photos:.0f} photos, {classes:.0f} classes"]
        every = [found[one]["cpu_seconds"] for one in ["new", "fetch", "prepare", "extract", "train_head", "evaluate"]]
        assert cells == [*every, *(found["all"][key] for key in ("cpu_seconds", "seconds", "peak_mb"))]


def benchmark_rows(name: str) -> list[list[float]]:
    """Return the numbers in the cells of each row but for its first cell."""
    block = PAGES["docs/benchmarks.md"].split(f"<!-- {name}:")[1].split(f"<!-- end of {name} -->")[0]
    rows = [line.split("|", 2)[2] for line in block.splitlines() if line.startswith("|")][2:]
    return [[float(number) for number in re.findall(r"[\d.]+", row)] for row in rows]


def test_what_going_on_saves() -> None:
    found = json.loads((ROOT / "bench/results.json").read_text(encoding="utf-8"))["going_on"]
    added, killed = found["added"], found["killed"]
    pairs = [(added["anew"][stage], added["kept"][stage]) for stage in ("prepare", "extract", "train_head")]
    pairs += [(killed[stage]["anew"], killed[stage]["after_kill"]) for stage in killed]
    wanted = [[one["cpu_seconds"] for one in pair] for pair in pairs]
    wanted.insert(3, [sum(column) for column in zip(*wanted[:3], strict=True)])
    shown = [[round(seconds, 1) for seconds in row] for row in wanted]
    assert benchmark_rows("going on") == shown


def test_what_several_processes_bring() -> None:
    found = json.loads((ROOT / "bench/results.json").read_text(encoding="utf-8"))["workers"]
    speeds, busy = found["pictures_per_s"], found["busy_cores"]
    ways = ["1 x 1", "1 x 2", "2 x 1", "2 x 2"]
    assert benchmark_rows("workers") == [[speeds[f"{net}, {way}"] for way in ways] for net in ("lenet5", "digits_cnn")]
    for net, ratio in (("lenet5", "0.69"), ("digits_cnn", "0.79")):
        best = [max(speeds[f"{net}, {count} x {threads}"] for threads in (1, 2)) for count in (1, 2)]
        assert f"{best[1] / best[0]:.2f}" == ratio
    alone = f"it keeps {busy['lenet5, 1 x 1']} and {busy['digits_cnn, 1 x 1']} cores busy"
    assert alone in " ".join(PAGES["docs/benchmarks.md"].split())


def test_what_is_said_of_corrupted_photos() -> None:
    found = json.loads((ROOT / "metrics/garbage/diagnose.json").read_text(encoding="utf-8"))["robustness"]["corrupted"]
    accuracy, low, high = (f"{100 * found[key]:.1f}" for key in ("accuracy", "low", "high"))
    assert f"{accuracy} % [{low}, {high}] (n = {found['n']:,})" in README
