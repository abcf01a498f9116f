"""Speed and memory, side by side with peers in one run: python -m bench [NAME ...]; writes bench/results.json.

Each module beside this one has `run(repeats) -> dict`; it alternates the contestants, and says medians and ratios.
"""

import argparse
import importlib
import importlib.metadata
import json
import os
import platform
import sys
from pathlib import Path

from sortline._core.cores import cores
from sortline._core.errors import UserError, run
from sortline._core.files import write_json

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"
BY_NAME = {"cluster_memory", "growth"}  # too long to be one of all
VERSIONS = ("mindspore", "onnxruntime", "numpy", "scikit-learn", "pillow", "torch")


def names() -> list[str]:
    return sorted(path.stem for path in HERE.glob("*.py") if not path.stem.startswith("_"))


def machine() -> dict[str, object]:
    """Describe the processor as Linux does; elsewhere as far as Python knows it."""
    info = Path("/proc/cpuinfo")
    fields = dict(line.split(":", 1) for line in info.read_text().splitlines() if ":" in line) if info.exists() else {}
    fields = {key.strip(): value.strip() for key, value in fields.items()}
    flags = fields.get("flags", "").split()
    return {
        "processor": fields.get("model name", platform.processor()),
        "cores": cores(),
        "flags": [flag for flag in flags if flag.startswith(("avx", "amx", "fma", "sse4"))],
        "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
    }


def versions() -> dict[str, str]:
    found = {}
    for name in VERSIONS:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"of: {', '.join(names())}; default: all but those of many minutes")
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args(argv)
    unknown = set(args.names) - set(names())
    if unknown:
        raise UserError(f"no such benchmark: {', '.join(sorted(unknown))}; there are: {', '.join(names())}")
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    for name in args.names or sorted(set(names()) - BY_NAME):
        print(f"--- {name}", flush=True)
        load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
        found = importlib.import_module(f"bench.{name}").run(args.repeats)
        results[name] = found | {
            "machine": machine(), "versions": versions(), "load_before": load and round(load, 2),
        }  # fmt: skip
        write_json(RESULTS, dict(sorted(results.items())))
        print(json.dumps(found, indent=2), flush=True)


if __name__ == "__main__":
    sys.path.insert(0, str(HERE / "peers"))
    run(main)
