"""What a file imports, and which of our own files a script needs, however deep, found by reading the source (AST)."""

import ast
from pathlib import Path

SOURCE = Path("src")


def library_files(script: Path, root: Path) -> set[str]:
    """Return the posix paths, relative to `root`, of every sortline module that `script` imports, however deep.

    Imports inside functions count, those for type checking too; a package's `__init__` counts with each module in it.
    What sortline's own `__init__` looks up on demand is for programs, no stage asks for it.
    """
    found: set[Path] = set()
    waiting = [root / script]
    while waiting:
        file = waiting.pop()
        for name in imported(file) if file != root / SOURCE / "sortline" / "__init__.py" else ():
            for path in _files_of(name, root / SOURCE):
                if path not in found:
                    found.add(path)
                    waiting.append(path)
    return {path.relative_to(root).as_posix() for path in found}


def imported(path: Path) -> set[str]:
    """Return what a file names in its imports, those inside functions too: a module, or MODULE.NAME."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import; write it out"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def _files_of(name: str, source: Path) -> list[Path]:
    parts = name.split(".")
    files = []
    for end in range(1, len(parts) + 1):
        base = source.joinpath(*parts[:end])
        files += [path for path in (base / "__init__.py", base.with_suffix(".py")) if path.is_file()]
    return files
