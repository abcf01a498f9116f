"""dvc.yaml says the truth: what a stage depends on, what it makes, what goes where."""

import os
import re
import tomllib
from importlib import metadata
from itertools import combinations
from pathlib import Path, PurePosixPath

import pytest
import yaml
from imports import library_files

ROOT = Path(__file__).parents[2]
STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]

METRICS = PurePosixPath("metrics/${item.task}")
DOWNLOADS = PurePosixPath("data/downloads")  # what broke off; gone when the stage ends

# Stages of some tasks: they stand in one another's place, so that they may write the same paths.
LISTS = {"train_head": "head_tasks", "train": "net_tasks"}
# Their code is no dep: mending a line of it must not download everything again.
WITHOUT_CODE = {"fetch", "weights"}


@pytest.mark.parametrize("stage", [stage for stage in STAGES if stage not in WITHOUT_CODE])
def test_a_stage_depends_on_its_script_and_the_rooms_that_it_imports_from(stage):
    script = Path("stages") / f"{stage}.py"
    imported = library_files(script, ROOT) - {"src/sortline/__init__.py"}
    listed = [dep for dep in STAGES[stage]["deps"] if dep.startswith(("stages/", "src/")) or dep == "versions.lock"]
    rooms = [PurePosixPath(dep) for dep in listed if dep.startswith("src/")]
    assert {script.as_posix(), "versions.lock"} == set(listed) - {str(room) for room in rooms}
    assert not {path for path in imported if not any(PurePosixPath(path).is_relative_to(room) for room in rooms)}
    # And no room is listed in vain.
    assert not {room for room in rooms if not any(PurePosixPath(path).is_relative_to(room) for path in imported)}
    assert len(listed) == len(set(listed))


@pytest.mark.parametrize("stage", sorted(WITHOUT_CODE))
def test_fetching_depends_on_its_params_alone(stage):
    assert "deps" not in STAGES[stage]
    assert STAGES[stage]["params"] == [f"${{item.task}}.{stage}"]


def test_every_file_beside_the_code_is_installed_with_it():
    package = ROOT / "src" / "sortline"
    beside = {path for path in package.rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")}
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = pyproject["tool"]["setuptools"]["package-data"]["sortline"]
    assert beside == {path for pattern in patterns for path in package.glob(pattern)}


@pytest.mark.parametrize("stage", STAGES)
def test_a_command_says_what_it_reads_and_writes_as_deps_and_outs_do(stage):
    named = {PurePosixPath(path) for path in re.findall(r"--\w+ (\S+)", STAGES[stage]["cmd"])} - {DOWNLOADS}
    listed = [PurePosixPath(path) for path in _outs(STAGES[stage]) + _inputs(STAGES[stage])]
    for path in named:
        assert any(other.is_relative_to(path) for other in listed), f"{path} is in the command, not in deps and outs"
    for path in listed:
        # Metrics of other stages are found beside the stage's own.
        assert any(path.is_relative_to(name) or path.parent == METRICS == name.parent for name in named), path


def test_what_extract_reads_does_not_change_with_the_split():
    deps = STAGES["extract"]["deps"]
    prepared = [dep for dep in deps if dep.startswith("data/prepared")]
    assert sorted(prepared) == ["data/prepared/${item.task}/images.csv", "data/prepared/${item.task}/views.json"]
    assert not [dep for dep in deps if dep.startswith(("metrics/", "models/"))]


@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_runs_for_every_task_and_says_what_it_does(stage):
    about = STAGES[stage]
    assert about["matrix"] == {"task": f"${{{LISTS.get(stage, 'tasks')}}}"}
    assert len(about["desc"]) > 20
    assert about["params"] == [f"${{item.task}}.{stage}"]
    assert all("${item.task}" in path for path in _outs(about))


def test_no_out_belongs_to_two_stages_or_lies_inside_another():
    assert set(_outs(STAGES["train"])) == set(_outs(STAGES["train_head"]))
    paths = [PurePosixPath(path) for stage, about in STAGES.items() if stage != "train" for path in _outs(about)]
    for one, other in combinations(paths, 2):
        assert not one.is_relative_to(other) and not other.is_relative_to(one), f"{one} and {other}"


def test_metrics_and_plots_are_in_git_and_everything_else_in_the_dvc_cache(base):
    ignored, in_git = set(), set()
    for path in base.outs():
        checked = base.run("git", "check-ignore", "--quiet", path, ok=False)
        (ignored if checked.returncode == 0 else in_git).add(path)
    assert {path for path, cached in base.outs().items() if cached} == ignored
    folders = {PurePosixPath(path).parts[0] for path in in_git}
    assert folders == {"metrics", "plots"}
    # Photos are not ours to publish.
    assert {path for path in ignored if path.startswith("plots/")} == {
        path for path in base.outs() if path.endswith("/photos")
    }


def test_a_run_leaves_nothing_in_git_but_the_lock_metrics_and_plots(base):
    """Whatever else a run leaves is an out that dvc.yaml does not name, or a stray file."""
    new = set(base.git("-c", "core.quotePath=off", "diff", "--name-only", "HEAD~", "HEAD").splitlines())
    in_git = [path for path, cached in base.outs().items() if not cached]
    assert "dvc.lock" in new
    for path in new - {"dvc.lock"}:
        assert any(path == out or path.startswith(f"{out}/") for out in in_git), path


@pytest.mark.parametrize("stage", ["prepare", "train_head", "train", "evaluate", "export"])
def test_a_stage_with_numbers_has_metrics(stage):
    assert [path for path in _outs(STAGES[stage]) if path.startswith("metrics/${item.task}/")]


def test_versions_lock_names_the_installed_packages_that_decide_results():
    lines = (ROOT / "versions.lock").read_text(encoding="utf-8").splitlines()
    packages = dict(line.split("==") for line in lines)
    assert list(packages) == [
        "faiss-cpu", "mindspore", "numpy", "onnxruntime", "opencv-python-headless", "pillow", "scikit-learn",
    ]  # fmt: skip
    pinned = dict(re.findall(r"^([\w.-]+)==([\w.+]+)", (ROOT / "requirements.lock").read_text(encoding="utf-8"), re.M))
    assert packages == {name: pinned[name] for name in packages}
    assert packages == {name: metadata.version(name) for name in packages}


def _inputs(about: dict) -> list[str]:
    return [dep for dep in about.get("deps", []) if not dep.startswith(("stages/", "src/", "versions.lock"))]


def _outs(about: dict) -> list[str]:
    every = [*about.get("outs", []), *about.get("metrics", []), *about.get("plots", [])]
    return [next(iter(out)) if isinstance(out, dict) else out for out in every]


STUDIES = {
    path.parent.name: yaml.safe_load(path.read_text("utf-8"))["stages"] for path in ROOT.glob("studies/*/dvc.yaml")
}


@pytest.mark.parametrize(("study", "stage"), [(study, stage) for study, stages in STUDIES.items() for stage in stages])
def test_a_stage_of_a_study_depends_on_its_scripts_and_the_rooms_that_they_import_from(study, stage):
    about, folder = STUDIES[study][stage], Path("studies") / study
    deps = [os.path.normpath(folder / dep) for dep in about["deps"]]
    (script,) = re.findall(r"^python (\S+)", about["cmd"])
    scripts, reached = set[Path](), [Path(os.path.normpath(folder / script))]
    while reached:  # and what it imports from beside it
        scripts.add(path := reached.pop())
        names = re.findall(r"^(?:from|import) (\w+)", (ROOT / path).read_text("utf-8"), re.MULTILINE)
        beside = {path.parent / f"{name}.py" for name in names if (ROOT / path.parent / f"{name}.py").is_file()}
        reached += beside - scripts
    assert {path.as_posix() for path in scripts} <= set(deps)
    imported = set().union(*(library_files(path, ROOT) for path in scripts)) - {"src/sortline/__init__.py"}
    rooms = {PurePosixPath(dep) for dep in deps if dep.startswith("src/")}
    assert not {path for path in imported if not any(PurePosixPath(path).is_relative_to(room) for room in rooms)}
    assert not {room for room in rooms if not any(PurePosixPath(path).is_relative_to(room) for path in imported)}


def test_no_stage_of_a_task_with_a_head_depends_on_what_only_nets_use():
    only_nets = library_files(Path("stages/train.py"), ROOT) - set().union(
        *(library_files(Path("stages") / f"{stage}.py", ROOT) for stage in STAGES if stage != "train")
    )
    assert "src/sortline/nets/fit.py" in only_nets
    # All ways of augmentation stand in one room, those of views and those of nets' inputs.
    only_nets = {path for path in only_nets if not path.startswith("src/sortline/data/augment/")}
    for stage in STAGES.keys() - {"train"}:
        deps = [PurePosixPath(dep) for dep in STAGES[stage].get("deps", []) if dep.startswith("src/")]
        assert not {path for path in only_nets if any(PurePosixPath(path).is_relative_to(room) for room in deps)}, stage
