"""Comparisons and choices on masks of 0 and 1, exact in 32 bits."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import IntegerType, i8, i32
from xdsl.ir import SSAValue

from cmopt.arithmetic.lookup_tables import EVERY_INT8
from cmopt.dialects import tosa
from cmopt.dialects.constants import float_constant_of
from cmopt.dialects.edge import MASK, ComparisonOp, EqualOp, GreaterOp, WhereOp
from cmopt.dialects.quant import is_int8, qtype_of
from cmopt.dialects.shapes import shape_of
from cmopt.lowering.rules import Unsupported
from cmopt.lowering.tosa.activations import reach, require_activations
from cmopt.lowering.tosa.builder import RegionBuilder, i16

SUM_BITS = 28
"""Bits of the operands of a comparison."""


def comparison(op: ComparisonOp, b: RegionBuilder) -> SSAValue:
    """The difference, saturated to int8, and a table of its sign; exact.

    The sign is that of the real numbers. Operands of two scales are rescaled to a step of which the
    larger scale is 2^k, with k such that both have SUM_BITS bits: at least 20 of int8, and 12 of
    int16. So numbers of two scales that differ by less than such a step may count as equal.
    """
    require_activations(op.lhs, op.rhs)
    if qtype_of(op.output) != MASK:
        raise Unsupported(f"gives masks of {MASK}")
    kinds = qtype_of(op.lhs), qtype_of(op.rhs)
    common = max(kind.scale for kind in kinds)
    if kinds[0].scale != kinds[1].scale:
        largest = max(_largest(value) for value in (op.lhs, op.rhs)) / common
        common *= 2.0 ** -math.floor(SUM_BITS - math.log2(max(largest, 1.0)))
    rank = len(shape_of(op.output))
    operands = [
        b.rescale(
            b.with_rank(b.value(value), rank), kind.scale / common, to=i32, input_zp=kind.zero_point
        )
        for value, kind in zip((op.lhs, op.rhs), kinds, strict=True)
    ]  # fmt: skip
    difference = b.rescale(b.arithmetic(tosa.SubOp, *operands), 1.0, to=i8)
    return b.table(difference, _truth(op))


def _largest(value: SSAValue) -> float:
    """The largest magnitude of the numbers that a value may hold."""
    if (numbers := float_constant_of(value)) is not None:
        return float(np.abs(numbers).max())
    return reach(value) * qtype_of(value).scale


def _truth(op: ComparisonOp) -> NDArray[np.int8]:
    """The result for each difference from -128 on."""
    if isinstance(op, EqualOp):
        return np.equal(EVERY_INT8, 0).astype(np.int8)
    least = 1 if isinstance(op, GreaterOp) else 0
    return np.greater_equal(EVERY_INT8, least).astype(np.int8)


def where(op: WhereOp, b: RegionBuilder) -> SSAValue:
    """`mask · lhs + (1 - mask) · rhs` of the stored integers.

    Operands are requantized to the result's type first: exact for those that have it, else as
    exact as `RegionBuilder.requantize`.
    """
    target, rank = qtype_of(op.output), len(shape_of(op.output))
    require_activations(op.lhs, op.rhs, op.output)
    if qtype_of(op.mask) != MASK:
        raise Unsupported(f"takes masks of {MASK}")
    lhs, rhs = (b.with_rank(b.value_as(v, target), rank) for v in (op.lhs, op.rhs))
    mask = b.with_rank(b.value(op.mask), rank)
    masks = [mask, b.table(mask, np.equal(EVERY_INT8, 0).astype(np.int8))]
    if not is_int8(target):
        masks = [b.scaled(each, 1.0, to=i16) for each in masks]
    assert isinstance(target.storage, IntegerType)
    parts = [
        b.rescale(b.multiply(each, value), 1.0, to=target.storage)
        for each, value in zip(masks, (lhs, rhs), strict=True)
    ]
    wide = [b.rescale(part, 1.0, to=i32) for part in parts]
    return b.rescale(b.arithmetic(tosa.AddOp, *wide), 1.0, to=target.storage)
