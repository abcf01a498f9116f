"""What the line made goes to an S3 server and comes back in another clone, as docs/machines.md has it.

Neither is installed with the others: pip install -e .[s3] moto flask flask-cors
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("dvc_s3")
boto3 = pytest.importorskip("boto3")
moto = pytest.importorskip("moto.server")

BUCKET = "sortline"


@pytest.fixture
def server(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    running = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    address = f"http://{host}:{port}"
    boto3.client("s3", endpoint_url=address).create_bucket(Bucket=BUCKET)
    yield address
    running.stop()


def run(folder: Path, *words: str) -> str:
    variables = os.environ | {"DVC_NO_ANALYTICS": "1", "DVC_SITE_CACHE_DIR": str(folder / ".site")}
    program = [sys.executable, "-m", "dvc"] if words[0] == "dvc" else [words[0]]
    done = subprocess.run([*program, *words[1:]], cwd=folder, env=variables, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_push_and_pull(server, tmp_path):
    first, second = tmp_path / "first", tmp_path / "垃圾 分类"
    first.mkdir()
    run(first, "git", "init", "-q")
    run(first, "dvc", "init", "-q")
    made = {"pooled.npy": os.urandom(100_000), "features.json": b"{}"}
    stage = "stages: {extract: {cmd: python make.py, outs: [data/features/garbage]}}\n"
    (first / "dvc.yaml").write_text(stage)
    (first / "make.py").write_text(
        "from pathlib import Path\nout = Path('data/features/garbage')\nout.mkdir(parents=True)\n"
        + "".join(f"(out / {name!r}).write_bytes({content!r})\n" for name, content in made.items())
    )
    run(first, "dvc", "repro", "-q")
    run(first, "dvc", "remote", "add", "--default", "store", f"s3://{BUCKET}/line")
    run(first, "dvc", "remote", "modify", "store", "endpointurl", server)
    run(first, "git", "add", "--all")
    run(first, "git", "-c", "user.name=t", "-c", "user.email=t@t", "commit", "-q", "-m", "run")
    assert "3 files pushed" in run(first, "dvc", "push")

    run(tmp_path, "git", "clone", "-q", str(first), str(second))
    run(second, "dvc", "pull")
    assert {path.name: path.read_bytes() for path in (second / "data/features/garbage").iterdir()} == made
    assert "up to date" in run(second, "dvc", "status", "--cloud") + run(second, "dvc", "push")
