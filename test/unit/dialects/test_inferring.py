"""Ops whose result type is inferred."""

from __future__ import annotations

import pytest
from xdsl.dialects.builtin import IntegerAttr, TensorType, f32, i8, i64
from xdsl.ir import Attribute, Block, SSAValue
from xdsl.utils.exceptions import VerifyException

from cmopt.dialects.edge import AmaxOp, CatOp, Conv2dOp, MulOp, PermuteOp, ReshapeOp, SliceOp
from cmopt.dialects.quant import DCastOp, QCastOp, UniformQuantizedType, requantized
from cmopt.dialects.shapes import ints

Q, OTHER = UniformQuantizedType.get(i8, 0.5), UniformQuantizedType.get(i8, 0.25)
PER_AXIS = UniformQuantizedType.get(i8, [0.5, 0.25], axis=0)


def value(*shape: int, element: Attribute = f32) -> SSAValue:
    return Block(arg_types=[TensorType(element, shape)]).args[0]


def test_the_rule_gives_the_result() -> None:
    window = {"stride": ints([2, 2]), "padding": ints([1, 1, 0, 0]), "dilation": ints([1, 1])}
    conv = Conv2dOp.of(
        [value(1, 3, 8, 9, element=Q), value(5, 3, 3, 2, element=Q), []],
        {**window, "groups": IntegerAttr(1, i64)},
        OTHER,
    )
    for op, expected in (
        (SliceOp.of(value(2, 6), 1, 4, 2), TensorType(f32, [2, 2])),
        (CatOp.of([value(2, 6), value(2, 1)], 1), TensorType(f32, [2, 7])),
        (PermuteOp.of(value(2, 3, element=PER_AXIS), [1, 0]),
         TensorType(PER_AXIS.with_axis(1), [3, 2])),
        (ReshapeOp.of(value(2, 6, element=PER_AXIS), [1, 2, 3, 2]),
         TensorType(PER_AXIS.with_axis(1), [1, 2, 3, 2])),
        (MulOp.of(value(2, 1), value(3)), TensorType(f32, [2, 3])),
        (AmaxOp.of(value(2, 3, 4, element=Q), [2, 0]), TensorType(Q, [1, 3, 1])),
        (conv, TensorType(OTHER, [1, 5, 4, 4])),
    ):  # fmt: skip
        assert op.output.type == expected
        op.verify()


def test_an_op_that_cannot_be_uses_nothing() -> None:
    source = value(2, 3, element=PER_AXIS)
    with pytest.raises(VerifyException, match="splits or merges the quantized axis 0"):
        ReshapeOp.of(source, [3, 2])
    assert not source.uses


def test_the_same_op_on_other_operands() -> None:
    op = SliceOp.of(value(2, 6), 1, 4, 2)
    wide = op.with_operands([value(3, 6)], start=IntegerAttr(0, i64))
    assert (wide.output.type, wide.start.value.data) == (TensorType(f32, [3, 2]), 0)


def test_requantized() -> None:
    source = value(4, element=Q)
    assert requantized(source, source.type) == ([], source)
    ops, result = requantized(source, TensorType(OTHER, [4]))
    assert [type(op) for op in ops] == [DCastOp, QCastOp]
    assert result.type == TensorType(OTHER, [4])
