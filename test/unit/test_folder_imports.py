"""Which folder may import from which: only from folders below it, so that there is no cycle."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]

ALLOWED = {
    "support": set[str](),
    "kernels": set[str](),
    "dialects": {"support"},
    "arithmetic": {"dialects", "support"},
    "interpreters": {"arithmetic", "dialects", "support"},
    "lowering": {"arithmetic", "dialects", "support"},
    "frontend": {"arithmetic", "dialects", "support"},
    "codegen": {"lowering", "kernels", "arithmetic", "dialects", "support"},
    "pipeline": {
        "codegen", "frontend", "lowering", "interpreters", "kernels", "arithmetic", "dialects",
        "support",
    },
    "cmopt": {"pipeline", "frontend", "support"},
}  # fmt: skip
"""For each folder the folders it may import from. All of these stand below it."""


def imported_modules(path: Path) -> Iterator[str]:
    """The modules of cmopt that a file imports: at its top, in a function or for types."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("cmopt"):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("cmopt."))


def folder_of(module: str) -> str:
    """The folder of a module; that of the package itself is `cmopt`."""
    part = module.split(".")[1]
    return part if part in ALLOWED else "cmopt"


def imports_of(folder: str) -> dict[str, str]:
    """The other folders that a folder imports from, each with an example of an import."""
    found: dict[str, str] = {}
    for path in sorted((REPOSITORY / folder).rglob("*.py")):
        for module in imported_modules(path):
            found.setdefault(folder_of(module), f"{path.relative_to(REPOSITORY)} imports {module}")
    found.pop(folder, None)
    return found


@pytest.mark.parametrize("folder", ALLOWED)
def test_a_folder_imports_only_from_those_below_it(folder: str) -> None:
    found = imports_of(folder)
    assert not [why for other, why in found.items() if other not in ALLOWED[folder]]


def test_the_allowed_imports_have_no_cycle() -> None:
    seen: set[str] = set()
    for folder, below in ALLOWED.items():
        assert below <= seen, f"{folder} would import from {below - seen}, which stand above it"
        seen.add(folder)


def test_every_folder_of_the_package_is_listed() -> None:
    packages = {path.parent.name for path in REPOSITORY.glob("*/__init__.py")}
    assert packages - {"test"} == set(ALLOWED)
