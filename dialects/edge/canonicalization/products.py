"""Canonicalization of `edge.mul`: products with 1.

Upstream's decomposition of `addmm` multiplies by `alpha` and `beta` also if they are 1.
"""

from __future__ import annotations

import numpy as np
from xdsl.ir import SSAValue
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from cmopt.dialects.constants import float_constant_of
from cmopt.dialects.edge import MulOp, ReshapeOp
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
            shape, result = shape_of(value), shape_of(op.output)
            if element_of(value) != element_of(op.output) or numel(shape) != numel(result):
                continue
            if not _is_one(other, bound):
                continue
            if shape == result:
                rewriter.replace(op, [], [value])
            else:
                rewriter.replace(op, ReshapeOp([value], op.output.type))
            return


def _is_one(value: SSAValue, bound: float) -> bool:
    """Whether a value is a constant of elements that differ from 1 by `bound` at most."""
    factor = float_constant_of(value)
    if factor is None or not factor.size:
        return False
    return bool(np.abs(factor.astype(np.float64) - 1).max() <= bound)


MUL: tuple[RewritePattern, ...] = (DropFactorOne(),)
