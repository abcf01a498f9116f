"""A checkout has the same bytes on every system: dvc.lock holds checksums of what Git checks out."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def git(*words: str, cwd: Path = ROOT, **options) -> str:
    return subprocess.run(["git", *words], cwd=cwd, check=True, capture_output=True, text=True, **options).stdout


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="a download without Git")
def test_git_for_windows_checks_out_the_bytes_that_were_committed(tmp_path):
    git("clone", "--quiet", "-c", "core.autocrlf=true", str(ROOT), str(tmp_path / "clone"))
    rows = [row.split(maxsplit=3) for row in git("ls-files", "-sz", cwd=tmp_path / "clone").split("\0") if row]
    assert len(rows) > 500
    names = "".join(f"{name}\n" for *_, name in rows)
    found = git("hash-object", "--no-filters", "--stdin-paths", cwd=tmp_path / "clone", input=names).split()
    assert [name for (_, blob, _, name), digest in zip(rows, found, strict=True) if blob != digest] == []
