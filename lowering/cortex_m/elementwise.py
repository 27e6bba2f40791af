"""Functions of one int8 tensor → quantized_activation (a lookup table)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from xdsl.ir import Operation, SSAValue
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from cmopt.arithmetic.lookup_tables import lookup_of
from cmopt.dialects.cortex_m import QuantizedActivationOp
from cmopt.dialects.quant import QCastOp
from cmopt.dialects.shapes import shape_of
from cmopt.lowering.cortex_m.common import Builder, int8_tensor


def replace_by_lookup(
    op: Operation, source: SSAValue, table: NDArray[np.generic], rewriter: PatternRewriter
) -> None:
    """Replace `op` by a lookup of `source` in a 256-entry table."""
    build = Builder(op, rewriter)
    operands = [build.storage(source), build.constant(table, "lut")]
    build.finish(QuantizedActivationOp(operands, int8_tensor(shape_of(op.results[0])), {}))


class ConvertLookup(RewritePattern):
    """Any function of one int8 tensor → quantized_activation; at most 1 step.

    Exact but for the last float32 bits of the function itself.
    """

    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter) -> None:
        if (found := lookup_of(op)) is not None:
            replace_by_lookup(op, *found, rewriter)


class ConvertRequantize(RewritePattern):
    """`qcast(dcast(x))` between two int8 types → quantized_activation; exact."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: QCastOp, rewriter: PatternRewriter) -> None:
        ConvertLookup().match_and_rewrite(op, rewriter)


PATTERNS: tuple[RewritePattern, ...] = (ConvertLookup(),)
