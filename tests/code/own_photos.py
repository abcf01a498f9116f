"""A project as it is shipped, and folders of photos to make tasks of."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sortline import cli
from sortline._core.errors import UserError
from sortline.cli._shared import choosing

ROOT = Path(__file__).parents[2]
NAMES = ("taza de café", "香蕉 皮", "Шляпа")


def shipped_project(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a project folder in `folder`, with the real params.yaml and dvc.yaml; it becomes the current folder."""
    root = folder / "垃圾 分类"
    root.mkdir()
    for name in ("params.yaml", "dvc.yaml"):
        shutil.copy(ROOT / name, root / name)
    monkeypatch.chdir(root)
    monkeypatch.delenv("SORTLINE_DATA", raising=False)
    # Comparing backbones takes a while; test_choice.py does it.
    monkeypatch.setattr(choosing, "quick", lambda *_: ("mobilenet_v2", "best of some"))
    return root


def photo(number: int) -> Image.Image:
    """Draw clouds; each number gives others, so that no two photos are alike."""
    clouds = np.random.default_rng(number).normal(128, 50, (16, 16)).clip(0, 255).astype(np.uint8)
    return Image.fromarray(clouds).resize((40, 30), Image.Resampling.BICUBIC).convert("RGB")


def fill(root: Path, counts: dict[str, int], first: int = 0) -> Path:
    """Put `counts` photos into folders of `root`; no two photos are alike, nor like those of another `first`."""
    number = 10_000 * first
    for name, count in counts.items():
        (root / name).mkdir(parents=True, exist_ok=True)
        for i in range(count):
            photo(number := number + 1).save(root / name / f"{i:03d}.png")
    return root


def refused(*arguments: str) -> str:
    """Run a command that must be refused in one line, with params.yaml as it was; return the line."""
    before = Path("params.yaml").read_bytes()
    with pytest.raises(UserError) as error:
        cli.main([*map(str, arguments)])
    assert Path("params.yaml").read_bytes() == before
    assert "\n" not in str(error.value)
    return str(error.value)
