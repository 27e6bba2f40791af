"""Canonicalization of products with 1, and of sums with 0.

Upstream's decompositions write both: `addmm` multiplies by `alpha` and `beta`, and a batch norm
without weights multiplies by ones and adds zeros.
"""

from __future__ import annotations

import numpy as np
from xdsl.ir import SSAValue
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from cmopt.dialects.constants import float_constant_of
from cmopt.dialects.edge import AddOp, BinaryOp, MulOp, ReshapeOp, SubOp
from cmopt.dialects.quant import quantized_element
from cmopt.dialects.shapes import element_of, numel, shape_of

SMALLEST_SHARE = 2.0**-18
"""A product of up to 65,535 steps with a number that is nearer to 1 rounds to the same steps."""


class DropFactorOne(RewritePattern):
    """`mul(x, 1)` → `x`, under the result's shape. Exact: the rounded product is x itself."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: MulOp, rewriter: PatternRewriter) -> None:
        type = quantized_element(op.output.type)
        bound = SMALLEST_SHARE if type is not None and type.storage.width.data <= 16 else 0
        for value, other in ((op.lhs, op.rhs), (op.rhs, op.lhs)):
            if _is_like_result(op, value) and _is_near(other, 1, bound):
                _replace(op, value, rewriter)
                return


class DropTermZero(RewritePattern):
    """`add(x, 0)`, `sub(x, 0)` → `x`, under the result's shape, for quantized x.

    Not in float, where the sum of -0.0 and 0.0 is 0.0. Not with a clamp.
    """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: AddOp | SubOp, rewriter: PatternRewriter) -> None:
        if quantized_element(op.output.type) is None or op.activation_min or op.activation_max:
            return
        pairs = (
            [(op.lhs, op.rhs)] if isinstance(op, SubOp) else [(op.lhs, op.rhs), (op.rhs, op.lhs)]
        )
        for value, other in pairs:
            if _is_like_result(op, value) and _is_near(other, 0, 0):
                _replace(op, value, rewriter)
                return


def _is_like_result(op: BinaryOp, value: SSAValue) -> bool:
    """Whether an operand has the type and the number of elements of the result."""
    same_element = element_of(value) == element_of(op.output)
    return same_element and numel(shape_of(value)) == numel(shape_of(op.output))


def _is_near(value: SSAValue, number: float, bound: float) -> bool:
    """Whether a value is a constant of elements that differ from a number by `bound` at most."""
    found = float_constant_of(value)
    if found is None or not found.size:
        return False
    return bool(np.abs(found.astype(np.float64) - number).max() <= bound)


def _replace(op: BinaryOp, value: SSAValue, rewriter: PatternRewriter) -> None:
    if shape_of(value) == shape_of(op.output):
        rewriter.replace(op, [], [value])
    else:
        rewriter.replace(op, ReshapeOp([value], op.output.type))


MUL: tuple[RewritePattern, ...] = (DropFactorOne(),)
SUM: tuple[RewritePattern, ...] = (DropTermZero(),)
