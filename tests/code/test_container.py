"""The Dockerfile: linted, and followed without Docker: its packages, its files, its command, a request to it."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import urllib.request
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
LINES = [line.split(" ", 1) for line in DOCKERFILE.splitlines() if line and not line.startswith(("#", " "))]
LOCK = "requirements-api.lock"
PIN = re.compile(r"^([a-z0-9.-]+)==([^ ]+)(?: ; (.+?))? \\$", re.MULTILINE)
BEHIND = ("mindspore", "dvc", "sklearn", "scipy", "cv2", "matplotlib", "waitress")


def pins(name):
    return {(package, version) for package, version, _ in PIN.findall((ROOT / name).read_text(encoding="utf-8"))}


def given(instruction):
    return [rest.strip() for word, rest in LINES if word == instruction]


@pytest.mark.skipif(sys.platform != "linux", reason="hadolint is installed on Linux alone")
def test_hadolint_finds_nothing():
    done = subprocess.run(
        [Path(sys.executable).with_name("hadolint"), ROOT / "Dockerfile"], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_its_packages_are_those_of_the_project_in_the_same_versions():
    assert pins(LOCK) <= pins("requirements.lock") and len(pins(LOCK)) > 20
    assert not {name for name, _ in pins(LOCK)} & {"mindspore", "dvc", "scikit-learn", "opencv-python-headless"}
    about = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert set(about["project"]["optional-dependencies"]["api"]) <= set(about["dependency-groups"]["container"])
    assert LOCK in given("RUN")[0] and "--require-hashes" in given("RUN")[0]


def test_what_it_copies_is_let_in_and_nothing_else():
    copied = {source for line in given("COPY") for source in line.split()[:-1]}
    let_in = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert let_in[0] == "*" and {line[1:] for line in let_in if line.startswith("!")} == copied


def test_it_does_not_run_as_root():
    assert int(given("USER")[0].split(":")[0]) > 0
    assert [word for word, _ in LINES].index("USER") < [word for word, _ in LINES].index("ENTRYPOINT")


@pytest.fixture
def image(tmp_path):
    """The files where the Dockerfile puts them, with / in a folder, and of packages only those of its lock."""
    for line in given("COPY"):
        *sources, target = line.split()
        place = tmp_path / "app" / target if not target.startswith("/") else tmp_path / target[1:]
        for source in map(ROOT.joinpath, sources):
            if source.is_dir():
                shutil.copytree(source, place, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                place.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, place)
    packages = tmp_path / "packages"
    packages.mkdir()
    for name, version in pins(LOCK):
        try:
            found = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue  # of another system
        if found.version == version:  # else a version for another Python
            for top in {file.parts[0] for file in found.files or ()} - {"..", "__pycache__"}:
                if not (packages / top).exists():
                    (packages / top).symlink_to(Path(str(found.locate_file(top))))
    return tmp_path


@pytest.mark.skipif(os.name != "posix", reason="it links files")
def test_its_command_answers_with_its_packages_and_files_alone(image):
    python, *words = json.loads(given("ENTRYPOINT")[0])
    assert python == "python" and words[:2] == ["-m", "sortline.cli"]
    words[words.index("/model")] = str(image / "model")
    words[words.index("0.0.0.0")] = "127.0.0.1"
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(image / "packages"), "PYTHONDONTWRITEBYTECODE": "1"}
    # -S: without the site-packages of the interpreter that runs the tests.
    command = [sys.executable, "-S", *words, "--port", "0"]
    with subprocess.Popen(
        command, cwd=image / "app", env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as server:
        line = server.stdout.readline().decode()
        assert "http://" in line, server.stderr.read().decode()
        address = re.search(r"http://127.0.0.1:\d+", line)[0]
        photo = (ROOT / "web/src/icons/512.png").read_bytes()
        ask = urllib.request.Request(f"{address}/predict?top=1", photo, {"Content-Type": "image/png"})
        with urllib.request.urlopen(ask) as answer:
            (found,) = json.load(answer)
        server.terminate()
        server.wait(30)
    assert found["class"]["code"] in {
        one["code"] for one in json.loads((image / "model/labels.json").read_text())["classes"]
    }


@pytest.mark.skipif(os.name != "posix", reason="it links files")
def test_nothing_of_the_training_side_is_in_reach_there(image):
    code = f"import importlib.util as u; print([name for name in {BEHIND} if u.find_spec(name)])"
    env = {"PYTHONPATH": str(image / "packages")}
    done = subprocess.run([sys.executable, "-S", "-c", code], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_its_health_check_is_a_command_that_can_fail(tmp_path):
    check = re.search(r"CMD (\[.+\])", given("HEALTHCHECK")[0])[1]
    python, *words = json.loads(check)
    done = subprocess.run([sys.executable, *(word.replace(":8000", ":9") for word in words)], capture_output=True)
    assert python == "python" and done.returncode != 0
