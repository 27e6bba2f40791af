"""The operators `cmopt::…` of the host's library give the interpreter's bytes."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
import torch
from int16_kernels import KERNELS, random_calls, random_values

from cmopt.codegen.emit_pte import emit_pte
from cmopt.interpreters.run import run_module
from cmopt.pipeline.runtime import HostProgram
from cmopt.support.targets import Isa


@pytest.mark.parametrize("name", sorted(KERNELS))
def test_random_calls(name: str) -> None:
    for seed in range(2):
        key = [seed, zlib.crc32(name.encode())]
        module = random_calls(key, 30, Isa.SCALAR, name)
        program, rng = HostProgram(emit_pte(module).pte), np.random.default_rng(key)
        for _ in range(2):
            inputs = random_values(module, rng)
            wanted = run_module(module, inputs)
            given = program.run([torch.from_numpy(value) for value in inputs])
            for i, (a, b) in enumerate(zip(given, wanted, strict=True)):
                assert np.array_equal(a.numpy(), b), f"call {i} of seed {seed}"
