"""The kernels of every instruction set give the bytes of the portable kernels on the host."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zlib
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "kernels"))
sys.path.insert(0, str(Path(__file__).parent / "kernel_cases"))

from cmsis_nn_capi import CmsisNN
from kernel_cases import KERNELS, Case, encode

from cmopt.codegen.c.project import KERNELS as KERNEL_SOURCES
from cmopt.pipeline.board import Board
from cmopt.support.cores import EMULATED, core_of
from cmopt.support.targets import get_target

SOURCES = KERNEL_SOURCES / "cmsis_nn"

COUNT = 300
"""Calls of each kernel."""

BUILDS = [(core, "-O2") for core in EMULATED] + [
    (core, "-O3") for core in ("cortex-m3", "cortex-m7", "cortex-m55")
]


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> CmsisNN:
    """The portable kernels, as a library of this machine."""
    library = tmp_path_factory.mktemp("host") / "libcmsis_nn.so"
    compiler = shutil.which("cc") or "gcc"
    command = [compiler, "-std=c99", "-O2", "-DCMOPT_PORTABLE", "-shared", "-fPIC"]
    command += ["-fsanitize=undefined", "-fsanitize-undefined-trap-on-error"]
    command += ["-I", str(SOURCES / "include"), "-o", str(library)]
    subprocess.run([*command, *map(str, sorted(SOURCES.glob("*.c")))], check=True)
    return CmsisNN(library)


@cache
def calls(host: CmsisNN, count: int, seed: int) -> list[tuple[str, Case, NDArray[Any]]]:
    """The same calls for every core, with their results."""
    made = []
    for name, draw in KERNELS.items():
        rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
        made += [(name, case, case.expected(host)) for case in (draw(rng) for _ in range(count))]
    return made


def run(board: Board, cases: list[tuple[str, Case, NDArray[Any]]]) -> None:
    """Run the calls on a board, and compare every result."""
    board.folder.mkdir(exist_ok=True)
    program = board.compile(Path(__file__).parent / "kernel_cases" / "kernel_cases.c")
    end = board.core.machine.ram.origin + board.core.machine.ram.bytes
    image = board.link(
        "kernel_cases", [program, *board.objects()], f"-Wl,--defsym=ram_end={end:#x}"
    )
    outputs, _ = board.run(image, encode(cases, get_target(board.core.target).isa), timeout=600)
    at = 0
    for index, (name, case, expected) in enumerate(cases):
        got = np.frombuffer(outputs[at : at + expected.nbytes], expected.dtype)
        at += expected.nbytes
        wrong = np.flatnonzero(got != expected.reshape(-1))
        assert not wrong.size, f"case {index}: {name} {list(case.ints)} differs at {wrong[:20]}"
    assert at == len(outputs)


@pytest.mark.parametrize(("target", "optimization"), BUILDS)
def test_kernels(host: CmsisNN, tmp_path: Path, target: str, optimization: str) -> None:
    board = Board(core_of(target), tmp_path, KERNEL_SOURCES, options=(optimization, "-Werror"))
    run(board, calls(host, COUNT, seed=0))
