"""Divisions that round to integers, and their remainders, for every pair of int8."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cmopt.dialects import edge
from cmopt.lowering.legality import npu_reason

sys.path.insert(0, str(Path(__file__).parents[1]))
from rules_alone import COMPILED_FOR, Alone, int8, int16

EVERY = np.arange(-128, 128).astype(np.int8)
ZEROS = (-3, 5, 1)
WINDOW = 2.0**-12
"""Of the largest reciprocal: quotients so near to an integer may count as that integer."""
FLOAT = 1e-5
"""As near to an integer, relative to it, a quotient of float32 is on either side."""


def lowered(kind: Any, other: float, step: float) -> tuple[Any, Any, Any]:
    """The results for every pair of int8, of scale 1 and `other`, and the pairs as numbers."""
    alone = Alone(0)
    lhs = alone.input((256, 1), int8(1.0, ZEROS[0]), EVERY.reshape(256, 1))
    rhs = alone.input((1, 256), int8(other, ZEROS[1]), EVERY.reshape(1, 256))
    result = alone.op(kind, [lhs, rhs], (256, 256), int8(step, ZEROS[2]))
    x = (EVERY.astype(float) - ZEROS[0])[:, None]
    y = (EVERY.astype(float) - ZEROS[1])[None] * other
    return alone.lowered(result), *np.broadcast_arrays(x, y)


def stored(real: Any, step: float) -> Any:
    return np.clip(np.rint(real / step) + ZEROS[2], -128, 127)


def candidates(x: Any, y: Any, rounding: Any, window: float) -> list[Any]:
    """The rounded quotients of x and y that are right, and of those near to an integer a second."""
    quotient = x / y
    slack = window + np.abs(quotient) * FLOAT
    return [rounding(quotient - slack), rounding(quotient + slack)]


@pytest.mark.parametrize("step", [1 / 32, 0.2, 5.0])
@pytest.mark.parametrize("other", [1.0, 0.9, 0.01])
@pytest.mark.parametrize(("kind", "rounding"), [(edge.FloorDivideOp, np.floor),
                         (edge.TruncDivideOp, np.trunc)], ids=["floor", "trunc"])  # fmt: skip
def test_quotients(kind: Any, rounding: Any, other: float, step: float) -> None:
    actual, x, y = lowered(kind, other, step)
    limits = np.where(x > 0, 127, np.where(x < 0, -128, ZEROS[2]))
    by_zero = y == 0
    np.testing.assert_array_equal(actual[by_zero], limits[by_zero])
    largest = 128 * step + 2
    found = candidates(x[~by_zero], y[~by_zero], rounding, largest * WINDOW)
    errors = [np.abs(actual[~by_zero] - stored(real, step)) for real in found]
    assert np.minimum(*errors).max() <= 1


@pytest.mark.parametrize("kind", [edge.FloorDivideOp, edge.TruncDivideOp])
def test_large_quotients(kind: Any) -> None:
    """An integer is a small part of a step."""
    alone = Alone(0)
    lhs = alone.input((256, 1), int8(1e5, ZEROS[0]), EVERY.reshape(256, 1))
    rhs = alone.input((1, 256), int8(0.1, ZEROS[1]), EVERY.reshape(1, 256))
    alone.holds(alone.op(kind, [lhs, rhs], (256, 256), int8(2e4, ZEROS[2])), 1)


@pytest.mark.parametrize(("kind", "rounding"), [(edge.FloorDivideOp, np.floor),
                         (edge.TruncDivideOp, np.trunc)], ids=["floor", "trunc"])  # fmt: skip
def test_quotients_of_equal_scales_are_exact(kind: Any, rounding: Any) -> None:
    """Multiples too: an inexact reciprocal must not give the integer below."""
    actual, x, y = lowered(kind, 1.0, 1 / 16)
    nonzero = y != 0
    wanted = rounding(x[nonzero] / y[nonzero])
    np.testing.assert_array_equal(actual[nonzero], stored(wanted, 1 / 16))


@pytest.mark.parametrize("fineness", [4.0, 1.0, 1 / 16])
@pytest.mark.parametrize("other", [1.0, 0.9, 20.0])
@pytest.mark.parametrize(("kind", "rounding"), [(edge.RemainderOp, np.floor),
                         (edge.FmodOp, np.trunc)], ids=["remainder", "fmod"])  # fmt: skip
def test_remainders(kind: Any, rounding: Any, other: float, fineness: float) -> None:
    """fineness: a step of the result, in steps of the divisor."""
    step = other * fineness
    actual, x, y = lowered(kind, other, step)
    by_zero = y == 0
    np.testing.assert_array_equal(actual[by_zero], ZEROS[2])
    x, y, actual = x[~by_zero], y[~by_zero], actual[~by_zero]
    errors = [
        np.abs(actual - stored(x - whole * y, step))
        for whole in candidates(x, y, rounding, WINDOW / other)
    ]
    assert np.minimum(*errors).max() <= 1


def test_a_divisor_that_is_never_zero_keeps_more_bits() -> None:
    """As for `edge.div`: the reciprocal of 0 then needs no place in the table."""
    alone = Alone(0)
    values = np.delete(EVERY, 128 + ZEROS[1]).reshape(1, 255)
    lhs = alone.input((256, 1), int8(1.0, ZEROS[0]), EVERY.reshape(256, 1))
    rhs = alone.constant(values, int8(1.0, ZEROS[1]))
    alone.holds(alone.op(edge.FloorDivideOp, [lhs, rhs], (256, 255), int8(2.0, 1)), 1)


@pytest.mark.parametrize("kind", [edge.FloorDivideOp, edge.RemainderOp])
def test_int16_is_refused(kind: Any) -> None:
    alone = Alone(0)
    operands = [alone.input((4,), int16(1e-3)) for _ in range(2)]
    result = alone.op(kind, operands, (4,), int16(1e-3))
    assert npu_reason(result.owner, COMPILED_FOR[0]) == "a division that rounds takes int8"


def test_a_remainder_of_huge_quotients_is_refused() -> None:
    alone = Alone(0)
    operands = [alone.input((4,), int8(1.0)), alone.input((4,), int8(1e-4))]
    result = alone.op(edge.RemainderOp, operands, (4,), int8(1e-4))
    reason = npu_reason(result.owner, COMPILED_FOR[0])
    assert reason == "the divisor's scale is too small for the remainder of a division"
