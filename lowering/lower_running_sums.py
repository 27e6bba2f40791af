"""Replace cumulative sums between casts by linear layers."""

from __future__ import annotations

from xdsl.context import Context
from xdsl.dialects.builtin import IntegerAttr, ModuleOp, TensorType, f32
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from cmopt.arithmetic.running_sums import LONGEST_SUM, triangle
from cmopt.dialects.constants import typed_constant
from cmopt.dialects.edge import CallOp, LinearOp
from cmopt.dialects.quant import DCastOp, QCastOp
from cmopt.dialects.shapes import element_of, shape_of
from cmopt.lowering.averages import one_over
from cmopt.lowering.rewrite import apply_patterns
from cmopt.lowering.rules import Builder

CUMSUM = "aten.cumsum.default"


def _is_between_casts(op: CallOp) -> bool:
    readers = [use.operation for use in op.results[0].uses]
    is_quantized = bool(readers) and all(isinstance(reader, QCastOp) for reader in readers)
    return is_quantized and isinstance(op.operands_[0].owner, DCastOp)


class LowerRunningSum(RewritePattern):
    """`aten.cumsum(x, dim)` between casts → `edge.linear` with a triangle of ones, over `dim`.

    The layer gives each result all elements up to its own. Its weights are stored as 1, so that
    they are exact. A float may differ in its last bits, by the order of the sum.
    """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: CallOp, rewriter: PatternRewriter) -> None:
        if op.target.data != CUMSUM or not _is_between_casts(op):
            return
        value, dim = op.operands_[0], op.arguments.data[1]
        rank, element = len(shape_of(value)), element_of(op.results[0])
        if not rank or element != f32 or not isinstance(dim, IntegerAttr):
            return
        axis = dim.value.data % rank
        length = shape_of(value)[axis]
        if not 1 <= length <= LONGEST_SUM:
            return
        order = [d for d in range(rank) if d != axis] + [axis]
        steps = Builder()
        type = TensorType(one_over(1), [length, length])
        ones, weight = typed_constant(triangle(length), type, "ones")
        steps.ops.extend(ones)
        floats = steps.add(DCastOp(weight, TensorType(f32, [length, length])))
        rows = steps.permuted(value, order)
        sums = steps.add(LinearOp.of([rows, floats, []], {}, f32))
        steps.permuted(sums, [order.index(d) for d in range(rank)])
        rewriter.replace(op, steps.ops)


class LowerRunningSumsPass(ModulePass):
    """Replace cumulative sums whose operand and result are quantized by linear layers.

    Only sums of at most `LONGEST_SUM` elements: the layer has the square of this number of weights.
    """

    name = "lower-running-sums"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        apply_patterns(op, LowerRunningSum())
