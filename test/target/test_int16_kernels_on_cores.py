"""Random calls of int16 kernels, as emitted C on emulated cores, give the interpreter's bytes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from execution import execute
from int16_kernels import random_calls, random_values

from cmopt.interpreters.run import run_module
from cmopt.pipeline.board import Board
from cmopt.support.cores import core_of
from cmopt.support.targets import get_target

TARGETS = ("cortex-m3", "cortex-m7", "cortex-m55")
"""The instruction sets: scalar, DSP, MVE."""

CALLS = 104
"""Of all kernels together, in one program."""


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("seed", range(2))
def test_random_calls(board: Callable[[str], Board], target: str, seed: int) -> None:
    module = random_calls([seed], CALLS, get_target(core_of(target).target).isa)
    rng = np.random.default_rng(seed)
    batch = [random_values(module, rng) for _ in range(4)]
    ran = execute(board(target), f"int16-{seed}", module, batch)
    for inputs, outputs in zip(batch, ran, strict=True):
        expected = run_module(module, inputs)
        for i, (a, b) in enumerate(zip(outputs, expected, strict=True)):
            assert np.array_equal(a, b), f"call {i}"
