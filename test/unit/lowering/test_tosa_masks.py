"""Comparisons and choices on the NPU are exact."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmopt.dialects import edge
from cmopt.dialects.quant import UniformQuantizedType
from cmopt.dialects.shapes import broadcast_shape
from cmopt.lowering.legality import npu_reason

sys.path.insert(0, str(Path(__file__).parents[1]))
from rules_alone import COMPILED_FOR, Alone, examples, int8, int16, mixed_kinds, seeds

EVERY = np.arange(-128, 128).astype(np.int8)
COMPARISONS = {
    edge.EqualOp: np.equal,
    edge.GreaterOp: np.greater,
    edge.GreaterEqualOp: np.greater_equal,
}


@pytest.mark.parametrize("scale", [0.5, 0.25, 0.3, 1e-3])
@pytest.mark.parametrize("kind", COMPARISONS, ids=lambda kind: kind.name)
def test_every_pair_of_int8(kind: Any, scale: float) -> None:
    """By the real numbers: 3 · 0.1 equals 0.3, which need not hold in float32."""
    alone = Alone(0)
    lhs = alone.input((256, 1), int8(0.5, -3), EVERY.reshape(256, 1))
    rhs = alone.input((1, 256), int8(scale, 5), EVERY.reshape(1, 256))
    result = alone.op(kind, [lhs, rhs], (256, 256), edge.MASK)
    unit = 1e-3 / 2
    x = (EVERY.astype(int) + 3)[:, None] * round(0.5 / unit)
    y = (EVERY.astype(int) - 5)[None] * round(scale / unit)
    np.testing.assert_array_equal(alone.lowered(result), COMPARISONS[kind](x, y))


@pytest.mark.parametrize("number", [0.0, -1.00003, 0.10003, 3.20003, 1e-6, 1e4])
@pytest.mark.parametrize("source", [int8(0.05, -7), int16(2e-4)], ids=["int8", "int16"])
@pytest.mark.parametrize("kind", COMPARISONS, ids=lambda kind: kind.name)
def test_with_a_number(kind: Any, source: UniformQuantizedType, number: float) -> None:
    """Of int16, each value near the number, which lies between two of them or is 0."""
    alone = Alone(0)
    least, most = source.storage_range
    near = round(number / source.scale) + source.zero_point
    every = np.clip(np.arange(near - 128, near + 128), least, most)
    value = every.astype(np.int8 if most == 127 else np.int16)
    constant = alone.constant(np.ones((1,), np.int8) * (number != 0), int8(abs(number) or 1.0))
    if number < 0:
        constant = alone.constant(-np.ones((1,), np.int8), int8(-number))
    result = alone.op(kind, [alone.input((256,), source, value), constant], (256,), edge.MASK)
    alone.holds(result)


@examples(40)
@given(shape=st.lists(st.integers(1, 4), min_size=1, max_size=4), seed=seeds, data=st.data(),
       kinds=st.tuples(mixed_kinds, mixed_kinds))  # fmt: skip
def test_where(shape: list[int], seed: int, data: st.DataObject, kinds: Any) -> None:
    """Any operand is broadcast or a constant. One with the result's type is not changed."""
    alone = Alone(seed)
    shapes = []
    for _ in range(3):
        keep = [n if data.draw(st.integers(0, 3)) else 1 for n in shape]
        shapes.append(tuple(keep[data.draw(st.integers(0, len(keep) - 1)) :]))
    mask = alone.input(shapes[0], edge.MASK, alone.random.integers(0, 2, shapes[0]).astype(np.int8))
    operands = [mask]
    for own, kind in zip(shapes[1:], kinds, strict=True):
        if data.draw(st.booleans()):
            operands.append(alone.input(own, kind))
        else:
            operands.append(alone.constant(alone.stored(own, kind), kind))
    target = data.draw(st.sampled_from(kinds))
    result: tuple[int, ...] = ()
    for own in shapes:
        joined = broadcast_shape(result, own)
        assert joined is not None
        result = joined
    bound = int(any(kind != target for kind in kinds))
    alone.holds(alone.op(edge.WhereOp, operands, result, target), bound)


def test_other_masks_are_refused() -> None:
    alone = Alone(0)
    mask, value = alone.input((4,), int8(1.0, 1)), alone.input((4,), int8(0.5))
    result = alone.op(edge.WhereOp, [mask, value, value], (4,), int8(0.5))
    reason = npu_reason(result.owner, COMPILED_FOR[0])
    assert reason is not None and reason.startswith("takes masks of")
