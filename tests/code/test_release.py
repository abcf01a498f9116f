"""`sortline release`: what it puts into release/, what it refuses, and what uses it; and what is released here."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from command_line import sortline
from dvc.repo import Repo

from sortline import cli
from sortline._core.errors import UserError
from sortline._core.files import read_yaml, sha256_file, write_json
from sortline.cli import release
from sortline.cli._shared import dvc, tasks
from sortline.config.tasks import listed
from sortline.export import sums

ROOT = Path(__file__).parents[2]
LOCK = """schema: '2.0'
stages:
  export@shop:
    cmd: python stages/export.py shop
    outs:
    - path: models/shop/export
      md5: 0123.dir
      size: 3
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project in Git whose task `shop` was exported, as far as `release` looks; DVC has nothing to do there."""
    monkeypatch.chdir(tmp_path)
    made = Path("models/shop/export")
    made.mkdir(parents=True)
    for name in (*release.FILES, "model.onnx", "model.mindir"):
        (made / name).write_text(name)
    write_json(Path("metrics/shop/export.json"), {"dataset": "abc"})
    Path("params.yaml").write_text("tasks: [garbage, shop]\nshop: {}\ngarbage: {}\n")
    Path("dvc.lock").write_text(LOCK)
    Path(".gitignore").write_text("models/\n")
    commit()
    monkeypatch.setattr(dvc, "is_up_to_date", lambda target: True)


def commit():
    for words in (["init", "-q"], ["add", "."], ["-c", "user.name=x", "-c", "user.email=x@y.z", "commit", "-qm", "x"]):
        subprocess.run(["git", *words], check=True)


def test_the_8_bit_model_with_its_labels_card_and_origin(project, capsys):
    assert cli.main(["release", "shop"]) == 0
    written = {path.name for path in Path("release/shop").iterdir()}
    assert written == {*release.FILES, "release.json", sums.NAME}
    about = json.loads(Path("release/shop/release.json").read_text())
    head = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
    assert about.pop("commit") == head and re.fullmatch("[0-9a-f]{64}", about.pop("params"))
    assert about == {"task": "shop", "dataset": "abc", "export_md5": "0123.dir"}
    lines = (Path("release/shop") / sums.NAME).read_text()
    assert f"{sha256_file(Path('models/shop/export/model_int8.onnx'))}  model_int8.onnx\n" in lines
    assert "commit it" in capsys.readouterr().out


def test_what_the_line_made_comes_before_what_was_released(project):
    cli.main(["release", "shop"])
    assert tasks.model_folder(None, "shop") == Path("models/shop/export")
    shutil.rmtree("models")
    assert tasks.model_folder(None, "shop") == tasks.model_folder(None, None) == Path("release/shop")


@pytest.mark.parametrize("changed", ["params.yaml", "dvc.lock", "metrics/shop/export.json"])
def test_another_run_than_the_committed_one_is_refused(project, changed):
    with Path(changed).open("a") as file:
        file.write("\n# edited\n")
    with pytest.raises(UserError, match=f"not as in the last commit: {changed}"):
        cli.main(["release", "shop"])
    assert not Path("release").exists()


def test_a_damaged_model_is_refused(project):
    sums.write(Path("models/shop/export"))
    Path("models/shop/export/model_int8.onnx").write_text("other")
    with pytest.raises(UserError, match="model_int8.onnx: not the file"):
        cli.main(["release", "shop"])
    assert not Path("release").exists()


def test_a_model_of_other_code_or_none_or_a_large_one_is_refused(project, monkeypatch):
    monkeypatch.setattr(dvc, "is_up_to_date", lambda target: False)
    with pytest.raises(UserError, match="dvc repro export@shop"):
        cli.main(["release", "shop"])
    monkeypatch.setattr(release, "MAX_MB", 0)
    with pytest.raises(UserError, match="over 0 MB"):
        cli.main(["release", "shop"])
    shutil.rmtree("models")
    with pytest.raises(UserError, match="no model at models/shop/export"):
        cli.main(["release", "shop"])
    assert not Path("release").exists()


@pytest.fixture
def identity(monkeypatch):
    for key, one in {"NAME": "Ana", "EMAIL": "ana@example.org"}.items():
        monkeypatch.setenv(f"GIT_AUTHOR_{key}", one)
        monkeypatch.setenv(f"GIT_COMMITTER_{key}", one)


def test_a_tag_is_what_dvcs_registry_finds(project, identity, capsys):
    Path("dvc.yaml").write_text("artifacts:\n  shop: {path: models/shop/export, type: model}\n")
    Repo.init(".").close()
    with pytest.raises(UserError, match="not committed"):
        cli.main(["release", "shop", "--tag", "v1.0.0"])
    assert cli.main(["release", "shop"]) == 0
    with pytest.raises(UserError, match="not committed"):
        cli.main(["release", "shop", "--tag", "v1.0.0"])
    commit()
    assert cli.main(["release", "shop", "--tag", "v1.0.0"]) == 0
    assert "git push origin shop@v1.0.0" in capsys.readouterr().out
    with Repo(".") as repo:
        head = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
        assert repo.artifacts.get_rev("shop", version="v1.0.0") == head
        assert Path(repo.artifacts.get_path("shop")) == Path("models/shop/export")
    for version in ("v1.0.0", "1.0", "x"):  # there already; no versions
        with pytest.raises(UserError, match=f"no tag shop@{version}"):
            cli.main(["release", "shop", "--tag", version])


def test_a_task_that_is_no_artifact_is_not_tagged(project, identity):
    Path("dvc.yaml").write_text("stages: {}\n")
    cli.main(["release", "shop"])
    commit()
    with pytest.raises(UserError, match="add below artifacts: shop: {path: models/shop/export"):
        cli.main(["release", "shop", "--tag", "v1.0.0"])
    assert subprocess.run(["git", "tag"], capture_output=True, check=True).stdout == b""


def test_every_listed_task_is_an_artifact_with_input_labels_and_licence():
    with Repo(ROOT) as repo:
        found = repo.artifacts.read()["dvc.yaml"]
    assert set(found) == set(listed(read_yaml(ROOT / "params.yaml")))
    for task, one in found.items():
        assert (one.path, one.type) == (f"models/{task}/export", "model") and one.desc
        assert set(one.meta) == {"input", "labels", "license"} and "onnx" in one.labels


def released():
    return [path.parent for path in sorted(ROOT.glob("release/*/release.json"))]


def test_there_is_a_release():
    assert "garbage" in [folder.name for folder in released()]


@pytest.mark.parametrize("folder", released(), ids=lambda folder: folder.name)
def test_what_is_released_is_what_the_committed_lock_says(folder):
    about, stages = json.loads((folder / "release.json").read_text()), read_yaml(ROOT / "dvc.lock")["stages"]
    outs = {out["path"]: out["md5"] for out in stages[f"export@{folder.name}"]["outs"]}
    assert about["export_md5"] == outs[f"models/{folder.name}/export"], "release it again: sortline release"
    listed = [line.split("  ") for line in (folder / sums.NAME).read_text().splitlines()]
    assert {name: digest for digest, name in listed} == {
        path.name: sha256_file(path) for path in folder.iterdir() if path.name != sums.NAME}  # fmt: skip


@pytest.mark.parametrize("folder", released(), ids=lambda folder: folder.name)
def test_a_photo_is_classified_by_what_is_released(folder, tmp_path):
    photo = ROOT / "web/src/icons/512.png"
    code, out, err = sortline("predict", str(photo), "--model", str(folder), "--json")
    (found,) = json.loads(out)
    assert code == 0, err
    known = {one["code"] for one in json.loads((folder / "labels.json").read_text())["classes"]}
    assert len(found["top"]) == 5 and {guess["class"]["code"] for guess in found["top"]} <= known
