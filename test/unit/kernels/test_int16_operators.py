"""The operators `cmopt::…` of the host's library give the interpreter's bytes."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
import torch
from int16_kernels import I8, KERNELS, Calls, random_calls, random_values
from xdsl.dialects.builtin import IntegerAttr, ModuleOp, TensorType, i32

from cmopt.codegen.emit_pte import emit_pte
from cmopt.dialects.cmopt import LayerNormOp, LstmOp
from cmopt.dialects.shapes import ints
from cmopt.interpreters.run import run_module
from cmopt.pipeline.runtime import HostProgram
from cmopt.support.diagnostics import CompileError
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


@pytest.mark.parametrize(
    ("name", "numbers", "message"),
    [
        ("forget_product", (0, 0, 1, 0), "forget_product has 4 numbers, expected 5"),
        ("output_product", (0, 0, 1, 40, 0), "output_product multiplier 1 and shift 40"),
        ("cell_sum", (1, 0, 1, 0, 1, 0, 200), "a zero point of cell_sum is 200"),
        ("input_layers", (1, 0), "input_layers has 2 numbers, expected 12"),
    ],
)
def test_an_lstm_with_wrong_numbers_is_refused(
    name: str, numbers: tuple[int, ...], message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """As on a device, where nothing verifies the IR."""
    module = random_calls([0], 1, Isa.SCALAR, "lstm")
    (op,) = (op for op in module.walk() if isinstance(op, LstmOp))
    op.properties[name] = ints(numbers)
    program = HostProgram(emit_pte(module).pte)
    inputs = random_values(module, np.random.default_rng(0))
    with pytest.raises(CompileError):
        program.run([torch.from_numpy(value) for value in inputs])
    assert message in capfd.readouterr().err


@pytest.mark.parametrize(
    ("name", "number", "message"),
    [
        ("row", 0, "row is 0, expected 1"),
        ("row", 1 << 24, "row is 16777216, expected 1"),
        ("row", 5, "has 4 entries, expected 5 or 1"),
        ("epsilon_shift", 97, "epsilon_shift is 97, expected -96"),
        ("fraction_bits", 0, "fraction_bits is 0, expected 1"),
        ("activation_min", 128, "activation_min is 128, expected -128"),
    ],
)
def test_a_norm_with_wrong_numbers_is_refused(
    name: str, number: int, message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    module, op = _norm()
    op.properties[name] = IntegerAttr(number, i32)
    _is_refused(module, message, capfd)


def test_a_norm_of_elements_that_are_no_rows_is_refused(
    capfd: pytest.CaptureFixture[str],
) -> None:
    module, op = _norm(parameters=1)
    op.properties["row"] = IntegerAttr(5, i32)
    _is_refused(module, "input has 8 elements, which do not make up rows of 5", capfd)


def _norm(parameters: int = 4) -> tuple[ModuleOp, LayerNormOp]:
    """A planned module with a norm of two rows of four."""
    calls = Calls(np.random.default_rng(0), Isa.SCALAR)
    operands = [calls.input(2, 4, element=I8)]
    operands += [calls.constant(np.ones(parameters, np.int32)) for _ in range(2)]
    numbers = {
        "row": 4, "centered": True, "input_zero_point": 0, "epsilon_multiplier": 1 << 30,
        "epsilon_shift": 0, "fraction_bits": 3, "activation_min": -128, "activation_max": 127,
    }  # fmt: skip
    op = LayerNormOp(operands, TensorType(I8, [2, 4]), numbers)
    calls.add(op)
    return calls.module(), op


def _is_refused(module: ModuleOp, message: str, capfd: pytest.CaptureFixture[str]) -> None:
    program = HostProgram(emit_pte(module).pte)
    inputs = random_values(module, np.random.default_rng(0))
    with pytest.raises(CompileError):
        program.run([torch.from_numpy(value) for value in inputs])
    assert message in capfd.readouterr().err
