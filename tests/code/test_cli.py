"""The `sortline` command: its help, wrong usage, and audit."""

import json
import re
import subprocess
import sys

import pytest
from command_line import sortline
from PIL import Image

from sortline import cli
from sortline._core.errors import UserError


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["predict"], "PHOTO|FOLDER"),
        (["predict", "x.jpg", "--top", "0"], "whole number"),
        (["predict", "x.jpg", "--json", "--csv"], "not allowed with"),
        (["predict", "x.jpg", "--task", "a", "--model", "b"], "not allowed with"),
        (["sort"], "invalid choice: 'sort'"),
    ],
)
def test_wrong_usage_is_one_line(arguments, message):
    with pytest.raises(UserError, match=message.replace("|", "[|]")) as error:
        cli.main(arguments)
    assert "--help" in str(error.value)
    assert "\n" not in str(error.value)


def test_help_loads_nothing_heavy():
    code = "import sys; from sortline.cli import main\ntry: main(['predict', '--help'])\nfinally: print(*sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, encoding="utf-8").stdout
    assert "examples:" in out
    heavy = {"numpy", "scipy", "PIL", "matplotlib", "onnxruntime", "mindspore", "rich", "pydantic", "ruamel", "dvc"}
    assert "sortline.cli.new" in out.split() and not heavy & set(out.split())


def test_every_command_of_the_help_exists():
    code, out, _ = sortline("--help")
    assert code == 0
    assert {"predict", "audit", "doctor", "run", "summary", "new", "curves"} <= set(cli.verbs())
    for command in cli.verbs():
        assert re.search(rf"\n    {command}\s", out)
        with pytest.raises(SystemExit) as ended:
            cli.main([command, "--help"])
        assert ended.value.code == 0


def test_audit_exit_codes_and_pure_json(project, capsys):
    for name, value in {"a": 40, "b": 200}.items():
        (project / "set" / name).mkdir(parents=True)
        Image.new("RGB", (32, 32), (value, 0, 0)).save(project / "set" / name / "1.png")
    assert cli.main(["audit", "set"]) == 0
    assert "2 usable photos of 2 files" in capsys.readouterr().out
    (project / "set/a/empty.jpg").write_bytes(b"")
    assert cli.main(["audit", "set"]) == 1
    assert "a/empty.jpg" in capsys.readouterr().out
    code, out, _ = sortline("audit", "set", "--json")
    assert code == 1
    assert [problem["path"] for problem in json.loads(out)["problems"]] == ["a/empty.jpg"]
    code, out, err = sortline("audit", "set/a/empty.jpg")
    assert (code, out, len(err.splitlines())) == (2, "", 1)
