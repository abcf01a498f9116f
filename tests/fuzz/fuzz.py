"""Fuzzing of the readers of strangers' files with atheris (libFuzzer), guided by the coverage of our code and of the
Python libraries below it: whatever is no line for the user stops it, and so do 10 seconds and 3 GB.

    pip install -e .[fuzz]
    python tests/fuzz/fuzz.py archives -max_total_time=3600
    python tests/fuzz/fuzz.py --list

The corpus begins with the files of tests/malformed and grows in the folder CORPUS/<format>, by default in the system's
folder for temporary files; what was found lies beside it. Give a file's name to try that alone.
"""

import contextlib
import os
import sys
import tempfile
from pathlib import Path

os.environ["TQDM_DISABLE"] = "1"
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import atheris  # noqa: E402

LARGEST = 2**16  # bytes of an input
LIMITS = ["-timeout=10", "-rss_limit_mb=3072", f"-max_len={LARGEST}", "-print_final_stats=1"]
INSTRUMENTED = ["sortline", "tarfile", "zipfile", "gzip", "ruamel", "PIL", "csv", "json", "google.protobuf"]

with atheris.instrument_imports(include=INSTRUMENTED):
    from malformed.formats import Wrong  # noqa: F401  what cannot be right stops it, too
    from malformed.table import FORMATS, inputs

    from sortline._core.errors import mended_by_user

    if sys.argv[1:] and sys.argv[1] in FORMATS:  # what a reader imports when it is called counts, too
        NAME = sys.argv[1]
        with tempfile.TemporaryDirectory() as first:
            for example in FORMATS[NAME].examples().values():
                FIRST = Path(first, FORMATS[NAME].file)
                FIRST.write_bytes(example)
                with contextlib.suppress(Exception):
                    FORMATS[NAME].read(FIRST)


def corpus(name: str) -> Path:
    """Return the folder of a format's corpus, the good files and the malformed ones in it."""
    folder = Path(os.environ.get("CORPUS", Path(tempfile.gettempdir(), "sortline-fuzz")), name.replace(" ", "-"))
    folder.mkdir(parents=True, exist_ok=True)
    examples = [*FORMATS[name].examples().values(), *(content for _, content, _ in inputs(name))]
    for number, content in enumerate(examples):
        if len(content) <= LARGEST:
            (folder / f"given-{number:03}").write_bytes(content)
    return folder


def main() -> None:
    if len(sys.argv) < 2 or sys.argv[1] not in FORMATS:
        print(*FORMATS, sep="\n")
        sys.exit(0 if sys.argv[1:] == ["--list"] else 2)
    name, *options = sys.argv[1:]
    kind, folder = FORMATS[name], corpus(name)
    scratch = tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None)
    path = Path(scratch.name, kind.file)

    def try_one(data: bytes) -> None:
        path.write_bytes(data)
        try:
            kind.read(path)
        except Exception as error:
            if mended_by_user(error) is None:
                raise

    files = [] if any(Path(one).is_file() for one in options) else [str(folder)]
    prefix = f"-artifact_prefix={folder}-found-"
    atheris.Setup([sys.argv[0], *LIMITS, prefix, *options, *files], try_one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
