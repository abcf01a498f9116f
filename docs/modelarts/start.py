"""Boot file of a ModelArts training job: the line on the photos at --data_url, its results to --train_url.

Either is a folder, or obs://bucket/folder, which is copied by MoXing, as it is installed there. The job's code is this
repository, its image has sortline's packages.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ("models", "metrics", "plots", "dvc.lock")
OBS = "obs://"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data_url", required=True, help="the local data folder, as SORTLINE_DATA names it")
    parser.add_argument("--train_url", required=True, help="where the results go")
    parser.add_argument("--task", default="garbage")
    parser.add_argument("--device", default="auto")
    # ModelArts adds options of its own, --init_method and the like.
    options, _ = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as scratch:
        data = fetched(options.data_url, Path(scratch) / "data")
        command = [sys.executable, "-m", "sortline.cli", "run", "--task", options.task, "--device", options.device]
        done = subprocess.run(command, cwd=ROOT, env=os.environ | {"SORTLINE_DATA": str(data)})
    if done.returncode == 0:
        for name in RESULTS:
            if (ROOT / name).exists():
                put(ROOT / name, f"{options.train_url.rstrip('/')}/{name}")
    return done.returncode


def fetched(url: str, folder: Path) -> Path:
    """Return the folder with what is at `url`."""
    if not url.startswith(OBS):
        return Path(url).resolve()
    import moxing

    moxing.file.copy_parallel(url, str(folder))
    return folder


def put(path: Path, url: str) -> None:
    """Copy a file or a folder to `url`."""
    if url.startswith(OBS):
        import moxing

        copy = moxing.file.copy_parallel if path.is_dir() else moxing.file.copy
        copy(str(path), url)
    elif path.is_dir():
        shutil.copytree(path, url, dirs_exist_ok=True)
    else:
        Path(url).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, url)


if __name__ == "__main__":
    sys.exit(main())
