"""Finding and loading the kernel library."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cmopt import kernels


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        timeout=120,
    )


REPORT = """
from cmopt import kernels
try:
    kernels.load()
except kernels.KernelLibraryError as error:
    print(f"refused: {error}")
"""


def test_importing_the_package_is_cheap() -> None:
    done = run(
        "import sys, cmopt.kernels; "
        "print([name for name in ('torch', 'executorch', 'numpy') if name in sys.modules])"
    )
    assert done.stdout == "[]\n", done.stderr


def test_loading_twice_registers_once() -> None:
    done = run(
        REPORT
        + "kernels.load()\n"
        + "from executorch.runtime import Runtime\n"
        + "names = Runtime.get().operator_registry.operator_names\n"
        + "print(sum(name.startswith('cortex_m::') for name in names))"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "18\n"


def test_operators_of_another_library_are_refused(tmp_path: Path) -> None:
    """A second registration would end the process, so `load` must not try it."""
    other = tmp_path / "libother.so"
    shutil.copy(kernels.library_path(), other)
    # The copy is in another folder, so its dependencies are loaded first.
    done = run(
        "import ctypes\n"
        "from executorch.runtime import Runtime\n"
        "from executorch.extension.pybindings import portable_lib\n"
        f"ctypes.CDLL({str(other)!r})\n" + REPORT + "print('alive')"
    )
    assert done.returncode == 0, done.stderr
    refused, alive = done.stdout.splitlines()
    assert refused.startswith("refused: another library in this process has registered 18")
    assert alive == "alive"


def test_a_library_that_does_not_load_is_refused(tmp_path: Path) -> None:
    broken = tmp_path / "broken.so"
    broken.write_bytes(b"not a library")
    done = run(REPORT, **{kernels.LIBRARY_VARIABLE: str(broken)})
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"refused: {broken} does not load: ")
    assert done.stdout.count("\n") == 1


def test_the_variable_names_the_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = tmp_path / "libkernels.so"
    library.touch()
    monkeypatch.setenv(kernels.LIBRARY_VARIABLE, str(library))
    assert kernels.library_path() == library
    library.unlink()
    with pytest.raises(kernels.KernelLibraryError, match="is not the path of a file"):
        kernels.library_path()


def test_a_missing_library_tells_how_to_build_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(kernels.LIBRARY_VARIABLE, raising=False)
    monkeypatch.setattr(kernels, "_LIBRARY_NAME", "libabsent.so")
    with pytest.raises(kernels.KernelLibraryError, match="pip install"):
        kernels.library_path()
