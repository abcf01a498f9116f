"""What a user can get wrong ends the line with one sentence: what, where, what to do. Nothing else is harmed."""

import shutil
import sys

import numpy as np
import pytest
from safetensors.numpy import save_file

from sortline._core.errors import UserError

# One that no stage is needed to see, one that the features tell, one of the last stage.
BY_DVC = [
    ("prepare.split.fold", 3, "unknown key 'tiny.prepare.split.fold'; allowed here: val_fraction, folds, seed"),
    ("train_head.views", 5, "train_head.views is 5, but the features hold 2"),
    ("export.max_difference", 0, "'tiny.export.max_difference' is 0: input should be greater than 0"),
]
HERE = [
    ("fetch.sources", [], "'tiny.fetch.sources' is []: list should have at least 1 item"),
    ("weights.width", "0.35", "is '0.35': input should be a valid number"),
    ("prepare.table", "waste", "class table 'waste': no such table; there is: garbage, toy"),
    ("prepare.table", "garbage", "folder 'Can': no such class in the table 'garbage'; did you mean 'Cans'"),
    ("extract.image_size", 16, "'tiny.extract.image_size' is 16: should be at least 32"),
    ("train_head.epochs", 1.5, "'tiny.train_head.epochs' is 1.5: input should be a valid integer"),
    ("evaluate.ece_bins", 1, "'tiny.evaluate.ece_bins' is 1: input should be greater than or equal to 2"),
]


@pytest.mark.parametrize(("key", "value", "text"), BY_DVC, ids=[f"{key}={value}" for key, value, _ in BY_DVC])
def test_a_wrong_parameter_is_named_and_its_correction_brings_everything_back(project, key, value, text):
    whole, lock = project.content(), (project.root / "dvc.lock").read_bytes()
    params = project.params()
    project.set(key, value)
    stage = key.split(".")[0]
    assert text in failure(project, stage)

    # DVC clears a stage's outs before it runs it. Those of the others stay, and the lock still knows them all.
    others = {path: content for path, content in whole.items() if not path.startswith(tuple(project.outs(stage)))}
    assert project.content() == others
    assert (project.root / "dvc.lock").read_bytes() == lock
    project.write_params(params)
    assert project.repro() == set()
    assert project.content() == whole
    assert (project.root / "dvc.lock").read_bytes() == lock


@pytest.mark.parametrize(("key", "value", "text"), HERE, ids=[f"{key}={value}" for key, value, _ in HERE])
def test_a_wrong_parameter_is_named_and_what_the_stage_has_made_stays(project, key, value, text):
    whole = project.content()
    project.set(key, value)
    assert text in failure_here(project, key.split(".")[0])
    assert project.content() == whole


def test_without_any_source_the_line_ends_by_naming_the_command_to_use(new, tmp_path):
    project = new(tmp_path / "project", tmp_path)
    params = project.params()
    params["tiny"]["fetch"]["sources"] = [
        {"kind": "folder", "path": "tiny"},
        {"kind": "archive", "url": "http://127.0.0.1:9/photos.zip"},
    ]
    project.write_params(params)
    project.variables["SORTLINE_DATA"] = None
    done = project.dvc("repro", ok=False)  # plain: all tasks
    line = the_line(done)
    assert line.startswith(
        "error: no photos for 'tiny': folder tiny: SORTLINE_DATA is not set; archive http://127.0.0.1:9"
    )
    assert "set SORTLINE_DATA to the folder that holds tiny" in line
    assert "dvc repro export@sample" in line
    assert not (project.root / "data" / "raw" / "tiny").exists()

    project.variables["SORTLINE_DATA"] = str(tmp_path / "elsewhere")
    assert f"folder tiny: {tmp_path / 'elsewhere' / 'tiny'} does not exist" in failure(project, "fetch")


def test_a_class_without_photos_is_named(project):
    for photo in (project.data / "tiny" / "train" / "Can").iterdir():
        photo.unlink()
    project.run_here("fetch")
    text = failure_here(project, "prepare")
    assert "no usable photo in train of class 'Can'; add photos, or remove the class" in text


def test_a_damaged_photo_is_left_out_and_named_or_refused(project, capfd):
    photo = project.data / "tiny" / "train" / "Can" / "02.png"
    photo.write_bytes(photo.read_bytes()[:1000])
    fetch_again(project)
    project.run_here("prepare")
    output = "".join(capfd.readouterr())
    assert "left out: train/Can/02.png: truncated or damaged" in output
    assert "1 unreadable" in output

    project.set("prepare.unreadable", "fail")
    assert "train/Can/02.png: truncated or damaged" in failure_here(project, "prepare")


def test_copies_can_be_refused(project):
    project.set("prepare.duplicates.exact_cross", "fail")
    line = failure_here(project, "prepare")
    assert "1 exact copies of held-out photos in train (first: train/Can/00.png)" in line
    assert "set it to drop or report" in line


WEIGHTS = [
    ("absent", {"path": "absent.safetensors"}, "weights", "absent.safetensors does not exist"),
    ("empty", {"path": "empty.safetensors"}, "weights", "the file is empty"),
    ("other", {"path": "noise.ckpt", "sha256": "0" * 64}, "weights", "wrong checksum: sha256 is"),
    ("safetensors", {"path": "noise.safetensors"}, "extract", "backbone.safetensors: not a safetensors file"),
    ("ckpt", {"path": "noise.ckpt", "release": "mindcv"}, "extract", "backbone.ckpt: not a MindSpore checkpoint"),
    (
        "network",
        {"path": "another.safetensors"},
        "extract",
        "backbone weights: not MobileNetV2",
    ),
]


@pytest.mark.parametrize(("source", "stage", "said"), [case[1:] for case in WEIGHTS], ids=[case[0] for case in WEIGHTS])
def test_weights_that_are_missing_or_damaged_are_named(project, source, stage, said):
    (project.data / "empty.safetensors").touch()
    for name in ("noise.safetensors", "noise.ckpt"):
        (project.data / name).write_bytes(bytes(range(256)) * 64)
    save_file({"stem.weight": np.zeros((8, 3, 3, 3), np.float32)}, project.data / "another.safetensors")
    params = project.params()
    params["tiny"]["weights"] = {"backbone": "mobilenet_v2", "release": "tensorflow"} | source
    project.write_params(params)
    if stage == "extract":
        project.run_here("weights")
    assert said in failure_here(project, stage)


def fetch_again(project) -> None:
    """As the design says after the folder changed: `dvc repro -s -f fetch@<task>`."""
    assert project.repro("fetch", "--single-item", "--force") == {"fetch"}


def failure_here(project, stage: str) -> str:
    """Run a stage's script in this process, which must fail with one line; return it."""
    with pytest.raises(UserError) as caught:
        project.run_here(stage)
    text = str(caught.value)
    assert text and "\n" not in text
    return text


def failure(project, stage: str) -> str:
    """Run the line up to `stage`, which must fail; return what it says."""
    done = project.dvc("repro", f"{stage}@tiny", ok=False)
    assert f"failed to reproduce '{stage}@tiny'" in done.stdout, done.stdout
    return the_line(done)


def the_line(done) -> str:
    """Return the one line that tells what is wrong."""
    assert done.returncode != 0
    assert "Traceback" not in done.stdout, done.stdout
    lines = [line for line in done.stdout.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1, done.stdout
    # And no line of another kind: DVC's own say which stage and which command.
    start = next(i for i, line in enumerate(done.stdout.splitlines()) if line == lines[0])
    after = [line for line in done.stdout.splitlines()[start + 1 :] if line.strip()]
    assert all(line.startswith("ERROR: failed to reproduce") for line in after), done.stdout
    return lines[0]


@pytest.mark.slow
def test_a_download_without_git_runs(project):
    shutil.rmtree(project.root / ".git")
    assert "is not a git repository" in project.dvc("repro", ok=False).stdout
    said = project.run(sys.executable, "-m", "sortline.cli", "run", "--task", "tiny").stdout
    assert "mended: this folder is not in Git" in said
    assert project.repro() == set()
