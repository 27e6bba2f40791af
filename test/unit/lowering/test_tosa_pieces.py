"""Functions of int16 as sums of tables: what they add up to, how near, and on the NPU."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmopt.dialects import edge
from cmopt.lowering.tosa.pieces import (
    EVERY,
    MOST_PIECES,
    SMALL_ERROR,
    SMALL_SQUARE,
    error_of,
    pieces_of,
)

sys.path.insert(0, str(Path(__file__).parents[1]))
from rules_alone import Alone, examples, int8, int16, mixed_kinds, powers, seeds


def _gelu(x: float) -> float:
    return x * 0.5 * (1 + math.erf(x / math.sqrt(2)))


SMOOTH: dict[str, tuple[Callable[..., Any], float, float]] = {
    "sigmoid": (lambda x: 1 / (1 + np.exp(-x)), 8, 1),
    "wide sigmoid": (lambda x: 1 / (1 + np.exp(-x)), 30, 1),
    "tanh": (np.tanh, 16, 1),
    "gelu": (np.vectorize(_gelu), 16, 16),
    "exp": (np.exp, 10, math.exp(10)),
    "rsqrt": (lambda x: 1 / np.sqrt(x), 1, 8),
    "log": (np.log, 1, 10),
    "square": (np.square, 4, 16),
}
"""A function, the end of its argument's range and that of its result's."""


def _wanted(name: str) -> tuple[Any, Any]:
    function, reach, most = SMOOTH[name]
    with np.errstate(all="ignore"):
        real = function(EVERY * (reach / 32767)) / most * 32767
    defined = ~np.isnan(real)
    return np.where(defined, real, 0).clip(-32768, 32767), defined


@pytest.mark.parametrize("name", SMOOTH)
def test_smooth_functions(name: str) -> None:
    """The mean of the squares of errors is near that of rounding, and none is large."""
    wanted, defined = _wanted(name)
    pieces = pieces_of(wanted, defined)
    assert len(pieces) <= 3
    assert error_of(pieces, wanted, defined) <= SMALL_ERROR
    total = np.sum([piece(EVERY) for piece in pieces], axis=0)
    assert ((total - wanted)[defined] ** 2).mean() <= SMALL_SQUARE


def test_a_pole() -> None:
    """A jump of 16 bits at one value, and steep sides: few results are far off."""
    with np.errstate(divide="ignore"):
        wanted = (32767 / 20 / (EVERY / 32767)).clip(-32768, 32767)
    defined = np.ones(len(EVERY), bool)
    pieces = pieces_of(wanted, defined)
    assert len(pieces) == MOST_PIECES
    total = np.sum([piece(EVERY) for piece in pieces], axis=0)
    assert ((total - wanted) ** 2).mean() <= 0.5


@pytest.mark.parametrize("name", SMOOTH)
def test_entries_are_tables(name: str) -> None:
    """As TOSA requires: they fit int16, and so do their differences. Corrections are 0 outside."""
    first, *others = pieces_of(*_wanted(name))
    of_half = name in ("rsqrt", "log")
    assert (first.start, first.zoom) == ((0, 1) if of_half else (-32768, 0))
    for piece in (first, *others):
        assert len(piece.entries) == 513 and piece.middle % 2 == 0
        assert np.abs(np.diff(piece.entries)).max() < 1 << 15
        assert (piece.entries.astype(np.int16) == piece.entries).all()
    for piece in others:
        outside = (piece.start > EVERY) | (piece.start + (1 << 16 - piece.zoom) <= EVERY)
        assert not piece(EVERY)[outside].any()


def test_a_function_that_is_defined_nowhere() -> None:
    pieces = pieces_of(np.zeros(1 << 16), np.zeros(1 << 16, bool))
    assert len(pieces) == 1


FUNCTIONS = ("sigmoid", "tanh", "exp", "rsqrt", "log", "reciprocal", "sqrt", "sin", "abs", "erf")


@examples(60)
@given(name=st.sampled_from(FUNCTIONS), source=mixed_kinds, spread=powers(-1, 1), seed=seeds,
       wide=st.booleans(), rank=st.integers(1, 5))  # fmt: skip
def test_on_the_npu(
    name: str, source: Any, spread: float, seed: int, wide: bool, rank: int
) -> None:
    """The delegate gives what the pieces add up to; from int8 to int8 it is another rule."""
    from cmopt.arithmetic.interpolated_tables import function_of_one
    from cmopt.arithmetic.lookup_tables import with_nearest_defined
    from cmopt.dialects.arrays import dequantize, quantize
    from cmopt.lowering.tosa.functions import tables_of

    if source.storage.width.data == 8:
        wide = True
    alone, output = Alone(seed), int16(spread / 32767) if wide else int8(spread / 127, 3)
    shape = (*(1,) * (rank - 1), 90)
    value = alone.input(shape, source)
    result = alone.op(edge.FUNCTIONS[name], [value], shape, output)
    function = function_of_one(result.owner)  # type: ignore[arg-type]
    assert function is not None
    every = np.arange(*source.storage_range, dtype=np.int64)
    real = function(dequantize(every, source))
    assert real is not None
    defined = every[~np.isnan(real)]
    alone.values[0] = alone.random.choice(defined, shape).astype(alone.values[0].dtype)
    pieces = tables_of(function)
    argument = alone.values[0].astype(np.int64)
    if source.storage.width.data == 8:
        argument = (argument - source.zero_point) * 128
        argument = argument.clip(-32768, 32767)
    wanted = with_nearest_defined(real)[np.searchsorted(every, alone.values[0])]
    target = output if wide else int16(output.scale / 128)
    total = np.sum([piece(argument) for piece in pieces], axis=0)
    steps = int(np.abs(total - quantize(wanted, target).astype(np.int64)).max())
    alone.holds(result, steps if wide else steps // 128 + 1)
