"""Bring products and softmax on quantized tensors to the form of their kernels."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import BoolAttr, ModuleOp
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from cmopt.dialects.edge import MatmulOp, PermuteOp, SoftmaxOp
from cmopt.dialects.quant import quantized_element
from cmopt.dialects.shapes import element_of, int_of, inverse, shape_of
from cmopt.lowering.kernel_form import rhs_order, softmax_order
from cmopt.lowering.rewrite import apply_patterns


class TransposeRhs(RewritePattern):
    """`matmul(a, b)` → `matmul(a, permute(b)) {transposed_rhs}`."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: MatmulOp, rewriter: PatternRewriter) -> None:
        if int_of(op.transposed_rhs) or quantized_element(op.output.type) is None:
            return
        rhs = PermuteOp.of(op.rhs, rhs_order(op))
        flag = BoolAttr.from_bool(True)
        rewriter.replace(op, [rhs, op.with_operands([op.lhs, rhs.output], transposed_rhs=flag)])


class SoftmaxOverLast(RewritePattern):
    """A softmax over another dimension than the last → permute, softmax, permute back."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: SoftmaxOp, rewriter: PatternRewriter) -> None:
        rank, dim = len(shape_of(op.input)), int_of(op.dim)
        if dim == rank - 1 or quantized_element(op.output.type) is None:
            return
        perm = softmax_order(op)
        before = PermuteOp.of(op.input, perm)
        softmax = SoftmaxOp.of(before.output, rank - 1, element_of(op.output))
        rewriter.replace(op, [before, softmax, PermuteOp.of(softmax.output, inverse(perm))])


@dataclass(frozen=True)
class ExposeTransposesPass(ModulePass):
    """Write quantized matmuls with a transposed rhs and softmax over the last dimension.

    The choice of layouts can cancel the permutes that this adds. Float ops keep PyTorch's form,
    because they become portable kernels.
    """

    name = "expose-transposes"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        apply_patterns(op, TransposeRhs(), SoftmaxOverLast())
