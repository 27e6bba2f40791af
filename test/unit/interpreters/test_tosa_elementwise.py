"""Elementwise `tosa` ops, RESCALE and reductions, compared with the reference model."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from xdsl.dialects.builtin import BoolAttr, IntegerAttr, IntegerType

from cmopt.dialects import tosa
from cmopt.interpreters.run import run_module

sys.path.insert(0, str(Path(__file__).parents[1]))
from tosa_programs import (
    I1,
    I8,
    I16,
    I32,
    LIMITS,
    Program,
    arrays,
    numbers,
    shapes,
    zero_points,
)  # fmt: skip

SCALARS = [I8, I16, I32]


def flag(value: bool) -> BoolAttr:
    """`true` or `false`."""
    return BoolAttr.from_bool(value)


def broadcasting(data: st.DataObject) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """Two shapes of one rank that broadcast, and the result's."""
    result = data.draw(shapes())
    ones = st.lists(st.booleans(), min_size=len(result), max_size=len(result))
    a = tuple(1 if one else n for one, n in zip(data.draw(ones), result, strict=True))
    b = tuple(1 if one and n == m else n
              for one, n, m in zip(data.draw(ones), result, a, strict=True))  # fmt: skip
    return a, b, tuple(np.broadcast_shapes(a, b))


def binary(data: st.DataObject, kind: Any, element: IntegerType, limits: tuple[int, int] | None,
           **properties: Any) -> bool:  # fmt: skip
    """Check one binary op on two inputs. The second is within `limits`."""
    a, b, result = broadcasting(data)
    program = Program()
    lhs = program.input(data.draw(arrays(a, element)), element)
    rhs = program.input(data.draw(arrays(b, element, *(limits or (None, None)))), element)
    return program.agrees(program.op(kind, [lhs, rhs], element, result, **properties))


@pytest.mark.parametrize("kind", [tosa.AddOp, tosa.SubOp, tosa.MaximumOp, tosa.MinimumOp])
@given(data=st.data())
def test_binary(kind: Any, data: st.DataObject) -> None:
    small = data.draw(st.sampled_from([None, (-5, 5)]))
    binary(data, kind, I32, small)


@pytest.mark.parametrize("element", SCALARS, ids=str)
@given(data=st.data())
def test_left_shift(element: IntegerType, data: st.DataObject) -> None:
    binary(data, tosa.LogicalLeftShiftOp, element, (-1, 32))


@pytest.mark.parametrize("element", SCALARS, ids=str)
@given(data=st.data())
def test_right_shift(element: IntegerType, data: st.DataObject) -> None:
    round = flag(data.draw(st.booleans()))
    binary(data, tosa.ArithmeticRightShiftOp, element, (-1, element.width.data), round=round)


@pytest.mark.parametrize("element", SCALARS, ids=str)
@given(data=st.data())
def test_mul(element: IntegerType, data: st.DataObject) -> None:
    a, b, result = broadcasting(data)
    shift = data.draw(numbers(0, 63)) if element == I32 else 0
    least, most = LIMITS[element]
    limits = data.draw(st.sampled_from([(least + (shift == 63), most), (-100, 100)]))
    program = Program()
    lhs = program.input(data.draw(arrays(a, element)), element)
    rhs = program.input(data.draw(arrays(b, element, *limits)), element)
    operands = [lhs, rhs, program.const(shift, I8)]
    program.agrees(program.op(tosa.MulOp, operands, I32, result))


def test_mul_beyond_int64_is_refused() -> None:
    """The only product that overflows int64 when rounding adds half of 2^63 to it."""
    program = Program()
    value = program.input(np.array([-(1 << 31)]), I32)
    program.finish(program.op(tosa.MulOp, [value, value, program.const(63, I8)], I32, (1,)))
    with pytest.raises(ValueError, match=r"tosa.mul: product 4611686018427387904 is outside"):
        run_module(program.module, program.values)


@pytest.mark.parametrize("element", [I8, I16], ids=str)
@given(data=st.data())
def test_clamp(element: IntegerType, data: st.DataObject) -> None:
    shape = data.draw(shapes())
    low, high = sorted(data.draw(st.tuples(*[numbers(*LIMITS[element])] * 2)))
    bounds = {"min_val": IntegerAttr(low, element), "max_val": IntegerAttr(high, element)}
    program = Program()
    value = program.input(data.draw(arrays(shape, element)), element)
    assert program.agrees(program.op(tosa.ClampOp, [value], element, shape, **bounds))


@pytest.mark.parametrize("source", SCALARS, ids=str)
@pytest.mark.parametrize("target", SCALARS, ids=str)
@given(data=st.data())
def test_cast(source: IntegerType, target: IntegerType, data: st.DataObject) -> None:
    if source == target:
        return
    shape = data.draw(shapes())
    program = Program()
    value = program.input(data.draw(arrays(shape, source)), source)
    assert program.agrees(program.op(tosa.CastOp, [value], target, shape))


@pytest.mark.parametrize("element", SCALARS, ids=str)
@given(data=st.data())
def test_cast_to_and_from_bool(element: IntegerType, data: st.DataObject) -> None:
    shape = data.draw(shapes())
    program = Program()
    value = program.input(data.draw(arrays(shape, element)), element)
    truth = program.op(tosa.CastOp, [value], I1, shape)
    assert program.agrees(program.op(tosa.CastOp, [truth], element, shape))


@given(data=st.data())
def test_clz(data: st.DataObject) -> None:
    shape = data.draw(shapes())
    program = Program()
    powers = np.array([(1 << n) - d for n in range(31) for d in (0, 1)], np.int32)
    value = program.input(np.concatenate([data.draw(arrays(shape, I32)).ravel(), powers]), I32)
    assert program.agrees(program.op(tosa.ClzOp, [value], I32, value.type.get_shape()))  # type: ignore[attr-defined]


@given(data=st.data())
def test_table_of_int8(data: st.DataObject) -> None:
    program = Program()
    value = program.input(np.arange(-128, 128, dtype=np.int8), I8)
    table = program.const(data.draw(arrays((256,), I8)), I8)
    assert program.agrees(program.op(tosa.TableOp, [value, table], I8, (256,)))


@given(data=st.data())
def test_table_of_int16(data: st.DataObject) -> None:
    shape = data.draw(shapes())
    limits = data.draw(st.sampled_from([LIMITS[I16], (-16000, 16000)]))
    program = Program()
    value = program.input(data.draw(arrays(shape, I16)), I16)
    table = program.const(data.draw(arrays((513,), I16, *limits)), I16)
    program.agrees(program.op(tosa.TableOp, [value, table], I32, shape))


@pytest.mark.parametrize("target", SCALARS, ids=str)
@pytest.mark.parametrize("source", SCALARS, ids=str)
@pytest.mark.parametrize("per_channel", [False, True])
@given(data=st.data())
def test_rescale(
    source: IntegerType, target: IntegerType, per_channel: bool, data: st.DataObject
) -> None:
    shape = data.draw(shapes())
    count = shape[-1] if per_channel else 1
    scale32 = data.draw(st.booleans())
    double = scale32 and data.draw(st.booleans())
    program = Program()
    value = program.input(data.draw(arrays(shape, source)), source)
    # Sensible factors keep the result in int32. Other factors mostly do not.
    sensible = data.draw(st.booleans())
    multiplier = (I32, 1 << 30, (1 << 31) - 1) if scale32 else (I16, 1 << 14, (1 << 15) - 1)
    element, least, most = multiplier
    shifts = (element.width.data - 1, 62) if sensible else (1, 63)
    operands = [
        value,
        program.const(
            data.draw(arrays((count,), element, least if sensible else 0, most)), element
        ),
        program.const(data.draw(arrays((count,), I8, *shifts)), I8),
        program.const(data.draw(zero_points(source)), source),
        program.const(data.draw(zero_points(target)), target),
    ]
    valid = program.agrees(
        rescale(program, operands, target, shape, scale32, per_channel, double=double)
    )
    assert valid or not sensible or source == I32


def rescale(
    program: Program, operands: Any, target: IntegerType, shape: Any, scale32: bool = True,
    per_channel: bool = False, *, double: bool = False,
    unsigned: tuple[bool, bool] = (False, False),
) -> Any:  # fmt: skip
    """The op, with all its properties."""
    mode = tosa.RoundingMode.DOUBLE_ROUND if double else tosa.RoundingMode.SINGLE_ROUND
    return program.op(
        tosa.RescaleOp,
        operands,
        target,
        shape,
        scale32=flag(scale32),
        per_channel=flag(per_channel),
        rounding_mode=tosa.RoundingModeAttr(mode),
        input_unsigned=flag(unsigned[0]),
        output_unsigned=flag(unsigned[1]),
    )


@pytest.mark.parametrize("unsigned", [(True, False), (False, True)])
@pytest.mark.parametrize("target", [I8, I16], ids=str)
@pytest.mark.parametrize("source", [I8, I16], ids=str)
@given(data=st.data())
def test_rescale_of_unsigned(
    source: IntegerType, target: IntegerType, unsigned: tuple[bool, bool], data: st.DataObject
) -> None:
    shape = data.draw(shapes())
    program = Program()
    value = program.input(data.draw(arrays(shape, source)), source)
    operands = [value, program.const(1 << 30, I32), program.const(data.draw(numbers(30, 45)), I8)]
    for element, flagged in zip((source, target), unsigned, strict=True):
        middle = st.sampled_from([0, -32768])
        some = middle if element == I16 and flagged else zero_points(element)
        operands.append(program.const(data.draw(some), element))
    assert program.agrees(rescale(program, operands, target, shape, unsigned=unsigned))


@pytest.mark.parametrize("double", [False, True])
@pytest.mark.parametrize("multiplier", [0, 1, 3, 1 << 30, (1 << 31) - 1])
def test_rescale_at_both_ends(multiplier: int, double: bool) -> None:
    """Every shift with zero points at both ends, for all numbers that the shift allows."""
    for shift in range(2, 63):
        for zero_in, zero_out in ((-128, 127), (127, -128)):
            low = max(-128, zero_in - (1 << shift - 1))
            high = min(127, zero_in + (1 << shift - 1) - 1)
            if shift < 32 and multiplier * 255 >> shift >= 1 << 31:
                high = low = zero_in
            values = np.arange(low, high + 1)
            program = Program()
            operands = [
                program.input(values, I8),
                program.const(multiplier, I32),
                program.const(shift, I8),
                program.const(zero_in, I8),
                program.const(zero_out, I8),
            ]
            assert program.agrees(rescale(program, operands, I8, values.shape, double=double))


@pytest.mark.parametrize("kind", [tosa.ReduceSumOp, tosa.ReduceMaxOp, tosa.ReduceMinOp])
@pytest.mark.parametrize("element", SCALARS, ids=str)
@given(data=st.data())
def test_reduce(kind: Any, element: IntegerType, data: st.DataObject) -> None:
    if kind is tosa.ReduceSumOp and element != I32:
        return
    shape = data.draw(shapes())
    axis = data.draw(st.integers(0, len(shape) - 1))
    limits = data.draw(st.sampled_from([LIMITS[element], (-100, 100)]))
    program = Program()
    value = program.input(data.draw(arrays(shape, element, *limits)), element)
    result = (*shape[:axis], 1, *shape[axis + 1 :])
    program.agrees(program.op(kind, [value], element, result, axis=IntegerAttr(axis, I32)))
