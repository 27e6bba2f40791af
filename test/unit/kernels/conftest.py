"""Fixtures of the kernel tests. Their helper modules are in this directory."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))

from cmsis_nn_capi import CmsisNN

REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def portable(tmp_path_factory: pytest.TempPathFactory) -> CmsisNN:
    """The portable kernels, compiled so that undefined behaviour ends the process."""
    compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler")
    sources = REPOSITORY / "kernels" / "cmsis_nn"
    library = tmp_path_factory.mktemp("cmsis_nn") / "libcmsis_nn.so"
    command = [compiler, "-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", "-O1", "-g"]
    command += ["-Wconversion"]
    command += ["-fsanitize=undefined", "-fsanitize-undefined-trap-on-error"]
    command += ["-shared", "-fPIC", "-I", str(sources / "include"), "-o", str(library)]
    subprocess.run([*command, *map(str, sorted(sources.glob("*.c")))], check=True)
    return CmsisNN(library)
