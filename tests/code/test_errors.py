"""sortline._core.errors: a user's mistake is one line and exit code 2; --debug brings the traceback back."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sortline._core.errors import UserError, run


def script(body: str, *words: str, **environment: str) -> subprocess.CompletedProcess:
    """Run `main` with this body as the stage scripts do, in a process of its own."""
    code = f"from sortline._core.errors import UserError, run\ndef main(argv):\n    {body}\nrun(main)"
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("SORTLINE_")}
    command = [sys.executable, "-c", code, *words]
    return subprocess.run(command, capture_output=True, encoding="utf-8", env=inherited | environment, check=False)


def code_of(main, monkeypatch, *words):
    monkeypatch.setattr(sys, "argv", ["stage", *words])
    with pytest.raises(SystemExit) as ended:
        run(main)
    return ended.value.code


@pytest.mark.parametrize(("returned", "code"), [(None, 0), (0, 0), (1, 1), (2, 2)])
def test_the_code_that_main_returns(monkeypatch, capsys, returned, code):
    assert code_of(lambda argv: returned, monkeypatch) == code
    assert capsys.readouterr() == ("", "")


def test_a_users_mistake_is_one_line_on_stderr_and_2():
    ended = script("raise UserError('params.yaml: lr is 0; 果皮 ✓')")
    assert ended.returncode == 2 and ended.stdout == ""
    assert ended.stderr == "error: params.yaml: lr is 0; 果皮 ✓\n"


def test_a_console_that_is_not_utf8_does_not_turn_a_message_into_a_traceback():
    ended = script("print('果皮'); raise UserError('果皮')", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert ended.returncode == 2 and ended.stderr == "error: 果皮\n" and ended.stdout == "果皮\n"


def test_a_message_of_several_lines_is_still_shown_as_one():
    ended = script("raise UserError('a.ckpt: not a checkpoint (line one\\nline two)')")
    assert ended.stderr == "error: a.ckpt: not a checkpoint (line one line two)\n"


def test_ctrl_c_is_130_without_a_traceback():
    ended = script("raise KeyboardInterrupt")
    assert ended.returncode == 130
    assert ended.stderr.count("\n") == 1 and "Traceback" not in ended.stderr


@pytest.mark.parametrize("error", ["UserError('my mistake')", "KeyboardInterrupt"])
@pytest.mark.parametrize("words", [["--debug"], ["a", "--debug", "b"]])
def test_debug_brings_the_traceback_back(error, words):
    ended = script(f"assert '--debug' not in argv; raise {error}", *words)
    assert ended.returncode != 0 and "Traceback" in ended.stderr and error.split("(")[0] in ended.stderr


def test_debug_by_the_environment():
    ended = script("raise UserError('my mistake')", SORTLINE_DEBUG="1")
    assert "Traceback" in ended.stderr and "my mistake" in ended.stderr


def test_main_gets_the_words_without_debug_in_their_order(monkeypatch):
    seen = []
    assert code_of(lambda argv: seen.extend(argv), monkeypatch, "garbage", "--debug", "--out", "models/垃圾") == 0
    assert seen == ["garbage", "--out", "models/垃圾"]


def test_our_own_bugs_keep_their_traceback(monkeypatch):
    def main(argv):
        raise KeyError("a bug")

    monkeypatch.setattr(sys, "argv", ["stage"])
    with pytest.raises(KeyError):
        run(main)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ("OSError(28, 'No space left on device')", "No space left on device; make room"),
        ("OSError(28, 'No space left on device', 'a.npy')", "a.npy: No space left on device; make room"),
        ("OSError('100 requested and 0 written')", "100 requested and 0 written (is the disk full?)"),  # NumPy's
        ("OSError('encoder error -2 when writing image file')", "encoder error"),  # Pillow's
        ("PermissionError(13, 'Permission denied', 'a')", "a: Permission denied"),
        ("MemoryError('Unable to allocate 9 GiB')", "not enough memory (Unable to allocate 9 GiB)"),
        ("MemoryError()", "not enough memory"),
        ("RuntimeError('std::bad_alloc')", "not enough memory (std::bad_alloc)"),
        ("RuntimeError('---\\nMemory isn\\'t enough and alloc failed, size: 4B.\\n---')", "(Memory isn't enough"),
        ("ImportError('libx.so: failed to map segment from shared object')", "(libx.so: failed to map segment"),
    ],
)
def test_no_room_and_no_memory_are_one_line(error, said):
    ended = script(f"raise {error}")
    assert ended.returncode == 2 and ended.stdout == ""
    assert ended.stderr.startswith("error: ") and ended.stderr.count("\n") == 1 and said in ended.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
@pytest.mark.parametrize("body", ["print('a')", "print('a' * 10**6)", "print('a'); raise UserError('mine')"])
def test_a_full_disk_behind_stdout_is_one_line(body):
    code = f"from sortline._core.errors import UserError, run\ndef main(argv):\n    {body}\nrun(main)"
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run([sys.executable, "-c", code], stdout=full, stderr=subprocess.PIPE, text=True)
    assert ended.returncode == 2 and ended.stderr.startswith("error: ") and ended.stderr.count("\n") == 1


def test_a_reader_that_has_gone_is_no_error():
    code = "from sortline._core.errors import run\ndef main(argv):\n    print('a' * 10**6)\nrun(main)"
    writer = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    writer.stdout.close()
    assert writer.stderr.read() == b"" and writer.wait() == 1


def test_an_exit_code_of_mains_own_passes_through(monkeypatch):
    def main(argv):
        sys.exit(3)

    assert code_of(main, monkeypatch) == 3


def test_the_message_is_the_text():
    assert str(UserError("what, where, what to do")) == "what, where, what to do"


def test_what_a_library_says_of_our_mistake_keeps_its_traceback():
    ended = script("raise OSError('cannot write mode RGBA as JPEG')")
    assert ended.returncode == 1 and "Traceback" in ended.stderr


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [("ImportError('libx.so: failed to map segment from shared object')", 2, "error: not enough memory (libx.so"),
     ("MemoryError()", 2, "error: not enough memory"),
     ("ImportError('no such name')", 1, "Traceback")],
)  # fmt: skip
def test_a_stage_whose_modules_find_no_memory_ends_in_a_line(error, code, said):
    words = [sys.executable, "-c", f"import sortline; raise {error}"]
    done = subprocess.run(words, env=os.environ | {"DVC_STAGE": "x"}, capture_output=True, text=True)
    assert done.returncode == code and done.stderr.startswith(said)
    assert code == 1 or len(done.stderr.splitlines()) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows has no such limit")
def test_a_stage_that_may_have_less_memory_than_mindspore_needs_to_load_is_one_line():
    stage = Path(__file__).parents[2] / "stages" / "train_head.py"
    words = ["sh", "-c", f"ulimit -v 800000; exec '{sys.executable}' '{stage}' x"]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 2
    assert (
        done.stderr == "error: 0.8 GB of memory are allowed (ulimit -v), stages need 2.2 GB to start; raise the limit\n"
    )
