"""`tosa` ops that move data, and RESIZE, compared with the reference model."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from xdsl.dialects.builtin import IntegerAttr, IntegerType

from cmopt.dialects import tosa
from cmopt.dialects.shapes import permuted

sys.path.insert(0, str(Path(__file__).parents[1]))
from tosa_programs import I8, I16, I32, I48, Program, arrays, shapes

SCALARS = pytest.mark.parametrize("element", [I8, I16, I32], ids=str)


def start(data: st.DataObject, element: IntegerType) -> tuple[Program, Any, tuple[int, ...]]:
    """A program with one input of a random shape."""
    shape = data.draw(shapes(most=4))
    program = Program()
    return program, program.input(data.draw(arrays(shape, element)), element), shape


@SCALARS
@given(data=st.data())
def test_reshape(element: IntegerType, data: st.DataObject) -> None:
    program, value, shape = start(data, element)
    result = tuple(data.draw(st.permutations(shape)))
    if data.draw(st.booleans()):
        result = (*result[:-2], result[-1] * (result[-2] if len(result) > 1 else 1))
    operands = [value, program.sizes(*result)]
    assert program.agrees(program.op(tosa.ReshapeOp, operands, element, result))


@SCALARS
@given(data=st.data())
def test_transpose(element: IntegerType, data: st.DataObject) -> None:
    program, value, shape = start(data, element)
    perms = data.draw(st.permutations(range(len(shape))))
    result = program.op(
        tosa.TransposeOp, [value], element, permuted(shape, perms), perms=tosa.ints32(perms)
    )
    assert program.agrees(result)


@SCALARS
@given(data=st.data())
def test_pad(element: IntegerType, data: st.DataObject) -> None:
    program, value, shape = start(data, element)
    padding = [data.draw(st.integers(0, 2)) for _ in range(2 * len(shape))]
    fill = program.const(data.draw(arrays((1,), element)), element)
    result = [a + n + b for a, n, b in zip(padding[::2], shape, padding[1::2], strict=True)]
    operands = [value, program.sizes(*padding), fill]
    assert program.agrees(program.op(tosa.PadOp, operands, element, result))


@SCALARS
@given(data=st.data())
def test_slice(element: IntegerType, data: st.DataObject) -> None:
    program, value, shape = start(data, element)
    first = [data.draw(st.integers(0, n - 1)) for n in shape]
    size = [data.draw(st.integers(1, n - s)) for s, n in zip(first, shape, strict=True)]
    operands = [value, program.sizes(*first), program.sizes(*size)]
    assert program.agrees(program.op(tosa.SliceOp, operands, element, size))


@SCALARS
@given(data=st.data())
def test_tile(element: IntegerType, data: st.DataObject) -> None:
    program, value, shape = start(data, element)
    multiples = [data.draw(st.integers(1, 3)) for _ in shape]
    result = [n * m for n, m in zip(shape, multiples, strict=True)]
    operands = [value, program.sizes(*multiples)]
    assert program.agrees(program.op(tosa.TileOp, operands, element, result))


@SCALARS
@given(data=st.data())
def test_reverse(element: IntegerType, data: st.DataObject) -> None:
    program, value, shape = start(data, element)
    axis = IntegerAttr(data.draw(st.integers(0, len(shape) - 1)), I32)
    assert program.agrees(program.op(tosa.ReverseOp, [value], element, shape, axis=axis))


@SCALARS
@given(data=st.data())
def test_concat(element: IntegerType, data: st.DataObject) -> None:
    program, value, shape = start(data, element)
    axis = data.draw(st.integers(0, len(shape) - 1))
    parts = [value]
    total = shape[axis]
    for _ in range(data.draw(st.integers(0, 2))):
        size = data.draw(st.integers(1, 3))
        total += size
        other = (*shape[:axis], size, *shape[axis + 1 :])
        parts.append(program.input(data.draw(arrays(other, element)), element))
    if data.draw(st.booleans()):
        parts.append(parts[0])
        total += shape[axis]
    result = (*shape[:axis], total, *shape[axis + 1 :])
    assert program.agrees(
        program.op(tosa.ConcatOp, parts, element, result, axis=IntegerAttr(axis, I32))
    )


@pytest.mark.parametrize("mode", tosa.ResizeMode)
@pytest.mark.parametrize("element", [I8, I16], ids=str)
@given(data=st.data())
def test_resize(element: IntegerType, mode: tosa.ResizeMode, data: st.DataObject) -> None:
    if element == I16 and mode == tosa.ResizeMode.BILINEAR:
        return  # a delegate cannot return its int48
    scale, offset, border, count, size = [], [], [], [], []
    for _ in range(2):
        n, d = data.draw(st.sampled_from([(2, 1), (4, 2), (6, 2), (3, 2), (2, 3), (1, 1), (4, 3)]))
        low = data.draw(st.integers(-n, 3))
        rows = data.draw(st.integers(1, 5))
        high = data.draw(st.integers(-2, n - 1))
        high -= ((rows - 1) * n - low + high) % d
        span = (rows - 1) * n - low + high
        if span < 0 or high < -16 * n:
            low, high, span = 0, -((rows - 1) * n % d), (rows - 1) * n - (rows - 1) * n % d
        scale += [n, d]
        offset.append(low)
        border.append(high)
        size.append(rows)
        count.append(span // d + 1)
    batch, channels = data.draw(st.tuples(st.integers(1, 2), st.integers(1, 3)))
    program = Program()
    value = program.input(data.draw(arrays((batch, *size, channels), element)), element)
    operands = [value, *(program.sizes(*sizes) for sizes in (scale, offset, border))]
    wide = {I8: I32, I16: I48}[element] if mode == tosa.ResizeMode.BILINEAR else element
    result = program.op(
        tosa.ResizeOp, operands, wide, (batch, *count, channels), mode=tosa.ResizeModeAttr(mode)
    )
    assert program.agrees(result)
