"""docs/machines.md: the boot file of a ModelArts job brings photos to the line and its results away."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

START = Path(__file__).parents[2] / "docs" / "modelarts" / "start.py"
LINE = """
import os, sys
from pathlib import Path
photos = sorted(path.name for path in Path(os.environ["SORTLINE_DATA"]).iterdir())
if not photos:
    sys.exit(2)
Path("models/head").mkdir(parents=True)
Path("models/head/net").write_text(" ".join([*sys.argv[1:], *photos]))
Path("dvc.lock").write_text("done")
"""
# As MoXing's, of which obs://bucket is a folder here.
MOXING = """
import os, shutil
from types import SimpleNamespace
def there(url):
    return url.replace("obs://bucket", os.environ["BUCKET"])
def copy(source, target):
    os.makedirs(os.path.dirname(there(target)), exist_ok=True)
    shutil.copy(there(source), there(target))
file = SimpleNamespace(copy=copy, copy_parallel=lambda source, target: shutil.copytree(there(source), there(target)))
"""


@pytest.fixture
def job(tmp_path):
    code = tmp_path / "code"
    (code / "docs/modelarts").mkdir(parents=True)
    shutil.copy(START, code / "docs/modelarts")
    packages = tmp_path / "packages"
    (packages / "sortline").mkdir(parents=True)
    (packages / "sortline/__init__.py").touch()
    (packages / "sortline/cli.py").write_text(LINE)
    (packages / "moxing.py").write_text(MOXING)
    (tmp_path / "bucket/photos").mkdir(parents=True)
    (tmp_path / "bucket/photos/a.jpg").write_bytes(b"a")

    def start(data: str, results: str) -> int:
        variables = os.environ | {"PYTHONPATH": str(packages), "BUCKET": str(tmp_path / "bucket")}
        words = ["--data_url", data, "--train_url", results, "--init_method", "tcp://10.0.0.1"]
        return subprocess.run([sys.executable, "docs/modelarts/start.py", *words], cwd=code, env=variables).returncode

    return start


@pytest.mark.parametrize("where", ["obs://bucket", "folder"])
def test_a_job(job, tmp_path, where):
    root = where if where.startswith("obs") else str(tmp_path / "bucket")
    assert job(f"{root}/photos", f"{root}/run/") == 0
    made = (tmp_path / "bucket/run/models/head/net").read_text()
    assert made == "run --task garbage --device auto a.jpg"
    assert (tmp_path / "bucket/run/dvc.lock").read_text() == "done"


def test_of_a_run_that_failed_nothing_is_copied(job, tmp_path):
    (tmp_path / "bucket/none").mkdir()
    assert job("obs://bucket/none", "obs://bucket/run") == 2
    assert not (tmp_path / "bucket/run").exists()
