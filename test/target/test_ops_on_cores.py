"""Every `cortex_m` op on emulated cores gives the interpreter's bytes."""

from __future__ import annotations

import zlib
from collections.abc import Callable

import numpy as np
import pytest
from execution import execute
from op_programs import PROGRAMS, planned, random_inputs
from xdsl.dialects.builtin import ModuleOp

from cmopt.dialects.arrays import Array
from cmopt.interpreters.run import run_module
from cmopt.pipeline.board import Board
from cmopt.support.cores import EMULATED

TARGETS = ("cortex-m3", "cortex-m7", "cortex-m55")
"""The instruction sets: scalar, DSP, MVE."""

FLOAT_BORDER = ("quantize", "quantize-16", "dequantize", "dequantize-16", "div")
"""The ops that compute in float. They run on every core, because the FPUs differ."""


def check(board: Board, name: str, batch: list[list[Array]], module: ModuleOp) -> None:
    ran = execute(board, name, module, batch)
    for inputs, outputs in zip(batch, ran, strict=True):
        expected = run_module(module, inputs)
        assert [y.tobytes() for y in outputs] == [y.tobytes() for y in expected]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", sorted(PROGRAMS))
def test_op(board: Callable[[str], Board], target: str, name: str) -> None:
    module, random = planned(PROGRAMS[name]), np.random.default_rng(zlib.crc32(name.encode()))
    check(board(target), name, [random_inputs(module, random) for _ in range(10)], module)


@pytest.mark.parametrize("target", EMULATED)
@pytest.mark.parametrize("name", FLOAT_BORDER)
def test_float_on_every_fpu(board: Callable[[str], Board], target: str, name: str) -> None:
    module, random = planned(PROGRAMS[name]), np.random.default_rng(1)
    check(board(target), name, [random_inputs(module, random) for _ in range(20)], module)


@pytest.mark.parametrize("target", EMULATED)
@pytest.mark.parametrize("name", ["quantize", "quantize-16"])
def test_floats_that_are_hard(board: Callable[[str], Board], target: str, name: str) -> None:
    """Ties and their neighbours, both ends of the range, NaN, infinities, subnormals."""
    module = planned(PROGRAMS[name])
    shape = random_inputs(module, np.random.default_rng(0))[0].shape
    ties = (np.arange(-60, 60, dtype=np.float32) + np.float32(0.5)) * np.float32(0.05)
    far = [-1e30, 1e30, -3162, 3162, -np.inf, np.inf, np.nan, 0.0, -0.0, 1e-40, -1e-40]
    ends = (np.arange(-131, -120, dtype=np.float32) + np.float32(0.5)) * np.float32(0.05)
    above = np.nextafter(ties, np.float32(9))
    values = np.concatenate([ties, above, np.array(far, np.float32), ends, -ends])
    batch = [[np.resize(part, shape)] for part in np.array_split(values, 5)]
    assert all(part[0].dtype == np.float32 for part in batch)
    check(board(target), name, batch, module)
