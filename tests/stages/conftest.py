"""A tiny project that runs the real dvc.yaml: built once a test run by the first worker, copied for each test."""

import contextlib
import os
import re
import runpy
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import dvc_process
import numpy as np
import pytest
import yaml
from PIL import Image
from short_net import SHORT

from sortline.backbones import mobilenet_v2
from sortline.data import corrections

ROOT = Path(__file__).parents[2]

TASK = "tiny"
FOLDER = "垃圾 分类"
COPIED = ("dvc.yaml", "versions.lock", ".dvcignore", ".gitignore", "stages", "src", "tables", ".dvc")
LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.egg-info", "tmp", "cache", "config.local")
CLASSES = {"Can": (200, 60, 60), "Plastic Bottle": (60, 180, 80), "纸": (70, 90, 210)}
LIMIT = 600  # seconds that a command, or the other workers, may take

# Sources after the first are there for their keys: the first works, so they are never tried.
PARAMS: dict[str, Any] = {
    "tasks": [TASK],
    "head_tasks": [TASK],
    "net_tasks": [],
    TASK: {
        "fetch": {
            "sources": [
                {"kind": "folder", "path": TASK},
                {"kind": "archive", "url": "http://127.0.0.1:9/photos.zip"},
                {"kind": "toy"},
                {"kind": "idx", "path": "none"},
                {"kind": "idx_mirror", "url": "http://127.0.0.1:9/digits/"},
                {"kind": "sklearn_digits"},
            ]
        },
        "weights": {"backbone": "mobilenet_v2", "release": "random"},
        "prepare": {"table": None, "split": {"folds": 2}, "views": {"count": 2}},
        "extract": {"image_size": 32},
        "train_head": {"lr": 0.003, "weight_decay": 0.0001, "batch_size": 16, "epochs": 3},
        "evaluate": {},
        "diagnose": {},
        "export": {"check_photos": 1},
    },
    "other": {"prepare": {"min_per_class": 5}},
}


@dataclass
class Project:
    """A copy of the project in `root`, with its photos in `data` (what SORTLINE_DATA names)."""

    root: Path
    data: Path
    variables: dict[str, str | None] = field(default_factory=dict)

    def copy(self, folder: Path) -> "Project":
        """Copy photos, results, Git history and DVC cache into `folder`."""
        shutil.copytree(self.data, folder / "photos")
        shutil.copytree(self.root, folder / FOLDER, ignore=shutil.ignore_patterns("tmp"))
        return Project(folder / FOLDER, folder / "photos")

    def environment(self) -> dict[str, str]:
        """Return the environment of a user who has set nothing but SORTLINE_DATA; `variables` come on top."""
        inherited = {key: value for key, value in os.environ.items() if not key.startswith(("DVC_", "SORTLINE_"))}
        beside = self.root.parent
        changed = {
            # This copy's sortline comes before the installed one, the venv's `python` before any other.
            "PYTHONPATH": str(self.root / "src"),
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
            "SORTLINE_DATA": str(self.data),
            "DVC_NO_ANALYTICS": "1",
            "DVC_SITE_CACHE_DIR": str(beside / "site"),
            "DVC_GLOBAL_CONFIG_DIR": str(beside / "none"),
            "DVC_SYSTEM_CONFIG_DIR": str(beside / "none"),
            **self.variables,
        }
        return {key: value for key, value in (inherited | changed).items() if value is not None}

    def run(self, *command: str, ok: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command in the project; stdout and stderr come as one text, in `stdout`."""
        done = subprocess.run(
            command, cwd=self.root, env=self.environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            encoding="utf-8", errors="replace", stdin=subprocess.DEVNULL, timeout=LIMIT,
        )  # fmt: skip
        return self._checked(done) if ok else done

    def dvc(self, *words: str, ok: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command of DVC, as `run` does."""
        code, output = dvc_process.run(words, self.root, self.environment(), LIMIT)
        done = subprocess.CompletedProcess(("dvc", *words), code, output)
        return self._checked(done) if ok else done

    def _checked(self, done: subprocess.CompletedProcess[str]) -> subprocess.CompletedProcess[str]:
        assert done.returncode == 0, f"{done.args} in {self.root}:\n{done.stdout}"
        return done

    def git(self, *words: str) -> str:
        return self.run("git", *words).stdout

    def repro(self, stage: str = "export", *options: str) -> set[str]:
        """Run `dvc repro` up to a stage of the task; return the stages that ran (with --dry: that would)."""
        return ran(self.dvc("repro", *options, f"{stage}@{TASK}").stdout)

    def repro_until(self, stage: str) -> set[str]:
        """Run the line up to a stage; return the stages that ran, and those after it that would now run."""
        return self.repro(stage) | self.repro("export", "--dry")

    def run_here(self, stage: str) -> set[str]:
        """Run a stage's script in this process, as dvc.yaml has it; return its files that came out otherwise.

        Of what DVC would do, this leaves out the seconds that it and MindSpore take to load.
        """
        before = self.content(stage)
        script, *words = shlex.split(self.stages()[stage]["cmd"])[1:]
        data, short = {"SORTLINE_DATA": str(self.data)}, mock.patch.object(mobilenet_v2, "SETTINGS", SHORT)
        with contextlib.chdir(self.root), mock.patch.dict(os.environ, data), short:
            runpy.run_path(script)["main"](words)
        after = self.content(stage)
        return {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}

    def params(self) -> dict[str, Any]:
        return yaml.safe_load((self.root / "params.yaml").read_text(encoding="utf-8"))

    def set(self, key: str, value: Any) -> None:
        """Set a parameter of the task, as `prepare.split.folds`; in a list of sources, a step is a source's kind."""
        params = self.params()
        *steps, last = key.split(".")
        section = params[TASK]
        for step in steps:
            if isinstance(section, list):
                section = next(source for source in section if source["kind"] == step)
            else:
                section = section.setdefault(step, {})
        section[last] = value
        self.write_params(params)

    def write_params(self, params: dict[str, Any]) -> None:
        text = yaml.safe_dump(params, allow_unicode=True, sort_keys=False)
        (self.root / "params.yaml").write_text(text, encoding="utf-8")

    def stages(self, task: str = TASK) -> dict[str, Any]:
        """Return a task's stages of dvc.yaml, its name in them: of the tiny one all but that for tasks with a net."""
        text = (self.root / "dvc.yaml").read_text(encoding="utf-8").replace("${item.task}", task)
        stages = yaml.safe_load(text)["stages"]
        others = "head_tasks" if task != TASK else "net_tasks"
        return {name: about for name, about in stages.items() if about["matrix"] != {"task": f"${{{others}}}"}}

    def outs(self, stage: str | None = None) -> dict[str, bool]:
        """Return the outs, metrics and plots of a stage, or of all: {path: is it in the DVC cache}."""
        found = {}
        for name, about in self.stages().items():
            for out in [*about.get("outs", []), *about.get("metrics", []), *about.get("plots", [])]:
                path, options = next(iter(out.items())) if isinstance(out, dict) else (out, {})
                if stage in (None, name):
                    found[path] = options.get("cache", True)
        return found

    def content(self, stage: str | None = None) -> dict[str, bytes]:
        """Return the files of a stage's outs, or of all, metrics and plots with them: {posix path: bytes}."""
        files: list[Path] = []
        for out in self.outs(stage):
            path = self.root / out
            files += [file for file in path.rglob("*") if file.is_file()] if path.is_dir() else [path]
        return {file.relative_to(self.root).as_posix(): file.read_bytes() for file in files if file.is_file()}


def ran(output: str) -> set[str]:
    """Return the stages of the task that DVC's output says it ran; those restored from its run-cache are not."""
    return set(re.findall(rf"^Running stage '(\w+)@{TASK}'", output, re.MULTILINE))


def photo(number: int, colour: tuple[int, int, int]) -> Image.Image:
    """Draw a cloudy picture in shades of a colour; each number gives other clouds, so that no two are alike."""
    clouds = np.random.default_rng(number).normal(128, 50, (24, 24)).clip(0, 255).astype(np.uint8)
    gray = np.asarray(Image.fromarray(clouds).resize((64, 48), Image.Resampling.BICUBIC))[..., None] / 255
    return Image.fromarray((np.array(colour) * (0.3 + gray)).clip(0, 255).astype(np.uint8))


def draw_photos(folder: Path) -> None:
    """Fill `folder` with train/ and val/: of each class 8 and 4 photos, and four copies more.

    Of val's four, two look like the next class, so that there are wrong answers to list. The copies: a train photo in
    val, exactly and nearly; and a train photo twice in train, exactly and nearly.
    """
    colours = list(CLASSES.values())
    numbers = iter(range(1000))
    for place, name in enumerate(CLASSES):
        for split, count in (("train", 8), ("val", 4)):
            (folder / split / name).mkdir(parents=True)
            for i in range(count):
                other = split == "val" and i >= 2
                drawn = photo(next(numbers), colours[(place + other) % len(colours)])
                drawn.save(folder / split / name / f"{i:02d}.png")
    shutil.copy(folder / "train/Can/00.png", folder / "val/Can/copy.png")
    shutil.copy(folder / "train/Can/01.png", folder / "train/Can/copy.png")
    for source, copy in (("train/Plastic Bottle/00", "val/Plastic Bottle/near"), ("train/纸/00", "train/纸/near")):
        pixels = np.asarray(Image.open(folder / f"{source}.png"))
        Image.fromarray((pixels * 0.94).astype(np.uint8)).save(folder / f"{copy}.png")


def new_project(root: Path, data: Path) -> Project:
    """Set up the project in the new folder `root`, in Git, with nothing run yet."""
    root.mkdir(parents=True)
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, root / name, ignore=LEFT_OUT)
        else:
            shutil.copy(ROOT / name, root / name)
    with (root / "src/sortline/backbones/mobilenet_v2.py").open("a", encoding="utf-8") as network:
        network.write(f"SETTINGS = {SHORT}\n")  # as `run_here` has it
    (root / "tables" / f"{TASK}.csv").write_text("en,zh\nCan,罐\nPlastic Bottle,瓶\nPaper,纸\n", encoding="utf-8")
    corrections.create(root / "corrections" / f"{TASK}.csv")
    project = Project(root, data)
    project.write_params(PARAMS)
    project.git("init", "--quiet")
    for key, value in (("user.name", "Tester"), ("user.email", "tester@example.org"), ("commit.gpgsign", "false")):
        project.git("config", key, value)
    project.git("add", ".")
    project.git("commit", "--quiet", "--message", "The line, not run yet")
    return project


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Callable[[Path], None]], Path]:
    """A function that has a folder `name` built by the first worker that asks, while the others wait for it."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent  # the same for all workers

    def build_once(name: str, build: Callable[[Path], None]) -> Path:
        place, done, failed = (shared / f"{name}{end}" for end in ("", ".done", ".failed"))
        try:
            place.mkdir()
        except FileExistsError:
            end = time.monotonic() + LIMIT
            while not done.exists():
                assert not failed.exists(), f"{name} could not be built; see the first failure"
                assert time.monotonic() < end, f"{name} was not built in {LIMIT} s"
                time.sleep(0.2)
            return place
        try:
            build(place)
        except BaseException:
            failed.touch()
            raise
        done.touch()
        return place

    return build_once


@pytest.fixture(scope="session")
def base(once) -> Project:
    """The tiny project after one run of the whole line, committed. Shared: copy it, change nothing."""

    def build(place: Path) -> None:
        draw_photos(place / "photos" / TASK)
        shutil.copytree(place / "photos" / TASK, place / "photos" / "same")
        project = new_project(place / FOLDER, place / "photos")
        # Each stage in a process of its own, as people run it: what MindSpore makes depends on what it did before.
        assert project.repro() == set(project.stages())
        project.git("add", ".")
        project.git("commit", "--quiet", "--message", "The line, run once")

    place = once("line", build)
    return Project(place / FOLDER, place / "photos")


@pytest.fixture(scope="session")
def new() -> Callable[[Path, Path], Project]:
    """A function that sets up the project in a new folder, with nothing run."""
    return new_project


@pytest.fixture
def project(base: Project, tmp_path: Path) -> Iterator[Project]:
    """A copy of the base project of a test's own: up to date, nothing to run."""
    yield base.copy(tmp_path)
    # A hundred of these would be a gigabyte.
    shutil.rmtree(tmp_path, ignore_errors=True)
