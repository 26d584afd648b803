"""The project as a whole: what it pins, what it packs, and what must not stand in it."""

from __future__ import annotations

import re
import tomllib
from fnmatch import fnmatch
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.project_files import PACKAGES, ROOT, project_files

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PINNED = [line for line in (ROOT / ".ci" / "constraints.txt").read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]


@pytest.mark.parametrize(
    "word", ["pypi" + ".org", "python" + "hosted", "find" + "-links", "index" + "-url", "/ro" + "ot/", "/tm" + "p/", "/wo" + "rk/"]
)
def test_no_file_names_a_machine_or_a_registry(word: str) -> None:
    assert [str(file) for file in project_files() if word.encode() in file.read_bytes()] == []


def test_the_constraints_hold_names_and_versions_and_nothing_else() -> None:
    line = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*==[0-9][0-9A-Za-z.]*( ; python_version [<>=]+ \"3\.\d+\")?")
    assert [pin for pin in PINNED if not line.fullmatch(pin)] == []


def test_every_package_that_an_install_brings_is_pinned() -> None:
    wanted = [*PROJECT["project"]["dependencies"], *PROJECT["project"]["optional-dependencies"]["dev"]]
    pinned = {canonicalize_name(pin.partition("==")[0]) for pin in PINNED}
    found: set[str] = set()
    while wanted:
        requirement = Requirement(wanted.pop())
        name = canonicalize_name(requirement.name)
        if name in found:
            continue
        found.add(name)
        try:
            needs = requires(requirement.name) or []
        except PackageNotFoundError:
            pytest.fail(f"{name} is required and not installed")
        extras = ("", *requirement.extras)
        for need in map(Requirement, needs):
            brought = need.marker is None or any(need.marker.evaluate({"extra": extra}) for extra in extras)
            wanted += [f"{need.name}[{','.join(sorted(need.extras))}]"] if brought else []
    assert found <= pinned, f"not pinned: {sorted(found - pinned)}"


def test_every_version_that_is_pinned_is_one_the_project_takes() -> None:
    versions = {canonicalize_name(name): version for name, _, version in (pin.partition(" ;")[0].partition("==") for pin in PINNED)}
    for text in (*PROJECT["project"]["dependencies"], *PROJECT["project"]["optional-dependencies"]["dev"]):
        requirement = Requirement(text)
        assert versions[canonicalize_name(requirement.name)] in requirement.specifier


def test_the_wheel_holds_the_five_packages_and_no_tests() -> None:
    include = PROJECT["tool"]["setuptools"]["packages"]["find"]["include"]
    packages = {".".join(file.parent.relative_to(ROOT).parts) for file in project_files() if file.name == "__init__.py"}
    packed = {name for name in packages if any(fnmatch(name, pattern) for pattern in include)}
    assert {name.split(".")[0] for name in packed} == set(PACKAGES)
    with_code = {".".join(file.parent.relative_to(ROOT).parts) for file in project_files() if file.suffix == ".py" and file.parent != ROOT}
    assert {name for name in with_code if name.split(".")[0] in PACKAGES} == packed, "a folder with code and no __init__.py is not packed"


def _is_data(file: Path) -> bool:
    """Belongs to a package and is neither code nor the README's picture."""
    folder, *inner = file.relative_to(ROOT).parts
    return folder in PACKAGES and file.suffix != ".py" and inner[0] != "docs"


def test_every_data_file_of_a_package_is_packed() -> None:
    patterns = PROJECT["tool"]["setuptools"]["package-data"]["*"]
    data = [file for file in project_files() if _is_data(file)]
    assert [str(file) for file in data if not any(fnmatch(file.name, pattern) for pattern in patterns)] == []


def test_every_make_target_that_the_readme_names_is_there() -> None:
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = set(re.findall(r"make (\w+)", (ROOT / "README.md").read_text(encoding="utf-8")))
    assert {"run", "test"} <= named <= targets
