"""runtime: the instruction-set cap is set where it helps, before MindSpore loads, and never against the user."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path
from unittest.mock import MagicMock

import pytest

from sortline._core import runtime

ROOT = Path(__file__).resolve().parents[2]
LOG_LEVEL = "GLOG_v"  # MindSpore's spelling
INTEL = "processor\t: 0\nmodel\t: 85\nflags\t\t: fpu sse2 avx avx2 fma{} aes\n\nprocessor\t: 1\nflags\t: fpu\n"
AVX512 = INTEL.format(" avx512f avx512dq avx512_vnni")
AVX2 = INTEL.format("")
ARM = "processor\t: 0\nFeatures\t: fp asimd aes\nCPU part\t: 0xd0c\n"


@pytest.fixture
def cpuinfo(tmp_path, monkeypatch):
    """Put a text where runtime looks for /proc/cpuinfo; None for no such file."""
    monkeypatch.delenv("ONEDNN_MAX_CPU_ISA", raising=False)

    def put(text: str | None) -> None:
        fake = tmp_path / "cpuinfo"
        if text is not None:
            fake.write_text(text, encoding="utf-8")

        def path(name: str) -> Path:
            assert name == "/proc/cpuinfo"
            return fake

        monkeypatch.setattr(runtime, "Path", path)

    return put


@pytest.mark.parametrize(
    ("text", "cap"),
    [(AVX512, "AVX2"), (AVX2, None), (ARM, None), ("", None), (AVX2.replace("avx2", "avx512vl"), None)],
    ids=["AVX-512", "AVX2", "ARM", "empty", "no foundation"],
)
def test_the_cap_is_set_where_the_cpu_has_avx512(cpuinfo, text, cap):
    cpuinfo(text)
    assert runtime.cpu_has_avx512() is (cap is not None)
    assert runtime.isa_cap() == cap
    runtime.cap_instruction_set()
    assert os.environ.get("ONEDNN_MAX_CPU_ISA") == cap


def test_the_flags_of_the_first_core_are_read(cpuinfo):
    cpuinfo(AVX2)
    assert runtime.cpu_flags() == {"fpu", "sse2", "avx", "avx2", "fma", "aes"}


@pytest.mark.parametrize(("platform", "cap"), [("win32", "AVX2"), ("darwin", None)])
def test_where_the_flags_cannot_be_read(cpuinfo, monkeypatch, platform, cap):
    cpuinfo(None)
    monkeypatch.setattr(runtime.sys, "platform", platform)
    assert runtime.cpu_flags() == set()
    assert runtime.isa_cap() == cap


@pytest.mark.parametrize("own", ["AVX512_CORE", "SSE41", "ALL"])
@pytest.mark.parametrize("text", [AVX512, AVX2, None], ids=["AVX-512", "AVX2", "unknown"])
def test_what_the_user_has_set_stays(cpuinfo, monkeypatch, own, text):
    cpuinfo(text)
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", own)
    runtime.cap_instruction_set()
    assert runtime.isa_cap() == os.environ["ONEDNN_MAX_CPU_ISA"] == own


def python(code: str, *words: str, **environment: str) -> subprocess.CompletedProcess:
    inherited = {key: value for key, value in os.environ.items() if key not in ("ONEDNN_MAX_CPU_ISA", "GLOG_v")}
    return subprocess.run(
        [sys.executable, "-c", code, *words],
        capture_output=True,
        encoding="utf-8",
        env=inherited | environment | {"PYTHONUTF8": "1"},
        cwd=ROOT,
        check=False,
    )


def test_mindspore_leaves_protobuf_as_it_is(monkeypatch):
    code = "import sortline, mindspore; from google.protobuf.internal import api_implementation as a; print(a.Type())"
    monkeypatch.delenv(runtime.PROTOBUF_VARIABLE, raising=False)
    assert python(code).stdout.split() == ["upb"]
    monkeypatch.setenv(runtime.PROTOBUF_VARIABLE, "python")
    runtime.keep_protobuf_fast()
    assert os.environ[runtime.PROTOBUF_VARIABLE] == "python"


# Runs each file of argv as if freshly started on a CPU with AVX-512, up to its first import of MindSpore; prints what
# the variable held then, or that there was no such import.
WATCH = """
import json, os, pathlib, runpy, sys

read_text = pathlib.Path.read_text
def fake(self, *args, **kwargs):
    return "flags : avx2 avx512f" if self.as_posix() == "/proc/cpuinfo" else read_text(self, *args, **kwargs)
pathlib.Path.read_text = fake

class Reached(BaseException):
    pass

class Watch:
    def find_spec(self, name, path=None, target=None):
        if name == "mindspore":
            raise Reached(os.environ.get("ONEDNN_MAX_CPU_ISA", "not set"))

sys.meta_path.insert(0, Watch())
found = {}
for what in sys.argv[1:]:
    for name in [name for name in sys.modules if name.split(".")[0] == "sortline"]:
        del sys.modules[name]
    os.environ.pop("ONEDNN_MAX_CPU_ISA", None)
    found[what] = "no import"
    try:
        if what.endswith(".py"):
            runpy.run_path(what, run_name="watched")
        else:
            __import__(what)
    except Reached as reached:
        found[what] = str(reached)
print(json.dumps(found))
"""


def imports_mindspore(path: Path) -> bool:
    """Tell whether the file names MindSpore in an import at its top level."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module] if isinstance(node, ast.ImportFrom) else []
        if any(name.split(".")[0] == "mindspore" for name in names):
            return True
    return False


def test_whatever_imports_mindspore_has_set_the_cap_before():
    library = ROOT / "src"
    modules = [path for path in sorted((library / "sortline").rglob("*.py")) if imports_mindspore(path)]
    names = [".".join(path.relative_to(library).with_suffix("").parts) for path in modules]
    stages = [path.relative_to(ROOT).as_posix() for path in sorted((ROOT / "stages").glob("*.py"))]
    assert {"sortline.backbones.loading", "sortline.features.engines", "sortline.backbones.layers"} <= set(names)
    ran = python(WATCH, *names, *stages)
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)
    assert {name: found[name] for name in names} == dict.fromkeys(names, "AVX2")
    assert {found[stage] for stage in stages} <= {"AVX2", "no import"}
    assert found["stages/extract.py"] == "AVX2"


def test_the_watch_would_see_a_module_that_loads_mindspore_first(tmp_path):
    (tmp_path / "early.py").write_text("import mindspore\nimport sortline\n", encoding="utf-8")
    early = (tmp_path / "early.py").as_posix()
    assert json.loads(python(WATCH, early).stdout) == {early: "not set"}


def test_what_need_not_load_mindspore_does_not():
    """`predict` needs the exported files and ONNX Runtime alone; `data/` never imports MindSpore."""
    names = ["sortline", "sortline.export.classifier", "sortline.cli", "sortline.cli.predict"]
    data = sorted((ROOT / "src/sortline/data").glob("*.py"))
    names += [f"sortline.data.{path.stem}" for path in data if path.stem != "__init__"]
    found = json.loads(python(WATCH, *names).stdout)
    assert found == dict.fromkeys(names, "no import")


PREPARE = """
import json
from sortline._core import runtime
runtime.prepare(7)
import mindspore
from mindspore import ops
first = ops.standard_normal((4,)).asnumpy().tolist()
again = mindspore.get_seed()
runtime.prepare(7)
second = ops.standard_normal((4,)).asnumpy().tolist()
runtime.prepare(8)
third = ops.standard_normal((4,)).asnumpy().tolist()
print(json.dumps({
    "seeds": [again, mindspore.get_seed()],
    "graph": mindspore.get_context("mode") == mindspore.GRAPH_MODE,
    "device": mindspore.get_context("device_target"),
    "draws": [first, second, third],
}))
"""


def test_prepare_may_be_called_again_and_is_quiet():
    ran = python(PREPARE)
    assert ran.returncode == 0 and ran.stderr == "", ran.stderr
    assert len(ran.stdout.splitlines()) == 1
    report = json.loads(ran.stdout)
    assert report["graph"] and report["device"] == "CPU"
    assert report["seeds"] == [7, 8]
    assert report["draws"][0] == report["draws"][1] != report["draws"][2]


@pytest.mark.parametrize(("own", "level"), [(None, "3"), ("1", "1")])
def test_the_log_level_is_errors_only_unless_the_user_has_set_one(monkeypatch, own, level):
    monkeypatch.setitem(sys.modules, "mindspore", MagicMock())
    monkeypatch.setenv(LOG_LEVEL, own or "")  # so that whatever is set here is undone
    if not own:
        monkeypatch.delenv(LOG_LEVEL)
    runtime.prepare()
    assert os.environ.get(LOG_LEVEL) == level


def test_threads_are_limited_once_and_training_twice_in_a_process_works():
    code = (
        "from sortline._core import runtime; runtime.prepare(); runtime.limit_threads(2); runtime.limit_threads(2);"
        "import mindspore; print(float((mindspore.Tensor([1.5]) + 1).asnumpy()[0]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-1] == "2.5"


def test_the_cap_can_be_lifted_for_a_while(monkeypatch):
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "AVX2")
    with pytest.raises(ZeroDivisionError), runtime.uncapped():
        assert "ONEDNN_MAX_CPU_ISA" not in os.environ
        raise ZeroDivisionError
    assert os.environ["ONEDNN_MAX_CPU_ISA"] == "AVX2"
    monkeypatch.delenv("ONEDNN_MAX_CPU_ISA")
    with runtime.uncapped():
        pass
    assert "ONEDNN_MAX_CPU_ISA" not in os.environ
