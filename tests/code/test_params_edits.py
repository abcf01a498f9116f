"""`sortline new` and `sortline remove` edit params.yaml: everything else stays as it was, byte for byte."""

import difflib
from pathlib import Path

import pytest
from own_photos import NAMES, fill, refused, shipped_project
from ruamel.yaml import YAML

from sortline import cli
from sortline._core.files import read_yaml
from sortline.config.tasks import listed


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project folder with the real params.yaml and dvc.yaml; the current folder. `tmp_path` lies around it."""
    return shipped_project(tmp_path, monkeypatch)


def added_and_removed(before: bytes) -> tuple[list[str], list[str]]:
    old, new = before.decode().split("\n"), Path("params.yaml").read_bytes().decode().split("\n")
    diff = [line.rstrip("\r") for line in difflib.ndiff(old, new) if line[0] in "+-"]
    return [line[2:] for line in diff if line[0] == "+"], [line[2:] for line in diff if line[0] == "-"]


def test_new_adds_lines_alone_and_remove_gives_the_same_bytes_back(project, tmp_path, capsys):
    before = Path("params.yaml").read_bytes()
    folder = fill(tmp_path / "Mis fotos 照片", dict.fromkeys(NAMES, 12))
    assert cli.main(["new", "mis-fotos_2", str(folder)]) == 0
    added, removed = added_and_removed(before)
    assert removed == [] and added.count("  mis-fotos_2:") == 1, "each task is named once"
    content = YAML(typ="safe").load(before.decode())
    now = read_yaml(project / "params.yaml")
    assert now.pop("mis-fotos_2")
    for name in ("tasks", "head_tasks"):
        assert now.pop(name) == content.pop(name) | {"mis-fotos_2": None}
    assert now == content

    said = capsys.readouterr().out
    for part in ("36 photos in 3 classes, 12 each", "no val/", "dvc repro export@mis-fotos_2", "--task mis-fotos_2"):
        assert part in said
    assert cli.main(["remove", "mis-fotos_2"]) == 0
    assert Path("params.yaml").read_bytes() == before


STYLES = {
    "one line": "tasks: [garbage, sample]        # what runs\n",
    "one line, spaces": "tasks: [ garbage , 'sample', ]\n",
    "several lines": "tasks: [\n  garbage,   # one\n  sample\n]\n",
    "as DVC rewrites it": "tasks:                            # what runs\n- garbage  # one\n- sample   # two\n\n",
    "indented": "tasks:\n    - garbage\n\n    - sample\n",
    "mapping": "tasks:\n  garbage:   # one\n\n  sample: # two\n\n",
    "mapping on one line": "tasks: {garbage: , sample: }  # what runs\n",
    "merged": "head_tasks: &heads   # these\n    garbage:\n    sample:\n\ntasks: {<<: [*heads]}\n",
    "merged, one line": "head_tasks: &heads {garbage, sample}\ntasks: {<<: *heads}\n",
    "merged, as DVC rewrites it": "head_tasks: &h\n  garbage:\n  sample:\n"
    "tasks: {<<: [*h], sample: null,\n    garbage: null}   # all\n",
}
REST = """
# Ours.
garbage:
  weights: {backbone: mobilenet_v2, release: tensorflow, path: "w.safetensors"}   # a comment
  train_head:   {lr:   4e-05, text: 'a: b', long: """ + "x " * 90 + """}
sample: {}

# the end
"""  # fmt: skip


# Each end and each newline once; what they do together is slow.
ENDS = [("\n", "\n"), ("\r\n", ""), ("\n", "\n\n\n")]
ENDS += [pytest.param(*one, marks=pytest.mark.slow) for one in (("\n", ""), ("\r\n", "\n"), ("\r\n", "\n\n\n"))]


@pytest.mark.parametrize(("newline", "end"), ENDS)
@pytest.mark.parametrize("style", STYLES)
def test_every_way_to_write_the_file_comes_back_byte_for_byte(project, tmp_path, style, newline, end):
    before = ("\ufeff# Top\n" + STYLES[style] + REST).rstrip("\n") + end
    before = before.replace("\n", newline).encode()
    Path("params.yaml").write_bytes(before)
    folder = fill(tmp_path / "p", {"a": 3, "b": 3})
    cli.main(["new", "one", str(folder)])
    cli.main(["new", "two", str(folder)])
    assert listed(read_yaml(Path("params.yaml"))) == ["garbage", "sample", "one", "two"]
    assert Path("params.yaml").read_bytes().count(b"\n") == Path("params.yaml").read_bytes().count(newline.encode())
    added, removed = added_and_removed(before)
    assert len({line for line in removed if line} - set(added)) <= 1
    cli.main(["remove", "one"])
    assert "one" not in read_yaml(Path("params.yaml")) and "two" in read_yaml(Path("params.yaml"))
    cli.main(["remove", "two"])
    assert Path("params.yaml").read_bytes() == before


def test_a_list_without_a_task_takes_one_and_lets_it_go(project, tmp_path):
    before = b"tasks: [sample]\nhead_tasks: []   # none yet\nnet_tasks: [sample]\n" + REST.encode()
    Path("params.yaml").write_bytes(before)
    folder = fill(tmp_path / "p", {"a": 3, "b": 3})
    cli.main(["new", "one", str(folder)])
    assert read_yaml(Path("params.yaml"))["head_tasks"] == ["one"]
    cli.main(["remove", "one"])
    assert Path("params.yaml").read_bytes() == before
    Path("params.yaml").write_bytes(before.replace(b"[]", b""))
    assert "by hand" in refused("new", "one", folder)


def test_a_section_written_by_hand_is_removed_with_its_comment_and_nothing_else(project):
    text = "tasks:\n- mine # first\n- sample\n# keep\n\n# mine\n# too\nmine: {\n  fetch: {},\n}\n\n# next\nsample: {}\n"
    Path("params.yaml").write_text(text, encoding="utf-8")
    cli.main(["remove", "mine"])
    left = "tasks:\n- sample\n# keep\n\n# next\nsample: {}\n"
    assert Path("params.yaml").read_text(encoding="utf-8") == left


def test_what_cannot_be_edited_without_loss_is_left_to_the_user(project):
    anchor = "tasks: [mine, sample]\nmine: {fetch: &f {a: 1}}\nsample: {fetch: *f}\n"
    comment = "tasks: [sample, # why\n  mine]\nsample: {}\nmine: {}\n"
    for text in (anchor, comment):
        Path("params.yaml").write_text(text, encoding="utf-8")
        assert "by hand" in refused("remove", "mine")
    Path("params.yaml").write_text("tasks: [mine]\nmine: {}\n", encoding="utf-8")
    assert "only one" in refused("remove", "mine")


def test_a_killed_write_leaves_params_as_they_were(project, tmp_path, monkeypatch):
    folder = fill(tmp_path / "p", {"a": 3, "b": 3})
    before = Path("params.yaml").read_bytes()

    def full(self, data, **_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", full)
        with pytest.raises(OSError):
            cli.main(["new", "mine", str(folder)])
    assert Path("params.yaml").read_bytes() == before
    assert not list(project.glob(".tmp-*"))
