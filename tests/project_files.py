"""The project's own files, for tests that hold the whole tree to a rule."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGES = ("console", "engine", "storage", "themes", "widgets")
_TOP = (*PACKAGES, "tests", ".ci", "Makefile", "README.md", "LICENSE", "pyproject.toml", "tradeconsole.py", ".gitignore")


def project_files() -> Iterator[Path]:
    """Every file that belongs to the project, generated ones left out."""
    for name in _TOP:
        top = ROOT / name
        for file in sorted(top.rglob("*")) if top.is_dir() else [top]:
            if file.is_file() and "__pycache__" not in file.parts:
                yield file


@cache
def modules() -> dict[str, Path]:
    """Every module that is installed, by its dotted name."""
    files = [ROOT / "tradeconsole.py", *(file for package in PACKAGES for file in (ROOT / package).rglob("*.py"))]
    return {".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): file for file in files}
