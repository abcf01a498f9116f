"""Gives every malformed file to its reader, a process a format, and counts what came of them.

`python -m malformed.table FORMAT` in tests/ prints the outcomes of one format as JSON; without FORMAT it prints the
table of docs/malformed-inputs.md.
"""

import json
import signal
import subprocess
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

from malformed import by_hand, by_hand_models, by_hand_texts, formats, models, texts
from malformed.changes import changed
from malformed.formats import Format, Wrong
from sortline._core.errors import mended_by_user

SECONDS = 10  # of processor time that one file may take
FORMATS = {
    "pictures": Format(formats.read_picture, formats.pictures, more=by_hand.pictures),
    "IDX": Format(formats.read_idx, formats.idx_files, more=by_hand.idx),
    "safetensors": Format(formats.read_safetensors, formats.safetensors, more=by_hand.safetensors),
    "NumPy .npy": Format(formats.read_npy, formats.npy, more=by_hand.npy, file="input.npy"),
    "MindSpore .ckpt": Format(
        formats.read_weights, formats.checkpoints, more=by_hand.checkpoints, file="backbone.ckpt"
    ),
    "PyTorch .pth": Format(formats.read_torch, formats.torch_files, more=by_hand.torch_files, file="backbone.pth"),
    "archives": Format(formats.read_archive, formats.archives, checked=True, more=by_hand.archives),
    "labels.json": Format(
        models.read_labels, models.labels_files, text=True, more=by_hand_models.labels, file="labels.json"
    ),
    "ONNX": Format(models.read_onnx, models.onnx_files, more=by_hand_models.onnx, file="model.onnx"),
    "params.yaml": Format(
        texts.read_params, texts.params_files, text=True, more=by_hand_texts.params, file="params.yaml"
    ),
    "class tables": Format(texts.read_table, texts.tables, text=True, more=by_hand_texts.tables, file="input.csv"),
    "corrections": Format(texts.read_decisions, texts.decisions, text=True, more=by_hand_texts.decisions),
    "photos.json": Format(texts.read_list_of_photos, texts.lists_of_photos, text=True, more=by_hand_texts.lists),
    "training logs": Format(texts.read_log, texts.logs, text=True, more=by_hand_texts.logs),
}
# A refusal; read as the good file; read as what it says now, which no checksum denies; then what must never be.
OUTCOMES = ("refused", "same", "as it says", "wrong", "traceback", "hang", "crash")


class Hang(Exception):
    pass


def inputs(name: str) -> Iterator[tuple[str, bytes, bytes | None]]:
    """Yield (what it is, content, the good content that it was made of)."""
    for example, content in FORMATS[name].examples().items():
        for what, malformed in changed(content, f"{name} {example}"):
            if malformed != content:
                yield f"{example}: {what}", malformed, content
    for what, malformed in FORMATS[name].more():
        yield what, malformed, None


def outcome(name: str, what: str, content: bytes, good: object) -> str:
    """Give one file to the reader; return what came of it, and of what must not be the reason too."""

    kind = FORMATS[name]
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch, kind.file)
        path.write_bytes(content)
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        try:
            found = kind.read(path)
        except Wrong as error:
            return f"wrong: {error}"
        except Hang:
            return "hang"
        except Exception as error:
            line = mended_by_user(error)
            if line is None:
                return "traceback: " + " | ".join(traceback.format_exc().splitlines()[-4:])
            return "refused" if 0 < len(line) < 1200 and "\n" not in line else f"wrong: a line of {len(line)} letters"
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
    if found == good:
        return "same"
    may = good is None or kind.text or not (kind.checked or ": cut at" in what)
    return "as it says" if may else "wrong: another content, without a word"


def outcomes(name: str) -> dict[str, str]:
    def ring(number: int, frame: FrameType | None) -> None:
        raise Hang

    signal.signal(signal.SIGPROF, ring)
    known: dict[bytes, object] = {}
    found = {}
    with tempfile.TemporaryDirectory() as scratch:
        for what, content, good in inputs(name):
            if good is not None and good not in known:
                path = Path(scratch, FORMATS[name].file)
                path.write_bytes(good)
                known[good] = FORMATS[name].read(path)
            print(what, file=sys.stderr, flush=True)  # the last one of a process that crashed
            found[what] = outcome(name, what, content, known[good] if good is not None else None)
    return found


def run(name: str) -> dict[str, str]:
    """The outcomes of a format, from a process of its own, which may crash."""
    command = [sys.executable, "-m", "malformed.table", name]
    done = subprocess.run(command, cwd=Path(__file__).parents[1], capture_output=True, text=True, errors="replace")
    if done.returncode:
        return {(done.stderr.strip().splitlines() or ["the start"])[-1]: f"crash: exit code {done.returncode}"}
    return json.loads(done.stdout.splitlines()[-1])


def row(name: str, found: dict[str, str]) -> str:
    count = Counter(one.split(":")[0] for one in found.values())
    return f"| {name} | {len(found)} | " + " | ".join(str(count[one]) for one in OUTCOMES) + " |"


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(outcomes(sys.argv[1])))
    else:
        print(*(row(name, run(name)) for name in FORMATS), sep="\n")
